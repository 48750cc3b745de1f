"""Two corridor policies compared: whether the newer lets more leave, and what changes, in sentences. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from gateway.conversations.rules.disclosure import DisclosureStage
from gateway.errors import Code, RefusedError
from gateway.policy.corridor import opened
from schemas.codelists import ENGLISH
from schemas.groups import field_groups
from schemas.region_pack.policies import Attested, CorridorPolicy, Pair, format_corridor

_Case = tuple[Pair, str | None, DisclosureStage]


def widens(old: CorridorPolicy, new: CorridorPolicy) -> bool:
    """Whether `new` lets anything pass that `old` did not: that needs two people (nrm1 8.10).

    A policy for other field groups counts as wider, since the same names may stand for more fields.
    """
    before, after = _effect(old), _effect(new)
    attested, earlier = new.attested or Attested(), old.attested or Attested()
    return (
        old.field_groups != new.field_groups
        or any(not groups <= before.get(c, set()) for c, groups in after.items())
        or not attested.first <= earlier.first
        or not attested.second <= earlier.second
    )


def diff(old: CorridorPolicy, new: CorridorPolicy, *, language: str = ENGLISH) -> tuple[str, ...]:
    """Say in words what changes from `old` to `new`, a sentence for each group and way, in the order of corridors and
    purposes.

    Corridors with the same change share a sentence. Empty when both let the same pass, whatever the files look like.
    """
    before, after = _effect(old), _effect(new)
    changes: dict[tuple[str, DisclosureStage, str, bool], list[str]] = {}
    for corridor, purpose, step in sorted({*before, *after}, key=lambda case: (case[0], case[1] or "", case[2])):
        case = (corridor, purpose, step)
        for opens, groups in ((True, _more(before, after, case)), (False, _more(after, before, case))):
            for group in sorted(groups):
                key = (purpose or "", step, group, opens)
                changes.setdefault(key, []).append(format_corridor(corridor))
    lines = [] if old.field_groups == new.field_groups else [_REGROUPED]
    lines += (_sentence(key, corridors, language) for key, corridors in changes.items())
    return (*lines, *_attestations(old.attested or Attested(), new.attested or Attested()))


def _attestations(old: Attested, new: Attested) -> Iterator[str]:
    """What a case system may attest from now on, and what it may attest no more."""
    for whose, before, after in ((_ONE, old.first, new.first), (_BOTH, old.second, new.second)):
        for verb, types in (("opens", after - before), ("closes", before - after)):
            if types:
                yield f"{verb} {whose}: {', '.join(sorted(types))}"


def check_next(
    new: CorridorPolicy, *, held: CorridorPolicy | None, earlier: Iterable[tuple[str, int]], narrowing: bool
) -> None:
    """Return if `new` may follow the policies adopted `earlier` (name and version of each), while `held` is in force.

    Raises:
        RefusedError: conflict for a version that is not higher, invalid for a narrowing that lets more pass.
    """
    if any(name == new.name and version >= new.version for name, version in earlier):
        raise RefusedError(
            Code.CONFLICT,
            f"version {new.version} of {new.name} is not higher than one adopted before",
            hint="raise the version in the file; what was approved before stays what it was",
        )
    if narrowing and (held is None or widens(held, new)):
        raise RefusedError(
            Code.INVALID,
            "this policy lets more leave than the one in force; nothing was changed",
            hint="two administrators adopt what lets more leave",
        )


def rules_in_words(policy: CorridorPolicy) -> tuple[str, ...]:
    """All that a policy opens, a line for each rule and step; nothing of it is left out."""
    lines = [f"wherever a rule holds: {', '.join(sorted(policy.always)) or 'nothing'}"]
    for rule in policy.rules:
        ways = ", ".join(sorted(format_corridor(pair) for name in rule.corridors for pair in policy.corridors[name]))
        about = f"purpose {rule.purpose}" if rule.purpose else "no purpose"
        for when, groups in (
            (DisclosureStage.BEFORE_ACCEPTANCE, rule.before),
            (DisclosureStage.AFTER_ACCEPTANCE, rule.after),
        ):
            if groups:
                lines.append(f"{_WHEN[when]}, {about}, {ways}: {', '.join(sorted(groups))}")
    attested = policy.attested or Attested()
    lines.append(f"{_ONE}: {', '.join(sorted(attested.first)) or 'nothing'}")
    if attested.second:
        lines.append(f"{_BOTH}: {', '.join(sorted(attested.second))}")
    return (*lines, f"by field groups {policy.field_groups}")


_REGROUPED = "the fields are grouped anew: read every group again"
_ONE = "on the attestation of a case system"
_BOTH = "on the attestation of a case system for both of two people"
_WHEN = {DisclosureStage.BEFORE_ACCEPTANCE: "before acceptance", DisclosureStage.AFTER_ACCEPTANCE: "after acceptance"}


def _sentence(key: tuple[str, DisclosureStage, str, bool], corridors: list[str], language: str) -> str:
    purpose, step, group, opens = key
    entry = field_groups().groups.get(group)
    title = (entry.title.get(language) or entry.title[ENGLISH]) if entry else group
    about = f"purpose {purpose}" if purpose else "no purpose"
    return f"{'opens' if opens else 'closes'} “{title}” ({group}) {_WHEN[step]}, {about}: {', '.join(corridors)}"


def _more(before: Mapping[_Case, set[str]], after: Mapping[_Case, set[str]], case: _Case) -> set[str]:
    return after.get(case, set()) - before.get(case, set())


def _effect(policy: CorridorPolicy) -> dict[_Case, set[str]]:
    """What the policy opens, case by case: two files with the same effect say the same."""
    return {
        (pair, rule.purpose, step): set(opened(policy, rule, step))
        for rule in policy.rules
        for name in rule.corridors
        for pair in policy.corridors[name]
        for step in DisclosureStage
    }
