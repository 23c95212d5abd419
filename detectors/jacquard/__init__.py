"""Reading the Jacquard data set (Depierre et al., IROS 2018): rendered things on a table, labelled with rectangles."""
