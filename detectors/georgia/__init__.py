"""Reading Georgia Tech's multi-object grasp data set (Chu, Xu and Vela, RA-L 2018): several things in one image."""
