"""Real targets, each installed in a folder of its own, and how to ask what arrived."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tap_gong.sandbox import Sandbox

ROOT = Path(__file__).parents[2]

ASK = """
import json, sys
from {module} import connect
cursor = connect(sys.argv[1]).execute(sys.argv[2])
names = [column[0] for column in cursor.description]
rows = [dict(zip(names, row)) for row in cursor.fetchall()]
print(json.dumps(rows, default=str))
"""


def ask(python: Path, module: str, database: str, sql: str) -> list[dict[str, Any]]:
    """Ask a database, with the module that the target brought along."""
    done = subprocess.run(
        [python, "-c", ASK.format(module=module), database, sql],
        capture_output=True,
        text=True,
        check=True,
    )
    rows: list[dict[str, Any]] = json.loads(done.stdout)
    return rows


def settings(sandbox: Sandbox, **more: str) -> dict[str, str]:
    """The environment that points the tap to a sandbox."""
    values = {
        "access_key": sandbox.access_key,
        "access_key_secret": sandbox.access_key_secret,
        "api_url": sandbox.url,
        "requests_per_second": "99.5",
    } | more
    return {f"TAP_GONG_{name.upper()}": value for name, value in values.items()}


def make_venv(folder: Path, *requirements: str) -> Path:
    """Make a virtual environment with these packages.

    Returns:
        The folder of its commands.
    """
    commands = folder / "venv" / "bin"
    subprocess.run([sys.executable, "-m", "venv", commands.parent], check=True)
    subprocess.run([commands / "pip", "install", "-q", *requirements], check=True)
    return commands


@dataclass
class Meltano:
    """A Meltano project that is a copy of this checkout."""

    project: Path
    command: Path

    def __call__(self, *arguments: str, **environment: str) -> str:
        """Run Meltano; its log, or a failed test with it."""
        done = self.attempt(*arguments, **environment)
        if done.returncode:
            pytest.fail(done.stdout)
        return done.stdout

    def attempt(
        self, *arguments: str, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run Meltano, which may fail."""
        return subprocess.run(
            [self.command, *arguments],
            cwd=self.project,
            env=os.environ | {"MELTANO_CLI_DISABLE_VERSION_CHECK": "1"} | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    def duckdb(self, sql: str, path: Path | None = None) -> list[dict[str, Any]]:
        """Ask a DuckDB file; the one that `meltano.yml` names by default."""
        python = self.project / ".meltano/loaders/target-duckdb/venv/bin/python"
        database = path or self.project / "output" / "warehouse.duckdb"
        return ask(python, "duckdb", str(database), sql)


@pytest.fixture(scope="session")
def meltano(tmp_path_factory: pytest.TempPathFactory) -> Meltano:
    """Meltano with the plugins of `meltano.yml` installed."""
    folder = tmp_path_factory.mktemp("meltano")
    project = folder / "project"
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in listed.stdout.splitlines():
        target = project / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target)
    made = Meltano(project, make_venv(folder, "meltano~=4.4") / "meltano")
    made("install")
    return made
