"""The range of dates that a run reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from tap_gong.settings import Settings


@dataclass(frozen=True, slots=True)
class Range:
    """What the settings say of the dates to read."""

    start_date: datetime | None
    end: datetime
    """Up to when, in UTC; at most the moment the run began."""
    lookback: timedelta
    workspace_id: str | None
    """The only workspace to read; None for all."""
    now: datetime
    """When the run began, in whole seconds."""

    @classmethod
    def of(cls, settings: Settings, now: datetime) -> Range:
        """Take it from the settings of a run that began at `now`."""
        end = min(settings.end_date or now, now)
        return cls(
            settings.start_date, end, settings.lookback, settings.workspace_id, now
        )
