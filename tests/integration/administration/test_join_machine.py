"""gateway.administration.join_machine, and the operations on machines: one more machine gets the keys of a real node
whose rows are on a server, once and within an hour, and is taken off again.
"""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from support.databases import fresh_postgresql
from support.keystores import CHEAP, fails, ring_of
from support.pair import PASSPHRASE, Party, Two, two_nodes

from gateway.administration import join_machine as joining
from gateway.administration.join_machine import Joined, join_machine
from gateway.administration.move_database import move_database
from gateway.errors import Code
from gateway.foundation.config import DatabaseSection
from gateway.identity import machine_store
from gateway.identity.machines import change_keys, follow_steps
from keys.documents.key_records import Use
from keys.keystore.destructible.file import secret_file_of
from keys.keystore.destructible.secret import Place
from keys.keystore.invitation import Invitation, write_invitation
from keys.keystore.key_changes import AddKey
from keys.keystore.keyring_file import read_content
from keys.keystore.keystore import Keystore
from keys.primitives.encoding import b64u


@dataclass
class Served:
    """A node on a server, and the folder of its second machine."""

    two: Two
    other: Path

    @property
    def fr(self) -> Party:
        """The node."""
        return self.two.fr

    async def invite(self, name: str) -> tuple[Path, str]:
        """What `trm keys invite` does: the file and its code."""
        made = Invitation.new()
        answer = await self.fr.call("keys.invite", invitation=b64u(made.id), half=b64u(made.half))
        content = read_content(self.fr.folder / "keystore", PASSPHRASE, at_least=CHEAP)
        path = self.other.with_name(name)
        return path, write_invitation(path, content, made, until=answer["until"], cost=CHEAP)

    async def join(self, file: Path, code: str) -> Joined:
        """What `trm keys join` does on the new machine."""
        return await join_machine(
            self.other, file, code, "of the other", place=Place.FILE, clock=self.two.clock, cost=CHEAP
        )

    async def change(self) -> None:
        """The node makes a key."""
        node = self.fr.running
        await change_keys(node.store, node.keys, AddKey(Use.HTTP, self.two.clock.now()), clock=self.two.clock)

    async def machines(self) -> list[Any]:
        """What `trm keys machines` shows."""
        found: list[Any] = (await self.fr.call("keys.machines"))["machines"]
        return found


@pytest_asyncio.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    """A node that runs with its rows on a server, and a folder with its settings."""
    async with two_nodes(tmp_path) as two:
        await two.al.stop()
        await two.fr.stop()
        url = fresh_postgresql().set(drivername="postgresql").render_as_string().replace("%2F", "/")
        await move_database(two.fr.folder, DatabaseSection(url=url), lambda *_: None)
        await two.fr.start()
        other = tmp_path / "other"
        other.mkdir(mode=0o700)
        shutil.copy(two.fr.folder / "node.toml", other)
        yield Served(two, other)


def behind(machines: list[Any]) -> dict[bool, bool]:
    """Whether the machine that answers has followed the newest change, and whether the other one has."""
    return {one["here"]: one["behind"] for one in machines}


