"""PostgreSQL and Redis of one's own, on unused ports and a temporary folder, gone when the block ends.

`python -m tests.servers COMMAND …` runs a command with DATABASE_URL and REDIS_URL pointing at them.
"""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

START_WITHIN = 30.0
READY = "FLEXPORTAL_READY"  # the folder of what was made once for all, see ready.py
CLUSTER = "cluster"
BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser")  # the first needs half the processor


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def postgresql_programs() -> Path | None:
    """The newest folder that holds a PostgreSQL server; Debian keeps it off the PATH."""
    places = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda at: int(at.parent.name), reverse=True
    )
    on_path = shutil.which("postgres")
    places += [Path(on_path).resolve().parent] if on_path else []
    return next((place for place in places if (place / "initdb").exists()), None)


def redis_program() -> str | None:
    return shutil.which("redis-server")


def chromium_program() -> str | None:
    return os.environ.get("FLEXPORTAL_CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)


@contextmanager
def postgresql(durable: bool = False) -> Iterator[str]:
    """The URL of an empty database; its server trusts who reaches it on the loopback address.

    What it says is committed is on the disk only if it is to be durable: tests have no power cuts.
    """
    with tempfile.TemporaryDirectory(prefix="flexportal-pg-") as folder:
        programs, as_owner, data = cluster(Path(folder))
        port = free_port()
        fast = [] if durable else ["fsync=off", "synchronous_commit=off", "full_page_writes=off"]
        where = ["-D", str(data), "-p", str(port), "-h", "127.0.0.1", "-k", folder]
        command = [
            *as_owner,
            str(programs / "postgres"),
            *where,
            *(word for one in [*fast, "max_connections=200"] for word in ("-c", one)),
        ]
        ready = [str(programs / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port)]
        address = ["-h", "127.0.0.1", "-p", str(port), "-U", "flexportal"]
        with _server(command, signal.SIGINT, lambda: _succeeds(ready)):
            subprocess.run([str(programs / "createdb"), *address, "flexportal"], check=True)
            yield f"postgresql://flexportal@127.0.0.1:{port}/flexportal"


def cluster(folder: Path) -> tuple[Path, Sequence[str], Path]:
    """Files for a server in `folder`/data, a copy where some were made before; with PostgreSQL's programs,
    and what to put before a command so that it runs as their owner."""
    programs = postgresql_programs()
    if programs is None:
        raise RuntimeError("PostgreSQL is not installed.")
    as_owner, data = _as_somebody_who_may_own(folder), folder / "data"
    copy = Path(os.environ.get(READY, "/nowhere")) / CLUSTER / data.name
    if copy.exists():
        shutil.copytree(copy, data, symlinks=True)
        subprocess.run(["chown", "--recursive", "--reference", folder, data], check=True)
    else:
        made = [*as_owner, str(programs / "initdb"), "-D", str(data), "-U", "flexportal", "-E", "UTF8"]
        options = ["--locale=C.UTF-8", "--auth=trust", "--no-sync"]
        subprocess.run([*made, *options], check=True, stdout=subprocess.DEVNULL, cwd=folder)
    return programs, as_owner, data


@contextmanager
def redis() -> Iterator[str]:
    program = redis_program()
    if program is None:
        raise RuntimeError("Redis is not installed.")
    with tempfile.TemporaryDirectory(prefix="flexportal-redis-") as folder:
        port = free_port()
        options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder]
        with _server([*_dies_with_us(), program, *options], signal.SIGTERM, lambda: _listens(port)):
            yield f"redis://127.0.0.1:{port}"


def _as_somebody_who_may_own(folder: Path) -> Sequence[str]:
    """PostgreSQL refuses to be root: there it runs as the user that its package made."""
    if os.getuid() != 0:
        return _dies_with_us()
    owner = pwd.getpwnam("postgres")
    os.chown(folder, owner.pw_uid, owner.pw_gid)
    # Changing the user clears the signal that is sent when the parent dies, hence it is asked for afterwards.
    return ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--clear-groups", "--", *_dies_with_us()]


def _dies_with_us() -> Sequence[str]:
    return ["setpriv", "--pdeathsig", "INT"] if shutil.which("setpriv") else []


@contextmanager
def _server(command: Sequence[str], stop_by: signal.Signals, ready: Callable[[], bool]) -> Iterator[None]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/")
    try:
        deadline = time.monotonic() + START_WITHIN
        while not ready():
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{command[-1]} did not start: {' '.join(command)}")
            time.sleep(0.1)
        yield
    finally:
        process.send_signal(stop_by)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _succeeds(command: Sequence[str]) -> bool:
    return subprocess.run(command, check=False).returncode == 0


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def main(command: Sequence[str]) -> int:
    with postgresql() as database_url, redis() as redis_url:
        environment = {**os.environ, "DATABASE_URL": database_url, "REDIS_URL": redis_url}
        process = subprocess.Popen(command, env=environment)
        while True:
            with suppress(KeyboardInterrupt):  # Ctrl-C reaches the command, too; it ends as it likes
                return process.wait()


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
