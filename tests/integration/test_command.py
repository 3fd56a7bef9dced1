"""The command itself: what it tells without settings and without network."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from typing import TYPE_CHECKING, NoReturn

import pytest

from tap_gong.streams.calls import CallsStream

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

    from tests.conftest import TapRunner


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        pytest.fail("something opened a socket")

    monkeypatch.setattr(socket.socket, "connect", refuse)


def test_discover(tap: TapRunner, snapshot: SnapshotAssertion) -> None:
    run = tap("--discover")
    assert run.status == 0
    assert json.loads(run.stdout) == snapshot


def test_about(tap: TapRunner, snapshot: SnapshotAssertion) -> None:
    run = tap("--about", "--format=json")
    assert run.status == 0
    about = json.loads(run.stdout)
    del about["version"], about["sdk_version"]
    assert about == snapshot


def test_help(tap: TapRunner) -> None:
    run = tap("--help")
    assert run.status == 0
    assert "--discover" in run.stdout


def test_as_a_module() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tap_gong", "--version"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("tap-gong v")


def test_a_bug_is_called_one_and_tells_no_value(
    tap: TapRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    def plan(*_: object) -> NoReturn:
        raise KeyError("somebody's name")  # noqa: EM101, TRY003

    monkeypatch.setattr(CallsStream, "make_plan", plan)
    run = tap(call_ids="1")
    assert run.status == 1
    (error,) = run.errors
    assert "This is a bug of tap-gong (KeyError). Please report it" in error
    last = run.stderr.splitlines()[-1]
    assert last.startswith(f"  {__file__}, line ")
    assert last.endswith(", in plan")
    assert "Traceback" not in run.stderr
    assert "somebody's name" not in run.stderr
