"""Streams of each source side by side: by company day, and one list for each parent.

The streams are made up, and so is what answers them.
"""

from __future__ import annotations

import http.client
import json
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import parse_qsl, urlsplit

import pytest

from tap_gong.gong.endpoint import Endpoint
from tap_gong.plans.sources import PerParent, Whole
from tap_gong.streams.daily import DailyStream
from tap_gong.streams.listed import ListedStream
from tests.servers import served

if TYPE_CHECKING:
    import socketserver
    from collections.abc import Callable, Iterator, Mapping

    from tap_gong.streams.base import GongStream
    from tests.conftest import Run, TapRunner

    Json = dict[str, Any]
    Answer = tuple[int, Json]

PATIENCE = 20
"""Seconds that the server waits for requests that do not come."""


def schema_of(*keys: str, **others: str) -> Json:
    """A schema of texts, of which the first ones are the key."""
    text = {"type": "string", "description": "A text."}
    properties: Json = dict.fromkeys(keys, text)
    properties |= {
        name: {"type": [kind, "null"], "description": "Another value."}
        for name, kind in others.items()
    }
    return {"type": "object", "properties": properties, "required": [*keys]}


class Stats(DailyStream):
    name = "stats"
    primary_keys = ("fromDate", "userId")
    endpoint = Endpoint(
        "POST", "/v2/stats", records="stats", nothing="no stats found for"
    )
    adds: ClassVar = {"fromDate": "fromDate", "toDate": "toDate"}
    schema: ClassVar = schema_of("fromDate", "userId", toDate="string", calls="integer")
    selected_by_default = True


FOLDERS = PerParent(
    Whole(Endpoint("GET", "/v2/workspaces", records="workspaces")),
    Endpoint("GET", "/v2/folders", records="folders", nothing="workspace not found"),
    takes={"workspaceId": "id"},
)


class Snippets(ListedStream):
    name = "snippets"
    primary_keys = ("folderId", "id")
    source = PerParent(
        FOLDERS,
        Endpoint("GET", "/v2/content", records="calls", nothing="folder not found"),
        takes={"folderId": "id"},
        only={"open": True},
    )
    adds: ClassVar = {"folderId": "folderId"}
    schema: ClassVar = schema_of("folderId", "id", title="string")
    selected_by_default = True


def refusal(status: int, sentence: str) -> Answer:
    return status, {"errors": [sentence], "requestId": "made-up"}


def company_day(inputs: Mapping[str, str]) -> Answer:
    """Statistics of two users a day, and nothing on 2024-02-03 and 2024-02-04."""
    day = inputs["fromDate"]
    if day in {"2024-02-03", "2024-02-04"}:
        return refusal(404, "No stats found for the specified period")
    return 200, {
        "stats": [{"userId": user, "calls": int(day[-2:])} for user in ("1", "2")]
    }


COMPANY: dict[str, Any] = {
    "/v2/stats": company_day,
    "/v2/workspaces": lambda _: (
        200,
        {"workspaces": [{"id": "w1"}, {"id": "w2"}, {"id": "w3"}]},
    ),
    "/v2/folders": lambda inputs: {
        "w1": (200, {"folders": [{"id": "f1", "open": True}, {"id": "f2"}]}),
        "w2": (200, {"folders": []}),
        "w3": (200, {"folders": [{"id": "f3", "open": True}]}),
    }[inputs["workspaceId"]],
    "/v2/content": lambda inputs: {
        "f1": (200, {"calls": [{"id": "c1", "title": "A"}, {"id": "c2"}]}),
        "f3": (200, {"calls": [{"id": "c1", "title": "B"}]}),
    }[inputs["folderId"]],
}

SNIPPETS = [
    {"folderId": "f1", "id": "c1", "title": "A"},
    {"folderId": "f1", "id": "c2", "title": None},
    {"folderId": "f3", "id": "c1", "title": "B"},
]


@dataclass
class Company:
    """Answers requests by their path, each in a thread, and keeps them."""

    answers: dict[str, Callable[[Mapping[str, str]], Answer]] = field(
        default_factory=lambda: dict(COMPANY)
    )
    requests: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)
    together: threading.Barrier | None = None
    """Where so many requests meet before any of them is answered."""

    def __call__(self, client: socketserver.StreamRequestHandler) -> None:
        """Answer one request, the only one of its connection."""
        line = client.rfile.readline().decode()
        headers = http.client.parse_headers(client.rfile)
        content = client.rfile.read(int(headers["Content-Length"] or 0))
        url = urlsplit(line.split()[1])
        inputs = dict(parse_qsl(url.query))
        if content:
            body = json.loads(content)
            assert body.keys() == {"filter"}
            inputs = body["filter"]
        self.requests.append((url.path, inputs))
        if self.together:
            self.together.wait(PATIENCE)
        status, answer = self.answers[url.path](inputs)
        packed = json.dumps({"requestId": "made-up"} | answer).encode()
        client.wfile.write(
            b"HTTP/1.1 %d Said\r\nContent-Type: application/json\r\n"
            b"Connection: close\r\nContent-Length: %d\r\n\r\n%b"
            % (status, len(packed), packed)
        )

    def asked(self, path: str) -> list[Mapping[str, str]]:
        """The inputs of the requests of a path, in no certain order."""
        return [inputs for found, inputs in self.requests if found == path]

    def days(self) -> list[str]:
        """The days that were asked for, which were one a request."""
        return sorted(inputs["fromDate"] for inputs in self.asked("/v2/stats"))


