"""A world that takes long to build is built once per process; each further test gets a copy of its rows."""

import pickle
from collections.abc import Callable
from typing import TypeVar

from django.apps import apps
from django.db import models

World = TypeVar("World")
Rows = list[tuple[str, list[models.Model]]]  # by the label of the model

_kept: dict[str, tuple[bytes, bytes]] = {}


def copied(name: str, build: Callable[[], World]) -> World:
    """What `build` returns, with the database as it leaves it; from the second time on without building.

    The rows keep their primary keys, so one world may be built on top of another that was copied, too.
    """
    if name not in _kept:
        world = build()
        _kept[name] = pickle.dumps(world), pickle.dumps(_rows())
        return world
    world, rows = (pickle.loads(part) for part in _kept[name])  # noqa: S301  # our own, of this process
    _replace(rows)
    return world


def _tables() -> list[type[models.Model]]:
    ours = (app.get_models(include_auto_created=True) for app in map(apps.get_app_config, ("auth", "offers")))
    fixed = ("permission",)  # made by the migrations
    return [model for found in ours for model in found if model._meta.model_name not in fixed]


def _rows() -> Rows:
    return [(model._meta.label, list(model._base_manager.all())) for model in _tables()]


def _replace(rows: Rows) -> None:
    """Foreign keys are checked at the end of the transaction, so that the order of the tables is free."""
    for label, kept in rows:
        model = apps.get_model(label)
        model._base_manager.all()._raw_delete(model._base_manager.db)
        if kept:
            model._base_manager.bulk_create(kept)
