"""Two nodes witness each other's logs: what is signed when, what is refused, who is told (nrm1 11.3)."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path

import pytest
from support.logs import grow
from support.nodechild import SteeredClock
from support.pair import START, Party, Two, make_party, two_nodes

from gateway.audit import store
from gateway.audit.checkpointer import Checkpointer
from gateway.audit.proofs import prove
from gateway.database import journal, meta
from gateway.database.audit_entries import leaf
from gateway.errors import Code, RefusedError
from gateway.federation.client import Answered
from gateway.federation.time_rules import Doubt
from gateway.peers.confirmed_time import BELIEVED
from gateway.peers.registry import address
from keys.documents.key_records import Use
from keys.documents.signed_note import (
    AddCheckpoint,
    Checkpoint,
    NoteSignature,
    SignedNote,
    cosigned_at,
    read_cosignatures,
)
from keys.primitives.merkle_tree import is_included, leaf_hash, prove_consistency


async def cosigned(two: Two, party: Party) -> None:
    """The newest checkpoint of `party` has its peer's cosignature."""

    async def done() -> bool:
        shown = await party.call("audit.show")
        newest = shown["checkpoint"]
        return bool(newest and shown["witnessed"] and shown["witnessed"]["size"] == newest["size"])

    await two.until(done, seconds=120, what="a witnessed checkpoint")


def kept_by(party: Party) -> list[str]:
    """Who has signed the checkpoint beside the database."""
    note = SignedNote.decode((party.folder / "checkpoint").read_bytes())
    return [signature.name for signature in note.signatures]


async def offer(two: Two, old: int, note: SignedNote, proof: tuple[bytes, ...] = ()) -> Answered:
    """What AL answers to a request of FR."""
    request = AddCheckpoint(old=old, proof=proof, note=note)
    node = two.fr.running
    return await node.client.post_checkpoint(address(two.fr.peer().descriptor), request.encode())


def signed(party: Party, head: Checkpoint) -> SignedNote:
    """A checkpoint by the log key of a node."""
    signature = NoteSignature.of(head.origin, party.running.keys.sign_log(head.text))
    return SignedNote(text=head.text, signatures=(signature,))


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
            names = [party.running.own.descriptor.log, other.running.own.node]
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


async def test_what_a_witness_refuses(tmp_path: Path) -> None:
    """409 with the size held, 422 without a proof, 404 for a log that is not the asker's, 400 and 403; nothing of that
    changes what is held, and a repeat is cosigned again.
    """
    async with two_nodes(tmp_path) as two:
        await grow(two, 60)
        node = two.fr.running
        origin = node.own.descriptor.log
        row = await newest(two.fr)
        note = SignedNote.decode(row.note)
        foreign = Checkpoint(origin=two.al.running.own.descriptor.log, size=1, root=leaf_hash(b"x"))
        answers = {
            "other old size": await offer(two, 7, note),
            "no proof": await offer(two, 60, signed(two.fr, Checkpoint(origin=origin, size=61, root=leaf_hash(b"x")))),
            "fork": await offer(two, 60, signed(two.fr, Checkpoint(origin=origin, size=60, root=leaf_hash(b"x")))),
            "larger old size": await offer(two, 61, note),
            "not its log": await offer(two, 0, signed(two.al, foreign)),
        }
        told = {name: (answer.status, answer.body) for name, answer in answers.items()}
        assert told == {
            "other old size": (409, b"60\n"),
            "no proof": (422, b""),
            "fork": (409, b"60\n"),
            "larger old size": (400, b""),
            "not its log": (404, b""),
        }
        assert answers["fork"].content_type == "text/x.tlog.size"
        forged = SignedNote(text=Checkpoint(origin=origin, size=61, root=b"x" * 32).text, signatures=note.signatures)
        with pytest.raises(Exception, match="403"):
            await offer(two, 60, forged)
        assert await two.al.rows("select size from witnessed") == [(60,)]
        again = await offer(two, 60, note)
        (line,) = read_cosignatures(again.body)
        keys = [record.public for record in two.fr.peer().descriptor.keys_of(Use.WIT, two.clock.now())]
        assert (again.status, cosigned_at(note.text, line, keys)) == (200, two.clock.now())


async def test_of_two_requests_at_once_one_is_cosigned(tmp_path: Path) -> None:
    """Both fit what is held; the witness compares and writes in one step, so the slower one is told the new size."""
    async with two_nodes(tmp_path) as two:
        await grow(two, 60)
        node = two.fr.running
        origin = node.own.descriptor.log
        await node.store.move(lambda c: journal.append_leaves(c, [leaf(two.clock.now(), "content.read", id="x")] * 2))

        def made(connection, size: int) -> tuple[Checkpoint, tuple[bytes, ...]]:
            tree = store.tree(connection, size)
            return Checkpoint(origin=origin, size=size, root=tree.root()), prove_consistency(60, size, tree.node)

        requests = [await node.store.read(lambda c, size=size: made(c, size)) for size in (61, 62)]
        answers = await asyncio.gather(*(offer(two, 60, signed(two.fr, head), proof) for head, proof in requests))
        assert sorted(answer.status for answer in answers) == [200, 409]
        (held,) = await two.al.rows("select size from witnessed")
        (refused,) = [answer for answer in answers if answer.status == 409]
        assert refused.body == b"%d\n" % held[0]


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


