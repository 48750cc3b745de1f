"""Two served nodes in this process, made at a cheap cost, for tests that come through the command line."""

from __future__ import annotations

import asyncio
import io
import json
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result
from support.acting import FIRST, SECOND, ask_over, id_of, token_at
from support.ceremony import ADMINS, CARDS, pairing, play
from support.dropfolder import drop_folder
from support.keycost import CHEAP
from support.patience import PATIENCE
from support.ports import free_port

import schemas
from adapters.folder import FolderAdapter
from gateway.administration.create_node import Made, Plan, make_node
from gateway.app import open_node
from gateway.cli.connection import call_node
from gateway.cli.login_file import Login, write_login
from gateway.cli.root import trm
from gateway.composition.serving import serve
from gateway.foundation import logs
from gateway.foundation.clock import SystemClock
from gateway.foundation.config import Unit
from gateway.foundation.ids import UnitKind
from keys.documents.admin_card import AdminCard

UNIT = "focal-point"
PASSPHRASE = "correct horse"


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """One node: its folder and what was made."""

    name: str
    folder: Path
    made: Made

    def ask(self, operation: str, by: str | None = None, **arguments: Any) -> Any:
        """One operation over the socket, by this person or the owner of the node (`support.acting.ask_over`)."""

        def once(operation: str, given: Mapping[str, Any], name: str | None) -> Any:
            token = None if name is None else token_at(self.folder, name, self.ask)
            return call_node(self.folder, operation, given, token=token)

        return ask_over(once, operation, arguments, by=by)

    def trm(self, *words: str, given: str | None = None, by: str | None = None) -> Result:
        """One verb on this node, where this person is signed in; somebody is who sends a message."""
        name = FIRST if by is None and words[0] == "send" else by
        login = {} if name is None else {"TRM_LOGIN": str(self.login(name))}
        return run(*words, "--node", str(self.folder), given=given, env=login)

    def send(self, path: Path) -> str:
        """Send the message in a file by as many people as it takes; its id."""
        ran = self.trm("send", str(path), "--json")
        assert ran.exit_code == 0, ran.stderr
        value = json.loads(ran.stdout)
        if value["state"] != "waiting_second":
            return str(value["id"])
        return str(self.release_second(value["id"])["id"])

    def release_second(self, id: str) -> Any:
        """The answer where the second person reads this draft and releases what they read."""
        version = json.loads(self.trm("draft", "show", id, "--json", by=SECOND).stdout)["version"]
        ran = self.trm("draft", "release", id, "--version", version, "--json", by=SECOND)
        assert ran.exit_code == 0, ran.stderr
        return json.loads(ran.stdout)

    def login(self, name: str) -> Path:
        """The file by which this person is signed in."""
        path = self.folder.parent / f"{self.folder.name}.{id_of(name)}.login"
        token = token_at(self.folder, name, self.ask)
        write_login(path, Login(node=self.made.node, folder=str(self.folder.resolve()), token=token, expires=2**40))
        return path


def run(*words: str, given: str | None = None, env: Mapping[str, str] | None = None) -> Result:
    """One verb in this process; the exit code and both outputs."""
    return CliRunner().invoke(trm, list(words), input=given, env=env)


def plan(
    base: Path, name: str, *, demo: bool = True, port: int | None = None, admins: Sequence[AdminCard] = CARDS
) -> Plan:
    """A node with one unit and a drop folder."""
    chosen = port or free_port()
    return Plan(
        folder=base / name,
        roots=base / f"{name}-roots",
        name=name,
        country=name,
        endpoint=f"https://127.0.0.1:{chosen}",
        listen=f"127.0.0.1:{chosen}",
        contact="duty desk",
        units=[Unit(id=UNIT, name="Focal point", kind=UnitKind.PUBLIC_AUTHORITY, roles=("national_focal_point",))],
        demo=demo,
        admins=admins,
        adapter=drop_folder(base / f"{name}-cases"),
    )


