"""Grasp maps from a fully convolutional network at 400 x 400, and GG-CNN as its baseline."""
