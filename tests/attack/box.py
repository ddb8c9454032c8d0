"""G27: posts each hostile document in a process of its own that the kernel ends when it opens a file or a
socket, uses more than 50 MB more than before, or two seconds of CPU.

`python -m tests.attack.box` prints one JSON object a document. It has a database in memory, so that whatever
is opened while a request runs was asked for by the document.
"""

import argparse
import ctypes
import gc
import json
import os
import platform
import resource
import signal
import struct
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

MEMORY = 50 * 2**20
CPU_SECONDS = 0.2  # the promise, on a quiet machine
BUSY_SECONDS = 0.6  # CPU is dearer on a busy one; what is not linear takes seconds
CPU_HARD_SECONDS = 2.0
TRIES = 3

# open, openat, creat, openat2, socket, socketpair, connect, execve, execveat
FORBIDDEN_CALLS = {
    "x86_64": (0xC000003E, (2, 257, 85, 437, 41, 53, 42, 59, 322)),
    "aarch64": (0xC00000B7, (56, 437, 198, 199, 203, 221, 281)),
}
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
LOAD, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06
KILL, ALLOW = 0x80000000, 0x7FFF0000


def can_box() -> bool:
    return sys.platform == "linux" and platform.machine() in FORBIDDEN_CALLS


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_void_p)]


def _forbid_opening() -> None:
    """From now on the kernel kills this process (SIGSYS) when it opens, connects or executes anything."""
    _, calls = FORBIDDEN_CALLS[platform.machine()]
    steps = [(LOAD, 0, 0, 0)]
    steps += [(JUMP_IF_EQUAL, len(calls) - n, 0, call) for n, call in enumerate(calls)]
    steps += [(RETURN, 0, 0, ALLOW), (RETURN, 0, 0, KILL)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
    program = _Program(len(steps), ctypes.cast(code, ctypes.c_void_p))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.prctl(
        PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(program)
    ):
        raise OSError(ctypes.get_errno(), "the kernel takes no filter")


def _status(name: str) -> int:
    """A figure in kB of this process from the kernel."""
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


SMALL = 64 * 1024  # documents up to here share a child; a large one leaves a heap that the next cannot use
Job = Callable[[], int]


def boxed(jobs: Mapping[str, Job], memory: int = MEMORY) -> Iterator[dict[str, Any]]:
    """Run jobs in children within all limits. Of each: what it returned or what its child died of, the CPU
    that it took at best, and the most memory that its child had in use until then."""
    left = list(jobs)
    while left:
        reads, writes = os.pipe()
        before, limit = _status("VmRSS"), _status("VmSize") * 1024 + memory
        pid = os.fork()
        if not pid:
            _child([(name, jobs[name]) for name in left], writes, before, limit)
        os.close(writes)
        with os.fdopen(reads) as pipe:
            done = [json.loads(line) for line in pipe]
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        yield from done
        left = left[len(done) :]
        if left:
            died = signal.Signals(-code).name if code < 0 else f"exit {code}"
            yield {"name": left.pop(0), "status": 0, "died": died, "cpu": 0, "mb": 0}


def _child(jobs: Sequence[tuple[str, Job]], writes: int, before: int, limit: int) -> None:
    """Never returns."""
    status = open("/proc/self/status")  # noqa: SIM115  # before nothing can be opened any more
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    try:
        _forbid_opening()
        for name, job in jobs:
            code, cpu = at_best(job)
            status.seek(0)
            peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))
            found = {"name": name, "status": code, "died": "", "cpu": round(cpu, 3)}
            line = json.dumps({**found, "mb": round(max(0, peak - before) / 1024, 1)})
            os.write(writes, line.encode() + b"\n")
    finally:
        os._exit(1 if sys.exc_info()[0] else 0)


def at_best(job: Job) -> tuple[int, float]:
    """What a job returns, and the CPU seconds of its cheapest run: it runs again if it was too dear."""
    seconds: list[float] = []
    while not seconds or (len(seconds) < TRIES and min(seconds) > CPU_SECONDS):
        signal.setitimer(signal.ITIMER_PROF, CPU_HARD_SECONDS)
        started = time.process_time()
        code = job()
        seconds.append(time.process_time() - started)
    return code, min(seconds)


