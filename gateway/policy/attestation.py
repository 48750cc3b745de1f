"""What may leave where a case system attests who released it, instead of a person of this node (domain 8.14). Pure.

The corridor policy lists the types (`schemas.region_pack.policies.Attested`). Whoever takes a message on the word of a
case system asks before anything is stored, with the policy in force (`PoliciesInForce.at`):

    check_attested(policy, body_type, header, people=1)     one of those who released is attested
    check_attested(policy, body_type, header, people=2)     both are (`two_person_release.needs_two`)

A second person who is not attested is one of this node, with a credential. What nothing may block leaves on every
attestation. Lifting an asylum hold is no message: no policy lets a case system attest it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

from gateway.errors import Code, Finding, RefusedError
from gateway.foundation.json import Json, list_objects
from schemas.region_pack.policies import VITAL_INTEREST, Attested, CorridorPolicy, read_policy
from schemas.types import never_blocked, type_name

DEFAULT = Attested(first=frozenset({"enquiry.capacity", "enquiry.reply", "reminder.due"}))
"""What begins as attested: enquiries and answers that rest on no consent and decide nothing in law."""

_HINT = (
    "save it as a draft (trm draft, POST /api/v1/drafts) and let a person of this node release it; "
    "or two administrators widen the policy: trm policy upgrade, trm policy adopt"
)


def check_attested(
    policy: CorridorPolicy | None, body_type: str, header: Mapping[str, Json], *, people: Literal[1, 2]
) -> None:
    """Return if this may leave where so many of those who released it are attested; without a policy nothing may.

    Raises:
        RefusedError: forbidden, with each place that the policy holds for people of this node.
    """
    name = type_name(body_type)
    if never_blocked(name):
        return
    attested = (None if policy is None else policy.attested) or Attested()
    opened = attested.first if people == 1 else attested.second
    held = [
        Finding(place=place, rule="attestation", hint=_held(mark, attested, people))
        for place, mark in (("/type", name), (f"/header/{VITAL_INTEREST}", VITAL_INTEREST))
        if mark not in opened and (mark == name or mark in header)
    ]
    if held:
        raise RefusedError(
            Code.FORBIDDEN,
            "a person of this node has to release this; nothing was stored and nothing was sent",
            hint=_HINT,
            findings=held,
        )


def _held(mark: str, attested: Attested, people: int) -> str:
    what = "danger to life" if mark == VITAL_INTEREST else "this type"
    if people == 2 and mark in attested.first:
        return f"the policy lets a case system attest one of the two people for {what}, not both"
    return f"the policy lets no case system attest who released {what}"


def policy_in(holder: Json) -> CorridorPolicy | None:
    """The policy whose file a member of `policy.show` or the body of a change holds; None where none can be read."""
    match holder:
        case {"file": str(file)}:
            try:
                return read_policy(file.encode())
            except RefusedError:
                return None
    return None


def upgrade_in_force(shown: Mapping[str, Json]) -> CorridorPolicy:
    """The policy in force in format 2, by what `policy.show` says, under the version after those that wait.

    Raises:
        RefusedError: not_found, none that can be read is in force; conflict, it is of format 2 already.
    """
    held = policy_in(shown["in_force"])
    if held is None:
        raise RefusedError(
            Code.NOT_FOUND,
            "no policy that can be read is in force; nothing was proposed",
            hint="two administrators adopt one: trm policy adopt",
        )
    taken = [item["version"] for item in list_objects(shown, "waiting") if item["name"] == held.name]
    newest = max([held.version, *(version for version in taken if isinstance(version, int))])
    return upgraded(held, version=newest + 1)


def upgraded(policy: CorridorPolicy, *, version: int) -> CorridorPolicy:
    """The same policy in format 2, under this version, with what begins as attested (`DEFAULT`).

    Raises:
        RefusedError: conflict, it is of format 2 already.
    """
    if policy.attested is not None:
        raise RefusedError(
            Code.CONFLICT,
            "the policy in force says already what may leave on an attestation; nothing was proposed",
            hint="to change that, edit its file: trm policy show --file, trm policy adopt",
        )
    return replace(policy, version=version, attested=DEFAULT)
