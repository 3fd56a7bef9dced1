"""The tap's settings: their schema, their checks, and one typed view of them."""

from __future__ import annotations

import difflib
import ipaddress
import json
import math
import os
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from dotenv import load_dotenv
from singer_sdk import typing as th

from tap_gong.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

USER_AGENT = f"tap-gong/{version('tap-gong')}"

SECONDS_IN_FLIGHT = 3
"""How long an answer of Gong's may take before the default of `max_concurrency` becomes
the bottleneck instead of `requests_per_second`."""

FEWEST_IN_FLIGHT, MOST_IN_FLIGHT = 4, 100
"""Bounds of the default of `max_concurrency`."""

DOTENV = ".env"

_ID = re.compile(r"[0-9]{1,20}")
_SHOWN_LENGTH = 60

SCHEMA: dict[str, Any] = th.PropertiesList(
    th.Property(
        "access_key",
        th.StringType,
        title="Access key",
        description="Access key of a Gong API key pair.",
        secret=True,
    ),
    th.Property(
        "access_key_secret",
        th.StringType,
        title="Access key secret",
        description="Secret that belongs to the access key.",
        secret=True,
    ),
    th.Property(
        "api_url",
        th.URIType,
        default="https://api.gong.io",
        title="API address",
        description=(
            "Base address of Gong's API. Gong shows a company its own beside the API "
            "key, such as `https://us-12345.api.gong.io`."
        ),
    ),
    th.Property(
        "call_ids",
        th.CustomType(
            {
                "type": ["array", "string", "integer", "null"],
                "items": {"type": ["string", "integer"]},
            }
        ),
        title="Call IDs",
        description=(
            "Calls to retrieve, by ID: a JSON array of strings or integers, or a "
            "comma-separated string. Repeats are asked once."
        ),
    ),
    th.Property(
        "call_ids_file",
        th.StringType,
        title="File of call IDs",
        description=(
            "Text file with one call ID a line; blank lines and `#` comments are "
            "skipped. Adds to `call_ids`."
        ),
    ),
    th.Property(
        "call_lookup",
        th.StringType,
        default="single",
        allowed_values=["single", "batch"],
        title="Call lookup",
        description=(
            "How calls are asked for by ID: `single`, one a request, or `batch`, 100 a "
            "request, which needs an API key with the scope "
            "`api:calls:read:extensive`. The records are the same."
        ),
    ),
    th.Property(
        "start_date",
        th.DateTimeType,
        title="Start date",
        description=(
            "Find calls by date, from this moment on: ISO-8601 with a UTC offset, or a "
            "date alone for midnight UTC. Used where no call IDs are given."
        ),
    ),
    th.Property(
        "end_date",
        th.DateTimeType,
        title="End date",
        description=(
            "Find calls before this moment, as in `start_date`. By default up to the "
            "moment when the run began."
        ),
    ),
    th.Property(
        "lookback_days",
        th.NumberType(minimum=0, maximum=3_650),
        default=3,
        title="Look-back",
        description=(
            "Days before the bookmark to read again: Gong shows some calls late, up to "
            "a day after they took place."
        ),
    ),
    th.Property(
        "workspace_id",
        th.StringType,
        title="Workspace",
        description="Find by date only the calls of the workspace with this ID.",
    ),
    th.Property(
        "private_calls",
        th.StringType,
        default="include",
        allowed_values=["include", "exclude"],
        title="Private calls",
        description=(
            "`exclude` leaves out the calls that are marked private in Gong, and "
            "everything about them."
        ),
    ),
    th.Property(
        "requests_per_second",
        th.CustomType({"type": ["number", "null"], "minimum": 0.01, "maximum": 10_000}),
        default=3,
        title="Requests per second",
        description=(
            "Pace of all requests together, retries included. Gong allows a company 3 "
            "a second unless agreed otherwise."
        ),
    ),
    th.Property(
        "max_concurrency",
        th.IntegerType(minimum=1, maximum=256),
        title="Most requests in flight",
        description=(
            "How many requests may wait for Gong's answer at once. By default enough "
            f"for answers that take {SECONDS_IN_FLIGHT} seconds at "
            f"`requests_per_second`, from {FEWEST_IN_FLIGHT} to {MOST_IN_FLIGHT}."
        ),
    ),
    th.Property(
        "max_wait_seconds",
        th.NumberType(minimum=0, maximum=86_400),
        default=300,
        title="Longest wait",
        description=(
            "Longest wait, in seconds, that the tap accepts when Gong asks for one. A "
            "longer one, as when the day's quota is used up, ends the run; the next "
            "run goes on from there."
        ),
    ),
    th.Property(
        "request_timeout_seconds",
        th.CustomType({"type": ["number", "null"], "minimum": 0.1, "maximum": 3_600}),
        default=60,
        title="Request time-out",
        description="Seconds after which a request without a full answer is retried.",
    ),
    th.Property(
        "user_agent",
        th.StringType,
        title="User agent",
        description="User-Agent of each request. By default `tap-gong/<version>`.",
    ),
    additional_properties=False,
).to_dict()

