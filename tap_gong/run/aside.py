"""Work that goes on beside the thread that asks for it."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from contextvars import copy_context
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


def aside(work: Callable[[], T]) -> Future[T]:
    """Run a function in a thread of its own, in the caller's context.

    A run that stops does not wait for the thread.

    Args:
        work: The function.

    Returns:
        Gives what the function returns, or raises what it raises.
    """
    future: Future[T] = Future()
    context = copy_context()

    def run() -> None:
        try:
            future.set_result(context.run(work))
        except BaseException as error:  # noqa: BLE001 - the caller raises it
            future.set_exception(error)

    threading.Thread(target=run, name="aside (_work)", daemon=True).start()
    return future
