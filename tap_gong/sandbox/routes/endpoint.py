"""What an endpoint is, what it answers from, and what it is sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Collection, Mapping, Sequence

    from tap_gong.sandbox.world import World


@dataclass(frozen=True, slots=True)
class Data:
    """What the endpoints answer from, and how.

    Attributes:
        world: The company.
        hidden: IDs of calls that no list by date shows yet.
        scopes: Scopes of the key.
        page_size: Records a page.
        shuffle: Mix the order of records inside a page.
        cursor_lifetime: Seconds from the first page until the cursors expire.
    """

    world: World
    hidden: Collection[str]
    scopes: Collection[str]
    page_size: int
    shuffle: bool
    cursor_lifetime: float

    def visible(self, ids: Sequence[str]) -> Sequence[str]:
        """Leave out the calls that no list by date shows yet.

        Args:
            ids: Call IDs.

        Returns:
            Those that are shown.
        """
        if not self.hidden:
            return ids
        return [call_id for call_id in ids if call_id not in self.hidden]


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a client sent.

    Attributes:
        call_id: The call in the path; empty where the path has none.
        query: Query parameters by name.
        body: The body, parsed from JSON; None where there is none.
    """

    call_id: str
    query: Mapping[str, str]
    body: object


@dataclass(frozen=True, slots=True)
class Route:
    """One endpoint.

    Attributes:
        method: Its HTTP method.
        path: Its path; the group `call_id`, if any, goes to `Inputs`.
        scope: The scope that a key needs for it.
        answer: Makes the body of the answer, without its `requestId`.
    """

    method: str
    path: re.Pattern[str]
    scope: str
    answer: Callable[[Data, Inputs], dict[str, object]]
