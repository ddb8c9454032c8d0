"""Settings with a protection taken away, for the controls: WEAK says which ones."""

from flexportal.settings import *  # noqa: F403
from flexportal.settings import INSTALLED_APPS as OURS

INSTALLED_APPS = [*OURS, "bench.faults.weakness.Weakness"]
