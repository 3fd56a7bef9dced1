"""Settings: what is accepted, and the sentence for everything that is not."""

from __future__ import annotations

import errno
import os
import string
from dataclasses import FrozenInstanceError
from datetime import UTC, datetime, timedelta, timezone
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, NoReturn

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_gong.errors import SettingsError
from tap_gong.settings import (
    MOST_IN_FLIGHT,
    PROPERTIES,
    Settings,
    from_environment,
    parse_call_ids,
    parse_moment,
    read_call_ids_file,
    unknown_variables,
)

from .conftest import brief

if TYPE_CHECKING:
    from pathlib import Path

KEY, SECRET = "key-Q7", "hush-Z9"
KEYS = {"access_key": KEY, "access_key_secret": SECRET}

BIG = 18_446_744_073_709_551_615


def load(**config: object) -> Settings:
    return Settings.from_config({**KEYS, **config}, known=PROPERTIES)


def refusal(**config: object) -> str:
    with pytest.raises(SettingsError) as caught:
        load(**config)
    message = str(caught.value)
    assert SECRET not in message
    assert KEY not in message
    assert "\n" not in message
    assert caught.value.__cause__ is None
    return message


def test_defaults() -> None:
    settings = load()
    assert settings.access_key == KEY
    assert settings.access_key_secret == SECRET
    assert settings.api_url == "https://api.gong.io"
    assert settings.call_ids is None
    assert settings.call_lookup == "single"
    assert (settings.start_date, settings.end_date) == (None, None)
    assert settings.workspace_id is None
    assert settings.private_calls == "include"
    assert settings.lookback == timedelta(days=3)
    assert settings.requests_per_second == 3
    assert settings.max_concurrency == 9
    assert settings.max_wait_seconds == 300
    assert settings.request_timeout_seconds == 60
    assert settings.user_agent == f"tap-gong/{version('tap-gong')}"


def test_unset_is_as_absent() -> None:
    """Orchestrators pass on each setting, as null or as empty text."""
    names = set(PROPERTIES) - set(KEYS) - {"call_ids"}
    assert load(**dict.fromkeys(names), call_ids=None) == load()
    assert load(**dict.fromkeys(names, "")) == load()


def test_settings_do_not_change() -> None:
    with pytest.raises(FrozenInstanceError):
        load().access_key = "other"  # type: ignore[misc]


def test_each_setting_is_described() -> None:
    for spec in PROPERTIES.values():
        assert spec["title"]
        assert spec["description"].endswith(".")


def test_credentials_are_marked_secret() -> None:
    secret = {name for name, spec in PROPERTIES.items() if spec.get("secret") is True}
    assert secret == set(KEYS)


# Call IDs


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ([], ()),
        (["7782342274025937895"], ("7782342274025937895",)),
        ([7782342274025937895], ("7782342274025937895",)),
        ([BIG], (str(BIG),)),
        ([str(BIG)], (str(BIG),)),
        ([10**20 - 1, "00000000000000000001"], ("9" * 20, "1")),
        ([0], ("0",)),
        (["3", 1, "2"], ("3", "1", "2")),
        (["3", 1, "1", 3, "3"], ("3", "1")),
        ([" 12\n"], ("12",)),
        (BIG, (str(BIG),)),
        (str(BIG), (str(BIG),)),
        ("1,2,3", ("1", "2", "3")),
        (" 1 , 2\n", ("1", "2")),
        ("2,1,2", ("2", "1")),
        (f"[{BIG}, {BIG - 1}]", (str(BIG), str(BIG - 1))),
        (f' ["{BIG}", 5]', (str(BIG), "5")),
        ("[]", ()),
    ],
    ids=brief,
)
def test_call_ids(value: object, expected: tuple[str, ...]) -> None:
    assert parse_call_ids(value, "call_ids") == expected
    assert load(call_ids=value).call_ids == expected


@given(
    st.lists(
        st.from_regex(r"[0-9]{1,20}", fullmatch=True).map(str) | st.integers(0, BIG)
    )
)
def test_call_ids_are_exact_in_order_and_once(ids: list[str | int]) -> None:
    parsed = parse_call_ids(ids, "call_ids")
    texts = [str(int(id_)) for id_ in ids]
    assert sorted(parsed, key=texts.index) == list(parsed)
    assert set(parsed) == set(texts)
    assert len(parsed) == len(set(parsed))
    assert parse_call_ids(",".join(map(str, ids)), "call_ids") == parsed


