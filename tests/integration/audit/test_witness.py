"""This node as a witness of other logs: what it cosigns, refuses and remembers."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from support.logs import grow
from support.pair import Party, Two, two_nodes

from gateway.audit import store
from gateway.database import journal
from gateway.database.audit_entries import leaf
from gateway.federation.client import Answered
from gateway.peers.registry import address
from keys.documents.key_records import Use
from keys.documents.log_signatures import cosigned_at
from keys.documents.signed_note import AddCheckpoint, Checkpoint, SignedNote, read_signatures
from keys.primitives.merkle_tree import leaf_hash, prove_consistency


async def offer(two: Two, old: int, note: SignedNote, proof: tuple[bytes, ...] = ()) -> Answered:
    """What AL answers to a request of FR."""
    request = AddCheckpoint(old=old, proof=proof, note=note)
    node = two.fr.running
    return await node.client.post_checkpoint(address(two.fr.peer().descriptor), request.encode())


def signed(party: Party, head: Checkpoint) -> SignedNote:
    """A checkpoint by the log key of a node."""
    return SignedNote(text=head.text, signatures=read_signatures(party.running.keys.sign_log(head.text)))


async def newest(party: Party) -> store.CheckpointRow:
    """The newest checkpoint of a node."""
    row = await party.running.store.read(store.newest_checkpoint)
    assert row is not None
    return row


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
        lines = read_signatures(again.body)
        keys = [record.public for record in two.fr.peer().descriptor.keys_of(Use.WIT, two.clock.now())]
        assert (again.status, cosigned_at(note.text, lines, keys)) == (200, two.clock.now())


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