PROPERTIES: dict[str, dict[str, Any]] = dict(SCHEMA["properties"])
"""The tap's own settings by name; the SDK later adds its own to `SCHEMA`."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Checked settings; absent ones have their defaults."""

    access_key: str
    access_key_secret: str
    api_url: str
    """Base address without a slash at its end."""
    call_ids: tuple[str, ...] | None
    """IDs of `call_ids` and `call_ids_file` in order, each once; None if neither is
    set."""
    call_lookup: str
    start_date: datetime | None
    end_date: datetime | None
    lookback: timedelta
    workspace_id: str | None
    private_calls: str
    requests_per_second: float
    max_concurrency: int
    max_wait_seconds: float
    request_timeout_seconds: float
    user_agent: str

    @classmethod
    def from_config(
        cls, config: Mapping[str, Any], *, known: Iterable[str]
    ) -> Settings:
        """Check a configuration.

        Args:
            config: Settings by name, as JSON or the environment gives them: numbers
                may come as text.
            known: Names of all settings, the SDK's included.

        Returns:
            The typed view.

        Raises:
            SettingsError: With one sentence that names the setting and its value
                (but never a credential's).
        """
        _refuse_unknown(config, known)
        requests_per_second = _number(config, "requests_per_second")
        in_flight = min(
            max(math.ceil(SECONDS_IN_FLIGHT * requests_per_second), FEWEST_IN_FLIGHT),
            MOST_IN_FLIGHT,
        )
        access_key, access_key_secret = _credentials(config)
        start_date, end_date = _dates(config)
        return cls(
            access_key=access_key,
            access_key_secret=access_key_secret,
            api_url=_api_url(config),
            call_ids=_configured_call_ids(config),
            call_lookup=_choice(config, "call_lookup"),
            start_date=start_date,
            end_date=end_date,
            lookback=timedelta(days=_number(config, "lookback_days")),
            workspace_id=_workspace_id(config),
            private_calls=_choice(config, "private_calls"),
            requests_per_second=requests_per_second,
            max_concurrency=int(_number(config, "max_concurrency", in_flight)),
            max_wait_seconds=_number(config, "max_wait_seconds"),
            request_timeout_seconds=_number(config, "request_timeout_seconds"),
            user_agent=_user_agent(config),
        )


def from_environment(prefix: str) -> dict[str, str]:
    """Read the tap's own settings from the environment.

    Variables of the file `.env` in the working folder count where the environment
    itself does not set them. One that is blank is taken away: it counts as not set, to
    the SDK too.

    Args:
        prefix: What the variables' names begin with; the setting's name in capitals
            follows.

    Returns:
        The text of each variable that is set.

    Raises:
        SettingsError: If there is a `.env` that cannot be read as text.
    """
    _forget_blanks(prefix)
    try:
        load_dotenv(DOTENV)
    except OSError as error:
        msg = f"{DOTENV} cannot be read: {error.strerror}."
        raise SettingsError(msg) from None
    except ValueError:
        msg = f"{DOTENV} is not a text file in UTF-8."
        raise SettingsError(msg) from None
    _forget_blanks(prefix)
    variables = {name: f"{prefix}{name.upper()}" for name in PROPERTIES}
    return {
        name: os.environ[variable]
        for name, variable in variables.items()
        if variable in os.environ
    }


def unknown_variables(prefix: str, known: Iterable[str]) -> list[str]:
    """Find the variables of the environment that look like settings and are not.

    Args:
        prefix: What the variables' names begin with.
        known: Names of all settings, the SDK's included.

    Returns:
        Their names, each with the one that may have been meant.
    """
    names = [name.upper() for name in known]
    endings: tuple[str, ...] = ()
    if "MELTANO_EXTRACTOR_NAME" in os.environ:
        # Settings of a plugin that inherits from this one, as TAP_GONG_EU_ACCESS_KEY.
        endings = tuple(f"_{name}" for name in names)
    unknown = []
    for variable in sorted(os.environ):
        name = variable.removeprefix(prefix)
        if (
            variable.startswith(prefix)
            and name not in {*names, "LOGLEVEL"}
            and os.environ[variable].strip()
            and not name.startswith("_")  # Meltano's extras, as TAP_GONG__SELECT
            and not name.endswith(endings)
        ):
            near = difflib.get_close_matches(name, names, n=1, cutoff=0.7)
            hint = f" (did you mean {prefix}{near[0]}?)" if near else ""
            unknown.append(f"{variable}{hint}")
    return unknown


