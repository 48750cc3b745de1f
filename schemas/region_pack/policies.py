"""The corridor policy file: which field groups may leave, per corridor, purpose and step of disclosure.

    {"format": "trm-corridor-policy/2", "name": "two-step", "version": 1, "field_groups": 1,
     "title": {"en": ...},
     "corridors": {"to_origin": ["FR>AL", ...]},         sets of corridors, each named here and used below
     "always": ["routing", ...],                         groups open wherever there is a rule at all
     "rules": [{"corridors": ["to_origin"], "purpose": "referral", "reason": {"en": ...},
                "before_acceptance": [...],              groups that are open from the beginning
                "after_acceptance": [...]}],             groups that come on top once the case is accepted
     "attested": {"first": ["enquiry.capacity", ...],    types for which a case system may attest one of who released
                  "second": []}}                         those of them for which it may attest both of two

Everything else is closed: a corridor or purpose without a rule, a group that no list names, a field that no group
has. `purpose` is a code, or `none` for messages that have no purpose. A corridor goes from the country of the sending
node to that of the receiving one, so answers need rules of their own. Among the types of `attested`
`vital_interest` stands for a claim of danger to life, whatever the type. Format 1 has no `attested`: nothing leaves on
an attestation.

A policy has one spelling, made by `format_policy`: members sorted, sets sorted, two spaces, one item a line. So equal
policies have equal bytes, two versions can be compared with any tool, and what people sign is the file that they read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from schemas.catalogue import load_catalogue
from schemas.codelists import code_list
from schemas.groups import field_groups
from schemas.reading import NAME, WORD, Labels, Log, Spot, Wording, parse_json, raise_faults
from schemas.types import NEVER_BLOCKED, type_name

FORMAT_1, FORMAT_2 = "trm-corridor-policy/1", "trm-corridor-policy/2"
VITAL_INTEREST = "vital_interest"
"""What stands for a claim of danger to life among the types of `Attested`; the member of a header that makes it."""
NO_PURPOSE = "none"
_CORRIDOR = re.compile(r"([A-Z]{2}|[a-z][a-z0-9-]{2,31})>([A-Z]{2}|[a-z][a-z0-9-]{2,31})")
_MAX_VERSION = 999_999

Pair: TypeAlias = tuple[str, str]
"""From the country of the sending node to that of the receiving one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """The groups that are open on some corridors for one purpose (None: the message has none). `after` is added to
    `before` once the case is accepted; `reason` is for data-protection officers.
    """

    corridors: frozenset[str]
    purpose: str | None
    reason: Labels
    before: frozenset[str]
    after: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attested:
    """The types, without version, that may leave where a case system attests who released them: one of those who
    released (`first`), or both where it takes two (`second`, a part of `first`).
    """

    first: frozenset[str] = frozenset()
    second: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class CorridorPolicy:
    """A policy; at most one rule holds for a pair of countries and a purpose. `attested` is None in format 1."""

    name: str
    version: int
    field_groups: int
    title: Labels
    corridors: Mapping[str, frozenset[Pair]]
    always: frozenset[str]
    rules: tuple[Rule, ...]
    attested: Attested | None = None

    def rule(self, corridor: Pair, purpose: str | None) -> Rule | None:
        """Find the one rule for a message from one country to another with this purpose; None when everything is
        closed.
        """
        for rule in self.rules:
            if rule.purpose == purpose and any(corridor in self.corridors[name] for name in rule.corridors):
                return rule
        return None

    @property
    def pairs(self) -> frozenset[Pair]:
        """Every corridor that some rule names."""
        return frozenset(pair for rule in self.rules for name in rule.corridors for pair in self.corridors[name])


def read_policy(data: bytes, *, place: str = "policy") -> CorridorPolicy:
    """Read a policy from the bytes of its file; `place` names the file in findings.

    Raises RefusedError(invalid) with every fault: an unknown key, group, purpose or corridor set, two rules for one
    case, a revision of the field groups that holds no more, another spelling than that of `format_policy`.
    """
    log: Log = []
    policy = policy_at(parse_json(data, f"{place}#", log), log)
    if not log and format_policy(policy).encode() != data:
        Spot(value=None, place=f"{place}#", log=log).fault(
            "spelling", "one spelling: members and sets sorted, two spaces, one item a line"
        )
    raise_faults(log, place)
    return policy


def format_policy(policy: CorridorPolicy) -> str:
    """Format the one spelling of a policy, as its file holds it and as it is signed."""
    value: dict[str, Any] = {
        "format": FORMAT_1 if policy.attested is None else FORMAT_2,
        "name": policy.name,
        "version": policy.version,
        "field_groups": policy.field_groups,
        "title": dict(policy.title),
        "corridors": {
            name: sorted(format_corridor(pair) for pair in pairs) for name, pairs in policy.corridors.items()
        },
        "always": sorted(policy.always),
        "rules": sorted(
            (_rule_json(rule) for rule in policy.rules), key=lambda rule: (rule["purpose"], rule["corridors"])
        ),
    }
    if policy.attested is not None:
        value["attested"] = {"first": sorted(policy.attested.first), "second": sorted(policy.attested.second)}
    return json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True) + "\n"


