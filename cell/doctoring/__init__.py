"""The checks of ``run_cell.py doctor``: each looks at one part of the cell and changes nothing."""
