"""What every command of the project has in common: one line for each error, and an exit code."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable

from robot.errors import CellError, SettingsError

ENDED_EARLY = 1
"""Exit code of what can be gone on with."""


class Parser(argparse.ArgumentParser):
    """Reports bad usage the way every other error is reported: one line that says what to do."""

    def error(self, message: str) -> None:  # type: ignore[override]
        raise SettingsError(message, f"see {self.prog} --help")


def reported(run: Callable[[], int], interrupted: str = "interrupted") -> int:
    """Run a command; every foreseeable error becomes one line on stderr and an exit code.

    Args:
        run: the command; returns its exit code.
        interrupted: what Ctrl-C is answered with.
    """
    try:
        return run()
    except CellError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print(interrupted, file=sys.stderr)
        return ENDED_EARLY
    except BrokenPipeError:  # the reader of our output has gone, e.g. `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ENDED_EARLY
