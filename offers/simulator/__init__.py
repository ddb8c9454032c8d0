"""Simulated counterparties: a DSO and an AGR that speak signed UFTP over HTTP, like strangers.

They know the portal only by its public keys and its endpoint: no database, no framework.
"""

from .agr import SimulatedAGR
from .dso import SimulatedDSO
from .habits import Habits
from .identity import introduction, secret_of
from .loads import asked, forecast, seeded
from .run import Simulation
from .world import Contract, Party, Peer, Point, Window, World

AGR_DOMAIN, DSO_DOMAIN = "agr.sim.example", "dso.sim.example"

__all__ = [
    "AGR_DOMAIN",
    "DSO_DOMAIN",
    "Contract",
    "Habits",
    "Party",
    "Peer",
    "Point",
    "SimulatedAGR",
    "SimulatedDSO",
    "Simulation",
    "Window",
    "World",
    "asked",
    "forecast",
    "introduction",
    "secret_of",
    "seeded",
]
