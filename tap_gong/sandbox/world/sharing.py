"""What people do with a call: comment it, play it, give each other access."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from tap_gong.sandbox.world.words import REMARKS

if TYPE_CHECKING:
    from tap_gong.sandbox.world.call import Call
    from tap_gong.sandbox.world.people import Record


def make_collaboration(call: Call) -> Record | None:
    """Make up the comments on a call.

    Args:
        call: The call.

    Returns:
        The comments; None where nobody wrote one.
    """
    dice = call.dice("comments")
    if not dice.chance(30):
        return None
    posted = datetime.fromisoformat(str(call.record["started"]))
    comments: list[Record] = []
    for _ in range(1 + dice.roll(4)):
        start = dice.seconds(call.duration)
        posted += timedelta(seconds=60 + dice.roll(90_000))
        comment: Record = {
            "id": dice.identifier(),
            "audioStartTime": start,
            "audioEndTime": start + dice.roll(30),
            "commenterUserId": dice.pick(call.users)["id"],
            "comment": dice.pick(REMARKS),
            "posted": posted.isoformat(timespec="seconds"),
            "duringCall": dice.chance(20),
        }
        if comments and dice.chance(50):
            comment["inReplyTo"] = comments[0]["id"]
        comments.append(comment)
    return {"publicComments": comments}


def make_media(call: Call) -> Record | None:
    """Make up the links to the recording of a call.

    Args:
        call: The call.

    Returns:
        The links; None where there is no recording.
    """
    dice = call.dice("media")
    if dice.chance(5):
        return None
    folder = f"https://media.example/{call.id}"
    query = f"?Expires=28800&Signature={dice.identifier()}%2F"
    media: Record = {"audioUrl": f"{folder}/audio.mp3{query}"}
    if call.record["media"] == "Video":
        media["videoUrl"] = f"{folder}/video.mp4{query}"
    return media


def make_access(call: Call) -> list[Record]:
    """Make up who has individual access to a call.

    Args:
        call: The call.

    Returns:
        The users, often none.
    """
    dice = call.dice("access")
    users = list(call.users)
    count = dice.roll(min(4, len(users))) if dice.chance(50) else 0
    return [{"userId": users.pop(dice.roll(len(users)))["id"]} for _ in range(count)]
