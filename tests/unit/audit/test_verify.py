"""gateway.audit.verify: what only a hand could write into a database, beside tests/faults/test_log_edited.py."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from support.nodes import NOW, Seeds

from gateway.audit.verify import MOST_FINDINGS, LogReport, Parties, Stored, examine
from keys.documents.log_signatures import cosign_checkpoint, cosignature_text, sign_checkpoint
from keys.documents.signed_note import Checkpoint, SignedNote, read_signatures
from keys.primitives.hybrid_keys import SigningKey
from keys.primitives.merkle_tree import Tiles, leaf_hash

RAND = Seeds("audit")
LOG, WIT, OTHER = (SigningKey.generate_for_notes(RAND) for _ in range(3))
ORIGIN, NODE, PEER = "log.example/1", "n1" + "a" * 32, "n1" + "b" * 32
PARTIES = Parties(node=NODE, origin=ORIGIN, log_keys=(LOG.public,), witnesses={PEER: (WIT.public,)}, quorum=1)


def entries(count: int) -> list[tuple[int, bytes]]:
    """Well formed leaves."""
    return [(seq, b'{"at":%d,"ev":"node.made","seq":%d}' % (NOW, seq)) for seq in range(1, count + 1)]


def note(head: Checkpoint, key: SigningKey = LOG) -> bytes:
    """A checkpoint signed by the log."""
    return SignedNote(text=head.text, signatures=read_signatures(sign_checkpoint(head.text, key))).encode()


@dataclass
class Log:
    """A log that holds; a test spoils one of its parts."""

    leaves: list[tuple[int, bytes]]
    tiles: dict[tuple[int, int], bytes] = field(default_factory=dict)
    checkpoints: list[tuple[int, bytes]] = field(default_factory=list)
    cosignatures: list[tuple[int, str, bytes]] = field(default_factory=list)
    kept: bytes | None = None

    def verdict(self, parties: Parties = PARTIES) -> LogReport:
        """What the examination says."""
        stored = Stored(
            checkpoints=self.checkpoints,
            cosignatures=self.cosignatures,
            tile=lambda level, index: self.tiles.get((level, index)),
            kept=self.kept,
        )
        return examine(parties, stored, self.leaves)

    def places(self) -> list[str]:
        """Where something is wrong."""
        return [finding.place for finding in self.verdict().findings]


def made(count: int) -> Log:
    """A witnessed log of `count` leaves with one checkpoint over all of them."""
    leaves = entries(count)
    hashes = [leaf_hash(leaf) for _, leaf in leaves]
    tree = Tiles(count, lambda level, index: None, lambda first, last: hashes[first:last])
    head = Checkpoint(origin=ORIGIN, size=count, root=tree.root())
    line = cosign_checkpoint(cosignature_text(head.text, NOW), PEER, WIT)
    return Log(
        leaves=leaves,
        tiles={(level, index): data for level, index, data in tree.full(0)},
        checkpoints=[(count, note(head))],
        cosignatures=[(count, PEER, line)],
        kept=note(head),
    )


def test_a_log_that_holds() -> None:
    """Nothing is found, and the witness is named with its time."""
    verdict = made(300).verdict()
    assert (verdict.findings, verdict.leaves, verdict.newest, verdict.witnessed) == ((), 300, 300, 300)
    assert verdict.by == {PEER: NOW}


def test_one_witness_of_two_is_told_as_that() -> None:
    """A log that lacks a witness is not called unwitnessed: it is said who has witnessed what."""
    verdict = made(5).verdict(replace(PARTIES, quorum=2))
    assert (verdict.findings, verdict.witnessed, verdict.partly, verdict.by) == ((), None, 5, {PEER: NOW})


def test_a_tile_of_the_second_level() -> None:
    """The hashes over 256 full tiles are compared too."""
    log = made(65_600)
    assert (log.places(), (1, 0) in log.tiles) == ([], True)
    data = log.tiles[1, 0]
    log.tiles[1, 0] = data[:32] + data[:32] + data[64:]
    assert log.places() == ["tile 1/0"]
    del log.tiles[1, 0]
    assert log.places() == ["tile 1/0"]


def test_what_is_no_leaf() -> None:
    """Bytes that are no canonical JSON, or say nothing, are named, though nothing is signed over them."""
    log = Log(leaves=entries(3))
    for data in (b"", b"{}", b'{"ev":"x", "seq":2}', b'{"ev":1,"seq":2}', b'{"ev":"x","seq":true}', b"[]", b"\xff"):
        log.leaves[1] = (2, data)
        assert log.places() == ["leaf 2"]


def test_checkpoints_that_are_none() -> None:
    """Another size than its row, another key, no note: named; one of the log that this one replaced: passed over."""
    for data in (made(4).checkpoints[0][1], note(Checkpoint.parse(SignedNote.decode(made(5).kept or b"").text), OTHER)):
        log = made(5)
        log.checkpoints, log.cosignatures, log.kept = [(5, data)], [], None
        assert log.places() == ["checkpoint 5"]
    log = made(5)
    log.checkpoints.insert(0, (3, made(3).checkpoints[0][1].replace(ORIGIN.encode(), b"log.example/0")))
    assert log.places() == []


def test_cosignatures_that_are_none() -> None:
    """In another name, by a node that is no peer, over no checkpoint, no line at all."""
    line = made(5).cosignatures[0][2]
    for row, place in [
        ((5, NODE, line), f"cosignature of {NODE} on 5"),
        ((5, PEER, line.replace(PEER.encode(), NODE.encode())), f"cosignature of {PEER} on 5"),
        ((5, PEER, made(4).cosignatures[0][2]), f"cosignature of {PEER} on 5"),
        ((4, PEER, line), "checkpoint 4"),
        ((5, PEER, b"\xff"), f"cosignature of {PEER} on 5"),
    ]:
        log = made(5)
        log.cosignatures = [row]
        assert log.places() == [place]
        assert log.verdict().witnessed is None


def test_a_revoked_key_of_a_witness_counts_for_nothing() -> None:
    """It verifies, and so the log holds; but whoever stole it can have dated that as they like."""
    verdict = made(5).verdict(replace(PARTIES, revoked=frozenset({WIT.public})))
    assert (verdict.findings, verdict.witnessed, verdict.by) == ((), None, {})


def test_another_kept_checkpoint() -> None:
    """Of the same size with another root, of a size that no row has, or not signed by the log."""
    forged = Checkpoint(origin=ORIGIN, size=5, root=leaf_hash(b"x"))
    for kept, place in [
        (note(forged), "checkpoint 5"),
        (made(4).kept, "checkpoint 4"),
        (made(6).kept, "leaf 6"),
        (note(forged, OTHER), "kept checkpoint"),
        (b"", "kept checkpoint"),
    ]:
        log = made(5)
        log.kept = kept
        assert log.places() == [place]


def test_many_findings_are_cut() -> None:
    """A log that is wrong everywhere does not fill the screen."""
    log = Log(leaves=[(seq, b"x") for seq in range(1, 100)])
    assert len(log.verdict().findings) == MOST_FINDINGS
