"""The tap: settings in, streams out, and what the streams share."""

from __future__ import annotations

import os
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from jsonschema import Draft7Validator
from singer_sdk import Tap
from singer_sdk.configuration._dict_config import parse_environment_config
from singer_sdk.exceptions import ConfigValidationError
from singer_sdk.helpers.capabilities import PluginCapabilities, TapCapabilities
from singer_sdk.plugin_base import _ConfigInput
from typing_extensions import override

from tap_gong import settings, signals
from tap_gong.errors import InterruptedRunError, SettingsError
from tap_gong.settings import Settings
from tap_gong.singer import files
from tap_gong.singer.messages import MessageWriter
from tap_gong.streams import STREAM_TYPES
from tap_gong.streams.base import GongStream
from tap_gong.streams.sync import Sync

if TYPE_CHECKING:
    import logging
    from types import FrameType
    from typing import IO

    import click
    from singer_sdk import Stream
    from singer_sdk.helpers.capabilities import CapabilitiesEnum


_MISLEADING = (
    # With --config ENV they are read, and with Meltano they come in a file.
    "Skipping parse of env var settings",
    # Twelve lines for the streams that nobody selected.
    "Added '%s' as child stream",
    "Skipping deselected stream",
    # A run by ID is not incremental.
    "Beginning sync of ",
    # The one sentence that a person needs is told where the run ends.
    "An unhandled error occurred",
)
"""The beginnings of lines of the SDK's log that are left out."""


def _is_telling(line: logging.LogRecord) -> bool:
    return not str(line.msg).startswith(_MISLEADING)


