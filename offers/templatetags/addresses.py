"""Addresses of pages, each found once: a desk has two hundred, and is asked for again every five seconds."""

from collections.abc import Hashable
from functools import lru_cache

from django.urls import get_script_prefix, reverse


def address(name: str, *args: Hashable) -> str:
    """What `reverse` finds."""
    return _address(get_script_prefix(), name, *args)


@lru_cache(maxsize=8192)
def _address(prefix: str, name: str, *args: Hashable) -> str:
    return reverse(name, args=args)
