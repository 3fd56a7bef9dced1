"""The errors of the tap. The text of each is one sentence that a person reads.

    SettingsError            a setting, state or catalog that the tap cannot run with
    StreamFailedError        ends the stream that it comes from; the other streams go on
        MissingScopeError    the API key lacks a scope
        CursorExpiredError   the cursor of a list is no longer valid
    RunFailedError           ends the run: every other request would fail, too
        LongWaitError        Gong asks for a long wait
    GivenUpError             the run is over, and some streams were given up
    TryAgainError            an answer that is worth another try
        TooLargeError        an answer that is larger than any of Gong's
    OutputError              the messages cannot be written to stdout
    ShapeError               a value is not what the schema says
    InterruptedRunError      a signal asked the run to stop

Those that a user can cause are also errors of the SDK. Any other exception is a bug.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from singer_sdk.exceptions import (
    ConfigurationError,
    FatalAPIError,
    RetriableAPIError,
    SingerSDKError,
)

if TYPE_CHECKING:
    from collections.abc import Iterable


class SettingsError(ConfigurationError):
    """A setting, a state or a catalog that the tap cannot run with."""


class StreamFailedError(FatalAPIError):
    """Gong gives no usable answer to one stream."""


class MissingScopeError(StreamFailedError):
    """The API key lacks a scope."""

    def __init__(self, sentence: str, scope: str) -> None:
        """Keep the sentence, and the scope by Gong's name."""
        super().__init__(sentence)
        self.scope = scope


class CursorExpiredError(StreamFailedError):
    """Gong no longer accepts the cursor of a list that is being read."""


class RunFailedError(FatalAPIError):
    """Gong refuses the key, or it is not Gong that answers: all requests would fail."""


class LongWaitError(RunFailedError):
    """Gong asks for a longer wait than `max_wait_seconds`."""

    def __init__(self, why: str, wait_seconds: float | None = None) -> None:
        """Keep the reason, a sentence, and the wait if Gong asked for one."""
        super().__init__(why)
        self.wait_seconds = wait_seconds


class GivenUpError(FatalAPIError):
    """Some streams were given up; the others are whole."""

    def __init__(self, sentences: Iterable[str]) -> None:
        """Keep the sentences that say which streams, and why."""
        self.sentences = list(sentences)
        super().__init__(" ".join(self.sentences))


class TryAgainError(RetriableAPIError):
    """There is no answer, or none that makes sense."""


class TooLargeError(TryAgainError):
    """An answer is larger than any of Gong's."""


class OutputError(SingerSDKError):
    """The messages cannot be written to stdout."""


class ShapeError(ValueError):
    """A value is not what the schema says; the text names the field, not the value."""


class InterruptedRunError(Exception):
    """The run was asked to stop by a signal."""

    def __init__(self, signum: int) -> None:
        """Keep the number of the signal."""
        super().__init__(signum)
        self.signum = signum
