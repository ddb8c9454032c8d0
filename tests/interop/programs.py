"""Starts the two sides of an interop test and talks to them: ours, and the official library as a stranger."""

import base64
import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import nacl.signing
from django.conf import settings

from tests import servers

HERE = Path(__file__).parent
WITHIN = 30.0
PATH = "/shapeshifter/api/v3/message"


def library_python() -> str:
    """The interpreter that has the official library; `make test` makes it."""
    return str(settings.BASE_DIR / ".venv-interop/bin/python")


class Program:
    """A child that takes and gives JSON lines."""

    def __init__(self, command: list[str], environment: dict[str, str], log: Path) -> None:
        self.log = log
        self.heard: list[dict[str, Any]] = []
        self._passed: list[dict[str, Any]] = []
        self._lines: queue.Queue[dict[str, Any]] = queue.Queue()
        with log.open("wb") as errors:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env=environment,
            )
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(json.loads(line))

    def tell(self, **order: Any) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(order, default=str) + "\n")
        self.process.stdin.flush()

    def next(self, seconds: float = WITHIN) -> dict[str, Any]:
        try:
            said = self._lines.get(timeout=seconds)
        except queue.Empty:
            raise AssertionError(f"nothing was said within {seconds:.0f} s:\n{self.tail()}") from None
        self.heard.append(said)
        return said

    def hear(self, wanted: Callable[[dict[str, Any]], bool], seconds: float = WITHIN) -> dict[str, Any]:
        """The next thing said that is wanted, be it while the thing before it was waited for."""
        passed, self._passed = self._passed, []
        for said in passed:
            if wanted(said):
                return said
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            said = self.next(left)
            if wanted(said):
                return said
            self._passed.append(said)
        raise AssertionError(f"never heard; but: {self.heard[-5:]}\n{self.tail()}")

    def tail(self) -> str:
        return self.log.read_text(errors="replace")[-3000:]

    def stop(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Pair:
    """Ours and theirs, in each other's address books."""

    def __init__(self, ours: Program, theirs: Program, version: str) -> None:
        self.ours, self.theirs, self.version = ours, theirs, version

    def do(self, verb: str, **order: Any) -> dict[str, Any]:
        self.ours.tell(verb=verb, **order)
        return self.ours.next()

    def look(self) -> dict[str, Any]:
        return self.do("look")

    def see(self, wanted: Callable[[dict[str, Any]], bool], seconds: float = WITHIN) -> dict[str, Any]:
        """Look into our database until it shows what is wanted."""
        deadline = time.monotonic() + seconds
        while not wanted(seen := self.look()):
            if time.monotonic() > deadline:
                raise AssertionError(f"never seen; but: {json.dumps(seen, indent=1)}\n{self.ours.tail()}")
            time.sleep(0.1)
        return seen

    def let_them_send(self, kind: str, **fields: Any) -> dict[str, Any]:
        """The library sends a message; what it says about it: sent, refused or cannot."""
        self.theirs.tell(send=kind, fields=fields)
        return self.theirs.hear(
            lambda said: kind in (said.get("sent"), said.get("refused"), said.get("cannot"))
        )

    def they_receive(self, kind: str) -> dict[str, Any]:
        fields: dict[str, Any] = self.theirs.hear(lambda said: said.get("received") == kind)["fields"]
        return fields

    def we_received(self, kind: str, state: str, count: int = 1) -> dict[str, Any]:
        """Wait until so many messages of a type have come in and stand as `state`; the last of them."""

        def found(seen: dict[str, Any]) -> list[dict[str, Any]]:
            return [
                m for m in seen["messages"] if (m["direction"], m["type"], m["state"]) == ("in", kind, state)
            ]

        return found(self.see(lambda seen: len(found(seen)) >= count))[-1]


@contextmanager
def database(folder: Path) -> Iterator[str]:
    """An empty database of the kind that this test run is about, for one pair alone."""
    if settings.DATABASES["default"]["ENGINE"].endswith("postgresql"):
        with servers.postgresql() as url:
            yield url
    else:
        yield f"sqlite:///{folder}/db.sqlite3"


@contextmanager
def portal(
    folder: Path, program: Path = HERE / "ours.py", **who: Any
) -> Iterator[tuple[Program, dict[str, Any]]]:
    """Our side alone, running: gunicorn, worker and a database of its own; and what it says of itself."""
    with database(folder) as url:
        environment = {
            **os.environ,
            "DATABASE_URL": url,
            "REDIS_URL": "",
            "STATE_DIR": str(folder),
            "FLEXPORTAL_LOCAL_MARKET": "1",
            "DJANGO_SETTINGS_MODULE": "flexportal.settings",
            "PYTHONPATH": str(settings.BASE_DIR),
        }
        ours = Program([sys.executable, str(program)], environment, folder / "ours.log")
        try:
            ours.tell(**who)
            yield ours, ours.next(60)
        finally:
            ours.stop()


@contextmanager
def pair(our_role: str, version: str, folder: Path) -> Iterator[Pair]:
    """Both programs running: we play `our_role`, the official library the other one in `version`."""
    their_role = "DSO" if our_role == "AGR" else "AGR"
    secret = nacl.signing.SigningKey.generate()
    their_port = servers.free_port()
    ours_is, theirs_is = f"{our_role.lower()}.ours.example", f"{their_role.lower()}.library.example"
    with ExitStack() as stack:
        ours, ready = stack.enter_context(
            portal(
                folder,
                domain=ours_is,
                role=our_role,
                port=servers.free_port(),
                version=version,
                counterparty=theirs_is,
                counterparty_key=base64.b64encode(bytes(secret.verify_key)).decode(),
                counterparty_endpoint=f"http://127.0.0.1:{their_port}{PATH}",
            )
        )
        theirs = Program([library_python(), str(HERE / "peer.py")], dict(os.environ), folder / "theirs.log")
        stack.callback(theirs.stop)
        theirs.tell(
            domain=theirs_is,
            role=their_role,
            port=their_port,
            version=version,
            signing_key=base64.b64encode(bytes(secret) + bytes(secret.verify_key)).decode(),
            counterparty=ours_is,
            counterparty_key=ready["key"],
            counterparty_endpoint=ready["endpoint"],
        )
        theirs.next(60)
        yield Pair(ours, theirs, version)
