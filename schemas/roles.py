"""The roles of units: which are parts of older ones, and in which a unit speaks where a schema has only those.

The first edition of the list `role` had one code for whoever meets a person first, and one for migration, asylum and
residence. The second has them apart (docs/adr/0046). A schema of before does not know the new codes: there the older
code stands for its part.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cache
from types import MappingProxyType

from schemas.catalogue import MessageType
from schemas.codelists import code_list

ROLES = "role"


@cache
def older_roles() -> Mapping[str, str]:
    """Map each role that is part of an older one to that one."""
    return MappingProxyType({entry.code: entry.within for entry in code_list(ROLES).codes if entry.within})


@cache
def new_roles() -> frozenset[str]:
    """Return the roles that came after the first edition of the list."""
    return frozenset(entry.code for entry in code_list(ROLES).codes if entry.since > 1)


def with_older(roles: Collection[str]) -> frozenset[str]:
    """Return these roles and the older ones of which they are parts."""
    older = older_roles()
    return frozenset({*roles, *(older[role] for role in roles if role in older)})


def broaden_role(role: str) -> str:
    """Return the older role that stands for this one, or the role itself where it is part of none."""
    return older_roles().get(role, role)


def role_in(entry: MessageType, role: str) -> str:
    """Return the code in which a unit of this role speaks in messages of this type: its own, else the older one."""
    known = entry.document["$defs"]["code.role"]["enum"]
    return role if role in known else broaden_role(role)
