"""Two nodes witness each other's logs: what is signed when, what is refused, who is told (nrm1 11.3)."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from support.logs import grow
from support.pair import Party, two_nodes
from support.witnessed import cosigned, kept_by

from gateway.audit import store
from gateway.audit.checkpointer import Checkpointer
from gateway.database import journal
from gateway.database.audit_entries import leaf
from keys.documents.signed_note import Checkpoint, SignedNote, read_signatures
from keys.primitives.merkle_tree import TILE


def signed(party: Party, head: Checkpoint) -> SignedNote:
    """A checkpoint by the log key of a node."""
    return SignedNote(text=head.text, signatures=read_signatures(party.running.keys.sign_log(head.text)))


async def newest(party: Party) -> store.CheckpointRow:
    """The newest checkpoint of a node."""
    row = await party.running.store.read(store.newest_checkpoint)
    assert row is not None
    return row


async def test_trust_changes_are_witnessed_at_once(tmp_path: Path) -> None:
    """Pairing is a change of trust: within seconds both logs have a checkpoint with the other's cosignature, and the
    file beside the database has both signatures.
    """
    async with two_nodes(tmp_path) as two:
        for party, other in ((two.fr, two.al), (two.al, two.fr)):
            await cosigned(two, party)
            log, witness = party.running.own.descriptor.log, other.running.own.node
            names = [log, log, witness, witness]  # a line for each half
            await two.until(lambda party=party, names=names: kept_by(party) == names, what="the kept checkpoint")
            assert (party.folder / "checkpoint").stat().st_mode & 0o777 == 0o600
            assert (await party.call("audit.verify"))["ok"]


async def test_an_hour_of_messages_is_one_checkpoint(tmp_path: Path) -> None:
    """What is no change of trust or keys waits for the hour; a clean stop signs the rest."""
    async with two_nodes(tmp_path) as two:
        await cosigned(two, two.fr)
        node, before = two.fr.running, await newest(two.fr)
        auditor = Checkpointer(store=node.store, link=node.link, log=node.log, wakeups=node.wakeups, clock=node.clock)
        await node.store.move(lambda c: journal.append_leaf(c, leaf(two.clock.now(), "content.read", id="x")))
        await auditor.look()
        assert await newest(two.fr) == before
        two.clock.advance(3_600)
        await two.until(lambda: _grown(two.fr, before.size), seconds=60, what="the hourly checkpoint")
        await node.store.move(lambda c: journal.append_leaf(c, leaf(two.clock.now(), "content.read", id="y")))
        await two.fr.stop()
        await two.fr.open()
        verdict = await two.fr.call("audit.verify")
        assert (verdict["ok"], verdict["newest"]) == (True, verdict["entries"])


async def _grown(party: Party, size: int) -> bool:
    return (await newest(party)).size > size


async def test_the_old_size_is_learnt(tmp_path: Path) -> None:
    """An answer that was lost on its way leaves the witness ahead: 409 tells its size, and the next request fits."""
    async with two_nodes(tmp_path) as two:
        await grow(two, 60)
        node, al = two.fr.running, two.al.running.own.node
        await node.store.move(lambda c: c.exec_driver_sql("delete from cosignature"))
        await node.checkpointer.ask(al)
        assert await two.fr.rows("select size, peer from cosignature") == [(60, al)]
        assert await two.fr.alarms() == []


async def test_a_dispute_without_proof_stops_nobody(tmp_path: Path) -> None:
    """A peer that claims to hold more and shows nothing is told to a person; messages go on."""
    async with two_nodes(tmp_path) as two:
        await grow(two, 60)
        await two.al.running.store.move(lambda c: c.exec_driver_sql("update witnessed set size = 999"))
        node = two.fr.running
        with suppress(Exception):
            await node.checkpointer.ask(two.al.running.own.node)
        assert await two.fr.alarms() == ["log.disputed"]
        assert node.log.halted is None
        id = await two.fr.submit("goes on")
        await two.until(lambda: _state(two.fr, id, "awaiting_opening"), seconds=30, what="the message")


async def _state(party: Party, id: str, state: str) -> bool:
    return await party.state(id) == state


async def test_a_search_reads_what_has_the_words(tmp_path: Path) -> None:
    """The running node indexes its log, that of before too; an old entry is on the first page, with or without it."""
    async with two_nodes(tmp_path) as two:
        node, at = two.fr.running, two.clock.now()
        sought = [leaf(at, "content.read", id="sought", what="message")]
        others = [leaf(at, "content.read", id=f"other-{number}", what="draft") for number in range(20 * TILE)]
        await node.store.move(lambda c: journal.append_leaves(c, [*sought, *others]))

        async def search() -> list[tuple[str, str]]:
            page = await two.fr.call("audit.list", event="content.read", subject="sought")
            assert page["next"] is None
            return [(entry["event"], entry["facts"]["id"]) for entry in page["entries"]]

        assert await search() == [("content.read", "sought")]
        await two.until(lambda: _indexed(two.fr), seconds=60, what="the index")
        assert await search() == [("content.read", "sought")]
        assert (await two.fr.call("audit.list", subject="draft", limit=500))["entries"][-1]["facts"]["what"] == "draft"


async def _indexed(party: Party) -> bool:
    """Whether every whole block is in the index."""
    ((blocks, entries),) = await party.rows("select (select count(*) from audit_words), (select max(seq) from audit)")
    return bool(blocks == entries // TILE)
