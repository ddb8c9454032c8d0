"""Readers for settings from the environment. docs/operations.md lists what is read; a test compares them."""

import base64
import os
import secrets
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

DEMO = "demo:"
"""How a secret begins that a demo made for itself; production refuses it."""

READ: dict[str, str] = {}
"""Every variable that was asked for, with its default as text."""


def text(name: str, default: str = "") -> str:
    READ[name] = default
    return os.environ.get(name) or default


def flag(name: str, default: bool = False) -> bool:
    value = text(name, "1" if default else "0").lower()
    if value in ("1", "true", "yes", "on"):
        return True
    if value in ("0", "false", "no", "off"):
        return False
    raise ImproperlyConfigured(f"{name} is {value!r}; write 1 or 0.")


def number(name: str, default: int) -> int:
    value = text(name, str(default))
    if not value.isdecimal():
        raise ImproperlyConfigured(f"{name} is {value!r}; write a whole number that is not negative.")
    return int(value)


def words(name: str, default: str = "") -> list[str]:
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def secret(name: str) -> str:
    """The variable itself, or the content of the file that NAME_FILE points at."""
    path = text(f"{name}_FILE")
    if not path:
        return text(name).strip()
    READ[name] = ""
    try:
        return Path(path).read_text().strip()
    except OSError as error:
        raise ImproperlyConfigured(f"{name}_FILE: cannot read {path}: {error.strerror}.") from error


def kept(path: Path) -> str:
    """A secret of this demo: made on the first run, readable by its owner only, then kept."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)  # the database will lie beside it
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    if not path.exists():
        with os.fdopen(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            file.write(DEMO + base64.b64encode(secrets.token_bytes(32)).decode() + "\n")
        try:
            os.link(draft, path)  # the first of several processes wins; the others read what it wrote
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text().strip()


def database(name: str, default: str) -> dict[str, Any]:
    """A Django database entry from sqlite:///path or postgresql://user:password@host:port/name?option=value."""
    url = urlsplit(text(name, default))
    if url.scheme == "sqlite":
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": unquote(url.path.removeprefix("/"))}
    if url.scheme not in ("postgres", "postgresql"):
        raise ImproperlyConfigured(f"{name} begins with {url.scheme!r}; write sqlite:///… or postgresql://….")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(url.path.removeprefix("/")),
        "USER": unquote(url.username or ""),
        "PASSWORD": unquote(url.password or ""),
        "HOST": unquote(url.hostname or ""),
        "PORT": str(url.port or ""),
        "OPTIONS": dict(parse_qsl(url.query)),
    }
