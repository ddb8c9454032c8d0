"""`make lock`: resolves the dependencies of pyproject.toml into files with hashes, without hosts."""

import os
import subprocess
import sys
from pathlib import Path

OPTIONS = (
    "--generate-hashes --no-emit-index-url --no-header --universal --python-version 3.11 --quiet".split()
)
FILES = {
    "requirements.txt": [],
    "requirements-dev.txt": ["--group", "dev", "-c", "requirements.txt"],
    "requirements-node.txt": ["--group", "node"],
    "requirements-interop.txt": ["--group", "interop"],
}


def main() -> None:
    uv = Path(sys.executable).with_name("uv")
    for name, what in FILES.items():
        source = [] if "--group" in what else ["pyproject.toml"]
        command = [str(uv), "pip", "compile", *source, *OPTIONS, *what, "-o", name, *sys.argv[1:]]
        subprocess.run(command, check=True, env={**os.environ, "UV_CUSTOM_COMPILE_COMMAND": "make lock"})


if __name__ == "__main__":
    main()
