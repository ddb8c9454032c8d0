"""The one loop of a simulation: what arrives, what is due, and nothing in between."""

import logging
import queue
import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path

from .agenda import Agenda
from .agr import SimulatedAGR
from .dso import SimulatedDSO
from .habits import Habits
from .notebook import Notebook
from .participant import Participant, Post, post
from .server import Arrival, Server
from .world import Party, World

log = logging.getLogger(__name__)
LONGEST_SLEEP = timedelta(minutes=1)
KINDS: Mapping[str, type[Participant]] = {"DSO": SimulatedDSO, "AGR": SimulatedAGR}

Clock = Callable[[], datetime]


class Simulation:
    """Participants with an endpoint. `world` gives the market as it is known; True reads it again."""

    def __init__(
        self,
        secrets: Mapping[Party, bytes],
        world: Callable[[bool], World],
        clock: Clock,
        habits: Habits,
        seed: int = 0,
        post: Post = post,
        notebook: Path | None = None,
    ) -> None:
        self.world, self.clock = world, clock
        self.agenda = Agenda()
        self.arrivals: queue.SimpleQueue[Arrival | None] = queue.SimpleQueue()
        self.participants = {
            (domain, role): KINDS[role](
                domain=domain,
                secret=secret,
                world=lambda: world(False),
                agenda=self.agenda,
                habits=habits,
                seed=seed,
                post=post,
            )
            for (domain, role), secret in secrets.items()
        }
        self.notebook = Notebook(notebook)
        self.stopping = False

    def listen(self, host: str, port: int) -> Server:
        """Open the endpoint; it takes messages from now on."""
        server = Server((host, port), self.participants, self.world, self.arrivals)
        threading.Thread(target=server.serve_forever, args=(1.0,), daemon=True, name="endpoint").start()
        return server

    def stop(self) -> None:
        """May be called by a signal handler or another thread."""
        self.stopping = True
        self.arrivals.put(None)

    def recall(self) -> None:
        """Know again what was open when the process before this one ended."""
        notes = self.notebook.read()
        for (domain, role), participant in self.participants.items():
            for one in notes.get(f"{domain}/{role}", ()):
                peer = self.world(False).peer(*one["peer"])
                if peer is not None:
                    participant.recall(one, peer, self.clock())

    def keep(self) -> None:
        now = self.clock()
        self.notebook.write({"/".join(party): one.notes(now) for party, one in self.participants.items()})

    def run(self) -> None:
        self.recall()
        for participant in self.participants.values():
            self.agenda.plan(self.clock(), participant.begin)
        while not self.stopping:
            self.step()

    def step(self) -> None:
        """Do what is due, then wait for a message or for the next thing to do."""
        if self.agenda.run_due(self.clock()):
            self.keep()
        if self.stopping:
            return
        wait = self.agenda.next_in(self.clock(), LONGEST_SLEEP)
        try:
            arrival = self.arrivals.get(timeout=wait.total_seconds())
        except queue.Empty:
            return
        if arrival is not None:
            participant, message, peer = arrival
            participant.take(message, peer, self.clock())
            self.keep()
