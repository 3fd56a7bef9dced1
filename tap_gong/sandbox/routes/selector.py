"""What a client selects of the details of a call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from tap_gong.sandbox.routes.checks import Checked

_CONTENT = (
    "structure",
    "topics",
    "trackers",
    "trackerOccurrences",
    "pointsOfInterest",
    "brief",
    "outline",
    "highlights",
    "callOutcome",
    "keyPoints",
)
_INTERACTION = {
    "speakers": "speakers",
    "video": "video",
    "personInteractionStats": "interactionStats",
    "questions": "questions",
}
"""What is selected, and what it is called in the answer."""

_EXPOSED = ("parties", "content", "interaction", "collaboration", "media")
_HEARD = ("occurrences", "phrases")

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Selector:
    """What a client selects.

    Attributes:
        context: How much of the CRM systems: `None`, `Basic` or `Extended`.
        timings: At which times the objects of the CRM systems are shown.
        parties: Whether to show the parties.
        content: Fields of `content` to show.
        occurrences: Whether to show when a tracker was heard.
        interaction: Fields of `interaction` to show.
        comments: Whether to show the comments.
        media: Whether to show the links to the recording.
    """

    context: str
    timings: Collection[str]
    parties: bool
    content: Collection[str]
    occurrences: bool
    interaction: Collection[str]
    comments: bool
    media: bool

    @property
    def blocks(self) -> list[str]:
        """Names of the blocks of which something is selected."""
        wanted = {
            "context": self.context != "None",
            "parties": self.parties,
            "content": self.content,
            "interaction": self.interaction,
            "collaboration": self.comments,
            "media": self.media,
        }
        return [block for block, selected in wanted.items() if selected]

    def select(self, details: Mapping[str, Any]) -> Json:
        """Reduce the details of a call to what is selected.

        Args:
            details: Selected blocks with all that is in them.

        Returns:
            The blocks as they are shown. Empty ones are left out.
        """
        shown = dict(details)
        if "context" in shown:
            shown["context"] = self._context(shown["context"])
        if "parties" in shown:
            shown["parties"] = [self._party(party) for party in shown["parties"]]
        for block, fields in (
            ("content", self.content),
            ("interaction", self.interaction),
        ):
            if block in shown:
                shown[block] = _only(shown[block], fields)
                if not shown[block]:
                    del shown[block]
        if not self.occurrences and "trackers" in shown.get("content", ()):
            shown["content"]["trackers"] = [
                {name: value for name, value in tracker.items() if name not in _HEARD}
                for tracker in shown["content"]["trackers"]
            ]
        return shown

    def _party(self, party: Json) -> Json:
        shown = dict(party)
        context = shown.pop("context", None)
        if context is not None and self.context != "None":
            shown["context"] = self._context(context)
        return shown

    def _context(self, systems: Iterable[Json]) -> list[Json]:
        return [
            {
                **system,
                "objects": [
                    self._object(linked)
                    for linked in system["objects"]
                    if linked.get("timing") in (None, *self.timings)
                ],
            }
            for system in systems
        ]

    def _object(self, linked: Json) -> Json:
        if self.context == "Extended":
            return linked
        return _only(linked, ("objectType", "objectId"))


def read_selector(body: Checked) -> Selector:
    """Read and check the `contentSelector` of a body.

    Args:
        body: The body.

    Returns:
        What is selected.
    """
    known = ("context", "contextTiming", "exposedFields")
    selector = body.nested("contentSelector", known)
    context = selector.choice("context", ("None", "Basic", "Extended")) or "None"
    timings = selector.choices("contextTiming", ("Now", "TimeOfCall"))
    if timings is not None and context != "Extended":
        selector.complain("contextTiming", "needs the context Extended")
    exposed = selector.nested("exposedFields", _EXPOSED)
    content = exposed.nested("content", _CONTENT)
    occurrences = content.flag("trackerOccurrences")
    if occurrences and not content.flag("trackers"):
        content.complain("trackerOccurrences", "needs trackers")
    interaction = exposed.nested("interaction", tuple(_INTERACTION))
    collaboration = exposed.nested("collaboration", ("publicComments",))
    return Selector(
        context,
        timings or ("Now",),
        exposed.flag("parties"),
        [name for name in _CONTENT if content.flag(name)],
        occurrences,
        [shown for name, shown in _INTERACTION.items() if interaction.flag(name)],
        collaboration.flag("publicComments"),
        exposed.flag("media"),
    )


def _only(record: Json, fields: Collection[str]) -> Json:
    return {name: value for name, value in record.items() if name in fields}
