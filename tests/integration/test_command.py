"""The command itself: what it tells without settings and without network."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

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
