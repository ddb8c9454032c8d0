"""The market as a file: `load` makes what it says and can be run again, `dump` writes it back.

What a file does not say stays as it is; what it says is checked as a whole before anything is changed.
"""

from datetime import datetime

from django.conf import settings
from django.db import transaction

from .dumping import dump, duration_text
from .nodes import BadMarket, Problem
from .reading import Entry, MarketFile, read
from .references import faults
from .storing import Loaded, store

__all__ = ["BadMarket", "Entry", "Loaded", "MarketFile", "Problem", "dump", "duration_text", "load", "read"]


@transaction.atomic
def load(text: str, now: datetime) -> Loaded:
    """Load a market file, all of it or, with BadMarket and every fault in it, nothing of it."""
    market, problems = read(text, settings.LOCAL_MARKET)
    problems += faults(market)
    if problems:
        raise BadMarket(problems)
    return store(market, now)
