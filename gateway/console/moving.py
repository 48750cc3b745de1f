"""Files on their way to or from another country, as pages show them."""

from __future__ import annotations

from typing import Any

from gateway.console.visit import Visit


async def list_moving(visit: Visit) -> list[Any]:
    """List the messages whose files are on their way, with what of them has arrived; none for somebody who may not."""
    if not visit.allows("attachment.moving"):
        return []
    found = (await visit.ask("attachment.moving"))["moving"]
    return [one for one in found if one["state"] != "waiting"]
