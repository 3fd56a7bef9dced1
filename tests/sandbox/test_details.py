"""The made-up details of calls: their gaps, and how they fit together."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from tap_gong.sandbox import World

BLOCKS = (
    *("parties", "context", "content", "interaction", "collaboration", "media"),
    *("transcript", "access"),
)
Details = dict[str, dict[str, Any]]
LAST_DAY = date(2026, 10, 31)


def details(world: World) -> Details:
    """All details of all calls, by call ID."""
    return {call_id: world.details(call_id, *BLOCKS) for call_id in world.ids}


@pytest.fixture(scope="module")
def world() -> World:
    """The company."""
    return World(last_day=LAST_DAY)


@pytest.fixture(scope="module")
def known(world: World) -> Details:
    """What is known of its calls."""
    return details(world)


def every(known: Details, block: str) -> list[Any]:
    """A block of every call that has it, one after the other."""
    return [part for call in known.values() for part in call.get(block, ())]


def test_same_seed_same_details(known: Details) -> None:
    assert details(World(seed=1, last_day=LAST_DAY)) == known
    other = World(seed=2, calls=5)
    assert other.details(other.ids[0], *BLOCKS) not in known.values()


def test_only_dates_depend_on_the_day(world: World, known: Details) -> None:
    earlier = World(last_day=date(2020, 2, 29))
    assert earlier.ids == world.ids
    for call_id in world.ids[:200]:
        assert timeless(earlier.call(call_id)) == timeless(world.call(call_id))
        assert timeless(earlier.details(call_id, *BLOCKS)) == timeless(known[call_id])
    assert timeless(earlier.users) == timeless(world.users)
    assert earlier.users != world.users


def timeless(value: Any) -> Any:  # noqa: ANN401 - any part of an answer
    """A part of an answer without its dates."""
    if isinstance(value, list):
        return [timeless(item) for item in value]
    if isinstance(value, dict):
        dates = ("started", "scheduled", "created", "posted")
        return {k: timeless(v) for k, v in value.items() if k not in dates}
    return value


def test_every_block_is_missing_somewhere(known: Details) -> None:
    for block in set(BLOCKS) - {"access"}:
        having = sum(block in call for call in known.values())
        assert 100 < having < len(known), block


def test_parties_have_gaps(known: Details) -> None:
    counts = {len(call["parties"]) for call in known.values() if "parties" in call}
    assert counts == {*range(2, 9)}
    parties = every(known, "parties")
    assert {"id", "affiliation", "methods", "speakerId", "context"} == set.intersection(
        *map(set, parties)
    )
    assert not any(value is None for party in parties for value in optional(party))
    assert any(party["speakerId"] is None for party in parties)
    assert any(party["context"] == [] for party in parties)
    colleagues = [party for party in parties if party["affiliation"] == "Internal"]
    assert all("userId" in party for party in colleagues)
    assert any("name" not in party for party in colleagues)
    for party in parties:
        assert ("userId" in party) == (party["affiliation"] == "Internal")
        assert "emailAddress" in party or party["affiliation"] == "Unknown"


def optional(party: dict[str, Any]) -> list[Any]:
    """The values of a party that are never null."""
    return [value for name, value in party.items() if name != "speakerId"]


def test_somebody_is_two_parties(known: Details) -> None:
    twice = 0
    for call in known.values():
        addresses = [party.get("emailAddress") for party in call.get("parties", ())]
        named = [address for address in addresses if address]
        twice += len(named) - len(set(named))
    assert twice > 50


def test_keys_are_unique(known: Details) -> None:
    for call in known.values():
        content, interaction = call.get("content", {}), call.get("interaction", {})
        assert_unique(call.get("parties", ()), "id")
        assert_unique(content.get("trackers", ()), "id")
        assert_unique(content.get("topics", ()), "name")
        assert_unique(interaction.get("speakers", ()), "id")
        assert_unique(interaction.get("interactionStats", ()), "name")
        assert_unique(call["access"], "userId")
        objects = [linked for it in call.get("context", ()) for linked in it["objects"]]
        assert_unique(objects, "objectType", "objectId", "timing")


def assert_unique(rows: list[dict[str, Any]], *key: str) -> None:
    """No two rows have the same key."""
    keys = [tuple(row.get(name) for name in key) for row in rows]
    assert len(set(keys)) == len(keys)


def test_only_colleagues_are_speakers(known: Details) -> None:
    talk_times = set()
    for call in known.values():
        colleagues = {
            party["id"]: party["userId"]
            for party in call.get("parties", ())
            if party["affiliation"] == "Internal"
        }
        for speaker in call.get("interaction", {}).get("speakers", ()):
            assert colleagues[speaker["id"]] == speaker["userId"]
            talk_times.add(speaker["talkTime"])
    assert 0.0 in talk_times
    assert len(talk_times) > 100


def test_speakers_are_among_the_parties(known: Details) -> None:
    for call in known.values():
        there = {party["speakerId"] for party in call.get("parties", ())} - {None}
        heard = {turn["speakerId"] for turn in call.get("transcript", ())}
        trackers = call.get("content", {}).get("trackers", ())
        heard |= {it["speakerId"] for row in trackers for it in row["occurrences"]}
        assert heard <= (there or {None})


def test_crm_objects(known: Details) -> None:
    systems = every(known, "context")
    assert {system["system"] for system in systems} == {"Salesforce", "HubSpot"}
    objects = [linked for system in systems for linked in system["objects"]]
    timings = {(it["objectType"], it.get("timing")) for it in objects}
    assert timings == {
        ("Account", None),
        ("Opportunity", "Now"),
        ("Opportunity", "TimeOfCall"),
    }
    values = [field["value"] for it in objects for field in it["fields"]]
    assert {type(value) for value in values} == {str, float, bool, list, type(None)}
    now = {it["objectId"]: it for it in objects if it.get("timing") == "Now"}
    assert all(now[it["objectId"]] == it for it in objects if it.get("timing") == "Now")
    people = [
        linked
        for party in every(known, "parties")
        for system in party["context"]
        for linked in system["objects"]
    ]
    assert {it["objectType"] for it in people} == {"User", "Contact", "Lead"}
    assert all(("fields" in it) == (it["objectType"] != "User") for it in people)


def test_trackers_and_topics(known: Details) -> None:
    contents = [call["content"] for call in known.values() if "content" in call]
    assert len({tuple(it["name"] for it in row["topics"]) for row in contents}) == 1
    trackers = [tracker for row in contents for tracker in row["trackers"]]
    assert any(tracker["count"] == 0 for tracker in trackers)
    for tracker in trackers:
        assert len(tracker["occurrences"]) == tracker["count"]
        assert ("phrases" in tracker) == (tracker["type"] == "KEYWORD")
        if tracker["type"] == "KEYWORD":
            heard = sum(phrase["count"] for phrase in tracker["phrases"])
            assert heard == tracker["count"]


def test_comments_answer_one_another(known: Details) -> None:
    replies = 0
    for call in known.values():
        comments = call.get("collaboration", {}).get("publicComments", ())
        ids = [comment["id"] for comment in comments]
        for comment in comments:
            assert comment.get("inReplyTo", ids[0]) == ids[0]
            replies += "inReplyTo" in comment
    assert replies > 20


def test_sentences_are_in_order(known: Details) -> None:
    lengths = []
    for call in known.values():
        turns = call.get("transcript", ())
        sentences = [sentence for turn in turns for sentence in turn["sentences"]]
        moments = [it[name] for it in sentences for name in ("start", "end")]
        assert moments == sorted(moments)
        lengths.append(len(sentences))
    assert {min(lengths), max(lengths)} == {0, 18}
    topics = {turn["topic"] for turn in every(known, "transcript")}
    assert None in topics
    assert len(topics) > 1


def test_sentences_are_as_many_as_asked_for() -> None:
    world = World(calls=20, sentences=400)
    spoken = [
        turns for call in details(world).values() if (turns := call.get("transcript"))
    ]
    counts = [sum(len(turn["sentences"]) for turn in turns) for turns in spoken]
    assert 200 <= min(counts) <= max(counts) <= 600
    silent = World(calls=20, sentences=0)
    assert not any(silent.details(call_id, "transcript") for call_id in silent.ids)
    assert not any(map(silent.has_transcript, silent.ids))


def test_the_host_is_the_first_party(world: World, known: Details) -> None:
    for call_id, call in known.items():
        record = world.call(call_id)
        assert record is not None
        host = record.get("primaryUserId")
        if host and "parties" in call:
            assert call["parties"][0]["userId"] == host


def test_one_user_is_enough() -> None:
    world = World(calls=50, users=1)
    assert len(world.users) == 1
    assert all(details(world).values())


def test_added_calls_have_the_details_given() -> None:
    world = World(calls=0)
    record = {"id": "1", "started": "2026-01-01T00:00:00Z"}
    turns: list[Any] = [{"speakerId": None, "topic": None, "sentences": []}]
    world.add(record, {"transcript": turns, "access": [{"userId": "5"}]})
    world.add({**record, "id": "2"})
    assert world.details("1", *BLOCKS) == {
        "transcript": turns,
        "access": [{"userId": "5"}],
    }
    assert world.details("2", *BLOCKS) == {}
    assert world.has_transcript("1")
    assert not world.has_transcript("2")


def test_details_of_no_call() -> None:
    with pytest.raises(KeyError):
        World(calls=0).details("1", "parties")
