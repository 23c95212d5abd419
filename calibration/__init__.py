"""Where the camera is: measured with a board, accepted by a gate, and checked before every run."""
