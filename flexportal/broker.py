"""A Celery broker that needs no server: one file per message, in a folder of this machine.

What makes it safe for several processes is that each step is one rename: a message appears whole or
not at all, and of all the consumers that want it one wins. A consumer keeps what it took in a folder of
its own until it has acknowledged it, and holds a lock for as long as it lives; what a dead consumer
leaves behind is put back by the next one. A message may therefore run twice, but never is lost.
"""

import contextlib
import fcntl
import logging
import os
import select
import time
import uuid
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from queue import Empty
from typing import Any
from urllib.parse import quote

from kombu.transport import virtual
from kombu.utils.json import dumps, loads

logger = logging.getLogger(__name__)

RECOVER_EVERY = 30.0  # seconds
LONGEST_DRAIN = 1.0  # seconds


class Owner:
    """A consumer's own folder, and the lock that says that the consumer is alive."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder / uuid.uuid4().hex
        self._lock = _locked(self.folder.with_suffix(".lock"), create=True)
        self.folder.mkdir()

    def close(self) -> None:
        _remove(self.folder, self._lock)


def _locked(path: Path, create: bool = False) -> int | None:
    """The descriptor of the locked file, or None when somebody alive holds it or it is gone."""
    while True:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | (os.O_CREAT if create else 0), 0o600)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            if not create:
                return None
            continue
        if os.fstat(descriptor).st_nlink:
            return descriptor
        os.close(descriptor)  # another one tidied it away between our two steps


def _remove(folder: Path, lock: int | None) -> None:
    for queue in _entries(folder):
        (folder / queue).rmdir()
    if folder.exists():
        folder.rmdir()
    folder.with_suffix(".lock").unlink(missing_ok=True)
    if lock is not None:
        os.close(lock)


def _entries(folder: Path) -> list[str]:
    try:
        return sorted(name for name in os.listdir(folder) if not name.startswith("."))
    except FileNotFoundError:
        return []


class Spool:
    """The folder of messages: put, claim, and then forget or release."""

    def __init__(self, folder: Path) -> None:
        self.queues = folder / "queues"
        self.owners = folder / "owners"
        self._owner: Owner | None = None
        self._waiting: dict[
            str, deque[str]
        ] = {}  # as last listed: a long queue is not listed for each message
        self._recovered_at = 0.0
        self._bell = folder / "bell"
        self._ear: int | None = None

    def put(self, queue: str, payload: str) -> None:
        folder = self._queue(queue)
        folder.mkdir(parents=True, exist_ok=True)
        name = f"{time.time_ns():020d}-{uuid.uuid4().hex}"
        draft = folder / f".{name}"  # the dot hides it from consumers
        try:
            draft.write_text(payload)
            draft.rename(folder / name)
        finally:
            draft.unlink(missing_ok=True)
        self._ring()

    def _ring(self) -> None:
        """Wake one consumer; the others look by themselves soon. Where nobody listens nobody is woken."""
        try:
            bell = os.open(self._bell, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return
        try:
            os.write(bell, b".")
        except BlockingIOError:
            pass  # so many have rung that it is full
        finally:
            os.close(bell)

    def wait(self, seconds: float) -> bool:
        """Sleep until something is put, or for so long; whether somebody rang."""
        if self._ear is None:
            self._bell.parent.mkdir(parents=True, exist_ok=True)
            with contextlib.suppress(FileExistsError):
                os.mkfifo(self._bell, 0o600)
            # Open for writing, too: then it does not end when a writer goes.
            self._ear = os.open(self._bell, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        rang = bool(select.select([self._ear], [], [], seconds)[0])
        if rang:
            with contextlib.suppress(BlockingIOError):
                os.read(self._ear, 4096)
        return rang

    def claim(self, queue: str) -> Path | None:
        """The oldest message that nobody else got first, moved to where only we look."""
        folder, waiting = self._queue(queue), self._waiting.setdefault(queue, deque())
        waiting.extend(() if waiting else _entries(folder))
        mine = self._mine() / folder.name
        while waiting:
            name = waiting.popleft()
            mine.mkdir(exist_ok=True)
            try:
                (folder / name).rename(mine / name)
            except FileNotFoundError:
                continue
            return mine / name
        return None

    def forget(self, claim: Path) -> None:
        claim.unlink(missing_ok=True)

    def release(self, claim: Path) -> None:
        """Back to the queue, at its old place."""
        claim.rename(self.queues / claim.parent.name / claim.name)

    def size(self, queue: str) -> int:
        return len(_entries(self._queue(queue)))

    def purge(self, queue: str) -> int:
        names = _entries(self._queue(queue))
        for name in names:
            (self._queue(queue) / name).unlink(missing_ok=True)
        return len(names)

    def recover(self) -> int:
        """Put back what dead consumers had taken; how many messages that was."""
        self._recovered_at = time.monotonic()
        found = 0
        for path in self.owners.glob("*.lock"):
            lock = _locked(path)
            if lock is not None:
                claims = list(self._claims(path.with_suffix("")))
                for claim in claims:
                    self.release(claim)
                _remove(path.with_suffix(""), lock)
                found += len(claims)
        return found

    def recover_now_and_then(self) -> None:
        if time.monotonic() - self._recovered_at > RECOVER_EVERY:
            self.recover()

    def close(self) -> None:
        if self._owner is not None:
            for claim in list(self._claims(self._owner.folder)):
                self.release(claim)
            self._owner.close()
            self._owner = None
        if self._ear is not None:
            os.close(self._ear)
            self._ear = None

    def _mine(self) -> Path:
        if self._owner is None:
            self._owner = Owner(self.owners)
            self.recover()
        return self._owner.folder

    def _queue(self, queue: str) -> Path:
        return self.queues / ("q-" + quote(queue, safe=""))

    def _claims(self, owner: Path) -> Iterator[Path]:
        return (owner / queue / name for queue in _entries(owner) for name in _entries(owner / queue))


class Channel(virtual.Channel):
    """Kombu's view of the spool: a message is ours until it is acknowledged."""

    def __init__(self, connection: Any, **kwargs: Any) -> None:
        super().__init__(connection, **kwargs)
        self.spool = Spool(Path(connection.client.transport_options["folder"]))
        self._claims: dict[str, Path] = {}

    def basic_consume(self, queue: str, no_ack: bool, *args: Any, **kwargs: Any) -> Any:
        if no_ack:
            raise NotImplementedError("This broker needs acknowledgements.")
        return super().basic_consume(queue, no_ack, *args, **kwargs)

    def basic_ack(self, delivery_tag: str, multiple: bool = False) -> None:
        super().basic_ack(delivery_tag, multiple)
        self._forget(delivery_tag)

    def basic_reject(self, delivery_tag: str, requeue: bool = False) -> None:
        super().basic_reject(delivery_tag, requeue)
        self._forget(delivery_tag)

    def close(self) -> None:
        super().close()
        self.spool.close()

    def _forget(self, delivery_tag: str) -> None:
        claim = self._claims.pop(delivery_tag, None)
        if claim is not None:
            self.spool.forget(claim)

    def _get(self, queue: str, timeout: float | None = None) -> Any:
        claim = self.spool.claim(queue)
        if claim is None:
            self.spool.recover_now_and_then()
            raise Empty()
        try:
            message = loads(claim.read_text())
            self._claims[message["properties"]["delivery_tag"]] = claim
        except (ValueError, KeyError) as error:
            # A power cut can leave an empty file. Nothing hangs on it: the rows say what is due.
            logger.warning("Dropped the unreadable broker message %s: %r", claim.name, error)
            self.spool.forget(claim)
            return self._get(queue)
        return message

    def _put(self, queue: str, message: Any, **kwargs: Any) -> None:
        self.spool.put(queue, dumps(message))

    def _restore(self, message: Any) -> None:
        claim = self._claims.pop(message.delivery_tag, None)
        if claim is not None:
            self.spool.release(claim)

    def _new_queue(self, queue: str, **kwargs: Any) -> None:
        """A queue begins with its first message."""

    def _has_queue(self, queue: str, **kwargs: Any) -> bool:
        return True

    def _size(self, queue: str) -> int:
        return self.spool.size(queue)

    def _purge(self, queue: str) -> int:
        return self.spool.purge(queue)

    def _delete(self, queue: str, *args: Any, **kwargs: Any) -> None:
        self.spool.purge(queue)


