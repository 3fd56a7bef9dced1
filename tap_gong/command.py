"""A run of the command, from the settings to the exit status."""

from __future__ import annotations

import gc
import os
import sys
import traceback
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from singer_sdk.exceptions import SingerSDKError

from tap_gong import signals
from tap_gong.errors import GivenUpError, InterruptedRunError, OutputError
from tap_gong.singer.messages import WRITE_ERRORS, output_error
from tap_gong.tap import TapGong

# What is imported stays in memory. If the garbage collector does not look through it
# again, a short run is a fifth shorter.
gc.freeze()

if TYPE_CHECKING:
    from typing import NoReturn, TextIO


def run() -> NoReturn:
    """Run the tap.

    Exit status: 0 if all went well; 1 for an error, which is told in one sentence on
    stderr; 2 for a wrong command line; 128 and the signal's number for a run that a
    signal stopped.
    """
    if sys.stderr is None:  # closed by whoever started the process
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
    status = _attempt()
    if signals.received:
        signum = signals.received[0]
        TapGong.logger.warning(
            "Stopped by signal %d; the last STATE says how far.", signum
        )
        status = 128 + signum
    try:
        sys.stderr.flush()
    except OSError:
        _let_go(sys.stderr)
    sys.exit(status)


def _attempt() -> str | int | None:
    """Run the command and tell of its error, if there is one."""
    command = TapGong.cli  # from here on there is a log
    logger = TapGong.logger
    try:
        if sys.stdout is None:
            msg = "stdout is closed, so there is nowhere to write the messages to."
            raise OutputError(msg)  # noqa: TRY301 - told like any other
        try:
            command()
        finally:
            _flush_stdout()
    except SystemExit as end:
        return end.code
    except InterruptedRunError as stop:
        return 128 + stop.signum
    except GivenUpError as error:
        for sentence in error.sentences:
            logger.error("%s", " ".join(sentence.split()))  # noqa: TRY400
    except SingerSDKError as error:
        sentence = " ".join(str(error).split())
        logger.error("%s", sentence)  # noqa: TRY400 - a user needs no traceback
    except Exception as error:  # noqa: BLE001 - its text may hold people's data
        if isinstance(error, OSError) and error.errno in WRITE_ERRORS:
            sentence = str(output_error(error))
        else:
            sentence = _bug(error)
        logger.error("%s", sentence)  # noqa: TRY400 - for the same reason
    return 1


def _flush_stdout() -> None:
    """Write what was printed.

    Raises:
        OutputError: If that cannot be done.
    """
    try:
        sys.stdout.flush()
    except OSError as error:
        _let_go(sys.stdout)
        raise output_error(error) from None


def _let_go(file: TextIO) -> None:
    """Drop what cannot be written. Otherwise Python complains at the exit."""
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), file.fileno())


def _bug(error: BaseException) -> str:
    """Say where an error came from, without any value."""
    places = "".join(
        f"\n  {frame.f_code.co_filename}, line {line}, in {frame.f_code.co_name}"
        for frame, line in traceback.walk_tb(error.__traceback__)
    )
    return (
        f"This is a bug of tap-gong ({type(error).__name__}). Please report it with "
        f"these lines, which hold none of your data:{places}"
    )
