"""The tap: settings in, streams out, and what the streams share."""

from __future__ import annotations

import io
import json
import os
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from jsonschema import Draft7Validator
from singer_sdk import Tap
from singer_sdk.configuration._dict_config import parse_environment_config
from singer_sdk.exceptions import ConfigValidationError
from singer_sdk.helpers.capabilities import PluginCapabilities, TapCapabilities
from typing_extensions import override

from tap_gong import settings, signals
from tap_gong.errors import InterruptedRunError, SettingsError
from tap_gong.gong.session import GongSession
from tap_gong.settings import Settings
from tap_gong.singer import files
from tap_gong.singer.messages import MessageWriter
from tap_gong.streams import STREAM_TYPES
from tap_gong.streams.base import GongStream

if TYPE_CHECKING:
    import logging
    from types import FrameType
    from typing import IO

    import click
    from singer_sdk.helpers.capabilities import CapabilitiesEnum
    from singer_sdk.plugin_base import _ConfigInput


_MISLEADING = (
    # With --config ENV they are read, and with Meltano they come in a file.
    "Skipping parse of env var settings",
    # A run by ID is not incremental.
    "Beginning sync of ",
    # The one sentence that a person needs is told where the run ends.
    "An unhandled error occurred",
)
"""How lines of the SDK begin that are not to be told."""


def _is_telling(line: logging.LogRecord) -> bool:
    return not str(line.msg).startswith(_MISLEADING)


class TapGong(Tap):
    """Singer tap for Gong: calls, from Gong's public API v2."""

    name = "tap-gong"
    config_jsonschema = settings.SCHEMA
    message_writer_class = MessageWriter
    message_writer: MessageWriter
    # BATCH is left out, for its files bypass column selection and stream maps;
    # ACTIVATE_VERSION too, for it makes a target delete what one run did not retrieve.
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
            _ = self.session
            for stream in self.streams.values():
                if isinstance(stream, GongStream) and stream.selected:
                    stream.check_catalog()
                    _ = stream.plan
            self.raise_if_interrupted()

    @override
    def discover_streams(self) -> list[GongStream]:
        """Make all streams; needs no settings and no network."""
        streams: list[GongStream] = [stream_type(self) for stream_type in STREAM_TYPES]
        for stream in streams:
            self.logger.getChild(stream.name).addFilter(_is_telling)
        return streams

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
    def invoke(
        cls,
        *,
        state: IO[str] | None = None,
        catalog: IO[str] | None = None,
        **options: Any,
    ) -> None:
        """Run the command.

        Raises:
            SettingsError: If state or catalog is no such thing.
        """
        super().invoke(
            state=state and io.StringIO(json.dumps(files.state_file(state))),
            catalog=catalog and io.StringIO(json.dumps(files.catalog_file(catalog))),
            **options,
        )

    @cached_property
    def settings(self) -> Settings:
        """The checked settings."""
        return Settings.from_config(self.config, known=self._known_settings())

    @cached_property
    def session(self) -> GongSession:
        """The session for all requests."""
        return GongSession(self.settings)

    @override
    def load_state(self, state: dict[str, Any]) -> None:
        """Take over the bookmarks of all streams, also of other tools'.

        Raises:
            SettingsError: If it is no state.
        """
        super().load_state(files.bookmarks_of(state))

    def raise_if_interrupted(self) -> None:
        """Stop the run here if a signal has asked for it, or if nobody reads it.

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
            msg = "One of the SDK's settings in the environment is no JSON of its type."
            raise SettingsError(msg) from None
        return found

    @override
    def _validate_config(self, *, raise_errors: bool = True) -> list[str]:
        """Check the tap's own settings, and the SDK's by their schema.

        Raises:
            SettingsError: With one sentence.
        """
        if raise_errors:
            # A setting that is null is one that is not set, also to the SDK.
            given = self._config.items()
            self._config = {name: value for name, value in given if value is not None}
            sdk_schema = {"properties": self._sdk_properties()}
            try:
                files.check(dict(self.config), "", Draft7Validator(sdk_schema))
            except AttributeError:
                # The SDK's schema for it has a fault over which jsonschema stumbles.
                msg = "stream_maps: __else__ must be '__NULL__' or null."
                raise SettingsError(msg) from None
            _ = self.settings
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