def parse_call_ids(value: object, source: str) -> tuple[str, ...]:
    """Read call IDs.

    Args:
        value: A list of strings or integers, a JSON array or a comma-separated list
            as text, or a single integer.
        source: Where the value stands, for the error.

    Returns:
        The IDs in order, each once, exact to the last digit.

    Raises:
        SettingsError: If anything in it is not 1 to 20 digits.
    """
    items: object = value
    if isinstance(items, str):
        if items.lstrip().startswith("["):
            try:
                items = json.loads(items)
            except (ValueError, RecursionError):
                msg = f"{source} begins like a JSON array but is not one."
                raise SettingsError(msg) from None
        else:
            items = [part for part in items.split(",") if part.strip()]
    elif isinstance(items, int):
        items = [items]
    if not isinstance(items, list):
        msg = (
            f"{source} must be a list of call IDs or a comma-separated string, "
            f"not {_shown(value)}."
        )
        raise SettingsError(msg)
    return tuple(dict.fromkeys(_call_id(item, source) for item in items))


def read_call_ids_file(path: str) -> tuple[str, ...]:
    """Read a file with one call ID a line.

    Args:
        path: The file; blank lines and what follows a `#` are skipped.

    Returns:
        The IDs in order, each once.

    Raises:
        SettingsError: If the file cannot be read as text, or a line is not a call ID;
            then the line's number is named.
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except OSError as error:
        msg = f"call_ids_file {_shown(path)} cannot be read: {error.strerror}."
        raise SettingsError(msg) from None
    except ValueError:
        msg = f"call_ids_file {_shown(path)} is not a text file in UTF-8."
        raise SettingsError(msg) from None
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return tuple(
        dict.fromkeys(
            _call_id(line, f"call_ids_file {_shown(path)}, line {number}")
            for number, line in enumerate(lines, start=1)
            if line
        )
    )


def parse_moment(text: str, source: str) -> datetime:
    """Read a moment.

    Args:
        text: ISO-8601 with a UTC offset, or a date alone, which means midnight UTC.
        source: Where it stands, for the error.

    Returns:
        The moment in UTC.

    Raises:
        SettingsError: If it is not such a text, or has no offset.
    """
    try:
        if len(text) == len("2024-01-31"):
            day = date.fromisoformat(text)
            return datetime(day.year, day.month, day.day, tzinfo=UTC)
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        msg = f"{source} must be a date such as 2024-01-31, not {_shown(text)}."
        raise SettingsError(msg) from None
    msg = (
        f"{source} {_shown(text)} has no UTC offset: end it with Z for UTC (and put it "
        f"in quotes in YAML, or the Z gets lost)."
    )
    raise SettingsError(msg)


def _forget_blanks(prefix: str) -> None:
    for variable, text in list(os.environ.items()):
        if variable.startswith(prefix) and not text.strip():
            del os.environ[variable]


def _call_id(item: object, source: str) -> str:
    text = str(item).strip() if type(item) in (str, int) else ""
    if not _ID.fullmatch(text):
        msg = f"{source}: {_shown(item)} is not a call ID, which has 1 to 20 digits."
        raise SettingsError(msg)
    return _without_zeros(text)


def _without_zeros(digits: str) -> str:
    """Write a number as Gong does, which has no zeros before it."""
    return digits.lstrip("0") or "0"


def _configured_call_ids(config: Mapping[str, Any]) -> tuple[str, ...] | None:
    listed = config.get("call_ids")
    if isinstance(listed, str) and not listed.strip() and config.get("start_date"):
        # Meltano hands on a blank TAP_GONG_CALL_IDS as empty text.
        listed = None
    path = _text(config, "call_ids_file")
    if listed is None and path is None:
        return None
    ids = () if listed is None else parse_call_ids(listed, "call_ids")
    more = () if path is None else read_call_ids_file(path)
    return tuple(dict.fromkeys((*ids, *more)))


def _refuse_unknown(config: Mapping[str, Any], known: Iterable[str]) -> None:
    known = list(known)
    for name in config:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            msg = f"There is no setting {_shown(name)}.{hint}"
            raise SettingsError(msg)


def _credentials(config: Mapping[str, Any]) -> tuple[str, str]:
    names = ("access_key", "access_key_secret")
    for name in names:
        value = config.get(name)
        if value is not None and not (isinstance(value, str) and _is_utf8(value)):
            msg = f"{name} must be text in UTF-8."
            raise SettingsError(msg)
    missing = [name for name in names if not config.get(name)]
    if missing:
        msg = (
            f"{' and '.join(missing)} must be set: a Gong administrator makes an API "
            f"key pair under Settings > Ecosystem > API."
        )
        raise SettingsError(msg)
    return config["access_key"], config["access_key_secret"]


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _api_url(config: Mapping[str, Any]) -> str:
    value = _text(config, "api_url") or str(PROPERTIES["api_url"]["default"])
    if "@" in value:
        msg = "api_url must not hold credentials; set access_key instead."
        raise SettingsError(msg)
    if "?" in value or "#" in value:
        msg = "api_url must be an address without anything from a ? or # on."
        raise SettingsError(msg)
    try:
        parts = urlsplit(value)
        usable = (
            parts.scheme in {"http", "https"}
            and bool(parts.hostname)
            and parts.port != 0
            and value.isascii()
            and value.isprintable()
            and not set(value) & set(' \\"<>^`{|}')
        )
    except ValueError:
        usable = False
    if not usable:
        msg = (
            f"api_url must be an address such as https://api.gong.io, "
            f"not {_shown(value)}."
        )
        raise SettingsError(msg)
    if parts.scheme == "http" and not _is_loopback(str(parts.hostname)):
        msg = (
            f"api_url {_shown(value)} would send the API key unencrypted: use https "
            f"(plain http is for this machine only)."
        )
        raise SettingsError(msg)
    return value.rstrip("/").removesuffix("/v2").rstrip("/")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _user_agent(config: Mapping[str, Any]) -> str:
    value = _text(config, "user_agent") or USER_AGENT
    if not (value.isascii() and value.isprintable() and value == value.strip()):
        msg = f"user_agent must be one line of ASCII text, not {_shown(value)}."
        raise SettingsError(msg)
    return value


def _text(config: Mapping[str, Any], name: str) -> str | None:
    value = config.get(name)
    if value is not None and not isinstance(value, str):
        msg = f"{name} must be text, not {_shown(value)}."
        raise SettingsError(msg)
    return value or None


def _moment(config: Mapping[str, Any], name: str) -> datetime | None:
    text = _text(config, name)
    return None if text is None else parse_moment(text, name)


def _dates(config: Mapping[str, Any]) -> tuple[datetime | None, datetime | None]:
    start, end = _moment(config, "start_date"), _moment(config, "end_date")
    # Gong is asked in whole seconds: no part of one may be left out.
    if start:
        start = start.replace(microsecond=0)
    if end and end.microsecond:
        end = end.replace(microsecond=0) + timedelta(seconds=1)
    if start and start > datetime.now(UTC):
        msg = f"start_date {_shown(config['start_date'])} lies in the future."
        raise SettingsError(msg)
    if start and end and end <= start:
        msg = (
            f"end_date {_shown(config['end_date'])} must be later than start_date "
            f"{_shown(config['start_date'])}."
        )
        raise SettingsError(msg)
    return start, end


def _workspace_id(config: Mapping[str, Any]) -> str | None:
    value = config.get("workspace_id")
    if value is None or value == "":
        return None
    text = str(value).strip() if type(value) in (str, int) else ""
    if not _ID.fullmatch(text):
        msg = f"workspace_id must have 1 to 20 digits, not {_shown(value)}."
        raise SettingsError(msg)
    return _without_zeros(text)


def _choice(config: Mapping[str, Any], name: str) -> str:
    spec = PROPERTIES[name]
    value = _text(config, name) or str(spec["default"])
    choices = [choice for choice in spec["enum"] if choice is not None]
    if value not in choices:
        msg = f"{name} must be {' or '.join(choices)}, not {_shown(value)}."
        raise SettingsError(msg)
    return value


def _number(
    config: Mapping[str, Any], name: str, default: float | None = None
) -> float:
    spec = PROPERTIES[name]
    value = config.get(name)
    if value is None or value == "":
        return float(spec["default"] if default is None else default)
    whole = "integer" in spec["type"]
    try:
        number = math.nan if isinstance(value, bool | list) else float(value)
    except (ValueError, TypeError, OverflowError):
        number = math.nan
    low, high = spec["minimum"], spec["maximum"]
    if not low <= number <= high or (whole and number != int(number)):
        kind = "a whole number" if whole else "a number"
        msg = f"{name} must be {kind} from {low} to {high}, not {_shown(value)}."
        raise SettingsError(msg)
    return number


def _shown(value: object) -> str:
    """Show a value in an error: in quotes, on one line, not too long."""
    text = str(value) if isinstance(value, Decimal) else repr(value)
    return text if len(text) <= _SHOWN_LENGTH else f"{text[:_SHOWN_LENGTH]}..."
