"""One run of the tap: what its streams share, and which of them were given up."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

from tap_gong.errors import GivenUpError
from tap_gong.gong.api import Api
from tap_gong.gong.pace import TURN
from tap_gong.gong.session import GongSession
from tap_gong.run.prefetch import Prefetch
from tap_gong.run.progress import Progress

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from tap_gong.gong.pace import Turn
    from tap_gong.gong.pages import Page
    from tap_gong.plans.slices import Plan, Slice
    from tap_gong.run.prefetch import Split
    from tap_gong.settings import Settings

BYTES_HELD = 12_000_000
"""About how many bytes of answers may be fetched and not yet emitted. As Python's
objects they take four to ten times as much."""

FASTEST = 30
"""Requests a second for which slices are read side by side: ten times what Gong allows.
More would hardly save time, and they would be unfinished when a run is stopped."""


class Lane(Protocol):
    """A stream that asks Gong for something of its own."""

    @property
    def plan(self) -> Plan:
        """What it asks for."""

    @property
    def emitted(self) -> Mapping[str, object]:
        """The streams that get records, by name."""

    def fetch(self, slice_: Slice, turn: Turn) -> Iterator[Page[Any] | Split[Slice]]:
        """Fetch a slice page by page; called from several threads at once."""


class Sync:
    """One run of the tap."""

    def __init__(
        self,
        *,
        settings: Callable[[], Settings],
        lanes: Callable[[], Sequence[Lane]],
        look_around: Callable[[], None],
        logger: logging.Logger,
    ) -> None:
        """Begin. No request is sent yet, and no setting is read.

        Args:
            settings: Checks the settings.
            lanes: Tells which streams are read, in order.
            look_around: Raises if the run has to stop.
            logger: Where log lines go.
        """
        self._settings = settings
        self._lanes = lanes
        self.look_around = look_around
        self._logger = logger
        self.given_up: dict[str, Exception] = {}
        """Why, by the name of the stream."""

    @cached_property
    def settings(self) -> Settings:
        """The checked settings.

        Raises:
            SettingsError: If they cannot be used.
        """
        return self._settings()

    @cached_property
    def session(self) -> GongSession:
        """The session of all requests."""
        return GongSession(self.settings)

    @cached_property
    def api(self) -> Api:
        """Gong's API."""
        return Api(self.session, self._logger)

    @cached_property
    def progress(self) -> Progress:
        """The counts of this run; it begins when first asked for."""
        return Progress(self._logger, self.session.paced)

    def results(self, lane: Lane) -> Iterator[tuple[Slice, Page[Any]]]:
        """Give what Gong has for a stream, page by page, in the plan's order.

        The first slices of the streams after it are asked for meanwhile.

        Args:
            lane: The stream; those before it are over.

        Yields:
            Each slice with each of its pages.

        Raises:
            StreamFailedError: If Gong gives no usable answer.
            RunFailedError: If every stream would fail.
        """
        prefetch, lanes = self._prefetch
        yield from prefetch.results(lanes.index(lane))

    def count(self, slice_: Slice) -> int:
        """Ask how many records a slice has by now."""

        def first_page(slice_: Slice, turn: Turn) -> Iterator[Page[Any]]:
            TURN.set(turn)
            yield self.api.page(slice_.endpoint, slice_.inputs, None, lambda _: {})

        counting = self._prefetcher([[slice_]], first_page)
        return sum(page.total or 0 for _, page in counting.results(0))

    def give_up(self, names: Iterable[str], error: Exception) -> None:
        """Go on without some streams.

        Args:
            names: Those streams.
            error: Why.
        """
        names = [name for name in names if name not in self.given_up]
        self.given_up |= dict.fromkeys(names, error)
        if names:
            self._logger.warning(
                "Given up: %s. The other streams go on; the end of this log says why.",
                ", ".join(names),
            )

    def raise_if_given_up(self) -> None:
        """Tell which streams were given up, why, and how to run without them.

        Raises:
            GivenUpError: If any was.
        """
        by_reason: dict[str, list[str]] = {}
        for name, error in self.given_up.items():
            by_reason.setdefault(str(error), []).append(name)
        if not by_reason:
            return
        raise GivenUpError(
            _given_up(names, reason, is_any_left=self._is_any_whole)
            for reason, names in by_reason.items()
        )

    def close(self, *, complete: bool) -> None:
        """Send no more requests, and log the counts.

        Args:
            complete: Whether the run came to its end.
        """
        if "progress" in self.__dict__:
            how = "Stopped early"
            if complete and self._is_any_whole:
                how = "Done, but for what was given up" if self.given_up else "Done"
            self.progress.close(how)
            self._prefetch[0].close()
        if "session" in self.__dict__:
            self.session.close()

    @property
    def _is_any_whole(self) -> bool:
        """Whether a stream that was to be read has not been given up."""
        selected = {name for lane in self._lanes() for name in lane.emitted}
        return not selected <= self.given_up.keys()

    @cached_property
    def _prefetch(self) -> tuple[Prefetch[Slice, Page[Any]], Sequence[Lane]]:
        lanes = list(self._lanes())

        def fetch(slice_: Slice, turn: Turn) -> Iterator[Page[Any] | Split[Slice]]:
            return lanes[turn.place[0]].fetch(slice_, turn)

        return self._prefetcher([lane.plan for lane in lanes], fetch), lanes

    def _prefetcher(
        self,
        lanes: Sequence[Iterable[Slice]],
        fetch: Callable[[Slice, Turn], Iterator[Page[Any] | Split[Slice]]],
    ) -> Prefetch[Slice, Page[Any]]:
        workers = self.settings.max_concurrency
        return Prefetch(
            lanes,
            fetch,
            workers=workers,
            ahead=8 * workers,
            most_held=BYTES_HELD,
            size=lambda page: page.size,
            wanted=self._wanted,
            idle=self.look_around,
        )

    def in_flight(self) -> float:
        """Tell how many requests keep the pace at this latency."""
        rate = min(self.settings.requests_per_second, FASTEST)
        return rate * self.session.paced.latency

    def _wanted(self, slice_: Slice) -> int:
        """Tell how many slices should be under way at once.

        A slice is read page by page. If more slices are begun, more of them are
        unfinished when the quota or a signal stops the run.
        """
        if slice_.is_one_request or not self.session.paced.latency:
            return self.settings.max_concurrency
        return 2 + int(self.in_flight())


def _given_up(names: Sequence[str], reason: str, *, is_any_left: bool) -> str:
    """Say which streams were given up, why, and how to run without them."""
    was, them = ("was", "it") if len(names) == 1 else ("were", "them")
    sentence = f"{' and '.join(names)} {was} given up: {reason}"
    if not is_any_left:
        return sentence
    rules = " ".join(f"'!{name}.*'" for name in names)
    return (
        f"{sentence} To run without {them}, deselect {them}: select {rules} in "
        f"Meltano, or selected: false in the catalog."
    )