def make(base: Path, name: str, *, demo: bool = True, admins: Sequence[AdminCard] = CARDS) -> Desk:
    """Make a node and its drop folder."""
    FolderAdapter.create(base / f"{name}-cases")
    chosen = plan(base, name, demo=demo, admins=admins)
    made = asyncio.run(make_node(chosen, PASSPHRASE, "other horse", clock=SystemClock(), cost=CHEAP))
    return Desk(name=name, folder=chosen.folder, made=made)


@contextmanager
def served(*desks: Desk) -> Iterator[None]:
    """These nodes take requests, in a thread with its own loop; a fault of one is raised at the end."""
    logs.configure("error", io.StringIO())
    up, faults = threading.Event(), list[BaseException]()
    loop, stop = asyncio.new_event_loop(), asyncio.Event()

    async def serve_all() -> None:
        async with AsyncExitStack() as stack:
            tasks, ready = [], []
            for desk in desks:
                node, closing = await open_node(desk.folder, PASSPHRASE, at_least=CHEAP)
                stack.push_async_exit(closing)
                listening = asyncio.Event()
                ready.append(asyncio.create_task(listening.wait()))
                tasks.append(asyncio.create_task(serve(node, listening.set, stop)))
            await asyncio.wait([*tasks, asyncio.gather(*ready)], return_when=asyncio.FIRST_COMPLETED)
            up.set()
            await asyncio.gather(*tasks)

    def work() -> None:
        try:
            loop.run_until_complete(serve_all())
        except BaseException as error:  # noqa: BLE001 (raised again by the test)
            faults.append(error)
        finally:
            up.set()
            loop.close()

    thread = threading.Thread(target=work)
    thread.start()
    assert up.wait(PATIENCE)
    try:
        yield
    finally:
        if thread.is_alive():
            loop.call_soon_threadsafe(stop.set)
        thread.join(PATIENCE)
    if faults:
        raise faults[0]


def pair(one: Desk, other: Desk) -> None:
    """Make both active at each other, by the operations."""
    for a, b in ((one, other), (other, one)):
        a.ask("peer.add", chain=b.ask("node.pairing"))
    for a, b in ((one, other), (other, one)):
        play(pairing(ADMINS, b.name), a.ask)
    agree(one, other)


def agree(one: Desk, other: Desk) -> None:
    """Wait until each side holds the newest trust record of the other."""
    end = time.monotonic() + PATIENCE
    while True:
        sides = [desk.ask("peer.show", id=peer.name) for desk, peer in ((one, other), (other, one))]
        if None not in (sides[0]["ours"], sides[1]["ours"]) and all(
            here["theirs"] == there["ours"] for here, there in (sides, sides[::-1])
        ):
            return
        assert time.monotonic() < end, "both sides' trust records are not known to both"
        time.sleep(0.05)


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
        "handling": {"onward_sharing": "none", "retain_until": "2030-11-30", "export_to_local": "full"},
    } | members


def enquiry(to: str) -> dict[str, Any]:
    """The smallest draft that goes: a question about capacity, without personal data."""
    content: Mapping[str, Any] = {
        "services": ["safe_accommodation"],
        "age_group": "adult",
        "referral_kind": "return_reception",
    }
    return {"type": "enquiry.capacity/1", "to": to, "header": header(), "content": dict(content)}


TOLD = ("purpose", "uses", "recipients", "research_use", "access", "storage_time", "withdrawal")


def consent(to: str) -> dict[str, Any]:
    """A written consent to a referral to the focal point of `to`, for every category of data."""
    grant = {
        "purpose": "referral",
        "recipient_units": [f"{to}/{UNIT}"],
        "data_categories": [code.code for code in schemas.code_list("data_category").codes],
        "until": "2030-11-30",
    }
    return {
        "given_by": "person",
        "form": "written",
        "taken_on": "2026-11-20",
        "language": "sq",
        "interpreter": True,
        "grants": [grant],
        "told": dict.fromkeys(TOLD, True),
        "onward_sharing": False,
    }