BAD_ITEMS: list[tuple[object, str]] = [
    ("12x", "'12x'"),
    ("../x", "'../x'"),
    ("1?x=2", "'1?x=2'"),
    ("1 2", "'1 2'"),
    ("1\n2", r"'1\n2'"),
    ("-1", "'-1'"),
    ("1_000", "'1_000'"),
    ("1.0", "'1.0'"),
    ("1" * 21, "1" * 21),
    ("\u0661\u0662", "'\u0661\u0662'"),
    ("\u00b2", "'\u00b2'"),
    ("\ud800", r"'\ud800'"),
    ("x" * 1_000, "..."),
    (10**20, str(10**20)),
    (-5, "-5"),
    (True, "True"),
    ("", "''"),
    (" ", "' '"),
    (False, "False"),
    (1.0, "1.0"),
    (1e19, "1e+19"),
    (None, "None"),
    (["1"], "['1']"),
    ({"id": 1}, "{'id': 1}"),
]


@pytest.mark.parametrize(
    ("value", "shown"),
    [("1,2x,3", "'2x'"), ("1;2", "'1;2'"), (-5, "-5"), (True, "True")],
    ids=brief,
)
def test_bad_call_ids(value: object, shown: str) -> None:
    message = refusal(call_ids=value)
    assert message.startswith("call_ids")
    assert shown in message
    assert len(message) < 200


@pytest.mark.parametrize(("item", "shown"), BAD_ITEMS, ids=brief)
def test_bad_call_ids_in_a_list(item: object, shown: str) -> None:
    message = refusal(call_ids=["1", item, "2"])
    assert message.startswith("call_ids")
    assert shown in message
    assert len(message) < 200


@pytest.mark.parametrize("value", [1.5, {"a": 1}, ("1",), b"1", {"1"}], ids=brief)
def test_call_ids_of_another_type(value: object) -> None:
    message = refusal(call_ids=value)
    assert message.startswith("call_ids")
    assert repr(value) in message


@pytest.mark.parametrize(
    "value",
    ["[1,]", "[1", '["1"] x', "[" * 100_000, "[x]", "[" + "9" * 5_000 + "]"],
    ids=brief,
)
def test_call_ids_that_begin_like_json(value: str) -> None:
    message = refusal(call_ids=value)
    assert message.startswith("call_ids")
    assert len(message) < 200


@pytest.mark.parametrize(
    "value", ['["1", ""]', "[1.5]", "[true]", "[null]", "[[1]]"], ids=brief
)
def test_bad_call_ids_in_json(value: str) -> None:
    assert refusal(call_ids=value).startswith("call_ids")


@pytest.mark.parametrize("blank", ["", " "])
def test_blank_call_ids_do_not_stand_in_the_way_of_a_date(blank: str) -> None:
    assert load(call_ids=blank).call_ids == ()
    assert load(call_ids=blank, start_date="2024-01-01").call_ids is None
    assert load(call_ids=[], start_date="2024-01-01").call_ids == ()


# The file of call IDs


def test_call_ids_file(tmp_path: Path) -> None:
    path = tmp_path / "ids.txt"
    path.write_bytes(b"\xef\xbb\xbf# mine\r\n12\r\n\r\n  13  # why\n12\n00014")
    assert read_call_ids_file(str(path)) == ("12", "13", "14")
    assert load(call_ids_file=str(path)).call_ids == ("12", "13", "14")


def test_call_ids_and_file_go_together(tmp_path: Path) -> None:
    path = tmp_path / "ids.txt"
    path.write_text(f"2\n{BIG}\n1\n")
    both = load(call_ids=[3, 2], call_ids_file=str(path))
    assert both.call_ids == ("3", "2", str(BIG), "1")


@pytest.mark.parametrize("content", ["", "\n\n", "# nothing yet\n"], ids=brief)
def test_empty_file_is_an_empty_list(tmp_path: Path, content: str) -> None:
    path = tmp_path / "ids.txt"
    path.write_text(content)
    assert load(call_ids_file=str(path)).call_ids == ()


