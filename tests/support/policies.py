"""Corridor policies for tests that are about something else, and for those that need one of their own."""

from __future__ import annotations

from collections.abc import Collection

import schemas
from schemas.groups import field_groups
from schemas.region_pack.policies import CorridorPolicy, Pair, Rule, canonical_bytes

LABEL = {"en": "of a test"}
PURPOSES: tuple[str | None, ...] = (None, *(code.code for code in schemas.code_list("purpose").codes))


def open_on(*ways: Pair, name: str = "open", version: int = 1) -> CorridorPolicy:
    """Everything may leave on these ways, from the beginning."""
    return policy(*ways, before=field_groups().groups, name=name, version=version)


def policy(
    *ways: Pair,
    before: Collection[str] = (),
    after: Collection[str] = (),
    always: Collection[str] = (),
    purposes: Collection[str | None] = PURPOSES,
    name: str = "open",
    version: int = 1,
) -> CorridorPolicy:
    """The same groups for each of these purposes, on these ways."""
    return CorridorPolicy(
        name=name,
        version=version,
        field_groups=field_groups().revision,
        title=LABEL,
        corridors={"ways": frozenset(ways)} if ways else {},
        always=frozenset(always),
        rules=tuple(
            Rule(
                corridors=frozenset({"ways"}),
                purpose=purpose,
                reason=LABEL,
                before=frozenset(before),
                after=frozenset(after),
            )
            for purpose in (purposes if ways else ())
        ),
    )


def text_of(policy: CorridorPolicy) -> str:
    """The file of a policy, as administrators adopt it: `changes("policy.widen", "node", policy=text_of(...))`."""
    return canonical_bytes(policy).decode()
