"""What `trm doctor` says of the key service: whether more was asked of it than its limits allow (nrm1 13.6)."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.administration.doctor.folder import Check, ok, warn
from gateway.foundation.json import list_objects
from gateway.ports import Json

NAME = "key service"
FIX = (
    "find out who read so much; if it was this office, raise [keys] opens_per_minute or unwraps_per_minute, if nobody, "
    "stop the node: docs/keys.md"
)


def pace(told: Mapping[str, Json]) -> Check:
    """Whether calls were refused since the key service began; `told` is the answer of node.status."""
    uses = list_objects(told, "key_service")
    over = [one for one in uses if one["refused"]]
    if over:
        listed = ", ".join(f"{one['refused']} of {one['use']} ({one['per_minute']} in a minute)" for one in over)
        return warn(NAME, f"more was asked of it than its limits allow: {listed}", FIX)
    return ok(NAME, "nothing was asked of it above its limits" if uses else "the keys are in this process")
