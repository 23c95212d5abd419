"""GQ-STN: one look at a depth image, one robust grasp (Gariépy et al., IROS 2019)."""
