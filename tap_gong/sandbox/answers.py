"""What the sandbox answers, before it goes on the wire."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer.

    Attributes:
        status: The HTTP status.
        body: A mapping is sent as JSON and gets a `requestId`; a string is sent as
            it is, as HTML unless the headers say otherwise.
        headers: Headers beyond `Content-Type` and `x-traceid`, or in their place.
    """

    status: int
    body: Mapping[str, object] | str
    headers: Mapping[str, str] = field(default_factory=dict)


class Refusal(Exception):  # noqa: N818 - a refusal is an answer, not a fault of ours
    """Raised where it is decided that a request gets something else than records."""

    def __init__(self, answer: Answer) -> None:
        """Refuse with an answer.

        Args:
            answer: What the client gets.
        """
        super().__init__(f"{answer.status}: {answer.body}")
        self.answer = answer


def error(status: int, message: str, retry_after: int | None = None) -> Answer:
    """Make an answer in Gong's error envelope.

    Args:
        status: The HTTP status.
        message: The only entry of `errors`.
        retry_after: Seconds for the header `Retry-After`, if it is to be there.

    Returns:
        The answer.
    """
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return Answer(status, {"errors": [message]}, headers)


def page(title: str) -> str:
    """Make the HTML page of a proxy that stands before the API.

    Args:
        title: Title and text of the page.

    Returns:
        The page.
    """
    return (
        f"<!DOCTYPE html>\n<html><head><title>{title}</title></head>"
        f"<body><h1>{title}</h1></body></html>\n"
    )
