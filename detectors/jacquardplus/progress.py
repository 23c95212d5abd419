"""One line of progress: rewritten on a terminal, now and then a new one elsewhere."""

from __future__ import annotations

import sys
import time

_EVERY_S = 15.0


class ProgressLine:
    """Says on stderr how many of what are done, and how long the others will take."""

    def __init__(self, of_what: str) -> None:
        self._of_what = of_what
        self._terminal = sys.stderr.isatty()
        self._began_s, self._at_begin = time.monotonic(), -1
        self._shown_s = -_EVERY_S

    def show(self, done: int, total: int) -> None:
        """So many are done now; the first call says how many were done before."""
        now = time.monotonic() - self._began_s
        if self._at_begin < 0:
            self._at_begin = done
        if not self._terminal and now - self._shown_s < _EVERY_S and done < total:
            return
        self._shown_s = now
        made = done - self._at_begin
        left = f"{now / made * (total - done) / 60:.1f} min" if made else "?" if done < total else "0 min"
        text = f"{done} of {total} {self._of_what}, {left} left"
        print(f"\r\033[K{text}" if self._terminal else text, end="" if self._terminal else "\n", file=sys.stderr,
              flush=True)  # fmt: skip

    def end(self) -> None:
        """Leave the line."""
        if self._terminal:
            print(file=sys.stderr)
