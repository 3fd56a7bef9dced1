"""How often a request is sent, how long it waits, and what is told of it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING
from unittest.mock import Mock

import pytest
import requests
from singer_sdk.exceptions import FatalAPIError

from tap_gong.errors import LongWaitError, RunFailedError, TooLargeError, TryAgainError
from tap_gong.gong.tries import LONGEST_BACKOFF, SPELL_SECONDS, TRIES, Tries, backoff

if TYPE_CHECKING:
    from tests.unit.conftest import Clock

REQUEST = requests.Request("GET", "https://api.gong.io/v2/calls/1")
LOGGER = logging.getLogger("tests.tries")

pytestmark = pytest.mark.usefixtures("waits")


def session_with(*errors: Exception) -> Mock:
    """Make a session that raises these, one for each request, and then answers."""
    answers = [requests.Response()] * 10
    return Mock(ask=Mock(side_effect=[*errors, *answers]))


def tried(session: Mock, clock: Clock) -> int:
    Tries(session, LOGGER, clock=clock).ask(REQUEST, lambda _: 1)
    return int(session.ask.call_count)


def failures(number: int) -> list[Exception]:
    return [TryAgainError(f"Failure {which}.") for which in range(number)]


@pytest.mark.parametrize("number", [0, 1, TRIES - 1])
def test_it_is_sent_until_there_is_an_answer(
    clock: Clock, waits: list[float], number: int
) -> None:
    session = session_with(*failures(number))
    assert tried(session, clock) == number + 1
    assert session.paced.count_retry.call_count == len(waits) == number


def test_it_is_given_up(clock: Clock, waits: list[float]) -> None:
    session = session_with(*failures(TRIES))
    with pytest.raises(FatalAPIError, match=r"Failure 8\. That was try 9 of 9\.$"):
        tried(session, clock)
    assert session.paced.count_retry.call_count == len(waits) == TRIES - 1


def test_what_is_not_understood_is_asked_again(clock: Clock) -> None:
    session = session_with()
    understand = Mock(side_effect=[TryAgainError("x"), "understood"])
    tries = Tries(session, LOGGER, clock=clock)
    assert tries.ask(REQUEST, understand) == "understood"
    assert session.ask.call_count == 2


def test_too_much_is_not_asked_for_often(clock: Clock) -> None:
    session = session_with(TooLargeError("Too large."), TooLargeError("Too large."))
    with pytest.raises(FatalAPIError, match=r"Too large\. That was try 2 of 2\.$"):
        tried(session, clock)


def test_too_much_once(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    assert tried(session_with(TooLargeError("Too large.")), clock) == 2
    assert told(caplog) == ["Too large. Trying again, up to 2 times for each request."]


def test_what_every_request_would_get_ends_the_run(clock: Clock) -> None:
    error = RunFailedError("x")
    session = session_with(error)
    with pytest.raises(RunFailedError):
        tried(session, clock)
    session.paced.pace.close.assert_called_once_with(error)


@pytest.mark.parametrize("error", [FatalAPIError("x"), LongWaitError("x"), OSError()])
def test_another_error_is_not_tried_again(clock: Clock, error: Exception) -> None:
    """A run that ends gives its error to all who wait for a turn."""
    session = session_with(error)
    with pytest.raises(type(error)):
        tried(session, clock)
    assert session.ask.call_count == 1


def test_waits_grow_to_a_limit_and_differ() -> None:
    for attempt, longest in enumerate([0.5, 1, 2, 4, 8, 8, 8, 8], start=1):
        waits = {backoff(attempt) for _ in range(100)}
        assert longest / 2 <= min(waits) < max(waits) <= longest <= LONGEST_BACKOFF


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [line.message for line in caplog.records if line.levelname == "WARNING"]


def test_a_spell_of_failures_is_told_once(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    tries = Tries(session_with(*failures(6)), LOGGER, clock=clock)
    for _ in range(3):
        tries.ask(REQUEST, lambda _: 1)
    (sentence,) = told(caplog)
    assert sentence == "Failure 0. Trying again, up to 9 times for each request."
    assert len(caplog.records) == 6


def test_the_next_spell_is_told_again(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    tries = Tries(session_with(), LOGGER, clock=clock)
    for wait in (0, SPELL_SECONDS, SPELL_SECONDS, SPELL_SECONDS + 1):
        clock.now += wait
        understand = Mock(side_effect=[TryAgainError(f"At {clock.now}."), 1])
        tries.ask(REQUEST, understand)
    assert len(told(caplog)) == 2


def test_a_run_without_failures_tells_nothing(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    tried(session_with(), clock)
    assert told(caplog) == []


def test_the_last_try_is_not_told_as_one_that_goes_on(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with pytest.raises(FatalAPIError):
        tried(session_with(*failures(TRIES)), clock)
    assert len(caplog.records) == TRIES - 1
