"""The shape families of the synthetic things; see ``detectors.synthesis.things``."""
