"""Corridor policy and minimisation: what of a message may leave, before it is sealed (GDPR 5(1)(c)).

The policy is data (`schemas.region_pack.policies`): per corridor, purpose and step of disclosure a closed list of field
groups. `minimise` applies it and nothing else does: the preview that a sender sees is the value it returns, and so is
what is sealed. What is known to be valid, since it waits on the outbox, begins at step 2 (`sift`). The steps:

    1   the body is valid as it is; a fault is the sender's to mend and not a matter of policy
    2   a type that is never blocked passes whole (domain 3.10: nothing stops a withdrawal or an alert)
    3   a rule holds for the corridor and the purpose; without one nothing may leave
    4   each field whose group the rule does not open is taken out, with the objects and lists this leaves empty
    5   what remains is valid; where it is not, the message is refused and each field that is needed and closed is named

A consent record is passed whole or not at all: half of what a person agreed to would be another agreement.

**Two steps of disclosure** (domain 8.2, nrm.bg 1.4): before the other side has accepted the case only what it needs to
decide; what identifies the person after that. The step is derived from the state of the conversation; a state that is
not known to mean "accepted" is before acceptance.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cache

import schemas
from gateway.conversations.rules.disclosure import DisclosureStage
from gateway.database.case_names import case_name, short_reference
from gateway.errors import Code, Finding
from gateway.foundation.ids import NodeId
from gateway.foundation.json import Json
from schemas.groups import FieldGroups, GroupRule, field_groups
from schemas.region_pack.policies import CorridorPolicy, Pair, Rule
from schemas.types import never_blocked, type_name

#: Types of whose content no part may be left out.
WHOLE: frozenset[str] = frozenset({"consent.record"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaves:
    """What leaves: the body, and the places (JSON pointers into the body given) that were taken out of it, each with
    the group that is closed.
    """

    body: dict[str, Json]
    dropped: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocked:
    """Nothing leaves. `code` is out_of_scope for the policy and schema for a body that was not valid before."""

    code: Code
    findings: tuple[Finding, ...]


def minimise(
    body_type: str,
    body: Mapping[str, Json],
    *,
    policy: CorridorPolicy | None,
    corridor: Pair,
    purpose: str | None,
    step: DisclosureStage,
    groups: FieldGroups | None = None,
) -> Leaves | Blocked:
    """The part of `body` that may leave, or why nothing may.

    `body_type` is a type or the hash of the schema that the conversation keeps; without a `policy` nothing is open;
    `corridor` goes from this node's country to the recipient's; `groups` are those of the installation. The body given
    is not changed. Raises RefusedError(no_common_schema) for a type that is not held.
    """
    if faults := schemas.validate(body_type, body):  # 1
        return Blocked(code=Code.SCHEMA, findings=faults)
    return sift(body_type, body, policy=policy, corridor=corridor, purpose=purpose, step=step, groups=groups)


def sift(
    body_type: str,
    body: Mapping[str, Json],
    *,
    policy: CorridorPolicy | None,
    corridor: Pair,
    purpose: str | None,
    step: DisclosureStage,
    groups: FieldGroups | None = None,
) -> Leaves | Blocked:
    """Decide likewise about a body that is known to be valid."""
    name = type_name(schemas.load_catalogue().resolve(body_type).body_type)
    if never_blocked(name):  # 2
        return Leaves(body=dict(body), dropped={})
    rule = None if policy is None else policy.rule(corridor, purpose)
    if policy is None or rule is None:  # 3
        why = "no policy is in force" if policy is None else "no rule for this corridor and purpose"
        return _blocked(Finding(place="/purpose", rule="corridor_policy", hint=why))
    table = _installed(body_type, policy.field_groups) if groups is None else groups.of(body_type)
    sieve = _Sieve(table=table, open=opened(policy, rule, step), dropped={})
    left = sieve.part(dict(body), "", "", {})  # 4
    if not sieve.dropped:
        return Leaves(body=dict(body), dropped={})
    if name in WHOLE and (parts := [place for place in sieve.dropped if place.startswith("/content/")]):
        return _blocked(*(_needed(place, sieve.dropped[place]) for place in parts))
    return _complete(body_type, left, sieve.dropped)


def passes_again(body_type: str, dropped: Collection[str], policy: CorridorPolicy | None) -> bool:
    """Whether what is left without the places `dropped` passes whole by the same rule at the same step: unless one of
    them says in which group a field beside it is.
    """
    if policy is None or not dropped:
        return not dropped
    deciding = _deciding(body_type, policy.field_groups)
    return not any(place.rpartition("/")[2] in deciding for place in dropped)


@cache
def _deciding(body_type: str, revision: int) -> frozenset[str]:
    """The names of the members that say in which group a field beside them is."""
    rules = _installed(body_type, revision).values()
    return frozenset(rule.sibling for rule in rules if rule.sibling is not None)


@cache
def _installed(body_type: str, revision: int) -> Mapping[str, GroupRule]:
    """The groups of the fields of one type, as this installation has them for a policy of this revision."""
    return field_groups().of(body_type, revision)


def opened(policy: CorridorPolicy, rule: Rule, step: DisclosureStage) -> frozenset[str]:
    """The groups that a rule opens at a step."""
    after = rule.after if step is DisclosureStage.AFTER_ACCEPTANCE else frozenset[str]()
    return policy.always | rule.before | after


def _complete(body_type: str, left: Json | _Gone, dropped: Mapping[str, str]) -> Leaves | Blocked:
    """5: the rest if it is valid without what was taken out."""
    body = left if isinstance(left, dict) else {}
    faults = schemas.validate(body_type, body)
    if not faults:
        return Leaves(body=body, dropped=dropped)
    return _blocked(*(_needed(place, dropped[place]) for place in _missed(faults, tuple(dropped))))


def _missed(faults: tuple[Finding, ...], dropped: tuple[str, ...]) -> Iterator[str]:
    """The dropped places at, below or beside which something is missing now; all of them if that names none."""
    at = {
        place
        for place in dropped
        for fault in faults
        if f"{place}/".startswith(f"{fault.place}/") or f"{fault.place}/".startswith(f"{place}/")
    }
    yield from (place for place in dropped if place in at or not at)


def _needed(place: str, group: str) -> Finding:
    hint = f"needed in this message, but {group} is closed on this corridor at this step: leave the message or wait"
    return Finding(place=place, rule="corridor_policy", hint=hint)


def _blocked(*findings: Finding) -> Blocked:
    return Blocked(code=Code.OUT_OF_SCOPE, findings=findings)


class _Gone:
    """What is left of a value of which nothing may leave."""


_GONE = _Gone()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sieve:
    """Takes a valid body apart along its schema. `table` has the group of each field that is in one; `dropped` collects
    the places that are taken out, each with its group.
    """

    table: Mapping[str, GroupRule]
    open: frozenset[str]
    dropped: dict[str, str]

    def part(self, value: Json, path: str, place: str, around: Mapping[str, Json]) -> Json | _Gone:
        """What may leave of the value at `place`; `path` is the same with `*` for items, `around` its object."""
        if isinstance(value, dict) and value:
            return self._emptied({k: self.part(v, f"{path}/{k}", f"{place}/{k}", value) for k, v in value.items()})
        if isinstance(value, list) and value:
            items = [self.part(item, f"{path}/*", f"{place}/{i}", around) for i, item in enumerate(value)]
            kept = [item for item in items if not isinstance(item, _Gone)]
            return kept or _GONE
        groups = self._groups(path, around)
        if groups & self.open:
            return value
        self.dropped[place] = min(groups, default="a field without a group")
        return _GONE

    def _emptied(self, members: Mapping[str, Json | _Gone]) -> Json | _Gone:
        kept = {name: member for name, member in members.items() if not isinstance(member, _Gone)}
        return kept or _GONE

    def _groups(self, path: str, around: Mapping[str, Json]) -> frozenset[str]:
        """The group of the field at `path`; an empty object or list counts as all the fields below it."""
        if path in self.table:
            return frozenset({self.table[path].group(around)})
        return frozenset(rule.group({}) for field, rule in self.table.items() if field.startswith(f"{path}/"))


# --- an opaque reference of a case for each peer -----------------------------------------------------------------


def case_reference(keyed_hash: Callable[[bytes], bytes], *, peer: NodeId, case: str) -> str:
    """The reference under which `peer` (a node id) knows our case: stable, unrelated to another peer's (domain 8.9).

    `keyed_hash` is a keyed hash under a secret of this node, of 16 bytes or more, HMAC-SHA-256 for instance; whoever
    lacks the secret can neither find the case nor tell that two peers hold the same one. Twelve characters of
    Crockford's base 32, which have no look-alikes and can be read out on the phone.

    Raises:
        RuntimeError: the hash is shorter than that.
    """
    return short_reference(keyed_hash(case_name(peer=peer, case=case)))
