"""The last walls in the database, taken down for the controls: see weakness.py."""

from django.db import connection
from django.db.models import Model

from offers import models


def take_down(weak: str) -> None:
    """Drop the unique constraints that would turn a doubled effect into an error."""
    if "naive" in weak:
        _drop_unique(models.FlexRequest, models.FlexOffer, models.FlexOrder, models.Event)
    if "forgetful" in weak:
        once = next(one for one in models.Message._meta.constraints if one.name == "message_once")
        models.Message._meta.constraints.remove(once)  # SQLite makes the table anew, by what stands there
        with connection.schema_editor() as editor:
            editor.remove_constraint(models.Message, once)


def _drop_unique(*kinds: type[Model]) -> None:
    """PostgreSQL only: SQLite would have to build the tables anew."""
    with connection.cursor() as cursor:
        for kind in kinds:
            table = kind._meta.db_table
            for name, one in connection.introspection.get_constraints(cursor, table).items():
                if one["unique"] and not one["primary_key"]:
                    cursor.execute(f'ALTER TABLE {table} DROP CONSTRAINT IF EXISTS "{name}"')
                    cursor.execute(f'DROP INDEX IF EXISTS "{name}"')
