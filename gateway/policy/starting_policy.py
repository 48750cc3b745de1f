"""The corridor policy with which a node begins: the two steps of disclosure.

A policy of the program holds from the first start. One of a region pack from elsewhere was read by nobody of this node
yet: it holds from the start only where it lets nothing pass that the two steps of the program would keep. A wider one
waits for two administrators, as every widening does (nrm1 8.10), and until then nothing leaves.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from gateway.policy.comparison import widens
from gateway.policy.gates.transfer import EEA
from schemas.region_pack.policies import CorridorPolicy, Pair
from schemas.region_pack.regions import Region, load_region

NAME = "two-step"
"""The policy with which a node begins, where its region pack has one of this name."""

_PROGRAM = "tact"
_WITHIN, _HOME, _BACK = "intra_eu", "to_origin", "to_host"


def starting_policy(region: Region) -> CorridorPolicy | None:
    """Return the policy with which a node of this region begins.

    None where its pack has none of that name, or one that opens more than the program's own on its corridors.
    """
    found = region.policies.get(NAME)
    if found is None or (found.pairs and widens(two_steps(region.corridors), found)):
        return None
    return found


def two_steps(corridors: Iterable[Pair]) -> CorridorPolicy:
    """Make the program's two steps of disclosure for corridors, each from the host country to the receiving one.

    A corridor of which both ends are in the European Economic Area is one of transfer, any other one of return.
    """
    found = load_region(_PROGRAM).policies[NAME]
    home = {pair for pair in corridors if not set(pair) <= EEA}
    within = {pair for pair in corridors if set(pair) <= EEA}
    sets = {
        _WITHIN: frozenset(within | {(to, from_) for from_, to in within}),
        _HOME: frozenset(home),
        _BACK: frozenset((to, from_) for from_, to in home),
    }
    held = {name: pairs for name, pairs in sets.items() if pairs}
    rules = [replace(rule, corridors=rule.corridors & held.keys()) for rule in found.rules]
    return replace(found, version=1, corridors=held, rules=tuple(rule for rule in rules if rule.corridors))