@pytest.mark.parametrize(
    ("line", "shown"), [("12x", "'12x'"), ("1,2", "'1,2'"), ("1" * 21, "1" * 21)]
)
def test_bad_line(tmp_path: Path, line: str, shown: str) -> None:
    path = tmp_path / "ids.txt"
    path.write_text(f"1\n\n# two\n{line}\n5\n", encoding="utf-8")
    message = refusal(call_ids_file=str(path))
    assert message.startswith("call_ids_file")
    assert "line 4:" in message
    assert shown in message


def test_missing_file(tmp_path: Path) -> None:
    message = refusal(call_ids_file=str(tmp_path / "no.txt"))
    assert message.startswith("call_ids_file")
    assert "No such file" in message


def test_folder_for_a_file(tmp_path: Path) -> None:
    message = refusal(call_ids_file=str(tmp_path))
    assert message.startswith("call_ids_file")
    assert "cannot be read" in message


@pytest.mark.parametrize(
    "content", [b"\xff\xfe1\x002\x00", b"12\n\x80\x81\n", bytes(range(256))], ids=brief
)
def test_binary_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "ids"
    path.write_bytes(content)
    message = refusal(call_ids_file=str(path))
    assert message.startswith("call_ids_file")
    assert "is not a text file" in message


@pytest.mark.parametrize("value", [1, True, ["a"], {"a": "b"}, "a\0b"], ids=brief)
def test_file_that_is_no_path(value: object) -> None:
    assert refusal(call_ids_file=value).startswith("call_ids_file")


# Credentials


@pytest.mark.parametrize("unset", [None, "", ...], ids=brief)
@pytest.mark.parametrize(
    ("missing", "sentence"),
    [
        (["access_key"], "access_key must be set"),
        (["access_key_secret"], "access_key_secret must be set"),
        (
            ["access_key", "access_key_secret"],
            "access_key and access_key_secret must be set",
        ),
    ],
    ids=brief,
)
def test_missing_credentials(missing: list[str], sentence: str, unset: object) -> None:
    config: dict[str, Any] = dict(KEYS)
    for name in missing:
        if unset is ...:
            del config[name]
        else:
            config[name] = unset
    with pytest.raises(SettingsError) as caught:
        Settings.from_config(config, known=PROPERTIES)
    message = str(caught.value)
    assert message.startswith(sentence)
    assert SECRET not in message
    assert KEY not in message


@pytest.mark.parametrize(
    "value",
    [
        [SECRET],
        {"a": SECRET},
        SECRET.encode(),
        52_411,
        True,
        0,
        False,
        f"{SECRET}\udcff",
    ],
    ids=brief,
)
def test_credentials_that_are_no_text(value: object) -> None:
    for name in KEYS:
        message = refusal(**{name: value})
        assert message == f"{name} must be text in UTF-8."


# The address


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("https://api.gong.io", "https://api.gong.io"),
        ("https://api.gong.io/", "https://api.gong.io"),
        ("https://api.gong.io//", "https://api.gong.io"),
        ("https://api.gong.io/v2", "https://api.gong.io"),
        ("https://api.gong.io/v2/", "https://api.gong.io"),
        ("https://us-12345.api.gong.io", "https://us-12345.api.gong.io"),
        ("https://proxy.example:8443/gong/v2", "https://proxy.example:8443/gong"),
        ("https://api.example/apiv2", "https://api.example/apiv2"),
        ("http://127.0.0.1:1", "http://127.0.0.1:1"),
        ("http://127.0.0.1:1/v2", "http://127.0.0.1:1"),
        ("http://127.9.9.9", "http://127.9.9.9"),
        ("http://[::1]:1", "http://[::1]:1"),
        ("http://localhost:1", "http://localhost:1"),
        ("http://LOCALHOST:1/", "http://LOCALHOST:1"),
    ],
    ids=brief,
)
def test_api_url(value: str, expected: str) -> None:
    assert load(api_url=value).api_url == expected


@pytest.mark.parametrize(
    "value",
    [
        "http://api.gong.io",
        "http://localhost.evil.com",
        "http://127.0.0.1.evil.com",
        "http://evil.com/127.0.0.1",
        "http://10.0.0.1",
        "http://0.0.0.0",
        "http://[::2]:1",
        "http://127.1",
    ],
    ids=brief,
)
def test_plain_http_only_to_this_machine(value: str) -> None:
    message = refusal(api_url=value)
    assert message.startswith("api_url")
    assert repr(value) in message
    assert "unencrypted" in message


