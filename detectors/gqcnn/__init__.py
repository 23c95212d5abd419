"""Grasps sampled from depth and ranked by a network that predicts whether they will hold (GQ-CNN)."""
