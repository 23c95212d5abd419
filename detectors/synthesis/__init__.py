"""The data engine: synthetic things, their scenes, images and grasps with labels."""