def canonical_bytes(policy: CorridorPolicy) -> bytes:
    """Return the bytes that administrators approve and sign: those of the file."""
    return format_policy(policy).encode()


def format_corridor(pair: Pair) -> str:
    """Format a corridor: `FR>AL`."""
    return ">".join(pair)


def _rule_json(rule: Rule) -> dict[str, Any]:
    return {
        "corridors": sorted(rule.corridors),
        "purpose": rule.purpose or NO_PURPOSE,
        "reason": dict(rule.reason),
        "before_acceptance": sorted(rule.before),
        "after_acceptance": sorted(rule.after),
    }


# --- the file ----------------------------------------------------------------------------------------------------


def policy_at(root: Spot, log: Log, *, wording: Wording | None = None) -> CorridorPolicy:
    """Read the policy below `root`. Faults are noted in `log`; a policy with a fault must not be used."""
    names = ("format", "name", "version", "field_groups", "title", "corridors", "always", "rules")
    members = root.members(names, ("attested",))
    format = members["format"].one_of((FORMAT_1, FORMAT_2), "const", f"must be {FORMAT_2}, or {FORMAT_1}")
    revision = members["field_groups"].number(1, 9999)
    # Groups may hold other fields since: people approved the policy for what the groups held then.
    if revision not in field_groups().readable:
        members["field_groups"].fault(
            "field_groups", "written for other field groups: look at what changed and issue a new version"
        )
    corridors = {name: _pairs(name, spot) for name, spot in members["corridors"].entries().items()}
    always = _groups(members["always"])
    policy = CorridorPolicy(
        name=members["name"].matching(NAME, "small letters, digits and hyphens"),
        version=members["version"].number(1, _MAX_VERSION),
        field_groups=revision,
        title=members["title"].labels(wording),
        corridors=corridors,
        always=always,
        rules=tuple(_rule(spot, corridors, always, wording) for spot in members["rules"].items()),
        attested=_attested(root, members.get("attested"), format),
    )
    # Compared only when everything else is right: a rule with a fault in its corridors reads as one without any.
    if not log:
        _alone(policy, members["rules"])
    return policy


def _rule(spot: Spot, corridors: Mapping[str, Any], always: frozenset[str], wording: Wording | None) -> Rule:
    members = spot.members(("corridors", "purpose", "reason", "before_acceptance", "after_acceptance"))
    purposes = (NO_PURPOSE, *(entry.code for entry in code_list("purpose").codes))
    purpose = members["purpose"].one_of(purposes, "unknown_code", "a code of the list purpose, or none")
    before, after = _groups(members["before_acceptance"]), _groups(members["after_acceptance"])
    if before & after or always & (before | after):
        spot.fault("twice", "a group that is open already needs no second mention")
    return Rule(
        corridors=frozenset(members["corridors"].several(corridors, "unknown_corridors", "a set named above", low=1)),
        purpose=None if purpose == NO_PURPOSE else purpose,
        reason=members["reason"].labels(wording),
        before=before,
        after=after,
    )


def _attested(root: Spot, spot: Spot | None, format: str) -> Attested | None:
    """Read what may leave on an attestation; a file of format 1 says nothing of it, one of format 2 always does."""
    if spot is None:
        if format == FORMAT_2:
            root.at("attested", None).fault("required", "is missing")
        return None
    if format == FORMAT_1:
        spot.fault("unknown_key", f"only in {FORMAT_2}")
        return None
    members = spot.members(("first", "second"))
    first, second = _types(members["first"]), _types(members["second"])
    if second - first:
        members["second"].fault("not_first", "only what first names too")
    return Attested(first=first, second=second)


def _types(spot: Spot) -> frozenset[str]:
    """Message types that this program holds; what nothing may block needs no mention."""
    held = {type_name(entry.body_type) for entry in load_catalogue().types} - NEVER_BLOCKED | {VITAL_INTEREST}
    return frozenset(spot.several(held, "unknown_type", "a message type without its version, or vital_interest"))


def _groups(spot: Spot) -> frozenset[str]:
    return frozenset(spot.several(field_groups().groups, "unknown_group", "a field group"))


def _pairs(name: str, spot: Spot) -> frozenset[Pair]:
    if not WORD.fullmatch(name):
        spot.fault("form", "a name of small letters, digits and underscores")
    return frozenset(read_pair(item) for item in spot.items(1))


def read_pair(spot: Spot) -> Pair:
    """Read a corridor as `format_corridor` writes it."""
    before, _, after = spot.matching(_CORRIDOR, "two countries such as FR>AL").partition(">")
    if before and before == after:
        spot.fault("form", "two different countries")
    return before, after


def _alone(policy: CorridorPolicy, spot: Spot) -> None:
    """Refuse two rules for one case: the result would depend on their order."""
    seen: set[tuple[Pair, str | None]] = set()
    for item, rule in zip(spot.items(), policy.rules, strict=True):
        cases = {(pair, rule.purpose) for name in rule.corridors for pair in policy.corridors[name]}
        if cases & seen:
            item.fault("two_rules", "another rule holds for one of these corridors and this purpose")
        seen |= cases
