"""A stand-in for Primero v2, from the public description of its API; README.md lists the parts it does not imitate."""

from adapters.primero.standin.rules import Account, Faults, Office
from adapters.primero.standin.server import StandIn

__all__ = ["Account", "Faults", "Office", "StandIn"]
