"""The endpoint and the command: signed messages only, no database, a quick end."""

import os
import queue
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.conf import settings as project

from offers import simulator, transport, uftp
from offers.simulator.server import Refused, Server
from tests.servers import free_port
from tests.simulator.stage import AGR, DSO, OUR_AGR, Stage, head, sealed


@pytest.fixture
def server(stage: Stage) -> Iterator[Server]:
    found = stage.simulation.listen("127.0.0.1", 0)
    yield found
    found.shutdown()
    found.server_close()


def status_of(server: Server, body: bytes, path: str = transport.MESSAGE_PATH) -> int:
    url = f"http://127.0.0.1:{server.server_address[1]}{path}"
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body)) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_the_endpoint_takes_what_is_signed_by_somebody_it_knows(stage: Stage, server: Server) -> None:
    message = uftp.TestMessage(**head(stage, OUR_AGR, DSO[0]))
    assert status_of(server, sealed(message, OUR_AGR)) == 200
    participant, taken, peer = stage.simulation.arrivals.get_nowait() or (None, None, None)
    assert (participant, taken) == (stage.simulation.participants[DSO], message)
    assert peer == stage.world.peers[OUR_AGR]


def test_the_endpoint_refuses_everything_else(stage: Stage, server: Server) -> None:
    message = uftp.TestMessage(**head(stage, OUR_AGR, DSO[0]))
    assert status_of(server, sealed(message, OUR_AGR, uftp.seal.generate())) == 401
    assert status_of(server, sealed(message, ("x.example", "AGR"), uftp.seal.generate())) == 401
    assert status_of(server, b"<nonsense/>") == 400
    assert status_of(server, sealed(replace(message, recipient_domain="x.example"), OUR_AGR)) == 400
    assert status_of(server, sealed(message, OUR_AGR), "/") == 404
    with pytest.raises(queue.Empty):
        stage.simulation.arrivals.get_nowait()


def test_a_new_key_is_found_by_reading_the_market_again(stage: Stage) -> None:
    secret = uftp.seal.generate()
    peer = replace(stage.world.peers[OUR_AGR], public_keys=(uftp.seal.public_of(secret),))
    later = replace(stage.world, peers={OUR_AGR: peer})
    server = Server(
        ("127.0.0.1", 0),
        stage.simulation.participants,
        lambda again: later if again else stage.world,
        stage.simulation.arrivals,
    )
    server.take(sealed(uftp.TestMessage(**head(stage, OUR_AGR, DSO[0])), OUR_AGR, secret))
    with pytest.raises(Refused):
        server.take(sealed(uftp.TestMessage(**head(stage, OUR_AGR, DSO[0])), OUR_AGR, uftp.seal.generate()))
    server.server_close()


def test_the_loop_stops_at_once_when_it_is_told_to(stage: Stage) -> None:
    stage.now = datetime.now(UTC)
    thread = threading.Thread(target=stage.simulation.run)
    thread.start()
    time.sleep(0.1)
    stage.simulation.stop()
    thread.join(2)
    assert not thread.is_alive()


def test_keys_are_made_once_and_readable_by_nobody_else(tmp_path: Path) -> None:
    first = simulator.secret_of(tmp_path / "keys", DSO)
    assert simulator.secret_of(tmp_path / "keys", DSO) == first != simulator.secret_of(tmp_path / "keys", AGR)
    assert {file.stat().st_mode & 0o777 for file in (tmp_path / "keys").iterdir()} == {0o600}


def test_the_command_runs_without_a_database_and_stops_when_told(tmp_path: Path) -> None:
    (tmp_path / "market.yaml").write_text("participants: []\n")
    environment = {
        **os.environ,
        "STATE_DIR": str(tmp_path),
        "DATABASE_URL": "postgres://nobody:x@127.0.0.1:1/none",
    }
    command = [sys.executable, "manage.py", "simulate", "--port", str(free_port()), "--market"]
    process = subprocess.Popen(
        [*command, str(tmp_path / "market.yaml")],
        cwd=project.BASE_DIR,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert "listen at http://127.0.0.1:" in process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    started = time.monotonic()
    assert process.wait(5) == 0
    assert time.monotonic() - started < 2


def test_the_command_says_how_to_get_a_market(tmp_path: Path) -> None:
    from django.core.management import CommandError, call_command

    with pytest.raises(CommandError, match="market dump"):
        call_command("simulate", "--market", str(tmp_path / "none.yaml"))
