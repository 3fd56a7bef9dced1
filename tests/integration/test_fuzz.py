"""Whatever the tap is given and Gong answers: the right records, or one clear error."""

from __future__ import annotations

import copy
import json
import logging
import math
import re
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

import pytest
from hypothesis import HealthCheck, Phase, event, example, given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator
from typing_extensions import override

from tap_gong.gong.pace import Pace
from tap_gong.sandbox import Answer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tap_gong.sandbox import Sandbox
    from tests.conftest import Json, Run, TapRunner

fuzz = settings(
    max_examples=100,
    deadline=None,
    derandomize=True,
    # Each example is a run; to make a failing one smaller would take minutes.
    phases=[Phase.explicit, Phase.generate],
    # Nothing of these fixtures outlives an example that could matter to the next one.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

MARKER = "do not tell!"
"""Stands in every text of an answer; a requestId cannot hold it."""

WANTED, ALSO = "7782342274025937895", "18446744073709551615"
CALL: Json = {
    "id": WANTED,
    "url": f"https://app.gong.io/call?id={WANTED}&{MARKER}",
    "title": MARKER,
    "scheduled": "2025-01-01T10:00:00+01:00",
    "started": "2025-01-01T10:01:02.123456789-08:00",
    "duration": 61,
    "primaryUserId": "234599484848423",
    "direction": "Inbound",
    "workspaceId": 623457276584334,
    "isPrivate": False,
    "customData": None,
}

TRIES = 9
PATH = re.compile(r"/v2/calls(/[0-9]{1,20}|/extensive)?")
LOG_LINE = re.compile(r"\d{4}-\d\d-\d\d \S+ \| (DEBUG|INFO|WARNING|ERROR|CRITICAL) +\|")
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


pytestmark = pytest.mark.usefixtures("waits", "nothing_is_left_in_flight")


@pytest.fixture
def sandbox(make_sandbox: Callable[..., Sandbox]) -> Sandbox:
    """A small company, with two calls of known IDs."""
    sandbox = make_sandbox(calls=20)
    for id_ in (WANTED, ALSO):
        sandbox.world.add(CALL | {"id": id_})
    return sandbox


@pytest.fixture(autouse=True)
def _no_waits_and_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take no time, and reach nothing but this machine by its number."""

    def resolve(host: str, *args: Any, **options: Any) -> Any:  # noqa: ANN401
        if host != "127.0.0.1":
            raise socket.gaierror(-2, "Name or service not known")
        return getaddrinfo(host, *args, **options)

    # To read a company's certificates takes longer than all else in a run.
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)
    getaddrinfo = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(Pace, "hold", lambda *_: None)
    monkeypatch.setattr(Pace, "wait", Pace._raise_if_over)


# What is put in


texts = (
    st.text()
    | st.text(st.characters(categories=["Cs", "Cc", "Nd"]))
    | st.sampled_from(
        [
            *("", " ", "1", "../users", "1?x=2", "\x1b[31m", "\r\nX: y", "x" * 10_000),
            *("2024-01-01", "0001-01-01", "9999-12-31", "2024-01-01T00:00:00Z"),
            *("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"),
            *("true", "null", "NaN", "-1", "1e999", "calls", "started", "id", "batch"),
        ]
    )
)
numbers = (
    st.integers()
    | st.floats()
    | st.sampled_from([0, 1, -1, 2**63, 2**64, 10**20, 10**400, 1e300])
)


def deep(depth: int) -> Any:  # noqa: ANN401
    value: Any = []
    for _ in range(depth):
        value = [value]
    return value


def values_of(words: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    """Any JSON with these texts."""
    return st.recursive(
        st.none() | st.booleans() | numbers | words,
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3)
        ),
        max_leaves=6,
    ) | st.sampled_from([20, 150]).map(deep)


json_values = values_of(texts)


def places_in(value: Any) -> list[tuple[Any, ...]]:  # noqa: ANN401
    """Where a value has parts, at any depth."""
    places: list[tuple[Any, ...]] = []
    left: list[tuple[tuple[Any, ...], Any]] = [((), value)]
    for above, part in left:
        steps = (
            part
            if isinstance(part, dict)
            else range(len(part))
            if isinstance(part, list)
            else ()
        )
        for step in steps:
            places.append((*above, step))
            left.append((places[-1], part[step]))
    return places


def changed(
    value: Any,  # noqa: ANN401
    place: tuple[Any, ...],
    by: Callable[[Any, Any], None],
) -> None:
    for step in place[:-1]:
        value = value[step]
    by(value, place[-1])


@st.composite
def mutated(
    draw: st.DrawFn,
    good: object,
    parts: st.SearchStrategy[Any],
    names: st.SearchStrategy[str] = texts,
    most: int = 3,
) -> Any:  # noqa: ANN401
    """A good value of which some parts are replaced, taken away or added to."""
    value = {"it": copy.deepcopy(good)}
    for _ in range(draw(st.integers(1, most))):
        place = draw(st.sampled_from(places_in(value)))
        kind = draw(st.sampled_from(["replace", "replace", "delete", "add"]))
        new = draw(parts)
        if kind == "delete" and len(place) > 1:
            changed(value, place, lambda holder, step: holder.pop(step))
        elif kind == "add":

            def add(holder: Any, step: Any, new: object = new) -> None:  # noqa: ANN401
                if isinstance(holder[step], dict):
                    holder[step][draw(names)] = new
                elif isinstance(holder[step], list):
                    holder[step].append(new)
                else:
                    holder[step] = [holder[step], new]

            changed(value, place, add)
        else:

            def put(holder: Any, step: Any, new: object = new) -> None:  # noqa: ANN401
                holder[step] = new

            changed(value, place, put)
    return value["it"]


def run_on(tap: TapRunner, **contents: object) -> Run:
    """Run with files of this content, as JSON."""
    argv: list[str] = []
    for name, content in contents.items():
        path = tap.folder / f"{name}.json"
        path.write_text(json.dumps(content))
        argv += [f"--{name}", str(path)]
    with fresh_logging():
        return tap(*argv)


@contextmanager
def fresh_logging() -> Iterator[None]:
    """Take away what a run adds to the loggers, as if it were the only one."""
    handlers = logging.root.handlers.copy()
    try:
        yield
    finally:
        logging.root.handlers[:] = handlers
        logging.getLogger("tap-gong.calls").filters.clear()


def assert_told_well(run: Run) -> None:
    assert "Traceback" not in run.stderr
    if run.status == 2:
        assert run.stderr.splitlines()[-1].startswith("Error: ")
        return
    for line in run.stderr.splitlines():
        assert LOG_LINE.match(line)
    assert run.status in {0, 1}
    assert len(run.errors) == run.status


def assert_run_or_refusal(run: Run, sandbox: Sandbox) -> None:
    for request in sandbox.requests:
        assert PATH.fullmatch(request.path)
        assert request.query.keys() <= {"fromDateTime", "toDateTime", "workspaceId"}
    sandbox.requests.clear()
    assert_told_well(run)


def with_keys(tap: TapRunner, config: object) -> object:
    return tap.config | config if isinstance(config, dict) else config


@fuzz
@given(config=json_values)
def test_any_json_as_config(tap: TapRunner, sandbox: Sandbox, config: object) -> None:
    assert_run_or_refusal(run_on(tap, config=config), sandbox)


SETTINGS: Json = {
    "call_ids": [WANTED, int(ALSO)],
    "call_lookup": "single",
    "start_date": "2024-10-30",
    "end_date": "2025-10-30T00:00:00+02:00",
    "lookback_days": 3,
    "workspace_id": None,
    "max_concurrency": 4,
    "max_wait_seconds": 0,
    "request_timeout_seconds": 30,
    "user_agent": "fuzz",
    "stream_maps": {"calls": {"url": "md5(url)", "title": "__NULL__"}},
    "stream_map_config": {"seed": "x"},
    "flattening_enabled": True,
    "flattening_max_depth": 2,
}


@fuzz
@given(config=mutated(SETTINGS, json_values))
def test_almost_good_settings(tap: TapRunner, sandbox: Sandbox, config: object) -> None:
    run = run_on(tap, config=with_keys(tap, config))
    assert_run_or_refusal(run, sandbox)


@fuzz
@given(name=st.sampled_from(sorted(SETTINGS)), value=json_values, by_date=st.booleans())
def test_any_value_of_a_setting(
    tap: TapRunner,
    sandbox: Sandbox,
    name: str,
    value: object,
    by_date: bool,  # noqa: FBT001 - drawn
) -> None:
    ids = {"start_date": "2024-10-30"} if by_date else {"call_ids": [WANTED]}
    run = run_on(tap, config=tap.config | ids | {name: value})
    assert_run_or_refusal(run, sandbox)


STATE: Json = {
    "bookmarks": {
        "calls": {
            "replication_key": "started",
            "replication_key_value": "2025-06-01T00:00:00Z",
            "call_ids": [WANTED, int(ALSO)],
            "position": {"of": "0123456789abcdef", "done": 1},
        },
        "users": {"partitions": [{"context": {"id": 1}, "progress_markers": {}}]},
    }
}
BY_DATE = {"bookmarks": {"calls": {"replication_key_value": "2025-06-01T00:00:00Z"}}}


@fuzz
@given(state=json_values)
def test_any_json_as_state(tap: TapRunner, sandbox: Sandbox, state: object) -> None:
    run = run_on(tap, config=tap.config | {"call_ids": [WANTED]}, state=state)
    assert_run_or_refusal(run, sandbox)


@fuzz
@given(
    state=mutated(STATE, json_values) | mutated(BY_DATE, json_values, most=1),
    by_date=st.booleans(),
)
def test_almost_good_state(
    tap: TapRunner,
    sandbox: Sandbox,
    state: object,
    by_date: bool,  # noqa: FBT001 - drawn
) -> None:
    ids = {"start_date": "2024-10-30"} if by_date else {"call_ids": [WANTED]}
    run = run_on(tap, config=tap.config | ids, state=state)
    assert_run_or_refusal(run, sandbox)


ODD_STATES: dict[str, Json] = {
    "a path in the queue": {"calls": {"call_ids": ["../users"]}},
    "a query in the queue": {"calls": {"call_ids": ["1?x=2"]}},
    "infinity": {"users": {"a": math.inf}},
    "half a surrogate pair": {"users": {"a": "\ud800"}},
    "partitions of null": {"users": {"partitions": None}},
    "partitions of numbers": {"users": {"partitions": [5]}},
    "progress markers of null": {"users": {"progress_markers": None}},
    "very deep": {"users": {"a": deep(900)}},
    "the first day": {"calls": {"replication_key_value": "0001-01-01T00:00:00Z"}},
    "the last day": {"calls": {"replication_key_value": "9999-12-31T23:59:59Z"}},
}


@pytest.mark.parametrize("bookmarks", ODD_STATES.values(), ids=ODD_STATES.keys())
def test_odd_states(tap: TapRunner, sandbox: Sandbox, bookmarks: object) -> None:
    config = tap.config | {"start_date": "2024-10-30"}
    run = run_on(tap, config=config, state={"bookmarks": bookmarks})
    assert_run_or_refusal(run, sandbox)


ODD_SETTINGS: dict[str, Json] = {
    "a path for an ID": {"call_ids": ["../users"]},
    "a path in a list": {"call_ids": f"{WANTED},../../x"},
    "a query for an ID": {"call_ids": "1?x=2"},
    "infinity": {"user_agent": math.inf},
    "no stream maps": {"stream_maps": None},
    "a stream map for all others": {"stream_maps": {"__else__": 5}},
    "flattening without a depth": {"flattening_enabled": True},
    "a name on two lines": {"stream_maps": {"a\nb": 5}},
    "the first day": {"start_date": "0001-01-01"},
}


@pytest.mark.parametrize("odd", ODD_SETTINGS.values(), ids=ODD_SETTINGS.keys())
def test_odd_settings(tap: TapRunner, sandbox: Sandbox, odd: Json) -> None:
    config = tap.config | {"start_date": "2024-10-30"} | odd
    assert_run_or_refusal(run_on(tap, config=config), sandbox)


ODD_ENTRIES: dict[str, Json] = {
    "half a surrogate pair": {"schema": {"properties": {"id": {"title": "\ud800"}}}},
    "another stream name": {"stream": "users"},
    "a stream name of another type": {"stream": [{}]},
    "very deep": {"schema": {"properties": {"id": {"title": deep(450)}}}},
}


@pytest.mark.parametrize("odd", ODD_ENTRIES.values(), ids=ODD_ENTRIES.keys())
def test_odd_catalogs(
    tap: TapRunner, sandbox: Sandbox, catalog: Json, odd: Json
) -> None:
    config = tap.config | {"call_ids": [WANTED]}
    catalog["streams"][0] |= odd
    assert_run_or_refusal(run_on(tap, config=config, catalog=catalog), sandbox)


@fuzz
@given(catalog=json_values)
def test_any_json_as_catalog(tap: TapRunner, sandbox: Sandbox, catalog: object) -> None:
    config = tap.config | {"call_ids": [WANTED]}
    assert_run_or_refusal(run_on(tap, config=config, catalog=catalog), sandbox)


@fuzz
@given(data=st.data())
def test_almost_good_catalog(
    tap: TapRunner, sandbox: Sandbox, catalog: Json, data: st.DataObject
) -> None:
    bad = data.draw(mutated(catalog, json_values))
    config = tap.config | {"call_ids": [WANTED]}
    assert_run_or_refusal(run_on(tap, config=config, catalog=bad), sandbox)


@pytest.fixture
def catalog(tap: TapRunner) -> Json:
    with fresh_logging():
        discovered: Json = tap("--discover").catalog
    return discovered


# What comes back


told = texts.map(lambda text: f"{MARKER}{text}")
bodies = values_of(told)
PAGE: Json = {
    "requestId": "4al018gzaztcr8nbukw",
    "records": {"totalRecords": 2, "currentPageSize": 2, "currentPageNumber": 0},
}
ONE_CALL: Json = {"requestId": "4al018gzaztcr8nbukw", "call": CALL}
LISTED: Json = {**PAGE, "calls": [CALL, CALL | {"id": ALSO}]}
DETAILED: Json = {
    **PAGE,
    "calls": [{"metaData": call, "parties": []} for call in LISTED["calls"]],
}
REFUSED: Json = {
    "requestId": "4al018gzaztcr8nbukw",
    "errors": [f"{MARKER} No calls found corresponding to the provided filters"],
}


class Raw(str):
    """A body that need be no text."""

    __slots__ = ("content",)
    content: bytes

    def __new__(cls, content: bytes) -> Self:
        body = super().__new__(cls)
        body.content = content
        return body

    @override
    def __repr__(self) -> str:
        return f"Raw({self.content!r})"

    @override
    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        return self.content


@st.composite
def spoiled(draw: st.DrawFn, good: object) -> Answer:
    """A good answer of which some parts, or some bytes, are others."""
    content = json.dumps(draw(mutated(good, bodies, told) | st.just(good))).encode()
    kind = draw(st.sampled_from(["", "", "", "", "twice", "bytes", "cut", "encoded"]))
    headers = {}
    if kind == "twice":
        name = draw(st.sampled_from([b'"id":', b'"call":', b'"calls":', b'"title":']))
        content = content.replace(name, name + b' "1", ' + name)
    elif kind == "bytes":
        place = draw(st.integers(0, len(content)))
        new = draw(
            st.binary(max_size=4)
            | st.sampled_from([b"\xff", b"NaN", b"1e999", b"9" * 5_000])
        )
        content = content[:place] + new + content[place + draw(st.integers(0, 4)) :]
    elif kind == "cut":
        content = content[: draw(st.integers(0, len(content)))]
    elif kind == "encoded":
        headers = {"Content-Encoding": draw(st.sampled_from(["gzip", "deflate"]))}
    return Answer(200, Raw(content), headers)


def whole(text: bytes) -> Answer:
    return Answer(200, Raw(text))


def assert_records_fit(run: Run, wanted: set[str]) -> None:
    """Check records by the schema, and by what it cannot say."""
    assert_told_well(run)
    validator = Draft7Validator(run.schema)
    for record in run.records:
        validator.validate(record)
        assert record["id"] in wanted
        for name in ("started", "scheduled"):
            value = record.get(name)
            assert value is None or TIMESTAMP.fullmatch(value)
    if run.status:
        assert re.search(r"(GET|POST) /v2/calls|The answer of", run.errors[0])
        assert len(run.errors[0]) < 700


def ask(tap: TapRunner, sandbox: Sandbox, answer: Answer, **config: object) -> Run:
    """Run against a Gong that has no other answer."""
    sandbox._faults._script.clear()
    sandbox.script(*[answer] * 200)
    return run_on(tap, config=tap.config | config)


@fuzz
@given(answer=spoiled(ONE_CALL))
@example(answer=whole(b'{"call": {"id": "%d", "duration": NaN}}' % int(WANTED)))
@example(answer=whole(b'{"call": {"id": "%d", "duration": 1e999}}' % int(WANTED)))
@example(answer=whole(b'{"call": {"id": "%d", "title": "\xff"}}' % int(WANTED)))
@example(answer=whole(b'{"call": {"id": "1", "id": "%d"}}' % int(WANTED)))
@example(answer=whole(b'{"call": {"id": %d.0}}' % int(WANTED)))
@example(answer=whole(b'{"call": {"id": "0%d"}}' % int(WANTED)))
@example(answer=whole(b'{"call": {"id": "%s"}}' % (b"9" * 1_000_000)))
@example(answer=whole(b'{"call":' * 100_000))
@example(answer=whole(b'{"requestId": "x", "call": []}'))
def test_any_answer_to_one_id(tap: TapRunner, sandbox: Sandbox, answer: Answer) -> None:
    run = ask(tap, sandbox, answer, call_ids=WANTED)
    event(f"status {run.status}")
    assert_records_fit(run, {WANTED})
    assert len(run.records) == 1 - run.status
    if "refused the request, saying" not in run.stderr:  # with Gong's own sentence
        assert MARKER not in run.stderr


@fuzz
@given(answer=spoiled(DETAILED))
def test_any_answer_to_a_batch(
    tap: TapRunner, sandbox: Sandbox, answer: Answer
) -> None:
    run = ask(tap, sandbox, answer, call_ids=[WANTED, ALSO], call_lookup="batch")
    event(f"status {run.status}")
    assert_records_fit(run, {WANTED, ALSO})
    assert MARKER not in run.stderr
    for id_ in {WANTED, ALSO}.difference(run.ids):
        assert run.status == 1 or f"{id_} (requestId " in run.stderr


@fuzz
@given(answer=spoiled(LISTED))
def test_any_answer_to_a_period(
    tap: TapRunner, sandbox: Sandbox, answer: Answer
) -> None:
    minute = {"start_date": "2025-01-01T18:01:00Z", "end_date": "2025-01-01T18:02:00Z"}
    run = ask(tap, sandbox, answer, **minute)
    event(f"status {run.status}")
    assert_records_fit(run, set(run.ids))
    assert MARKER not in run.stderr
    assert run.status == 1 or run.bookmark["replication_key_value"]


def test_a_total_that_cannot_be(tap: TapRunner, sandbox: Sandbox) -> None:
    page = {"records": {"totalRecords": 10**400, "cursor": "x"}, "calls": []}
    sandbox.script(Answer(200, page))
    minute = {"start_date": "2025-01-01T00:00:00Z", "end_date": "2025-01-01T00:01:00Z"}
    run = run_on(tap, config=tap.config | minute)
    assert_told_well(run)
    assert len(sandbox.requests) <= 1 + 2 * 60 + 1


@fuzz
@given(
    status=st.sampled_from([201, 203, 300, 302, 307, 400, 401, 403, 404, 409, 500, 503])
    | st.integers(201, 599).filter(lambda status: status not in {204, 205, 304}),
    body=mutated(REFUSED, bodies, told) | mutated(ONE_CALL, bodies, told) | bodies,
)
def test_any_other_status(
    tap: TapRunner, sandbox: Sandbox, status: int, body: object
) -> None:
    answer = Answer(status, Raw(json.dumps(body).encode()))
    run = ask(tap, sandbox, answer, call_ids=WANTED)
    event(f"status {run.status} for {status // 100}")
    assert_told_well(run)
    assert run.records == []
    if run.status == 0:
        assert status == 404
        assert f"{WANTED} (requestId " in run.stderr
    if not 400 <= status < 500 or status in {401, 429}:
        assert MARKER not in run.stderr
