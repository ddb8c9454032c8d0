"""A Celery broker that needs no server: one file per message, in a folder of this machine.

What makes it safe for several processes is that each step is atomic: a message appears whole or not at all,
by a rename, and of all the consumers that want it the one has it that removes its file. A message is had once
at most; what a consumer had taken when it died is lost, as a ring may be (see rings.py).
"""

import contextlib
import logging
import os
import select
import time
import uuid
from collections import deque
from pathlib import Path
from queue import Empty
from typing import Any
from urllib.parse import quote

from kombu.transport import virtual
from kombu.utils.json import dumps, loads

logger = logging.getLogger(__name__)

LONGEST_DRAIN = 1.0  # seconds


class Spool:
    """The folder of messages: put and take."""

    def __init__(self, folder: Path) -> None:
        self.queues = folder / "queues"
        self._waiting: dict[
            str, deque[str]
        ] = {}  # as last listed: a long queue is not listed for each message
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

    def take(self, queue: str) -> str | None:
        """The oldest message that nobody else took first; None when there is none."""
        folder, waiting = self._queue(queue), self._waiting.setdefault(queue, deque())
        waiting.extend(() if waiting else _entries(folder))
        while waiting:
            file = folder / waiting.popleft()
            with contextlib.suppress(FileNotFoundError):
                text = file.read_text()
                file.unlink()
                return text
        return None

    def size(self, queue: str) -> int:
        return len(_entries(self._queue(queue)))

    def purge(self, queue: str) -> int:
        names = _entries(self._queue(queue))
        for name in names:
            (self._queue(queue) / name).unlink(missing_ok=True)
        return len(names)

    def close(self) -> None:
        if self._ear is not None:
            os.close(self._ear)
            self._ear = None

    def _queue(self, queue: str) -> Path:
        return self.queues / ("q-" + quote(queue, safe=""))


def _entries(folder: Path) -> list[str]:
    try:
        return sorted(name for name in os.listdir(folder) if not name.startswith("."))
    except FileNotFoundError:
        return []


class Channel(virtual.Channel):
    """Kombu's view of the spool: what was given out is gone from it."""

    def __init__(self, connection: Any, **kwargs: Any) -> None:
        super().__init__(connection, **kwargs)
        self.spool = Spool(Path(connection.client.transport_options["folder"]))

    def close(self) -> None:
        super().close()
        self.spool.close()

    def _get(self, queue: str, timeout: float | None = None) -> Any:
        while (text := self.spool.take(queue)) is not None:
            try:
                return loads(text)
            except ValueError as error:
                # A power cut can leave an empty file. Nothing hangs on it: the rows say what is due.
                logger.warning("Dropped an unreadable broker message: %r", error)
        raise Empty()

    def _put(self, queue: str, message: Any, **kwargs: Any) -> None:
        self.spool.put(queue, dumps(message))

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
