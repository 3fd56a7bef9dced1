"""Opaque cursors that need no memory on the server's side."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tap_gong.sandbox.answers import Refusal, error

if TYPE_CHECKING:
    from collections.abc import Mapping

_KEY = b"the sandbox signs its cursors so that made-up ones are refused"


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a sequence of pages.

    Attributes:
        offset: How many records come before it.
        expires: When cursors of this sequence expire, in seconds of the monotonic
            clock.
    """

    offset: int
    expires: float


def write_cursor(inputs: Mapping[str, object], place: Place) -> str:
    """Write the cursor of a place.

    Args:
        inputs: The inputs of the request, of which the cursor is a part.
        place: Where the next page starts.

    Returns:
        The cursor.
    """
    payload = json.dumps([inputs, place.offset, place.expires]).encode()
    return base64.urlsafe_b64encode(_signature(payload) + payload).decode()


def read_cursor(cursor: str, inputs: Mapping[str, object]) -> Place:
    """Read a cursor back.

    Args:
        cursor: What a client sent.
        inputs: The inputs that it came with; they must be those it was written for.

    Returns:
        Where the page starts.

    Raises:
        Refusal: The cursor is no cursor, is another request's, or has expired.
    """
    try:
        signed = base64.urlsafe_b64decode(cursor)
    except ValueError:
        signed = b""
    signature, payload = signed[:32], signed[32:]
    if not hmac.compare_digest(signature, _signature(payload)):
        raise Refusal(error(400, "failed to verify cursor"))
    written_for, offset, expires = json.loads(payload)
    if written_for != inputs:
        raise Refusal(error(400, "failed to verify cursor"))
    if time.monotonic() >= expires:
        raise Refusal(error(400, "cursor has expired"))
    return Place(offset, expires)


def _signature(payload: bytes) -> bytes:
    return hmac.digest(_KEY, payload, hashlib.sha256)
