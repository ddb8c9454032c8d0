"""`manage.py market load FILE` and `manage.py market dump`: the market as a file."""

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from offers.services import market

MAX_BYTES = 16 * 1024 * 1024


class Command(BaseCommand):
    requires_system_checks = ()
    help = "Make participants, congestion points, contracts and users as a file says, or write that file."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="load | dump")
        load = verbs.add_parser("load", help="make what a file says; can be run again")
        load.add_argument("file", help="the file, or - for standard input")
        verbs.add_parser("dump", help="write the market to standard output, without secrets")

    def handle(self, *args: Any, verb: str, file: str = "", **options: Any) -> None:
        if verb == "dump":
            self.stdout.write(market.dump(timezone.now()), ending="")
        else:
            self._load(file)

    def _load(self, file: str) -> None:
        name = "standard input" if file == "-" else file
        try:
            done = market.load(_text(file), timezone.now())
        except market.BadMarket as error:
            faults = [f"{name}, {problem}" for problem in error.problems]
            raise CommandError("\n".join([*faults, "Nothing was changed."])) from error
        self._report(done)

    def _report(self, done: market.Loaded) -> None:
        for note in done.notes:
            self.stderr.write(note)
        said = [f"{n} {name.replace('_', ' ')}" for name, n in done.counts.items() if n]
        self.stdout.write(f"Loaded {', '.join(said) or 'nothing: every section is empty'}.")
        for username, password in done.passwords.items():
            self.stdout.write(f"New user {username} with the password {password}")
        if done.passwords:
            self.stdout.write("These passwords are shown only now.")


def _text(file: str) -> str:
    try:
        data = sys.stdin.buffer.read(MAX_BYTES + 1) if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}.") from error
    if len(data) > MAX_BYTES:
        raise CommandError(f"{file} has more than {MAX_BYTES} bytes: that is no market.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise CommandError(f"{file}, line {line}: this is no text in UTF-8.") from error
