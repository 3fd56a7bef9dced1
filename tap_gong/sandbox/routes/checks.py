"""The checks of what a client sent."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING

from tap_gong.sandbox.answers import Answer, Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tap_gong.sandbox.routes.endpoint import Inputs

_MOMENT = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)", re.ASCII
)
_ID = re.compile(r"\d{1,20}", re.ASCII)
_MAX_IDS = 100


class Checked:
    """The fields of a JSON object or a query, checked one by one.

    What is wrong with them is collected, one text for each field, until `done`.
    """

    def __init__(
        self,
        given: Mapping[str, object],
        known: Sequence[str],
        prefix: str = "",
        problems: list[str] | None = None,
    ) -> None:
        """Check the names of the fields.

        Args:
            given: The fields.
            known: The names that the document of the API knows.
            prefix: What stands before a name in a text, with a dot at its end.
            problems: Where to collect the texts.
        """
        self._given = given
        self._prefix = prefix
        self._problems: list[str] = [] if problems is None else problems
        for name in given:
            if name not in known:
                self.complain(name, "is not known here")

    def complain(self, name: str, problem: str) -> None:
        """Say what is wrong with a field.

        Args:
            name: The field.
            problem: What is wrong with it.
        """
        self._problems.append(f"{self._prefix}{name}: {problem}")

    def done(self) -> None:
        """End the checks.

        Raises:
            Refusal: Something was wrong.
        """
        if self._problems:
            raise Refusal(Answer(400, {"errors": self._problems}))

    def without(self, name: str) -> dict[str, object]:
        """Give the fields as they were sent, but for one.

        Args:
            name: The field to leave out.

        Returns:
            The others.
        """
        return {key: value for key, value in self._given.items() if key != name}

    def nested(
        self, name: str, known: Sequence[str], *, required: bool = False
    ) -> Checked:
        """Check an object inside this one.

        Args:
            name: The field that holds it.
            known: The names of its fields that the document knows.
            required: Whether it must be there.

        Returns:
            Its fields; none where it is left out.
        """
        value = self._given.get(name)
        if value is None and required:
            self.complain(name, "must not be null")
        elif not isinstance(value, dict | None):
            self.complain(name, "must be a JSON object")
            value = None
        return Checked(value or {}, known, f"{self._prefix}{name}.", self._problems)

    def text(self, name: str) -> str | None:
        """Check a text.

        Args:
            name: The field.

        Returns:
            The text, or None.
        """
        value = self._given.get(name)
        if isinstance(value, str | None):
            return value
        self.complain(name, "must be a string")
        return None

    def flag(self, name: str) -> bool:
        """Check a boolean.

        Args:
            name: The field.

        Returns:
            Its value; False where it is left out.
        """
        value = self._given.get(name)
        if not isinstance(value, bool | None):
            self.complain(name, "must be true or false")
        return value is True

    def choice(self, name: str, choices: Sequence[str]) -> str | None:
        """Check one value of an enumeration.

        Args:
            name: The field.
            choices: The values that the document knows.

        Returns:
            The value, or None.
        """
        value = self.text(name)
        if value is not None and value not in choices:
            self.complain(name, f"must be one of {', '.join(choices)}")
        return value

    def choices(self, name: str, choices: Sequence[str]) -> list[str] | None:
        """Check a list of values of an enumeration.

        Args:
            name: The field.
            choices: The values that the document knows.

        Returns:
            The values, or None.
        """
        value = self._given.get(name)
        if value is None:
            return None
        if isinstance(value, list) and all(item in choices for item in value):
            return value
        self.complain(name, f"must be an array of {', '.join(choices)}")
        return None

    def ids(self, name: str, *, required: bool = False) -> list[str] | None:
        """Check a list of IDs, and leave repeats out.

        Args:
            name: The field.
            required: Whether it must be there.

        Returns:
            The IDs, or None.
        """
        value = self._given.get(name)
        if value is None:
            if required:
                self.complain(name, "must not be null")
        elif not isinstance(value, list):
            self.complain(name, "must be an array")
        elif not value:
            self.complain(name, "must not be empty but can be null or can be omitted")
        elif not all(isinstance(item, str) and is_id(item) for item in value):
            self.complain(name, "must be strings of up to 20 digits")
        elif len(value) > _MAX_IDS:
            self.complain(name, f"size must be between 1 and {_MAX_IDS}")
        else:
            return list(dict.fromkeys(value))
        return None

    def period(self) -> tuple[datetime | None, datetime | None]:
        """Check `fromDateTime` and `toDateTime`.

        Returns:
            Both, or None for each that is left out.
        """
        start, end = self._moment("fromDateTime"), self._moment("toDateTime")
        if start and end and start >= end:
            self.complain("fromDateTime", "must be before toDateTime")
        return start, end

    def _moment(self, name: str) -> datetime | None:
        value = self.text(name)
        with suppress(ValueError):
            if value is not None and _MOMENT.fullmatch(value):
                return datetime.fromisoformat(value)
        if value is not None:
            problem = "must be a date and time in ISO-8601 format with an offset"
            self.complain(name, problem)
        return None


def checked_body(inputs: Inputs, known: Sequence[str]) -> Checked:
    """Check that there is a JSON object as body, and nothing in the query.

    Args:
        inputs: What a client sent.
        known: The names of its fields that the document knows.

    Returns:
        Its fields.

    Raises:
        Refusal: There is no such body, or there is a query.
    """
    Checked(inputs.query, ()).done()
    if not isinstance(inputs.body, dict):
        raise Refusal(Answer(400, {"errors": ["request body: must be a JSON object"]}))
    return Checked(inputs.body, known)


def is_id(text: str) -> bool:
    """Tell whether a text is an ID.

    Args:
        text: The text.

    Returns:
        Whether it is a number of up to 20 digits.
    """
    return _ID.fullmatch(text) is not None
