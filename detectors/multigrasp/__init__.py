"""MultiGrasp: a grasp and its probability for every cell of a grid (Redmon and Angelova, ICRA 2015); a baseline."""
