"""The command."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import requests

from tap_gong.sandbox import Sandbox, World
from tap_gong.sandbox.cli import main

if TYPE_CHECKING:
    from pathlib import Path

SHOW = """
import os, urllib.request, base64
url = os.environ["TAP_GONG_API_URL"]
key = os.environ["TAP_GONG_ACCESS_KEY"] + ":" + os.environ["TAP_GONG_ACCESS_KEY_SECRET"]
token = base64.b64encode(key.encode()).decode()
request = urllib.request.Request(url + "/v2/calls", headers={
    "Authorization": "Basic " + token})
print(urllib.request.urlopen(request).status)
raise SystemExit(7)
"""


def test_ids(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ids", "--seed", "4", "--calls", "9", "--count", "5"]) == 0
    assert capsys.readouterr().out.splitlines() == list(World(4, 9).ids[:5])


def test_run_passes_status_and_output_on(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--calls", "3", "--", sys.executable, "-c", SHOW]) == 7
    assert capfd.readouterr() == ("200\n", "")


def test_run_tells_of_a_signal() -> None:
    suicide = "import os; os.kill(os.getpid(), 9)"
    assert main(["run", "--", sys.executable, "-c", suicide]) == 137


def test_run_passes_signals_on() -> None:
    sleeper = "import time; print('ready', flush=True); time.sleep(60)"
    run = [sys.executable, "-m", "tap_gong.sandbox", "run", "--"]
    with subprocess.Popen(
        [*run, sys.executable, "-c", sleeper], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 128 + signal.SIGTERM


def test_run_without_its_command(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["run", "--", "no-such-command"]) == 127
    assert capsys.readouterr().err == "no-such-command: command not found\n"
    assert main(["run", "--", str(tmp_path)]) == 126


def test_serve_until_told_to_stop() -> None:
    command = [sys.executable, "-m", "tap_gong.sandbox", "serve", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        shown = dict(process.stdout.readline().rsplit(None, 1) for _ in range(3))
        samples = process.stdout.readline().split()[3:]
        key = (shown["access key"], shown["access key secret"])
        url = f"{shown['URL']}/v2/calls/{samples[0]}"
        assert requests.get(url, auth=key, timeout=5).ok
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0


def test_port_in_use(capsys: pytest.CaptureFixture[str]) -> None:
    with Sandbox() as sandbox:
        port = sandbox.url.rsplit(":", 1)[1]
        assert main(["serve", "--port", port]) == 1
    assert f"Port {port} cannot be used" in capsys.readouterr().err


@pytest.mark.parametrize(
    "argv",
    [
        ["run"],
        ["serve", "--", "true"],
        ["run", "--fault-rate", "2", "--", "true"],
        ["run", "--faults", "sunspots", "--", "true"],
        ["run", "--last-day", "2026-02-30", "--", "true"],
    ],
)
def test_usage_errors(argv: list[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(argv)
    assert stopped.value.code == 2


def test_help_tells_limits(capsys: pytest.CaptureFixture[str]) -> None:
    for argv in (["--help"], ["serve", "--help"]):
        with pytest.raises(SystemExit):
            main(argv)
    shown = capsys.readouterr().out
    assert "Not imitated" in shown
    assert "--requests-per-second" in shown


def test_without_aiohttp(tmp_path: Path) -> None:
    (tmp_path / "aiohttp.py").write_text(
        "raise ModuleNotFoundError('no', name='aiohttp')"
    )
    path = os.pathsep.join([str(tmp_path), *sys.path])
    done = subprocess.run(
        [sys.executable, "-m", "tap_gong.sandbox", "serve"],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr == "The sandbox needs aiohttp: pip install 'tap-gong[sandbox]'\n"
