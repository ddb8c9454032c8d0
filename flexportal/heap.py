"""Python's garbage collector, told what a portal is like: it loads much, keeps it, and must answer meanwhile.

A look through all that a portal has loaded takes a tenth of a second, and holds up every thread.
"""

import gc

WHILE_SERVING = gc.get_threshold()
WHILE_LOADING = (20_000, 20, 20)  # what is loaded is no garbage; to look for some was a tenth of a start


def is_loading() -> None:
    """From here on things are made to stay."""
    gc.set_threshold(*WHILE_LOADING)


def is_loaded() -> None:
    """From here on things come and go."""
    keep()
    gc.set_threshold(*WHILE_SERVING)


def keep() -> None:
    """What is there now stays until the process ends: no look goes through it again."""
    gc.freeze()
