"""The command `tap-gong`, also `python -m tap_gong`."""

from __future__ import annotations

import sys

from singer_sdk.exceptions import SingerSDKError

from tap_gong.errors import InterruptedRunError
from tap_gong.tap import TapGong


def main() -> None:
    """Run the tap.

    Exit status: 0 if all went well; 1 for an error, which is told in one sentence on
    stderr, and when the reader of stdout has gone; 2 for a wrong command line; 128 and
    the signal's number for a run that a signal stopped.
    """
    logger = TapGong.logger
    try:
        TapGong.cli()
    except SingerSDKError as error:
        logger.error("%s", error)  # noqa: TRY400 - a user needs no traceback
        sys.exit(1)
    except InterruptedRunError as stop:
        logger.warning("Stopped by signal %d; state says how far.", stop.signum)
        sys.exit(128 + stop.signum)


if __name__ == "__main__":
    main()
