"""`manage.py keygen DOMAIN/ROLE`: a new signing key for a hosted participant; prints only the public one."""

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from offers import models, uftp
from offers.services import keys

FOR_EVER = timedelta(days=36_500)


class Command(BaseCommand):
    requires_system_checks = ()
    help = "Make a new signing key for a hosted participant and print its public key."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("participant", metavar="DOMAIN/ROLE", help="such as agr.demo.example/AGR")
        parser.add_argument(
            "--retire-old-after",
            metavar="P7D",
            help="how long the older keys still verify, PT0M for not at all; without it they stay valid",
        )

        parser.add_argument(
            "--sign-after",
            metavar="PT2H",
            help="when it begins to sign, so that everybody can learn its public half before; now without it",
        )
        parser.add_argument(
            "--hold",
            metavar="DOMAIN/ROLE",
            action="append",
            default=[],
            help="send nothing to this counterparty for a while, as it reads one key only; may be repeated",
        )
        parser.add_argument(
            "--hold-for", metavar="PT70M", default="PT70M", help="how long: TTL and cache together"
        )

    def handle(self, *args: Any, participant: str, **options: Any) -> None:
        row, now = _participant(participant), timezone.now()
        after = _duration("--retire-old-after", options["retire_old_after"])
        signs_from = now + (_duration("--sign-after", options["sign_after"]) or timedelta(0))
        held = [_participant(slug) for slug in options["hold"]]
        held_for = _duration("--hold-for", options["hold_for"]) or timedelta(0)
        if held and options["sign_after"]:
            raise CommandError("Who is held needs a key that signs at once: leave --sign-after out.")
        try:
            if held:
                key = keys.change_over_held(row, held, now, FOR_EVER if after is None else after, held_for)
            elif after is None:
                key = keys.add_signing_key(row, now, signs_from=signs_from)
            else:
                key = keys.change_over(row, now, after, signs_from)
        except keys.BadKey as error:
            raise CommandError(str(error)) from error
        self.stdout.write(uftp.seal.to_cs1(uftp.seal.parse_public(key.public)))
        self.stderr.write(f"Give this public key to everybody who receives messages of {row.slug}.")
        self.stderr.write(f"It signs from {signs_from:%Y-%m-%d %H:%M:%S} UTC.")
        for counterparty in held:
            self.stderr.write(f"{counterparty.slug} is held until {now + held_for:%Y-%m-%d %H:%M:%S} UTC.")


def _participant(slug: str) -> models.Participant:
    domain, _, role = slug.partition("/")
    row = models.Participant.objects.filter(domain=domain, role=role).first()
    if row is None:
        hosted = [one.slug for one in models.Participant.objects.hosted()]
        there = f"there are {', '.join(hosted)}" if hosted else "none is hosted here yet"
        raise CommandError(f"There is no participant {slug}: {there}.")
    return row


def _duration(option: str, text: str | None) -> timedelta | None:
    if text is None:
        return None
    try:
        length = uftp.isp.parse_duration(text)
    except ValueError as error:
        raise CommandError(f"{option} {text}: write a duration such as P7D or PT12H.") from error
    if not timedelta(0) <= length <= FOR_EVER:
        raise CommandError(f"{option} {text}: write a duration from PT0M to P36500D.")
    return length
