"""Oriented anchors with a scorer (Depierre et al., ICRA 2021): grasps from colour alone."""
