"""The tables of the portal, made once by its migrations and copied into every further empty database.

A whole portal of its own per test is cheap only if it need not run all migrations again. `make test` makes
the copies; whoever runs a single test or program without them pays for the migrations.
"""

import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

from tests import servers

SQLITE, POSTGRESQL = "empty.sqlite3", "empty.sql"
TEMPLATE = "ready"  # the migrated database on the server that the tests are given


def make_sqlite(folder: Path) -> None:
    _migrate(folder, f"sqlite:///{folder / SQLITE}")


def make_postgresql(folder: Path, database_url: str) -> None:
    """As a file in `folder`, for other servers, and as a database beside the given one, to be a template;
    and the files of a new server."""
    programs = servers.postgresql_programs()
    assert programs is not None
    server = database_url.rpartition("/")[0]
    subprocess.run([str(programs / "createdb"), f"--maintenance-db={database_url}", TEMPLATE], check=True)
    _migrate(folder, f"{server}/{TEMPLATE}")
    dump = [str(programs / "pg_dump"), "--no-owner", "--inserts", f"{server}/{TEMPLATE}"]
    said = subprocess.run(dump, stdout=subprocess.PIPE, text=True, check=True).stdout
    lines = (line for line in said.splitlines() if not line.startswith("\\"))  # orders to psql, not SQL
    (folder / POSTGRESQL).write_text("\n".join(lines))
    folder.chmod(0o711)  # the owner of a server has to get through
    place = folder / servers.CLUSTER
    place.mkdir()
    servers.cluster(place)


def _migrate(folder: Path, database_url: str) -> None:
    state = folder / "state"
    environment = {"STATE_DIR": str(state), "DATABASE_URL": database_url, "REDIS_URL": ""}
    command = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
    subprocess.run(command, env={**os.environ, **environment}, check=True)
    shutil.rmtree(state, ignore_errors=True)


def fill() -> None:
    """Make the tables in the database of this process: from a copy if there is one and it is empty."""
    from django.core.management import call_command
    from django.db import connection

    copies = Path(os.environ.get(servers.READY, "/nowhere"))
    copy = copies / (SQLITE if connection.vendor == "sqlite" else POSTGRESQL)
    if not copy.exists() or connection.introspection.table_names():
        call_command("migrate", verbosity=0, interactive=False)
    elif connection.vendor == "sqlite":
        made = sqlite3.connect(copy)
        made.backup(connection.connection)
        made.close()
    else:
        with connection.cursor() as cursor:
            cursor.execute(copy.read_text())
        connection.close()  # the copy leaves it without a search path
