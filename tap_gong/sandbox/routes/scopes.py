"""What a key may do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_gong.sandbox.answers import Refusal, error

if TYPE_CHECKING:
    from collections.abc import Collection

BASIC = "api:calls:read:basic"
EXTENSIVE = "api:calls:read:extensive"
MEDIA = "api:calls:read:media-url"
TRANSCRIPT = "api:calls:read:transcript"
USER_ACCESS = "api:call-user-access:read"
USERS = "api:users:read"
WORKSPACES = "api:workspaces:read"

SCOPES = (BASIC, EXTENSIVE, MEDIA, TRANSCRIPT, USER_ACCESS, USERS, WORKSPACES)


def need_scope(scope: str, granted: Collection[str]) -> None:
    """Refuse a request for which the key lacks a scope.

    Args:
        scope: The scope that the request needs.
        granted: The scopes of the key.

    Raises:
        Refusal: The key does not have it.
    """
    if scope not in granted:
        message = f"You don't have permission to use '{scope}' in your app."
        raise Refusal(error(401, message))
