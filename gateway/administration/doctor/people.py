"""What `trm doctor` says of the people who may release: whether two of them count as two (nrm1 13.10)."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.access.rules import releases
from gateway.administration.doctor.folder import Check, ok, warn
from gateway.foundation.json import list_objects
from gateway.operations.roles import Role
from gateway.ports import Json

NAME = "people"
FIX = "trm person vouch NAME --as KEYFILE, by another administrator who has met them; trm person list names them"


def vouched(told: Mapping[str, Json]) -> Check:
    """Whether administrators vouch for those who may release; `told` is the answer of person.list."""
    able = [one for one in list_objects(told, "people") if one["state"] in ("active", "invited") and _releases(one)]
    without = [one for one in able if not one["vouched"]]
    if without:
        return warn(
            NAME,
            f"{len(without)} of {len(able)} who may release have no administrator who vouches for them: each works "
            "alone, and releases nothing that takes two people",
            FIX,
        )
    admins = {str(admin) for one in able if isinstance(one["vouched"], list) for admin in one["vouched"]}
    if len(able) > 1 and len(admins) < 2:
        return warn(
            NAME, f"one administrator vouches for all {len(able)} who may release: no two of them count as two", FIX
        )
    return ok(NAME, f"{len(able)} may release; administrators vouch for each")


def _releases(person: Mapping[str, Json]) -> bool:
    roles = person["roles"]
    return isinstance(roles, list) and releases(Role(str(role)) for role in roles)
