"""The command `tap-gong`, also `python -m tap_gong`."""

from tap_gong import signals


def main() -> None:
    """Run the tap; `tap_gong.command` says with which exit status."""
    signals.begin()
    # The imports take half a second. A signal meanwhile must find its handler.
    from tap_gong.command import run  # noqa: PLC0415

    run()


if __name__ == "__main__":
    main()