# --- the portal inside --------------------------------------------------------------------------------------


def _portal() -> Any:
    """The cast of the tests in an empty database in memory, and a client at its door."""
    from django.conf import settings

    settings.DATABASES["default"]["NAME"] = ":memory:"
    settings.ALLOWED_HOSTS = ["testserver"]
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.LOGGING_CONFIG = None
    import django

    django.setup()
    from django.utils import timezone

    from offers.services import arrivals, bell
    from tests import cast, ready

    ready.fill()
    bell.ring = lambda task: None
    arrivals.count = lambda address, now: 1  # in a file of its own
    return cast.assemble(timezone.now())


def _poster() -> Callable[[bytes], int]:
    from django.test import Client

    from offers.transport import MESSAGE_PATH

    client = Client(raise_request_exception=False)

    def post(body: bytes) -> int:
        return client.post(MESSAGE_PATH, body, content_type="text/xml; charset=utf-8").status_code

    return post


def _bases(everybody: Any) -> dict[str, Any]:
    """A good envelope, and a good message to be sealed into one."""
    from offers import uftp
    from offers.services.inbox import MAX_BYTES
    from tests.attack.corpus import DECLARATION, Base
    from tests.wire import flex_request, sealed

    message = uftp.encode(flex_request(everybody))
    ids = {"message_id": str(uuid.uuid4()), "expiration_date_time": _soon(2)}
    envelope = sealed(everybody, uftp.encode(flex_request(everybody, **ids)))

    def base(xml: bytes, room: int) -> Any:
        text = xml.decode().partition("?>\n")[2]
        start, _, content = text.partition(">") if text.count(">") > 1 else (text[:-2], "", "")
        root, _, attributes = start.removeprefix("<").partition(" ")
        return Base(root, attributes, content.removesuffix(f"</{root}>"), room - len(DECLARATION))

    # The payload grows by a third in base64, and the envelope comes on top.
    return {"envelope": base(envelope, MAX_BYTES), "payload": base(message, (MAX_BYTES - 1000) * 3 // 4)}


def _soon(hours: int) -> Any:
    from django.utils import timezone

    return timezone.now() + timedelta(hours=hours)


def _lenient() -> None:
    """The protection switched off: the parser that a hurried person would write."""
    from lxml import etree

    from offers.uftp import codec

    def parser(**given: Any) -> etree.XMLParser:
        return etree.XMLParser(resolve_entities=True, no_network=False, load_dtd=True, huge_tree=True)

    codec.guard = codec._give_up_early = lambda *given: None
    codec._parser = parser


def together(bodies: Mapping[str, bytes]) -> list[list[str]]:
    """Which documents share a child: all the small ones; a large one has its own."""
    small = [name for name, body in bodies.items() if len(body) <= SMALL]
    return [small, *([name] for name in bodies if name not in small)]


def main() -> None:
    said = argparse.ArgumentParser()
    said.add_argument("--lenient", action="store_true", help="the control: without any protection")
    said.add_argument("--only", default="", help="documents of these families, with commas")
    options = said.parse_args()
    families = tuple(options.only.split(","))
    everybody = _portal()
    from offers import uftp
    from tests.attack import corpus
    from tests.wire import flex_request, sealed

    bases, post = _bases(everybody), _poster()
    for payload in (uftp.encode(flex_request(everybody)), b"<a/>", b"<!DOCTYPE a>"):
        post(sealed(everybody, payload))  # whatever is imported or opened once, is so now
    if options.lenient:
        _lenient()
    gc.freeze()
    for way, base in bases.items():
        kinds = {"good": {"the base": base.xml().encode()}, "doubtful": corpus.doubtful(base)}
        for kind, found in {**kinds, "hostile": corpus.documents(base)}.items():
            wanted = {name: xml for name, xml in found.items() if name.startswith(families)}
            bodies = {
                name: sealed(everybody, xml) if way == "payload" else xml for name, xml in wanted.items()
            }
            for names in together(bodies):
                for run in boxed({name: partial(post, bodies[name]) for name in names}):
                    print(json.dumps({"way": way, "kind": kind, **run}), flush=True)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "flexportal.settings")
    main()
