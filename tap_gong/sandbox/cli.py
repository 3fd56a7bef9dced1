"""The command `tap-gong-sandbox`."""

# ruff: noqa: T201 - it prints

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import os
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

from tap_gong.sandbox.options import Options
from tap_gong.sandbox.server import Sandbox
from tap_gong.sandbox.world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_DESCRIPTION = "A stand-in for Gong's API on this machine, with a made-up company."
_NOT_IMITATED = """\
Served: GET /v2/calls, GET /v2/calls/{id}, POST /v2/calls/extensive,
POST /v2/calls/transcript, POST /v2/calls/users-access, GET /v2/users,
GET /v2/workspaces. Requests must keep to Gong's document of the API. The sandbox
refuses a field that is not in it, where Gong may let it pass.

Not imitated: any other endpoint; OAuth; calls that change, are deleted or are not
the key's to see; links to media that work or end; trusted IPs; limits shared with
other keys; Gong's wording of errors where it is not published."""

_SERVE_PORT = 8765
_SAMPLES = 3
_EXIT_NOT_EXECUTABLE = 126
_EXIT_NOT_FOUND = 127
_EXIT_SIGNAL = 128


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        argv: Its arguments; those of the process by default.

    Returns:
        Its exit status.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    end = arguments.index("--") if "--" in arguments else len(arguments)
    command = arguments[end + 1 :]
    parser = _parser()
    chosen = vars(parser.parse_args(arguments[:end]))
    action = chosen.pop("action")
    if bool(command) != (action == "run"):
        parser.error("`run` needs `-- COMMAND`, the other actions take none")
    if action == "ids":
        return _ids(**chosen)
    try:
        options = Options(**chosen, record_requests=False)
    except ValueError as problem:
        parser.error(str(problem))
    try:
        sandbox = Sandbox(options).start()
    except ModuleNotFoundError:
        return _fail("The sandbox needs aiohttp: pip install 'tap-gong[sandbox]'", 1)
    except OSError as problem:
        return _fail(f"Port {options.port} cannot be used: {problem.strerror}", 1)
    with contextlib.closing(sandbox):
        return _run(sandbox, command) if command else _serve(sandbox)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tap-gong-sandbox",
        description=_DESCRIPTION,
        epilog=_NOT_IMITATED,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    serve = actions.add_parser("serve", help="run it until Ctrl-C")
    run = actions.add_parser(
        "run",
        help="run it while COMMAND runs, with TAP_GONG_API_URL and the key set",
        usage="tap-gong-sandbox run [options] -- COMMAND [ARGUMENT ...]",
    )
    ids = actions.add_parser("ids", help="print the call IDs of the company")
    for option in dataclasses.fields(Options):
        if option.metadata:
            _add_flag(serve, option)
            _add_flag(run, option)
            if option.name in ("seed", "calls"):
                _add_flag(ids, option)
    serve.set_defaults(port=_SERVE_PORT)
    ids.add_argument("--count", type=int, help="print no more than this many")
    return parser


def _add_flag(parser: argparse.ArgumentParser, option: dataclasses.Field[Any]) -> None:
    name = "--" + option.name.replace("_", "-")
    text = option.metadata["help"] + " (default: %(default)s)"
    if isinstance(option.default, bool):
        parser.add_argument(
            name,
            default=option.default,
            help=text,
            action=argparse.BooleanOptionalAction,
        )
    elif isinstance(option.default, tuple):
        parser.add_argument(
            name,
            default=",".join(option.default),
            help=text,
            type=lambda value: tuple(value.split(",")),
            metavar="NAME,...",
        )
    else:
        parser.add_argument(
            name,
            default=option.default,
            help=text,
            type=type(option.default),
            metavar="DATE" if option.name == "last_day" else "N",
        )


def _ids(seed: int, calls: int, count: int | None) -> int:
    for call_id in World(seed, calls).ids[:count]:
        print(call_id)
    return 0


def _serve(sandbox: Sandbox) -> int:
    stopped = threading.Event()
    with _on_signal(lambda _: stopped.set()):
        print(f"URL                {sandbox.url}")
        print(f"access key         {sandbox.access_key}")
        print(f"access key secret  {sandbox.access_key_secret}")
        print(
            f"some call IDs      {' '.join(sandbox.world.ids[:_SAMPLES])}", flush=True
        )
        stopped.wait()
    return 0


def _run(sandbox: Sandbox, command: Sequence[str]) -> int:
    environment = {
        **os.environ,
        "TAP_GONG_API_URL": sandbox.url,
        "TAP_GONG_ACCESS_KEY": sandbox.access_key,
        "TAP_GONG_ACCESS_KEY_SECRET": sandbox.access_key_secret,
    }
    try:
        # In a session of its own, so that a Ctrl-C reaches it once, through us.
        process = subprocess.Popen(  # noqa: S603 - the caller's own command
            command, env=environment, start_new_session=True
        )
    except FileNotFoundError:
        return _fail(f"{command[0]}: command not found", _EXIT_NOT_FOUND)
    except PermissionError:
        return _fail(f"{command[0]}: cannot be executed", _EXIT_NOT_EXECUTABLE)

    def pass_on(number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)

    with _on_signal(pass_on):
        status = process.wait()
    return status if status >= 0 else _EXIT_SIGNAL - status


@contextlib.contextmanager
def _on_signal(act: Callable[[int], None]) -> Iterator[None]:
    """Act on SIGINT and SIGTERM, for a while."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    former = [signal.signal(number, lambda n, _: act(n)) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, former, strict=True):
            signal.signal(number, handler)


def _fail(message: str, status: int) -> int:
    print(message, file=sys.stderr)
    return status
