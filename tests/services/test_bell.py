"""The bell rings in a thread of its own, which nobody who forks may cut in two."""

import os
import threading
import time

import pytest

from offers.services import bell


def test_a_process_is_not_forked_in_the_middle_of_a_ring(monkeypatch: pytest.MonkeyPatch) -> None:
    ringing, rung = threading.Event(), threading.Event()

    def send(task: str) -> None:
        ringing.set()
        time.sleep(0.3)
        rung.set()

    monkeypatch.setattr(bell, "_send", send)
    monkeypatch.setattr(bell, "_mute_until", 0.0)
    bell.ring(bell.PROCESS)
    assert ringing.wait(10)
    child = os.fork()
    if not child:
        os._exit(0 if rung.is_set() else 1)
    assert os.waitpid(child, 0)[1] == 0
    bell.ring_now(bell.PROCESS)  # goes on in the parent, too


def test_a_child_rings_with_a_thread_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    rung = threading.Event()
    monkeypatch.setattr(bell, "_send", lambda task: rung.set())
    monkeypatch.setattr(bell, "_mute_until", 0.0)
    child = os.fork()
    if not child:
        bell.ring(bell.PROCESS)
        os._exit(0 if rung.wait(10) else 1)
    assert os.waitpid(child, 0)[1] == 0