@pytest.mark.parametrize(
    "value",
    [
        "api.gong.io",
        "//api.gong.io",
        "https://",
        "https:///v2",
        "https://:443",
        "https:api.gong.io",
        "ftp://api.gong.io",
        "file:///etc/passwd",
        "no address",
        "/v2",
        "https://api gong.io",
        " https://api.gong.io",
        "https://api.gong.io ",
        "https://api.gong.io\n",
        "https://api.gong.io\r\nX: y",
        "https://api.g\u00f6ng.io",
        "https://api.gong.io\\v2",
        "https://api.gong.io/{id}",
        "https://api.gong.io:port",
        "https://api.gong.io:0",
        "https://api.gong.io:65536",
        "https://api.gong.io:-1",
        "https://[::1",
        "https://[x]",
    ],
    ids=brief,
)
def test_bad_api_url(value: str) -> None:
    message = refusal(api_url=value)
    assert message.startswith("api_url")
    assert repr(value) in message


@pytest.mark.parametrize(
    "value",
    [
        f"https://api.gong.io/v2?token={SECRET}",
        "https://api.gong.io?",
        f"https://api.gong.io/#{SECRET}",
        "https://api.gong.io#",
        f"?{SECRET}",
    ],
    ids=brief,
)
def test_more_than_an_address_in_api_url(value: str) -> None:
    message = refusal(api_url=value)
    assert message == "api_url must be an address without anything from a ? or # on."


@pytest.mark.parametrize(
    "value",
    [
        f"https://{KEY}:{SECRET}@api.gong.io",
        f"https://{SECRET}@api.gong.io/v2",
        f"http://localhost:{SECRET}@evil.com",
        "https://@api.gong.io",
        f"https://api.gong.io/{SECRET}@x",
        f"{KEY}:{SECRET}@api.gong.io",
        f"https://[{SECRET}@",
    ],
    ids=brief,
)
def test_credentials_in_api_url(value: str) -> None:
    message = refusal(api_url=value)
    assert message == "api_url must not hold credentials; set access_key instead."


@pytest.mark.parametrize("value", [1, True, ["https://api.gong.io"], {}], ids=brief)
def test_api_url_that_is_no_text(value: object) -> None:
    message = refusal(api_url=value)
    assert message == f"api_url must be text, not {value!r}."


# Numbers

NUMBERS = {
    "lookback_days": (0, 3_650),
    "requests_per_second": (0.01, 10_000),
    "max_wait_seconds": (0, 86_400),
    "request_timeout_seconds": (0.1, 3_600),
}


@pytest.mark.parametrize(
    ("name", "low", "high"), [(n, *bounds) for n, bounds in NUMBERS.items()], ids=brief
)
def test_number(name: str, low: float, high: float) -> None:
    for value in (low, high, 2.5, 3):
        for given_as in (value, str(value)):
            settings = load(**{name: given_as})
            if name == "lookback_days":
                assert settings.lookback == timedelta(days=value)
            else:
                assert getattr(settings, name) == value
                assert isinstance(getattr(settings, name), float)


@pytest.mark.parametrize("value", [1, 256, "1", "256", 5.0, "5.0", " 5 "], ids=brief)
def test_max_concurrency(value: float | str) -> None:
    got = load(max_concurrency=value).max_concurrency
    assert got == int(float(value))
    assert isinstance(got, int)


BAD_NUMBERS: list[object] = [
    "three",
    "3,5",
    "3 a second",
    "0x10",
    "nan",
    "inf",
    "-inf",
    float("nan"),
    float("inf"),
    float("-inf"),
    True,
    False,
    [3],
    [],
    {"a": 1},
    10**400,
    "1" + "0" * 400,
    -1,
    "-1",
    1_000_000,
]


@pytest.mark.parametrize("value", BAD_NUMBERS, ids=brief)
def test_bad_number(value: object) -> None:
    for name in (*NUMBERS, "max_concurrency"):
        message = refusal(**{name: value})
        assert message.startswith(f"{name} must be a")
        assert repr(value)[:50] in message
        assert len(message) < 200


