"""Reading the Cornell Grasping Dataset (Jiang et al., ICRA 2011; Lenz et al., IJRR 2015): photographed things, one an
image, labelled by hand with rectangles."""
