"""What is installed is locked: it satisfies pyproject.toml, each file by its hash, and no host is named."""

import json
import re
import tomllib
from pathlib import Path

import pytest
from django.conf import settings
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(settings.BASE_DIR)
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
WANTED = {
    "requirements.txt": PROJECT["project"]["dependencies"],
    "requirements-dev.txt": PROJECT["dependency-groups"]["dev"],
    "requirements-node.txt": PROJECT["dependency-groups"]["node"],
    "requirements-interop.txt": PROJECT["dependency-groups"]["interop"],
}
HOST = re.compile(r"https?:|//|\.(?:org|com|io|net)\b")


def pinned(lock: str) -> dict[str, str]:
    found = re.findall(r"^([A-Za-z0-9._-]+)(?:\[.*?\])?==([^ ;\\]+)", (ROOT / lock).read_text(), re.MULTILINE)
    return {canonicalize_name(name): version for name, version in found}


@pytest.mark.parametrize("lock", WANTED)
def test_a_lock_satisfies_what_the_project_asks_for(lock: str) -> None:
    versions = pinned(lock)
    for wanted in map(Requirement, WANTED[lock]):
        version = versions.get(canonicalize_name(wanted.name))
        assert version is not None, f"{wanted.name} is not in {lock}: make lock"
        assert version in wanted.specifier, f"{lock} pins {wanted.name} {version}: make lock"


@pytest.mark.parametrize("lock", WANTED)
def test_every_pinned_package_has_a_hash(lock: str) -> None:
    for block in re.split(r"\n(?=[A-Za-z0-9])", (ROOT / lock).read_text()):
        assert "--hash=sha256:" in block, block.splitlines()[0]


@pytest.mark.parametrize("lock", [*WANTED, "package-lock.json"])
def test_no_lock_names_a_host(lock: str) -> None:
    lines = (ROOT / lock).read_text().splitlines()
    assert [line for line in lines if HOST.search(line) and "htmx.org" not in line] == []


def test_the_checks_and_the_portal_agree_on_versions() -> None:
    portal, checks = pinned("requirements.txt"), pinned("requirements-dev.txt")
    assert {name: version for name, version in checks.items() if portal.get(name, version) != version} == {}


def test_the_front_end_is_locked_to_the_versions_asked_for() -> None:
    wanted = json.loads((ROOT / "package.json").read_text())
    locked = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    for name, version in {**wanted["dependencies"], **wanted["devDependencies"]}.items():
        assert locked[f"node_modules/{name}"]["version"] == version
        assert locked[f"node_modules/{name}"]["integrity"].startswith("sha512-")
