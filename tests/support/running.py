"""Two nodes that really run, in the loop of the test: real keys, real disk, real TLS; the adapters are given.

async with running(tmp_path, {"FR": None, "AL": adapter}) as nodes:
    await pair(nodes["FR"], nodes["AL"])
    await submit(nodes["FR"], request)
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from support.acting import ask
from support.ceremony import ADMINS, CARDS, aplay, pairing
from support.dropfolder import drop_folder
from support.keycost import CHEAP
from support.patience import PATIENCE
from support.ports import free_port

import schemas
from adapters.folder import FolderAdapter
from gateway.administration.create_node import Plan, make_node
from gateway.app import open_node
from gateway.composition.node import Node
from gateway.composition.serving import serve
from gateway.foundation.clock import SystemClock
from gateway.foundation.config import Unit
from gateway.foundation.ids import UnitKind
from gateway.ports import Adapter

UNIT = "focal-point"
PASSPHRASE = "correct horse"


async def make(base: Path, name: str, *, endpoint: int, listen: int, desk_only: bool = False) -> None:
    """Make the node `name` in `base`; peers reach it at the port `endpoint`, it listens at the port `listen`.

    `desk_only`: it has no case system.
    """
    FolderAdapter.create(base / f"{name}-cases")
    plan = Plan(
        folder=base / name,
        roots=base / f"{name}-roots",
        name=name,
        country=name,
        endpoint=f"https://127.0.0.1:{endpoint}",
        listen=f"127.0.0.1:{listen}",
        contact="duty desk",
        units=[Unit(id=UNIT, name="Focal point", kind=UnitKind.PUBLIC_AUTHORITY, roles=("national_focal_point",))],
        demo=True,
        admins=CARDS,
        adapter=None if desk_only else drop_folder(base / f"{name}-cases"),
    )
    await make_node(plan, PASSPHRASE, "other horse", clock=SystemClock(), cost=CHEAP)


@asynccontextmanager
async def running(
    base: Path,
    adapters: Mapping[str, Adapter | None],
    *,
    before: Callable[[Node, int, int], Awaitable[Any]] | None = None,
    desk_only: Collection[str] = (),
    prepare: Callable[[Path], Any] = lambda folder: None,
) -> AsyncIterator[dict[str, Node]]:
    """Nodes that take requests, by name; an adapter of None is the drop folder beside the node.

    Those of `desk_only` have no case system; `prepare` may change the folder of each before it is opened. `before(node,
    endpoint, listen)` is awaited before the node starts and may put something between the two ports.
    """
    stop = asyncio.Event()
    nodes: dict[str, Node] = {}
    serving: list[asyncio.Task[None]] = []
    async with AsyncExitStack() as stack:
        for name, adapter in adapters.items():
            endpoint = free_port()
            listen = endpoint if before is None else free_port()
            await make(base, name, endpoint=endpoint, listen=listen, desk_only=name in desk_only)
            prepare(base / name)
            node, closing = await open_node(base / name, PASSPHRASE, at_least=CHEAP, adapter=adapter)
            stack.push_async_exit(closing)
            if before is not None:
                await before(node, endpoint, listen)
            ready = asyncio.Event()
            serving.append(asyncio.create_task(serve(node, ready.set, stop)))
            listening = asyncio.create_task(ready.wait())
            await asyncio.wait({listening, serving[-1]}, return_when=asyncio.FIRST_COMPLETED)
            if not listening.done():
                listening.cancel()
                serving[-1].result()
            nodes[name] = node
        try:
            yield nodes
        finally:
            stop.set()
            await asyncio.gather(*serving)


async def pair(one: Node, other: Node) -> None:
    """Make both active at each other, as two administrators would."""
    for a, b in ((one, other), (other, one)):
        chain = (await b.desk.call("node.pairing", {})).value
        await a.desk.call("peer.add", {"chain": chain})
    for a, b in ((one, other), (other, one)):
        name = b.config.node.name
        await aplay(pairing(ADMINS, name), lambda op, node=a, **arguments: asked(node, op, arguments))
    await until(lambda: agreed(one, other))


async def asked(node: Node, operation: str, arguments: dict[str, Any]) -> Any:
    """One operation of the desk; `by` of the arguments is who does it."""
    given = dict(arguments)
    return await ask(node, operation, given, by=given.pop("by", None))


async def agreed(*nodes: Node) -> bool:
    """Whether both sides' trust records about every peer are in force at all of these."""
    return all(peer.standing(node.clock.now()).missing is None for node in nodes for peer in node.peers.all())


async def until(done: Callable[[], Awaitable[bool]], *, seconds: float = PATIENCE) -> None:
    """Look again until `done`; fails after `seconds`."""
    end = time.monotonic() + seconds
    while not await done():
        assert time.monotonic() < end, "it did not come about in time"
        await asyncio.sleep(0.05)


async def settled(node: Node, state: str, *, seconds: float = PATIENCE) -> None:
    """Every message of `node` that went out has reached `state`."""

    async def done() -> bool:
        value: Any = (await node.desk.call("message.list", {"limit": 500, "direction": "out"})).value
        return all(message["state"] == state for message in value["messages"])

    await until(done, seconds=seconds)


def header(**members: Any) -> dict[str, Any]:
    """A header between the two focal points."""
    return {
        "sender_unit": UNIT,
        "sender_role": "national_focal_point",
        "recipient_unit": UNIT,
        "recipient_role": "national_focal_point",
        "author_ref": "w-117",
        "priority": "normal",
        "language": "fr",
        "handling": {"onward_sharing": "none", "retain_until": "2099-11-30", "export_to_local": "full"},
        "legal_basis": ["6_1_e", "9_2_a"],
        "transfer_basis": "admin_arrangement_46_3_b",
        "transfer_instrument": "Arrangement 2025/4",
    } | members


def enquiry(to: str, **members: Any) -> dict[str, Any]:
    """The smallest draft that goes: a question about capacity, without personal data."""
    content = {"services": ["safe_accommodation"], "age_group": "adult", "referral_kind": "return_reception"}
    plain = {k: v for k, v in header().items() if k not in ("legal_basis", "transfer_basis", "transfer_instrument")}
    return {"type": "enquiry.capacity/1", "to": to, "header": plain, "content": content, **members}


def consent(*units: str, **members: Any) -> dict[str, Any]:
    """A consent taken today to everything, for these units (`PEER/unit`)."""
    told = ("purpose", "uses", "recipients", "research_use", "access", "storage_time", "withdrawal")
    return {
        "given_by": "person",
        "form": "written",
        "taken_on": datetime.now(UTC).date().isoformat(),
        "language": "sq",
        "interpreter": True,
        "onward_sharing": False,
        "told": dict.fromkeys(told, True),
        "grants": [
            {
                "purpose": "referral",
                "recipient_units": list(units),
                "until": "2099-01-01",
                "data_categories": [code.code for code in schemas.code_list("data_category").codes],
            },
        ],
    } | members
