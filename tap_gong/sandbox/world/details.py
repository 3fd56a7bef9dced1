"""All that is known of a call beyond its basic data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_gong.sandbox.world.content import make_content
from tap_gong.sandbox.world.crm import call_context
from tap_gong.sandbox.world.interaction import make_interaction
from tap_gong.sandbox.world.parties import make_parties
from tap_gong.sandbox.world.sharing import make_access, make_collaboration, make_media
from tap_gong.sandbox.world.transcripts import make_transcript

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tap_gong.sandbox.world.call import Call
    from tap_gong.sandbox.world.people import Record


def make_details(call: Call, blocks: Iterable[str]) -> Record:
    """Make up blocks of a call.

    Args:
        call: The call.
        blocks: Names of what is wanted.

    Returns:
        The blocks by name, without those that the call does not have.
    """
    parties = make_parties(call)
    makers: dict[str, Callable[[], object]] = {
        "parties": lambda: parties,
        "context": lambda: call_context(call),
        "content": lambda: make_content(call, parties or ()),
        "interaction": lambda: make_interaction(call, parties or ()),
        "collaboration": lambda: make_collaboration(call),
        "media": lambda: make_media(call),
        "transcript": lambda: make_transcript(call, parties or ()),
        "access": lambda: make_access(call),
    }
    made = {block: makers[block]() for block in blocks}
    return {block: value for block, value in made.items() if value is not None}
