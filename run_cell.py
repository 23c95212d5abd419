#!/usr/bin/env python3
"""The front door of the grasping cell: parse the command line, hand over to the package that does the work."""

from __future__ import annotations

import sys

if __name__ == "__main__":
    try:
        from cell.command_line import leave, main
    except KeyboardInterrupt:
        sys.exit(1)
    leave(main(sys.argv[1:]))