@pytest.mark.parametrize(
    ("name", "value", "bounds"),
    [
        ("requests_per_second", 0, "from 0.01 to 10000"),
        ("requests_per_second", 0.009, "from 0.01 to 10000"),
        ("requests_per_second", 10_001, "from 0.01 to 10000"),
        ("request_timeout_seconds", 0, "from 0.1 to 3600"),
        ("request_timeout_seconds", "3600.1", "from 0.1 to 3600"),
        ("max_wait_seconds", -0.5, "from 0 to 86400"),
        ("max_wait_seconds", 86_401, "from 0 to 86400"),
        ("max_concurrency", 0, "a whole number from 1 to 256"),
        ("max_concurrency", 257, "a whole number from 1 to 256"),
        ("max_concurrency", 1.5, "a whole number from 1 to 256"),
        ("max_concurrency", "1.5", "a whole number from 1 to 256"),
    ],
    ids=brief,
)
def test_number_out_of_range(name: str, value: object, bounds: str) -> None:
    message = refusal(**{name: value})
    assert message.startswith(name)
    assert bounds in message
    assert repr(value) in message


@pytest.mark.parametrize(
    ("rate", "expected"),
    [(0.01, 4), (1, 4), (1.5, 5), (3, 9), (10, 30), (1_000, MOST_IN_FLIGHT)],
    ids=brief,
)
def test_concurrency_follows_the_pace(rate: float, expected: int) -> None:
    assert load(requests_per_second=rate).max_concurrency == expected
    assert load(requests_per_second=rate, max_concurrency=7).max_concurrency == 7


CHOICES = {
    "call_lookup": ["single", "batch"],
    "private_calls": ["include", "exclude"],
}


@pytest.mark.parametrize(
    ("name", "value"),
    [(name, value) for name, values in CHOICES.items() for value in values],
)
def test_choice(name: str, value: str) -> None:
    assert getattr(load(**{name: value}), name) == value


@pytest.mark.parametrize(
    "value",
    ["both", "SINGLE", "Exclude", "single ", "exclude ", 1, True, False, ["batch"]],
)
@pytest.mark.parametrize("name", CHOICES)
def test_bad_choice(name: str, value: object) -> None:
    message = refusal(**{name: value})
    assert message.startswith(f"{name} must be ")
    assert message.endswith(f", not {value!r}.")
    if isinstance(value, str):
        assert " or ".join(CHOICES[name]) in message


# Dates


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-01-31", datetime(2024, 1, 31, tzinfo=UTC)),
        ("2024-01-31T10:20:30Z", datetime(2024, 1, 31, 10, 20, 30, tzinfo=UTC)),
        ("2024-01-31T10:20:30.5Z", datetime(2024, 1, 31, 10, 20, 30, 500_000, UTC)),
        ("2024-01-31T00:00:00+14:00", datetime(2024, 1, 30, 10, tzinfo=UTC)),
        ("2024-01-31 23:00:00-0800", datetime(2024, 2, 1, 7, tzinfo=UTC)),
        ("0001-01-01", datetime(1, 1, 1, tzinfo=UTC)),
    ],
)
def test_moment(text: str, expected: datetime) -> None:
    moment = parse_moment(text, "x")
    assert moment == expected
    assert moment.tzinfo is UTC


@pytest.mark.parametrize(
    "text",
    [
        *("", "now", "2024", "2024-02-30", "24-01-31", "31.01.2024", "1706700000"),
        *("2024-01-31T25:00:00Z", "2024-01-31T00:00:00+99:00", "x" * 1_000, "\n"),
        *("0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00", "\ud800"),
    ],
    ids=brief,
)
def test_no_moment(text: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse_moment(text, "start_date")
    message = str(caught.value)
    assert message.startswith("start_date must be a date such as 2024-01-31, not ")
    assert repr(text)[:50] in message
    assert len(message) < 150
    assert "\n" not in message


@pytest.mark.parametrize("text", ["2024-01-31T00:00:00", "20240131", "2024-W05"])
def test_a_moment_without_offset_might_be_any(text: str) -> None:
    with pytest.raises(
        SettingsError, match=r"^x '.*' has no UTC offset: end it with Z"
    ):
        parse_moment(text, "x")


@given(st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1)), st.integers(-839, 839))  # noqa: DTZ001
def test_a_moment_is_the_same_instant_in_any_zone(when: datetime, minutes: int) -> None:
    moment = when.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    assert parse_moment(moment.isoformat(), "x") == moment


