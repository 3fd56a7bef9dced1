"""The README's script for a nightly pipe, as it stands there."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tap_gong.sandbox import Sandbox
    from tests.conftest import TapRunner

README = (Path(__file__).parents[2] / "README.md").read_text()
SCRIPT = re.findall(r"### With a pipe.*?```bash\n(.*?)```", README, re.DOTALL)

START = "2024-10-30"
"""Before the first call of the sandbox's company."""

TARGET = """#!{python}
import json, sys
for number, line in enumerate(sys.stdin):
    message = json.loads(line)
    if message["type"] == "STATE":
        print(json.dumps(message["value"]), flush=True)
"""
DEAD_TARGET = """#!{python}
raise SystemExit(1)
"""
TALKING_TARGET = """#!{python}
print("usage: target-postgres")
raise SystemExit(1)
"""
DYING_TARGET = """#!{python}
import sys
for _ in range(20):
    sys.stdin.readline()
sys.stdout.write('{{"bookmarks": {{"cal')
raise SystemExit(1)
"""


@dataclass
class Nights:
    """A folder in which the script runs, night after night."""

    folder: Path
    config: dict[str, Any]
    sandbox: Sandbox

    def write_target(self, text: str) -> None:
        path = self.folder / "target-postgres"
        path.write_text(text.format(python=sys.executable))
        path.chmod(0o755)

    def run(self, target: str = TARGET, **settings: str) -> int:
        """Run the script; its exit status."""
        self.sandbox.requests.clear()
        self.write_target(target)
        config = self.config | {"start_date": START} | settings
        (self.folder / "config.json").write_text(json.dumps(config))
        commands = f"{self.folder}:{Path(sys.executable).parent}:{os.environ['PATH']}"
        done = subprocess.run(
            ["bash", "-c", *SCRIPT],
            cwd=self.folder,
            env=os.environ | {"PATH": commands},
            capture_output=True,
            text=True,
            check=False,
        )
        assert "Traceback" not in done.stderr
        return done.returncode

    @property
    def state(self) -> str:
        return (self.folder / "state.json").read_text()

    def assert_right(self, *, anew: bool = False) -> None:
        """Run a night that goes well, from the start or from the bookmark."""
        assert self.run() == 0
        bookmark = json.loads(self.state)["bookmarks"]["calls"]
        dt.datetime.fromisoformat(bookmark["replication_key_value"])
        first = min(request.query["fromDateTime"] for request in self.sandbox.requests)
        assert first.startswith(START) is anew


@pytest.fixture
def nights(tap: TapRunner, sandbox: Sandbox, tmp_path: Path) -> Nights:
    return Nights(tmp_path, tap.config, sandbox)


def test_the_first_nights(nights: Nights) -> None:
    nights.assert_right(anew=True)
    nights.assert_right()


@pytest.mark.parametrize(
    ("target", "settings"),
    [
        (TARGET, {"start_dat": START}),
        (DEAD_TARGET, {}),
        (TALKING_TARGET, {}),
        (DYING_TARGET, {}),
    ],
)
def test_a_night_that_fails_does_no_harm(
    nights: Nights, target: str, settings: dict[str, str]
) -> None:
    assert nights.run(target, **settings) != 0
    nights.assert_right(anew=True)
    state = nights.state
    assert nights.run(target, **settings) != 0
    assert nights.state == state
    nights.assert_right()


def test_an_empty_state_is_mended(nights: Nights) -> None:
    (nights.folder / "state.json").touch()
    nights.assert_right(anew=True)
