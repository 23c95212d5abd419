"""The Jacquard+ benchmark: held-out things, a tilted camera, variable decor, and one simulated grasp trial a scene."""
