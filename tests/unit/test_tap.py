"""What the tap itself decides: when it stops, and what of a state it takes over."""

from __future__ import annotations

import signal

import pytest

from tap_gong import signals
from tap_gong.errors import InterruptedRunError, SettingsError
from tap_gong.tap import TapGong


@pytest.fixture
def tap() -> TapGong:
    return TapGong(validate_config=False)


def test_the_first_signal_counts(tap: TapGong, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signals, "received", [])
    tap.raise_if_interrupted()
    for signum in (signal.SIGINT, signal.SIGTERM):
        tap._handle_termination(signum, None)
        with pytest.raises(InterruptedRunError) as stop:
            tap.raise_if_interrupted()
        assert stop.value.signum == signal.SIGINT


@pytest.mark.parametrize("state", [{}, {"bookmarks": None}, {"value": {}}], ids=str)
def test_a_state_without_bookmarks(state: dict[str, object]) -> None:
    tap = TapGong(validate_config=False)
    tap.load_state(state)
    assert tap.state in ({}, {"bookmarks": {}})


def test_bookmarks_of_others_are_kept(tap: TapGong) -> None:
    tap.load_state({"bookmarks": {"users": {"a": 1}}, "x": 5})
    assert tap.state["bookmarks"]["users"] == {"a": 1}
    assert "x" not in tap.state


def test_nothing_to_read_is_told_before_any_request() -> None:
    with pytest.raises(SettingsError, match=r"^Nothing says which calls to retrieve"):
        TapGong(config={"access_key": "k", "access_key_secret": "s"})


def test_a_stream_that_lacks_a_start_is_named_before_any_request() -> None:
    catalog = TapGong(validate_config=False).catalog_dict
    for stream in catalog["streams"]:
        for item in stream["metadata"]:
            if not item["breadcrumb"]:
                name = stream["tap_stream_id"]
                item["metadata"]["selected"] = name in {"users", "call_topics"}
    with pytest.raises(SettingsError, match=r"^Nothing says .* for call_topics: set"):
        TapGong(config={"access_key": "k", "access_key_secret": "s"}, catalog=catalog)
