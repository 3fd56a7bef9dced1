"""SIGINT and SIGTERM: what they do to the process, and when.

Before a run begins there is nothing to keep: the first signal ends the process. Later
the first one asks the run to stop where its state is true. The second changes nothing:
Meltano sends SIGINT and then SIGTERM for one Ctrl-C. The third ends the process.

This is the first module that the command imports, so it imports little itself: until
its handlers are there, Ctrl-C gives Python's traceback.
"""

import os
import signal

MOST = 3
"""After this many signals the process ends, whatever it is doing."""

received: list[int] = []
"""The numbers of the signals that the run has received."""


def begin() -> None:
    """Let a signal end the process, until a tap takes the signals over."""
    received.clear()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)


def end(signum: int, _frame: object) -> None:
    """Handle a signal that comes before a run: end the process at once."""
    os._exit(128 + signum)


def take(signum: int, _frame: object) -> None:
    """Handle a signal that comes during a run: keep it, or end if there are many."""
    received.append(signum)
    if len(received) >= MOST:
        os._exit(128 + received[0])