def test_dates() -> None:
    settings = load(start_date="2024-01-31", end_date="2024-01-31T00:00:01Z")
    assert settings.start_date == datetime(2024, 1, 31, tzinfo=UTC)
    assert settings.end_date == datetime(2024, 1, 31, 0, 0, 1, tzinfo=UTC)
    assert load(end_date="2999-01-01").end_date == datetime(2999, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("dates", "words"),
    [
        ({"start_date": "2999-01-01"}, "start_date '2999-01-01' lies in the future"),
        (
            {"start_date": "2024-01-31", "end_date": "2024-01-31T02:00:00+02:00"},
            "end_date '2024-01-31T02:00:00+02:00' must be later than start_date",
        ),
        (
            {"start_date": "2024-01-31", "end_date": "2024-01-30"},
            "end_date '2024-01-30' must be later than start_date '2024-01-31'",
        ),
        ({"start_date": 20240131}, "start_date must be text, not 20240131"),
        ({"end_date": True}, "end_date must be text, not True"),
        ({"end_date": "soon"}, "end_date must be a date such as"),
    ],
    ids=brief,
)
def test_bad_dates(dates: dict[str, object], words: str) -> None:
    assert refusal(**dates).startswith(words)


@pytest.mark.parametrize("value", ["1", 1, " 1\n", BIG, str(BIG)], ids=brief)
def test_workspace(value: object) -> None:
    assert load(workspace_id=value).workspace_id == str(value).strip()


def test_leading_zeros_are_no_part_of_an_id() -> None:
    assert load(call_ids=["007", "7", "00"]).call_ids == ("7", "0")
    assert load(workspace_id="007").workspace_id == "7"


@pytest.mark.parametrize(
    ("end_date", "end"),
    [
        ("2024-01-31T00:00:00.000001Z", "2024-01-31T00:00:01+00:00"),
        ("2024-01-31T23:59:59.999999Z", "2024-02-01T00:00:00+00:00"),
        ("2024-01-31T00:00:00.000Z", "2024-01-31T00:00:00+00:00"),
    ],
)
def test_a_fraction_of_a_second_leaves_no_call_out(end_date: str, end: str) -> None:
    settings = load(start_date="2024-01-01T00:00:00.9Z", end_date=end_date)
    assert settings.end_date == datetime.fromisoformat(end)
    assert settings.start_date == datetime(2024, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "value",
    ["a", "1,2", "../1", "1" * 21, "\u0661", -1, 1.0, True, [1], {"id": 1}, " "],
    ids=brief,
)
def test_bad_workspace(value: object) -> None:
    message = refusal(workspace_id=value)
    assert message == f"workspace_id must have 1 to 20 digits, not {value!r}."


# Names and the user agent


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("acces_key", "access_key"),
        ("call_id", "call_ids"),
        ("call_ids_fil", "call_ids_file"),
        ("request_per_second", "requests_per_second"),
        ("api_uri", "api_url"),
    ],
    ids=brief,
)
def test_unknown_setting_with_a_near_miss(name: str, near: str) -> None:
    message = refusal(**{name: SECRET})
    assert message == f"There is no setting {name!r}. Did you mean {near!r}?"


def test_unknown_setting() -> None:
    assert refusal(zzz=SECRET) == "There is no setting 'zzz'."
    assert len(refusal(**{"\n" * 1_000: 1})) < 200


def test_known_settings_of_the_sdk_are_let_through() -> None:
    config = {**KEYS, "stream_maps": {"calls": {}}}
    known = [*PROPERTIES, "stream_maps"]
    assert Settings.from_config(config, known=known) == load()


def test_user_agent() -> None:
    assert load(user_agent="acme-etl/2 (ops)").user_agent == "acme-etl/2 (ops)"


@pytest.mark.parametrize(
    "value", ["a\nb", "a\r\nX-Y: z", " a", "a ", "\u00e9", "\x00", 5, ["a"]], ids=brief
)
def test_bad_user_agent(value: object) -> None:
    message = refusal(user_agent=value)
    assert message.startswith("user_agent")
    assert repr(value) in message


@given(
    st.dictionaries(
        st.sampled_from(sorted(PROPERTIES)),
        st.none()
        | st.booleans()
        | st.integers(-(10**30), 10**30)
        | st.floats()
        | st.text(string.printable)
        | st.text()
        | st.lists(st.integers() | st.text(), max_size=3),
    )
)
def test_any_configuration_is_taken_or_refused(config: dict[str, Any]) -> None:
    try:
        settings = Settings.from_config(config, known=PROPERTIES)
    except SettingsError as error:
        assert "\n" not in str(error)  # noqa: PT017 - most are refused, not all
    else:
        assert settings.access_key == config["access_key"]


