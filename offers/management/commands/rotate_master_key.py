"""`manage.py rotate_master_key`: encrypt all private keys under the first of the master keys."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from offers.services import keys


class Command(BaseCommand):
    requires_system_checks = ()
    help = (
        "Encrypt every private key under the first key of FLEXPORTAL_MASTER_KEY. "
        "Put the new key in front of the old one, restart, run this, then take the old one away."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            done = keys.reencrypt()
        except keys.MasterKeyWrong as error:
            raise CommandError(f"{error} Nothing was changed.") from error
        self.stdout.write(f"Encrypted {done} private keys under the first master key.")