async def test_a_proof_stops_everything_at_once(tmp_path: Path) -> None:
    """A running node whose database is shortened below what its own log signed sends nothing any more."""
    async with two_nodes(tmp_path) as two:
        await grow(two, 60)
        node = two.fr.running

        def shorten(connection) -> None:
            for statement in ("audit where seq > 50", "checkpoint where size > 50", "cosignature where size > 50"):
                connection.exec_driver_sql(f"delete from {statement}")

        await node.store.move(shorten)
        await node.log.checkpoint()
        await node.checkpointer.ask(two.al.running.own.node)
        assert "log.rolled_back" in await two.fr.alarms()
        id = await two.fr.submit("stays here")
        two.clock.advance(5)
        await two.calm()
        assert await two.fr.state(id) == "queued"
        with pytest.raises(RefusedError) as raised:
            await node.log.checkpoint()
        assert raised.value.code is Code.LOG_ROLLED_BACK


async def test_without_the_kept_checkpoint_nothing_departs_unconfirmed(tmp_path: Path) -> None:
    """A node whose kept checkpoint is gone sends nothing until its peer has cosigned its tree since the start."""
    async with two_nodes(tmp_path) as two:
        await cosigned(two, two.fr)
        await two.fr.stop()
        (two.fr.folder / "checkpoint").unlink()
        await two.al.stop()
        await two.fr.start()
        id = await two.fr.submit("waits for the witness")
        two.clock.advance(5)
        await two.calm()
        shown = await two.fr.call("audit.show")
        assert (shown["halted"], await two.fr.state(id)) == ("log_unconfirmed", "queued")
        await two.al.start()
        await two.until(lambda: _state(two.fr, id, "awaiting_opening"), seconds=200, what="the message")
        assert (await two.fr.call("audit.show"))["halted"] is None
        assert two.al.running.own.node in kept_by(two.fr)


async def test_proofs_for_evidence(tmp_path: Path) -> None:
    """Entries are proven under the newest witnessed checkpoint; one behind it is left out."""
    async with two_nodes(tmp_path) as two:
        await grow(two, 300)
        node = two.fr.running
        await node.store.move(lambda c: journal.append_leaf(c, leaf(two.clock.now(), "content.read", id="x")))
        found = await node.store.read(lambda c: prove(c, [1, 257, 301], quorum=1))
        assert found is not None and found.witnessed and found.checkpoint.size == 300
        assert [entry.seq for entry in found.entries] == [1, 257]
        assert all(
            is_included(leaf_hash(entry.leaf), entry.seq - 1, 300, entry.path, found.checkpoint.root)
            for entry in found.entries
        )
        tree = await node.store.read(lambda c: prove_consistency(60, 300, store.tree(c, 300).node))
        assert len(tree) > 0


async def test_a_clock_before_what_was_believed_dates_nothing(tmp_path: Path) -> None:
    """Threat 19: a node starts before the last time it believed, and is in doubt; 300 s are allowed."""
    clock = SteeredClock(START)
    party = await make_party(tmp_path, "FR", clock)
    await party.start()
    clock.advance(10_000)
    await party.running.store.move(lambda c: journal.append_leaf(c, leaf(clock.now(), "content.read", id="x")))
    assert await party.running.log.last_dated() == clock.now()
    await party.running.store.move(lambda c: meta.set_meta(c, BELIEVED, b"%d" % clock.now()))
    await party.stop()
    for at, doubt in ((START + 10_000 - 301, Doubt.BACK), (START + 10_000 - 299, Doubt.UNSEEN)):
        early = Party("FR", party.folder, SteeredClock(at))
        await early.start()
        assert early.running.time.standing().doubt is doubt
        await early.stop()


async def test_a_log_without_peers_says_so(tmp_path: Path) -> None:
    """It is signed, it holds, and it is unwitnessed."""
    party = await make_party(tmp_path, "FR", SteeredClock(START))
    await party.start()
    try:
        await party.running.log.checkpoint()
        shown, verdict = await party.call("audit.show"), await party.call("audit.verify")
        assert (shown["quorum"], shown["witnessed"], shown["halted"]) == (0, None, None)
        assert (verdict["ok"], verdict["witnessed"]) == (True, None)
    finally:
        await party.stop()
