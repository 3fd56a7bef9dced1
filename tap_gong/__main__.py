"""The command `tap-gong`, also `python -m tap_gong`."""

from __future__ import annotations

import os
import sys

from singer_sdk.exceptions import SingerSDKError

from tap_gong.errors import InterruptedRunError
from tap_gong.tap import TapGong


def main() -> None:
    """Run the tap.

    Exit status: 0 if all went well, 1 for an error, which is told in one sentence on
    stderr, 128 and the signal's number for a run that a signal stopped.
    """
    logger = TapGong.logger
    try:
        TapGong.cli()
    except SingerSDKError as error:
        logger.error("%s", error)  # noqa: TRY400 - a user needs no traceback
        sys.exit(1)
    except InterruptedRunError as stop:
        logger.warning(
            "Stopped by signal %d; state says how far the run is.", stop.signum
        )
        sys.exit(128 + stop.signum)
    except BrokenPipeError:
        logger.warning("The reader of this tap's output has gone.")
        # Nothing is left to flush to at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


if __name__ == "__main__":
    main()
