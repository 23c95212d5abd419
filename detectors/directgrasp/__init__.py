"""DirectGrasp: one grasp regressed from the whole view (Redmon and Angelova, ICRA 2015); a baseline of GQ-STN's."""
