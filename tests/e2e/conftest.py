"""Meltano, installed with this checkout and its loaders in a folder of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@dataclass
class Meltano:
    """A Meltano project that is a copy of this checkout."""

    project: Path
    command: Path

    def __call__(self, *arguments: str, **environment: str) -> str:
        """Run Meltano; its log, or a failed test with it."""
        done = subprocess.run(
            [self.command, *arguments],
            cwd=self.project,
            env=os.environ | {"MELTANO_CLI_DISABLE_VERSION_CHECK": "1"} | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode:
            pytest.fail(done.stdout)
        return done.stdout


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
    bin_folder = folder / "venv" / "bin"
    for command in (
        [sys.executable, "-m", "venv", folder / "venv"],
        [bin_folder / "pip", "install", "--quiet", "meltano~=4.4"],
    ):
        subprocess.run(command, check=True)
    made = Meltano(project, bin_folder / "meltano")
    made("install")
    return made
