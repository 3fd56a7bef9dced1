"""The command `tap-gong`, also `python -m tap_gong`."""

from __future__ import annotations

import gc
import sys
import traceback

# What is imported stays to the end. Not to look through it for garbage, now or at the
# exit, makes a run start and end sooner.
gc.disable()

from singer_sdk.exceptions import SingerSDKError  # noqa: E402

from tap_gong.errors import InterruptedRunError  # noqa: E402
from tap_gong.tap import TapGong  # noqa: E402

gc.freeze()
gc.enable()


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
        sentence = " ".join(str(error).split())
        logger.error("%s", sentence)  # noqa: TRY400 - a user needs no traceback
        sys.exit(1)
    except InterruptedRunError as stop:
        logger.warning("Stopped by signal %d; state says how far.", stop.signum)
        sys.exit(128 + stop.signum)
    except Exception as error:  # noqa: BLE001 - its text may hold people's data
        place = traceback.extract_tb(error.__traceback__)[-1]
        logger.error(  # noqa: TRY400 - for the same reason
            "Neither tap nor SDK can take this configuration, state, catalog or "
            "environment (%s in %s, line %s). Please report it with that place.",
            type(error).__name__,
            place.filename,
            place.lineno,
        )
        sys.exit(1)


if __name__ == "__main__":
    main()
