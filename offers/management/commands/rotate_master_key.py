"""`manage.py rotate_master_key`: encrypt all secrets under the first of the master keys."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from offers.services import keys


class Command(BaseCommand):
    requires_system_checks = ()
    help = (
        "Encrypt every private key and second factor under the first key of FLEXPORTAL_MASTER_KEY. "
        "Put the new key in front of the old one, restart, run this, then take the old one away."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            done = keys.reencrypt()
        except keys.MasterKeyWrong as error:
            raise CommandError(f"{error} Nothing was changed.") from error
        self.stdout.write(f"Encrypted {done} secrets under the first master key.")
