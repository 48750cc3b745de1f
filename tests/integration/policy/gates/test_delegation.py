"""NGOs that refer by delegation, and a border guard that enquires: two real nodes, whose roots signed these roles."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from support.nodechild import SteeredClock
from support.nodeproc import UNIT, enquiry
from support.pair import START, Party, Two, introduce, make_party

from gateway.errors import Code, RefusedError
from gateway.foundation.config import Unit
from gateway.foundation.ids import UnitKind

GUARD = "border-guard"
DELEGATED = "delegated_focal_point"


@pytest_asyncio.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    """Two nodes, each with a shelter network to which the focal point delegated and a border guard."""
    clock = SteeredClock(START)
    units = [
        Unit(id=UNIT, name="Shelter network", kind=UnitKind.NGO, roles=(DELEGATED,)),
        Unit(id=GUARD, name="Border guard", kind=UnitKind.PUBLIC_AUTHORITY, roles=("border_guard",)),
    ]
    made = Two(*[await make_party(tmp_path, name, clock, units=units) for name in ("FR", "AL")], clock)
    try:
        for party in made:
            await party.start()
        await introduce(*made)
        await made.until(
            lambda: all(p.peer().keyset is not None and p.agreed() for p in made), seconds=30, what="the first push"
        )
        yield made
    finally:
        for party in made:
            await party.stop()


def asked(reference: str, sender: str, unit: str = UNIT) -> dict[str, Any]:
    """An enquiry to the delegated focal point of the other side."""
    request = enquiry(reference)
    request["header"] |= {"sender_unit": unit, "sender_role": sender, "recipient_role": DELEGATED}
    return request


async def arrives(two: Two, party: Party, id: str) -> None:
    """Wait until the other side has it."""

    async def there() -> bool:
        shown = await party.show(id)
        assert shown["reason"] is None, shown["reason"]
        return bool(shown["state"] in ("awaiting_opening", "opened"))

    await two.until(there, seconds=30, what="it arrives")


async def test_finding_c_an_ngo_and_a_border_guard_ask_an_ngo_abroad(two: Two) -> None:
    """The enquiry goes from NGO to NGO, and from a border guard in its own name; a role that the roots did not sign for
    the unit is refused before anything leaves.
    """
    for reference, sender, unit in (("one", DELEGATED, UNIT), ("two", "border_guard", GUARD)):
        request = asked(reference, sender, unit)
        await arrives(two, two.fr, str((await two.fr.call("message.submit", **request))["id"]))
    assert two.al.notes() == ["one", "two"]
    with pytest.raises(RefusedError) as refused:
        await two.fr.call("message.submit", **asked("three", DELEGATED, GUARD))
    assert [(one.rule, one.place) for one in refused.value.findings] == [
        (str(Code.GATE_G14), "/header/sender_role"),
    ]
    assert two.al.notes() == ["one", "two"]