class Transport(virtual.Transport):
    """`atomicfs://`, with the option `folder`. One machine only; Redis for more."""

    Channel = Channel
    driver_type = driver_name = "atomicfs"
    default_port = None
    global_state = virtual.BrokerState()
    implements = virtual.Transport.implements.extend(asynchronous=False, exchange_type=frozenset({"direct"}))

    def __init__(self, client: Any, **kwargs: Any) -> None:
        super().__init__(client, **kwargs)
        self.state = self.global_state

    def drain_events(self, connection: Any, timeout: float | None = None, **kwargs: Any) -> None:
        """Deliver one message, and sleep when there is none.

        A worker that is told to stop, or has something to acknowledge, does so between two calls, so that
        none of them is long.
        """
        cycle: Any = self.cycle
        try:
            cycle.get(self._deliver)
        except Empty:
            self._wait(LONGEST_DRAIN if timeout is None else min(timeout, LONGEST_DRAIN))
            try:
                cycle.get(self._deliver)
            except Empty as error:
                raise TimeoutError from error

    def _wait(self, seconds: float) -> None:
        channels: list[Any] = list(self.channels or ())
        if channels:
            channels[0].spool.wait(seconds)
        else:
            time.sleep(seconds)

    def driver_version(self) -> str:
        return "1"