# The environment


def test_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TAP_GONG_ACCESS_KEY", KEY)
    monkeypatch.setenv("TAP_GONG_CALL_IDS", f"{BIG},2")
    monkeypatch.setenv("TAP_GONG_REQUESTS_PER_SECOND", "2.5")
    monkeypatch.setenv("TAP_GONG_NO_SUCH", "x")
    monkeypatch.setenv("OTHER_ACCESS_KEY_SECRET", "x")
    assert from_environment("TAP_GONG_") == {
        "access_key": KEY,
        "call_ids": f"{BIG},2",
        "requests_per_second": "2.5",
    }
    settings = load(**from_environment("TAP_GONG_"))
    assert settings.call_ids == (str(BIG), "2")
    assert settings.requests_per_second == 2.5


def test_dotenv_of_the_working_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text(
        "# a comment\n"
        'TAP_GONG_ACCESS_KEY="from .env"\n'
        "export TAP_GONG_USER_AGENT=mine\n"
        "TAP_GONG_API_URL=http://localhost:1\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TAP_GONG_API_URL", "https://us-1.api.gong.io")
    assert from_environment("TAP_GONG_") == {
        "access_key": "from .env",
        "user_agent": "mine",
        "api_url": "https://us-1.api.gong.io",
    }


def test_a_blank_variable_counts_as_not_set(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text(
        "TAP_GONG_ACCESS_KEY=key\nTAP_GONG_CALL_IDS=\nTAP_GONG_USER_AGENT=' '\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TAP_GONG_ACCESS_KEY", "")
    monkeypatch.setenv("TAP_GONG_WORKSPACE_ID", " \t")
    monkeypatch.setenv("TAP_GONG_STREAM_MAPS", " ")
    monkeypatch.setenv("OTHER", "")
    assert from_environment("TAP_GONG_") == {"access_key": "key"}
    assert "TAP_GONG_STREAM_MAPS" not in os.environ
    assert os.environ["OTHER"] == ""


def test_a_dotenv_further_up_is_somebody_elses(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("TAP_GONG_API_URL=https://evil.example\n")
    (tmp_path / "a").mkdir()
    monkeypatch.chdir(tmp_path / "a")
    assert from_environment("TAP_GONG_") == {}


def test_a_dotenv_that_cannot_be_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def refuse(*_: object, **__: object) -> NoReturn:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    (tmp_path / ".env").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("builtins.open", refuse)
    with pytest.raises(
        SettingsError, match=r"^\.env cannot be read: Permission denied"
    ):
        from_environment("TAP_GONG_")


def test_dotenv_that_is_no_text(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_bytes(b"TAP_GONG_ACCESS_KEY=k\xe9y\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SettingsError, match=r"\.env is not a text file in UTF-8\."):
        from_environment("TAP_GONG_")


def test_no_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    before = dict(os.environ)
    assert from_environment("TAP_GONG_") == {}
    assert dict(os.environ) == before


def test_unknown_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        *("CALLIDS", "FOO", "call_ids", "EU_ACCESS_KEY"),
        *("LOGLEVEL", "_SELECT", "CALL_IDS", "STREAM_MAPS"),
    ):
        monkeypatch.setenv(f"TAP_GONG_{name}", SECRET)
    monkeypatch.setenv("TAP_GONG_BLANK", " ")
    monkeypatch.setenv("TAP_GONGS_START_DATE", "x")
    known = [*PROPERTIES, "stream_maps"]
    unknown = [
        "TAP_GONG_CALLIDS (did you mean TAP_GONG_CALL_IDS?)",
        "TAP_GONG_EU_ACCESS_KEY (did you mean TAP_GONG_ACCESS_KEY?)",
        "TAP_GONG_FOO",
        "TAP_GONG_call_ids",
    ]
    assert unknown_variables("TAP_GONG_", known) == unknown
    # There a plugin may inherit from this one, and its variables look like this.
    monkeypatch.setenv("MELTANO_EXTRACTOR_NAME", "tap-gong")
    assert unknown_variables("TAP_GONG_", known) == [unknown[0], *unknown[2:]]
