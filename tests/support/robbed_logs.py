"""Logs of a walk before their witnesses; what was cosigned is kept with its leaves (nrm1 11)."""

from __future__ import annotations

from typing import Any

from support.exhibits import Logbook
from support.robbed_nodes import Honest
from support.robbed_stand_ins import done
from support.robbed_world import MET, World

from gateway.audit.witness import UNKNOWN_LOG
from gateway.audit.witness_rules import Answer
from gateway.evidence.build import Extract
from keys.documents.signed_note import AddCheckpoint, Checkpoint, SignedNote, read_signatures
from keys.primitives.merkle_tree import prove_consistency


def _keep_tree(world: World, leaves: list[bytes], note: SignedNote) -> None:
    """Remember the leaves under a checkpoint, by what is signed of it."""
    head = Checkpoint.parse(note.text)
    world.trees[head.origin, head.size, head.root] = tuple(leaves[: head.size])


def ask_witness(world: World, of: Honest, asker: str, book: Logbook, note: SignedNote) -> Any:
    """Ask an honest node to cosign; `asker` is who proved to be there. The answer, and again after 409."""
    head = Checkpoint.parse(note.text)
    _keep_tree(world, book.leaves, note)
    old, answered = 0, None
    for _ in range(2):
        proof = prove_consistency(old, head.size, book.tree(head.size).node) if 0 < old <= head.size else ()
        body = AddCheckpoint(old=old, proof=tuple(proof), note=note).encode()
        answered = done(of.witness.witness(asker, body))
        if answered.status != Answer.CONFLICT or int(answered.body) == old:
            break
        old = int(answered.body)
    if answered is not None and answered.status == Answer.COSIGN:
        world.cosigned.setdefault((of.name, head.origin), []).append((head.size, head.root))
        return read_signatures(answered.body)
    MET["log is unknown" if answered is UNKNOWN_LOG else "not cosigned"] += 1
    return None


def witness(world: World, by: str) -> None:
    """An honest node signs its log and has the other one cosign it."""
    home = world.nodes[by]
    if not home.book.leaves or len(home.book.leaves) in home.book.notes:
        return
    note = home.checkpoint()
    lines = ask_witness(world, world.other(home), home.node, home.book, note)
    if lines is not None:
        MET["witnessed"] += 1
        world.witnessed_at[by, len(home.book.leaves)] = world.clock.at
        home.book.notes[len(home.book.leaves)] = note.plus(lines).encode()


def extract(world: World, by: str) -> Extract:
    """What the log of a node has, with the chains of whoever may have cosigned."""
    home = world.nodes[by]
    home.book.witnesses = {world.a.node: world.a.chain, world.b.node: world.b.chain}
    return home.book.extract()
