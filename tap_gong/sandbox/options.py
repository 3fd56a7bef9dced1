"""The sandbox's options."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, TypeVar

from tap_gong.sandbox.faults import KINDS
from tap_gong.sandbox.routes.scopes import SCOPES

if TYPE_CHECKING:
    import ssl

T = TypeVar("T")

_YESTERDAY = "yesterday"

ACCESS_KEY = "SANDBOX-KEY"
ACCESS_KEY_SECRET = "sandbox-secret"  # noqa: S105 - made up


def _flag(default: T, description: str) -> T:
    """Declare an option that is a flag of the command, too."""
    flag: T = field(default=default, metadata={"help": description})
    return flag


@dataclass(frozen=True, kw_only=True)
class Options:
    """How a sandbox behaves.

    The description of each option that the command has a flag for is in its metadata.

    Attributes:
        record_requests: Keep a record of each request in `Sandbox.requests`.
        tls: Serve HTTPS with this context.
    """

    port: int = _flag(0, "port on 127.0.0.1, 0 for any free one")
    seed: int = _flag(1, "seed of the company, the faults and the jitter")
    calls: int = _flag(1_200, "number of calls in the company")
    users: int = _flag(25, "number of users in the company")
    sentences: int = _flag(
        12, "about how many sentences a call has, 0 for no transcripts"
    )
    last_day: str = _flag(
        _YESTERDAY, "last day with calls in UTC, as 2026-10-31, or yesterday"
    )
    page_size: int = _flag(100, "records a page")
    shuffle: bool = _flag(True, "mix the order of records inside a page")  # noqa: FBT003
    cursor_lifetime: float = _flag(
        3600.0, "seconds from the first page of a sequence until its cursors expire"
    )
    requests_per_second: int = _flag(3, "limit in any sliding second, 0 for none")
    requests_per_day: int = _flag(10_000, "quota of requests, 0 for none")
    quota_retry_after: int = _flag(
        3600, "seconds until a quota that is used up is there again"
    )
    scopes: tuple[str, ...] = _flag(SCOPES, "scopes of the access key")
    latency: float = _flag(0.0, "seconds before each answer")
    latency_jitter: float = _flag(
        0.0, "how much the latency varies, as a fraction of it, either way"
    )
    fault_rate: float = _flag(0.0, "share of requests that get a fault, 0 to 1")
    faults: tuple[str, ...] = _flag(KINDS, "the faults to choose from")
    slow_seconds: float = _flag(120.0, "how long the fault `slow` stalls")
    drip_seconds: float = _flag(0.01, "pause between two bytes of the fault `drip`")
    record_requests: bool = True
    tls: ssl.SSLContext | None = None

    def __post_init__(self) -> None:
        """Refuse what makes no sense.

        Raises:
            ValueError: An option is out of its range; the message names it.
        """
        for name in ("fault_rate", "latency_jitter"):
            if not 0 <= getattr(self, name) <= 1:
                message = f"{name} must be from 0 to 1"
                raise ValueError(message)
        for name, known in (("faults", KINDS), ("scopes", SCOPES)):
            if unknown := set(getattr(self, name)).difference(known):
                message = f"{name} must be of {', '.join(known)}; not {sorted(unknown)}"
                raise ValueError(message)
        for name, least in (("page_size", 1), ("users", 1), ("sentences", 0)):
            if getattr(self, name) < least:
                message = f"{name} must be at least {least}"
                raise ValueError(message)
        parse_day(self.last_day)
        if self.fault_rate and not self.faults:
            message = "fault_rate needs at least one of faults"
            raise ValueError(message)


def parse_day(text: str) -> date | None:
    """Read the option `last_day`.

    Args:
        text: Its value.

    Returns:
        The day; None is yesterday.

    Raises:
        ValueError: It is neither a date nor `yesterday`.
    """
    if text == _YESTERDAY:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        message = f"last_day must be a date as 2026-10-31, or {_YESTERDAY}; not {text}"
        raise ValueError(message) from None