@pytest.fixture
def company() -> Company:
    return Company()


@pytest.fixture
def run(
    tap: TapRunner,
    company: Company,
    monkeypatch: pytest.MonkeyPatch,
    waits: list[float],
) -> Iterator[Callable[..., Run]]:
    """Run the tap with these streams instead of its own; nothing is asked for twice."""
    with served(company) as address:

        def start(*streams: type[GongStream], **settings: Any) -> Run:  # noqa: ANN401
            monkeypatch.setattr("tap_gong.tap.STREAM_TYPES", streams)
            return tap(api_url=f"http://{address}", **settings)

        yield start
    assert not waits


def dates(first: int, last: int) -> list[str]:
    """Days of February 2024, the last one included."""
    return [f"2024-02-{day:02}" for day in range(first, last + 1)]


def days_out(run: Run) -> list[str]:
    return [row["fromDate"] for row in run.records_of("stats") if row["userId"] == "1"]


FEBRUARY = {"start_date": "2024-02-01", "end_date": "2024-02-06T12:00:00Z"}


def test_both_side_by_side(company: Company, run: Callable[..., Run]) -> None:
    found = run(Stats, Snippets, **FEBRUARY)
    assert found.status == 0, found.stderr
    assert found.records_of("stats") == [
        {
            "fromDate": day,
            "userId": user,
            "toDate": to,
            "calls": int(day[-2:]),
        }
        for day, to in zip(dates(1, 5), dates(2, 6), strict=True)
        for user in ("1", "2")
        if day not in dates(3, 4)
    ]
    assert found.records_of("snippets") == SNIPPETS
    assert company.days() == dates(1, 5)
    assert len(company.requests) == 5 + 1 + 3 + 2
    assert found.state["bookmarks"]["stats"] == {
        "replication_key": "fromDate",
        "replication_key_value": "2024-02-06",
        "start_date": "2024-02-01",
    }
    assert not found.state["bookmarks"].get("snippets")
    assert "Reading stats by day, from 2024-02-01 to 2024-02-06." in found.stderr
    assert "Reading all snippets." in found.stderr


# By company day


def test_a_second_run_repeats_the_look_back_only(
    company: Company, run: Callable[..., Run]
) -> None:
    first = run(Stats, **FEBRUARY)
    company.requests.clear()
    settings = {"start_date": "2024-02-01", "end_date": "2024-02-09T12:00:00Z"}
    second = run(Stats, state=first.state, lookback_days=1, **settings)
    assert company.days() == dates(5, 8)
    assert days_out(second) == dates(5, 8)
    assert second.state["bookmarks"]["stats"] == {
        "replication_key": "fromDate",
        "replication_key_value": "2024-02-09",
        "start_date": "2024-02-01",
    }
    company.requests.clear()
    settings["start_date"] = "2024-01-30"
    third = run(Stats, state=second.state, lookback_days=0, **settings)
    assert company.days() == ["2024-01-30", "2024-01-31"]
    assert days_out(third) == ["2024-01-31", "2024-01-30"]
    assert third.state["bookmarks"]["stats"]["start_date"] == "2024-01-30"
    assert "the days between the two are read, too" in third.stderr


def test_days_with_nothing_leave_the_bookmark_where_it_was(
    company: Company, run: Callable[..., Run]
) -> None:
    first = run(
        Stats, start_date="2024-02-01", end_date="2024-02-03T12:00:00Z", lookback_days=0
    )
    company.requests.clear()
    settings = {"start_date": "2024-02-01", "lookback_days": 0}
    second = run(Stats, state=first.state, end_date="2024-02-05T12:00:00Z", **settings)
    assert (second.status, second.records) == (0, [])
    assert company.days() == dates(3, 4)
    assert second.state["bookmarks"] == first.state["bookmarks"]
    assert "Gong has no stats for these days" in second.stderr
    third = run(Stats, state=second.state, end_date="2024-02-06T12:00:00Z", **settings)
    assert days_out(third) == dates(5, 5)