async def test_one_more_machine_and_one_less(served: Served) -> None:
    """It has the same keys under a passphrase of its own, follows what the first one does, and is told of; the audit
    log has it. Retired, it does nothing more and nothing waits for it; the one that answers is not retired by itself.
    """
    node = served.fr.running
    assert behind(await served.machines()) == {True: False}
    file, code = await served.invite("invitation")
    await served.change()  # is followed at its first start
    joined = await served.join(file, code)
    keys = Keystore.open(served.other / "keystore", "of the other", at_least=CHEAP)
    assert (joined.node, joined.machine) == (node.own.node, keys.machine)
    assert behind(await served.machines()) == {True: False, False: True}
    await follow_steps(node.store, keys, served.two.clock)
    assert isinstance(node.keys, Keystore)
    assert ring_of(keys) == ring_of(node.keys)
    assert behind(await served.machines()) == {True: False, False: False}
    entries = b" ".join([bytes(row[0]) for row in await served.fr.rows("select leaf from audit order by seq")])
    assert entries.count(b"machine.joined") == 2 and entries.count(b"machine.invited") == 1
    await served.change()
    with fails(Code.INVALID, "the machine that answers"):
        await served.fr.call("keys.retire", machine=node.keys.machine)
    with fails(Code.NOT_FOUND, "no machine of this node has this id"):
        await served.fr.call("keys.retire", machine="f" * 16)
    with fails(Code.LOCKED):
        await joining.retire_stopped(served.fr.folder, joined.machine, now=served.two.clock.now())
    gone = await served.fr.call("keys.retire", machine=joined.machine)
    assert (gone["machine"], gone["behind"]) == (joined.machine, True)
    assert behind(await served.machines()) == {True: False}
    with fails(Code.CONFLICT):
        await follow_steps(node.store, keys, served.two.clock)
    await served.fr.stop()
    with fails(Code.NOT_FOUND):
        await joining.retire_stopped(served.fr.folder, joined.machine, now=served.two.clock.now())
    last, is_behind = await joining.retire_stopped(served.fr.folder, node.keys.machine, now=served.two.clock.now())
    assert (last.id, is_behind) == (node.keys.machine, False)


async def test_an_invitation_counts_once_and_for_an_hour(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """After that its file and its code open nothing. Whatever fails leaves no key store behind, also where two use it
    at the same time.
    """
    file, code = await served.invite("first")
    with fails(Code.WRONG_PASSPHRASE):
        await served.join(file, "0000-0000-0000-0000-0000-0000")
    note = joining._note

    def used_meanwhile(connection: Any, *, id: bytes, **more: Any) -> None:
        assert machine_store.use_invitation(connection, id, now=served.two.clock.now())
        note(connection, id=id, **more)

    with monkeypatch.context() as patch:
        patch.setattr(joining, "_note", used_meanwhile)
        with fails(Code.UNDECRYPTABLE):
            await served.join(file, code)
    assert not (served.other / "keystore").exists()
    assert not any(secret_file_of(served.other / "keystore").read_bytes())
    await served.join(file, code)
    (served.other / "keystore").rename(served.other / "joined")
    with fails(Code.UNDECRYPTABLE, "was used, or its hour is over"):
        await served.join(file, code)
    late, late_code = await served.invite("second")
    served.two.clock.advance(3_600)
    with fails(Code.UNDECRYPTABLE, "nothing was made"):
        await served.join(late, late_code)
    assert not (served.other / "keystore").exists()


async def test_a_machine_that_is_away_is_in_the_certificate(served: Served) -> None:
    """What was erased is `due` at the key until every machine has followed, and no receipt says `erased` before. A node
    with its rows in its folder has one machine and invites nobody.
    """
    al = served.two.al
    await al.start()
    with fails(Code.CONFLICT, "this machine alone"):
        await al.call("keys.invite", invitation=b64u(bytes(16)), half=b64u(bytes(32)))
    assert (await al.call("keys.machines"))["machines"] == []
    await al.submit("to be erased")
    await served.two.until(lambda: served.fr.notes() == ["to be erased"], seconds=60)
    await served.two.calm()
    await served.join(*await served.invite("invitation"))
    ((id,),) = await served.fr.rows("select id from message where direction = 'in'")
    erased = await served.fr.call("message.erase", by="w-1", id=id, reason="not_needed")
    assert {place["place"]: place["done"] for place in erased["places"]}["key_file"] == "due"
    await served.fr.call("keys.rotate_epoch", by="admin")
    assert await told(served) == [None]
    keys = Keystore.open(served.other / "keystore", "of the other", at_least=CHEAP)
    for _ in range(2):  # the storage epoch, and then the seeds of its envelope
        await follow_steps(served.fr.running.store, keys, served.two.clock)
        await served.fr.running.erasure.erase()
    assert await told(served) != [None]


async def told(served: Served) -> list[Any]:
    """When the senders of what was erased were told."""
    return [row[0] for row in await served.fr.rows("select told from erasure")]
