"""How good detectors are: classification, the physical lift of the top grasp, and what stands beside them."""
