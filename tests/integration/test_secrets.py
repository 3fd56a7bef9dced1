"""What must never be told: credentials, what calls are about, what was deselected."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest

from tap_gong.errors import InterruptedRunError
from tap_gong.gong.pace import Pace
from tap_gong.sandbox import Answer, Sandbox
from tests.integration.test_answers import (
    HTML,
    MARKER,
    RETRIED,
    STOPPED,
    WRONG_FIELDS,
    envelope,
)
from tests.integration.test_bad_input import BAD_SETTINGS
from tests.integration.test_calls_by_id import catalog_without
from tests.servers import Relay, served

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Json, Run, TapRunner

KEY, SECRET = Sandbox.access_key, Sandbox.access_key_secret
TOKEN = base64.b64encode(f"{KEY}:{SECRET}".encode()).decode()
UNTOLD = (KEY, SECRET, TOKEN, MARKER)

IDS = [str(10**18 + number) for number in range(5)]
BY_DATE: Json = {"start_date": "2025-01-01", "end_date": "2025-02-01"}


pytestmark = pytest.mark.usefixtures("waits", "nothing_is_left_in_flight")


@pytest.fixture(autouse=True)
def _all_is_logged_and_nothing_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAP_GONG_LOGLEVEL", "DEBUG")
    # To read a company's certificates takes longer than all else in a run.
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Pace, "hold", lambda *_: None)


@pytest.fixture
def sandbox(make_sandbox: Callable[..., Sandbox]) -> Sandbox:
    """A company whose calls nobody may hear of."""
    return told_nothing_of(make_sandbox(calls=0))


def told_nothing_of(sandbox: Sandbox) -> Sandbox:
    for number, id_ in enumerate(IDS):
        sandbox.world.add(
            {
                "id": id_,
                "url": f"https://app.gong.io/call?id={id_}",
                "title": f"{MARKER} {number}",
                "meetingUrl": f"https://meet.example/{MARKER}",
                "started": f"2025-01-0{number + 1}T00:00:00Z",
                "customData": MARKER,
                "workspaceId": "1",
            }
        )
    return sandbox


def assert_untold(run: Run) -> None:
    assert "DEBUG" in run.stderr or not run.stdout
    told = [line for line in run.stdout.splitlines() if '"type":"RECORD"' not in line]
    for text in UNTOLD:
        assert text not in run.stderr
        assert not any(text in line for line in told)


@pytest.mark.parametrize("lookup", ["single", "batch"])
def test_a_good_run(tap: TapRunner, lookup: str) -> None:
    run = tap(call_ids=[*IDS, "5"], call_lookup=lookup)
    assert run.status == 0
    assert MARKER in run.stdout
    assert_untold(run)


def test_a_good_run_by_date(tap: TapRunner) -> None:
    run = tap(**BY_DATE)
    assert len(run.records) == 5
    assert_untold(run)


ANSWERS: dict[str, Any] = {
    **RETRIED,
    **{name: answer for name, (answer, _) in STOPPED.items()},
    **{
        f"wrong {name}": Answer(200, {"call": {"id": IDS[1], name: value}})
        for name, value in WRONG_FIELDS.items()
    },
    "page for a call": Answer(200, {"calls": [{"id": IDS[1], "title": MARKER}]}),
    "marker in an ID": Answer(200, {"call": {"id": MARKER, "title": MARKER}}),
    "marker in the requestId": Answer(200, {"requestId": f"{MARKER}!", "call": 5}),
    "marker in a key": Answer(200, {MARKER: 1, "call": {MARKER: 1}}),
    "201": Answer(201, {"call": {"id": IDS[1], "title": MARKER}}),
    "page at 403": Answer(403, HTML),
    "redirect": Answer(302, HTML, {"Location": f"http://127.0.0.1:1/{MARKER}"}),
    "401 with more": envelope(401, f"Unauthorized {MARKER}"),
    "404 of another kind": Answer(404, HTML),
    "429 for ever": envelope(429, MARKER, **{"Retry-After": "1"}),
    "quota": envelope(429, MARKER, **{"Retry-After": "86400"}),
    "bad header": envelope(429, MARKER, **{"Retry-After": MARKER}),
    "not encoded": Answer(200, MARKER, {"Content-Encoding": "gzip"}),
    "absent": envelope(
        404,
        f"Call ID {MARKER} was not found; "
        f"no calls found corresponding to the provided filters",
    ),
    "expired": envelope(400, f"{MARKER}: cursor has expired"),
}


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS.keys())
def test_whatever_gong_answers(
    tap: TapRunner, sandbox: Sandbox, answer: Answer | str
) -> None:
    sandbox.faults_for[IDS[1]] = [answer] * 100
    assert_untold(tap(call_ids=IDS))


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS.keys())
@pytest.mark.parametrize(
    "settings",
    [{"call_ids": IDS, "call_lookup": "batch"}, BY_DATE],
    ids=["ids", "date"],
)
def test_whatever_gong_answers_to_a_list(
    tap: TapRunner, sandbox: Sandbox, answer: Answer | str, settings: Json
) -> None:
    sandbox.script(*[answer] * 100)
    assert_untold(tap(**settings))


@pytest.mark.parametrize(("settings", "_"), BAD_SETTINGS)
def test_bad_settings(tap: TapRunner, settings: Json, _: object) -> None:
    ids: Json = {"call_ids": IDS}
    run = tap(**ids | settings)
    assert run.status == 1
    for text in UNTOLD:
        assert text not in run.stderr + run.stdout


@pytest.mark.parametrize(
    "settings",
    [
        {"api_url": f"https://{KEY}:{SECRET}@api.gong.io"},
        {"api_url": f"api.gong.io@{SECRET}"},
        {"access_key": [SECRET]},
        {"access_key_secret": {"secret": SECRET}},
        {"access_key_secret": f"{SECRET}\udcff"},
        {"access_key_secret": f"{SECRET}\n"},
        {"access_secret": SECRET},
        {"access_key_secret": f"another {SECRET}"},
    ],
    ids=range(8),
)
def test_credentials_in_odd_places(tap: TapRunner, settings: Json) -> None:
    run = tap(call_ids=IDS, **settings)
    assert run.status == 1
    for text in UNTOLD:
        assert text not in run.stderr + run.stdout


BAD_INPUTS: dict[str, Json] = {
    "state": {"state": {"bookmarks": 5}},
    "queue": {"state": {"bookmarks": {"calls": {"call_ids": ["x"]}}}},
    "bookmark": {"state": {"bookmarks": {"calls": {"replication_key_value": "x"}}}},
    "catalog": {"catalog": {"streams": 5}},
    "stream map that is no expression": {"stream_maps": {"calls": {"title": "(("}}},
    "stream map that asks for what is not there": {
        "stream_maps": {"calls": {"x": "record['nope']"}}
    },
    "stream map that fails": {"stream_maps": {"calls": {"x": "int(title)"}}},
    "filter that fails": {"stream_maps": {"calls": {"__filter__": "int(title)"}}},
}


@pytest.mark.parametrize("given", BAD_INPUTS.values(), ids=BAD_INPUTS.keys())
def test_bad_inputs(tap: TapRunner, given: Json) -> None:
    run = tap(**BY_DATE, **given)
    assert run.status == 1
    assert len(run.errors) == 1
    assert "Traceback" not in run.stderr
    assert_untold(run)


def test_a_quota(
    run_tap: Callable[[Sandbox], TapRunner], make_sandbox: Callable[..., Sandbox]
) -> None:
    sandbox = told_nothing_of(make_sandbox(calls=0, requests_per_day=3))
    run = run_tap(sandbox)(call_ids=IDS)
    assert "quota is spent" in run.errors[0]
    assert_untold(run)


def test_an_interrupted_run(tap: TapRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(_: object) -> None:
        raise InterruptedRunError(15)

    monkeypatch.setattr("tap_gong.tap.TapGong.raise_if_interrupted", stop)
    run = tap(call_ids=IDS)
    assert run.status == 143
    assert_untold(run)


def test_nobody_answers(tap: TapRunner, sandbox: Sandbox) -> None:
    url = sandbox.url
    sandbox.close()
    run = tap(call_ids=IDS, api_url=url)
    assert run.status == 1
    assert_untold(run)


def test_no_answer_in_time(
    run_tap: Callable[[Sandbox], TapRunner], make_sandbox: Callable[..., Sandbox]
) -> None:
    sandbox = told_nothing_of(make_sandbox(calls=0, slow_seconds=0.3))
    sandbox.faults_for[IDS[1]] = ["slow"] * 2
    run = run_tap(sandbox)(call_ids=IDS, request_timeout_seconds=0.1)
    assert run.status == 0
    assert_untold(run)


@pytest.mark.parametrize("level", ["DEBUG", "INFO", "WARNING"])
@pytest.mark.parametrize("settings", [{"call_ids": IDS}, BY_DATE], ids=["ids", "date"])
def test_libraries_tell_nothing(
    run_tap: Callable[[Sandbox], TapRunner],
    make_sandbox: Callable[..., Sandbox],
    monkeypatch: pytest.MonkeyPatch,
    settings: Json,
    level: str,
) -> None:
    """A line that is no header lets urllib3 log all headers, and at DEBUG addresses."""
    monkeypatch.setenv("TAP_GONG_LOGLEVEL", level)
    sandbox = told_nothing_of(make_sandbox(calls=0, page_size=2))
    head = f"Set-Cookie: session={MARKER}\r\n{MARKER}\r\nX: {MARKER}\r\n".encode()
    with served(Relay(sandbox, headers=head)) as address:
        run = run_tap(sandbox)(api_url=f"http://{address}", **settings)
    assert run.status == 0
    assert sorted(run.ids) == IDS
    assert len(sandbox.requests) > 2
    for text in (*UNTOLD, "urllib3", "requests.", "cursor", "Set-Cookie", "HTTP/1.1"):
        assert text not in run.stderr


# What the catalog leaves out


SELECTIONS: dict[str, Json] = {
    "plain": {},
    "flat": {"flattening_enabled": True, "flattening_max_depth": 2},
    "mapped": {"stream_maps": {"calls": {"url": "md5(url)"}}},
    "mapped and flat": {
        "stream_maps": {"calls": {"url": "md5(url)"}},
        "flattening_enabled": True,
        "flattening_max_depth": 2,
    },
}
SOURCES: dict[str, Json] = {
    "single": {"call_ids": IDS},
    "batch": {"call_ids": IDS, "call_lookup": "batch"},
    "date": BY_DATE,
}


@pytest.mark.parametrize("selection", SELECTIONS.values(), ids=SELECTIONS.keys())
@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES.keys())
@pytest.mark.parametrize("by", ["selected", "schema"])
def test_what_is_deselected_appears_nowhere(
    tap: TapRunner, selection: Json, source: Json, by: str
) -> None:
    names = ("title", "meetingUrl", "customData")
    if by == "selected":
        catalog = catalog_without(tap("--discover"), *names)
    else:
        catalog = tap("--discover").catalog
        for name in names:
            del catalog["streams"][0]["schema"]["properties"][name]
    run = tap(catalog=catalog, **source, **selection)
    assert run.status == 0
    assert sorted(run.ids) == IDS
    for text in (MARKER, *(f'"{name}"' for name in names)):
        assert text not in run.stdout + run.stderr


@pytest.mark.parametrize(
    "stream_map",
    [{"copy": "title"}, {"copy": "record['title']"}, {"copy": "str(record)"}],
    ids=str,
)
def test_a_stream_map_cannot_bring_back_what_is_deselected(
    tap: TapRunner, stream_map: dict[str, Any]
) -> None:
    catalog = catalog_without(tap("--discover"), "title", "meetingUrl", "customData")
    run = tap(catalog=catalog, stream_maps={"calls": stream_map}, **BY_DATE)
    assert MARKER not in run.stdout + run.stderr