class TapGong(Tap):
    """Singer tap for Gong's public API v2."""

    name = "tap-gong"
    config_jsonschema = settings.SCHEMA
    message_writer_class = MessageWriter
    message_writer: MessageWriter
    # BATCH is left out, because its files bypass column selection and stream maps.
    # So is ACTIVATE_VERSION: a target would delete what one run did not retrieve.
    capabilities: ClassVar[list[CapabilitiesEnum]] = [
        TapCapabilities.CATALOG,
        TapCapabilities.STATE,
        TapCapabilities.DISCOVER,
        PluginCapabilities.ABOUT,
        PluginCapabilities.STREAM_MAPS,
        PluginCapabilities.FLATTENING,
        PluginCapabilities.STRUCTURED_LOGGING,
    ]

    @override
    def __init__(self, *args: Any, validate_config: bool = True, **kwargs: Any) -> None:
        """Check everything that a user can get wrong before any request is sent."""
        self.logger.addFilter(_is_telling)
        try:
            super().__init__(*args, validate_config=validate_config, **kwargs)
        except ConfigValidationError as error:
            raise SettingsError("; ".join(error.errors)) from None
        if validate_config:
            self._warn_of_unknown_variables()
            _ = self.sync.session
            for stream in self._read():
                stream.check()
            self.raise_if_interrupted()

    @override
    def discover_streams(self) -> list[GongStream]:
        """Make all streams; needs no settings and no network."""
        streams = [stream_type(self, self.sync) for stream_type in STREAM_TYPES]
        for stream in streams:
            self.logger.getChild(stream.name).addFilter(_is_telling)
        return streams

    @property
    @override
    def streams(self) -> dict[str, Stream]:
        """All streams by name, in the order in which they are read."""
        if self._streams is None:
            found = super().streams.values()
            by_type = {type(stream): stream for stream in found}
            in_order = [by_type[kind] for kind in STREAM_TYPES]
            self._streams = {stream.name: stream for stream in in_order}
        return self._streams

    @cached_property
    def sync(self) -> Sync:
        """The run that all streams share."""
        return Sync(
            settings=self._checked_settings,
            lanes=self._read,
            look_around=self.raise_if_interrupted,
            logger=self.logger,
        )

    def _read(self) -> list[GongStream]:
        """The streams that ask for something: selected, or with a part that is."""
        return [
            stream
            for stream in self.streams.values()
            if isinstance(stream, GongStream)
            and not stream.parent_stream_type
            and stream.emitted
        ]

    @classmethod
    @override
    def cb_config(
        cls, ctx: click.Context, param: click.Option, value: tuple[str, ...]
    ) -> _ConfigInput:
        """Read the options `--config`.

        Raises:
            SettingsError: If one names a file that holds no JSON object.
        """
        for path in value:
            if path != "ENV":
                files.check_config_file(path)
        return super().cb_config(ctx, param, value)

    @classmethod
    @override
    def invoke(  # type: ignore[override]
        cls,
        *,
        about: bool = False,
        about_format: str | None = None,
        config: _ConfigInput | None = None,
        state: IO[str] | None = None,
        catalog: IO[str] | None = None,
    ) -> None:
        """Run the command.

        The SDK's own method does not give the tap to its caller. But a run that gave
        streams up has to end with another exit status.

        Raises:
            SettingsError: If the settings, the state or the catalog cannot be used.
            GivenUpError: If some streams were given up.
        """
        super(Tap, cls).invoke(about=about, about_format=about_format)
        cls.print_version(print_fn=cls.logger.info)
        given = config or _ConfigInput()
        tap = cls(
            config=given.config,
            state=state and files.state_file(state),
            catalog=catalog and files.catalog_file(catalog),
            parse_env_config=given.parse_env,
            validate_config=True,
        )
        complete = False
        try:
            tap.sync_all()
            complete = True
        finally:
            tap.sync.close(complete=complete)
        tap.sync.raise_if_given_up()

    def _checked_settings(self) -> Settings:
        return Settings.from_config(self.config, known=self._known_settings())

    @override
    def load_state(self, state: dict[str, Any]) -> None:
        """Take over the bookmarks of all streams, also of other tools'.

        Raises:
            SettingsError: If it is not a state.
        """
        super().load_state(files.bookmarks_of(state))

    def raise_if_interrupted(self) -> None:
        """Stop the run here if a signal asked for it, or if nobody reads its output.

        Raises:
            InterruptedRunError: If a signal has.
            OutputError: If the reader of stdout has gone.
        """
        if signals.received:
            raise InterruptedRunError(signals.received[0])
        self.message_writer.raise_if_reader_gone()

    @override
    def _handle_termination(self, signum: int, frame: FrameType | None) -> None:
        """Keep the signal: the run stops where its state is true."""
        signals.take(signum, frame)

    @property
    @override
    def _env_var_config(self) -> dict[str, Any]:
        """Settings from the environment; from `.env` where it does not set them.

        Raises:
            SettingsError: If one of the SDK's own settings cannot be read.
        """
        found: dict[str, Any] = {}
        found |= settings.from_environment(self._env_var_prefix)
        try:
            found |= parse_environment_config(
                {"properties": self._sdk_properties()},
                self._env_var_prefix,
                dotenv_path=os.devnull,
            )
        except ValueError:
            msg = "A setting of the SDK in the environment is not JSON of its type."
            raise SettingsError(msg) from None
        return found

    @override
    def _validate_config(self, *, raise_errors: bool = True) -> list[str]:
        """Check the tap's own settings, and the SDK's by their schema.

        Raises:
            SettingsError: With one sentence.
        """
        if raise_errors:
            # A setting that is null counts as not set, for the SDK too.
            given = self._config.items()
            self._config = {name: value for name, value in given if value is not None}
            sdk_schema = {"properties": self._sdk_properties()}
            try:
                files.check(dict(self.config), "", Draft7Validator(sdk_schema))
            except AttributeError:
                # The SDK's schema for it has a fault that jsonschema cannot handle.
                msg = "stream_maps: __else__ must be '__NULL__' or null."
                raise SettingsError(msg) from None
            _ = self.sync.settings
        return []

    def _warn_of_unknown_variables(self) -> None:
        known = self._known_settings()
        if unknown := settings.unknown_variables(self._env_var_prefix, known):
            self.logger.warning(
                "No setting belongs to these variables of the environment, which are "
                "ignored: %s.",
                ", ".join(unknown),
            )

    def _known_settings(self) -> set[str]:
        """The names of all settings, the SDK's included."""
        return settings.PROPERTIES.keys() | self._sdk_properties().keys()

    def _sdk_properties(self) -> dict[str, Any]:
        """The schemas of the settings that the SDK adds: stream maps and flattening."""
        schema: dict[str, Any] = {"properties": {}}
        self.append_builtin_config(schema)
        properties: dict[str, Any] = schema["properties"]
        return properties
