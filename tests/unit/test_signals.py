"""What a signal does to the process: before a run, in it, and when there are many."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, NoReturn

import pytest

from tap_gong import signals

if TYPE_CHECKING:
    from collections.abc import Iterator

BOTH = (signal.SIGINT, signal.SIGTERM)


class EndedError(Exception):
    """Stands for the end of the process."""


@pytest.fixture(autouse=True)
def _process(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """End no process, and leave the handlers as they were."""

    def end(status: int) -> NoReturn:
        raise EndedError(status)

    monkeypatch.setattr(os, "_exit", end)
    monkeypatch.setattr(signals, "received", [])
    handlers = {number: signal.getsignal(number) for number in BOTH}
    yield
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("signum", BOTH)
def test_before_a_run_the_first_ends_the_process(signum: int) -> None:
    signals.received.append(signal.SIGTERM)
    signals.begin()
    assert signals.received == []
    with pytest.raises(EndedError, match=str(128 + signum)):
        signal.raise_signal(signum)


@pytest.mark.parametrize("first", BOTH)
@pytest.mark.parametrize("second", BOTH)
def test_in_a_run_the_third_ends_the_process(first: int, second: int) -> None:
    signals.take(first, None)
    signals.take(second, None)
    assert signals.received == [first, second]
    with pytest.raises(EndedError, match=str(128 + first)):
        signals.take(signal.SIGTERM, None)