def test_a_day_that_gong_refuses_is_asked_for_in_the_next_run(
    company: Company, run: Callable[..., Run]
) -> None:
    def refusing(inputs: Mapping[str, str]) -> Answer:
        if inputs["fromDate"] == "2024-02-05":
            return refusal(404, "Something else was not found")
        return company_day(inputs)

    company.answers["/v2/stats"] = refusing
    first = run(Stats, Snippets, **FEBRUARY)
    assert first.status == 1
    assert days_out(first) == dates(1, 2)
    assert first.records_of("snippets") == SNIPPETS
    (error,) = first.errors
    assert "stats was given up" in error
    assert "Something else was not found" in error
    assert "'!stats.*'" in error
    company.answers["/v2/stats"] = company_day
    company.requests.clear()
    second = run(Stats, state=first.state, lookback_days=0, **FEBRUARY)
    assert (second.status, days_out(second)) == (0, dates(5, 5))
    assert company.days() == dates(5, 5)


@pytest.mark.parametrize("streams", [(Stats,), (Snippets, Stats)], ids=len)
def test_without_a_start_date_it_is_refused_by_name_before_any_request(
    company: Company, run: Callable[..., Run], streams: tuple[type[GongStream], ...]
) -> None:
    found = run(*streams)
    assert (found.status, found.stdout) == (1, "")
    (error,) = found.errors
    assert "'stats'" in error
    assert "set start_date" in error
    assert not company.requests


def test_a_bookmark_is_enough_to_begin(
    company: Company, run: Callable[..., Run]
) -> None:
    state = {"bookmarks": {"stats": {"replication_key_value": "2024-02-05"}}}
    found = run(Stats, state=state, lookback_days=3, end_date="2024-02-06T12:00:00Z")
    assert found.status == 0
    assert company.days() == dates(2, 5)


# One list for each parent


@pytest.mark.parametrize(
    ("path", "requests"),
    [("/v2/workspaces", 1), ("/v2/folders", 4), ("/v2/content", 6)],
)
def test_a_list_that_gong_refuses_ends_its_stream_only(
    company: Company, run: Callable[..., Run], path: str, requests: int
) -> None:
    company.answers[path] = lambda _: refusal(403, "Not for this key")
    found = run(Snippets, Stats, **FEBRUARY)
    assert found.status == 1
    assert not found.records_of("snippets")
    assert len(found.records_of("stats")) == 6
    (error,) = found.errors
    assert "snippets was given up" in error
    assert "Not for this key" in error
    assert path in error
    assert len(company.requests) - len(company.asked("/v2/stats")) <= requests


@pytest.mark.parametrize(
    ("path", "name", "gone", "sentence", "left"),
    [
        ("/v2/folders", "workspaceId", "w1", "Workspace not found", SNIPPETS[2:]),
        ("/v2/content", "folderId", "f3", "Folder not found", SNIPPETS[:2]),
    ],
)
def test_a_parent_that_vanished_has_nothing(  # noqa: PLR0913, PLR0917
    company: Company,
    run: Callable[..., Run],
    path: str,
    name: str,
    gone: str,
    sentence: str,
    left: list[Json],
) -> None:
    """Any other 404 is no such answer."""
    usual = company.answers[path]

    def vanished(inputs: Mapping[str, str]) -> Answer:
        return refusal(404, sentence) if inputs[name] == gone else usual(inputs)

    company.answers[path] = vanished
    found = run(Snippets)
    assert (found.status, found.records) == (0, left), found.stderr
    sentence = "User not found"
    again = run(Snippets)
    assert again.status == 1
    assert sentence in again.errors[0]


# Many of them


def test_thirty_small_streams_do_not_wait_for_one_another(
    company: Company, run: Callable[..., Run]
) -> None:
    """The server answers none of the first requests before all have come."""

    def stream_of(number: int) -> type[GongStream]:
        path = f"/v2/small/{number}"
        company.answers[path] = lambda _: (200, {"rows": [{"id": str(number)}]})
        days = Endpoint("POST", path, records="rows")
        whole = Whole(Endpoint("GET", path, records="rows"))
        common = {"name": f"small_{number}", "selected_by_default": True}
        if number % 2:
            own = {
                "primary_keys": ("fromDate", "id"),
                "endpoint": days,
                "adds": {"fromDate": "fromDate"},
                "schema": schema_of("fromDate", "id"),
            }
            return type("Small", (DailyStream,), common | own)
        own = {"primary_keys": ("id",), "source": whole, "schema": schema_of("id")}
        return type("Small", (ListedStream,), common | own)

    company.together = threading.Barrier(30)
    found = run(
        *map(stream_of, range(30)),
        start_date="2024-02-01",
        end_date="2024-02-02T12:00:00Z",
    )
    assert found.status == 0, found.stderr
    assert len(company.requests) == 30
    assert [row["id"] for row in found.records] == [str(n) for n in range(30)]
