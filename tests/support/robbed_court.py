"""What a court is shown of a walk, by an honest node, by the thief and by the liar, and what it has to find (nrm1 7).

Both verifiers of bundles are asked where a walk says so, else the gateway's alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace

import pytest
from support import stranger
from support.exhibits import Logbook, frame_of
from support.robbed_forge import forge, sign_tree
from support.robbed_liar import Liar
from support.robbed_lines import Line
from support.robbed_logs import extract
from support.robbed_table import BLAMED, COUNTS, PROVEN, SHOWN
from support.robbed_thief import Thief
from support.robbed_world import MET, NAMES, World

from gateway.errors import Code, RefusedError, RemoteError
from gateway.evidence import build as bundles
from gateway.evidence.build import Exhibit, Extract
from gateway.evidence.findings import testify
from gateway.evidence.types import Proof
from gateway.evidence.verify import prove
from gateway.evidence.weighing import Verdict, weigh_receipt, weigh_sealing
from gateway.messages.types import LinkPosition
from keys.documents.descriptor import Descriptor
from keys.documents.descriptor_chain import published_at, revocation_of
from keys.documents.key_records import Use
from keys.documents.log_signatures import cosign_checkpoint, cosignature_text
from keys.documents.receipts import KeptReceipts
from keys.documents.signed_note import read_signatures
from keys.documents.statement import Statement
from keys.primitives.batch import Proof as BatchProof
from keys.primitives.domains import STATEMENT

MOST = 3
"""Messages of each kind that a bundle has."""


class Court:
    """Who is shown bundles. It has the fingerprints of all three, from elsewhere."""

    def __init__(self, world: World, thief: Thief, liar: Liar) -> None:
        self.world, self.thief, self.liar = world, thief, liar
        self.anchors = {world.a.descriptor.fingerprint, world.b.descriptor.fingerprint, world.c.first().fingerprint}

    # --- what is shown ----------------------------------------------------------------------------------------------

    def hear_honest(self, by: str, about: str, *, both: bool) -> None:
        """An honest node shows what it has: all of it counts that nobody could take back."""
        line = self.world.line(by, about)
        chains = self._chains(by, about)
        exhibits = {id: _sent(line, id) for id in [*line.sent][-MOST:]}
        accepted = {
            one.id: Exhibit(sealings=[(one.statement, frame_of(one.proof))], disclosure=(one.secret, one.body))
            for one in line.accepted[-MOST:]
        }
        shown = [*exhibits.values(), *accepted.values()]
        batches: list[KeptReceipts] = [*line.documents, *line.issued]
        proof = self._judge(chains, shown, batches, extract(self.world, by), both=both)
        found = {message.statement.id for message in proof.messages} if proof else set()
        for id in exhibits:
            statement = Statement.parse(line.sent[id].statement)
            assert id in found or not self._stands(by, statement, frame_of(line.sent[id].proof), chains), (
                "a proof was lost"
            )
        for one in line.accepted[-MOST:]:
            statement = Statement.parse(one.statement)
            stands = self._stands(
                by, statement, frame_of(one.proof), chains, seen=self._seen_by_other(by, one.statement_hash)
            )
            assert one.id in found or not stands, "somebody voided what had been witnessed"
        if both:
            self._cut(chains, shown, batches)

    def hear_thief(self, about: str, *, both: bool) -> None:
        """The thief, and the liar with it, show what was signed as the node, beside what the node did sign."""
        lies = self.thief.lies[about][-MOST:]
        if not lies:
            return  # nothing was stolen, or it signs no statement
        line = self.world.line("a", about)
        shown = [_sent(line, id) for id in [*line.sent][-MOST:]] + [lie.exhibit for lie in lies]
        told: list[KeptReceipts] = [*self.thief.told[-MOST:]] if about == "b" else []
        if told:
            answered = self.world.line("b", "a")
            shown += [_sent(answered, id) for id in [*answered.sent][-MOST:]]
        log = self._liar_log() if about == "c" else None
        proof = self._judge(self._chains("a", about), shown, told, log, both=both, stolen=True)
        if self.thief.revoked:
            self.thief.tried(PROVEN)
            used = {sealed.position.n for sealed in line.sealings}
            self.thief.tried(*[BLAMED] * any(lie.said.n in used for lie in lies))
        elif proof is not None:
            self.thief.tried(SHOWN)

    def hear_of_two(self, by: str, *, both: bool) -> None:
        """A node shows two contents that the liar signed under one number: it is named, unless its key was revoked."""
        line = self.world.line(by, "c")
        for held, second in line.second[-1:]:
            first = next((one for one in line.accepted if one.id == held), None)
            if first is None:
                continue
            shown = [Exhibit(sealings=[(first.statement, frame_of(first.proof))])]
            shown.append(Exhibit(sealings=[(second.statement_bytes, frame_of(second.proof))]))
            chains = self._chains(by, "c")
            proof = self._judge(chains, shown, [], extract(self.world, by), both=both)
            sound = all(self._never_revoked(chains[1], frame) for one in shown for frame in one.sealings)
            names = testify(proof).two_contents if proof is not None else ()
            assert not sound or any(line.startswith("NRM c") for line in names), "two contents, and nobody is named"
            MET["liar named"] += bool(names)

    def hear_swapped(self, by: str, *, both: bool) -> None:
        """The liar shows another content in the place of one that it had sent, and what it sent next: that names the
        content that was sent.
        """
        denied, line = self.liar.denied[by], self.world.line(by, "c")
        said = {(one.said.epoch, one.said.n): one for one in self.liar.said[by]}
        after = None if denied is None else said.get((denied.said.epoch, denied.said.n + 1))
        if denied is None or after is None or after.said.id not in {one.id for one in line.accepted}:
            return
        proof = self._judge(self._chains(by, "c"), [denied.exhibit, after.exhibit], [], None, both=both)
        if proof is not None and len(proof.messages) > 1:
            assert testify(proof).warnings, "another content stands in the place of what was sent"
            MET["another content was noticed"] += 1

    def hear_witness(self, *, both: bool) -> None:
        """The liar shows its own log, which somebody cosigned with a stolen key."""
        if Use.WIT not in self.thief.keys:
            return
        lie = forge(self.liar.end("b"), self.liar.sig, LinkPosition(epoch=1, n=1, prev=None))
        book = Logbook(self.world.c)
        book.departed(lie.sealed)
        note = sign_tree(book, self.world.c.first().log, self.world.c.log)
        text = cosignature_text(note.text, lie.said.created)
        lines = read_signatures(cosign_checkpoint(text, self.world.a.node, self.thief.keys[Use.WIT]))
        book.notes[1] = note.plus(lines).encode()
        book.witnesses = {self.world.a.node: self.world.a.chain}
        chains = (self.world.liar_chain, self._chains("b", "c")[0])
        proof = self._judge(chains, [lie.exhibit], [], book.extract(), both=both)
        assert proof is not None and proof.log is not None
        counts = [one.counts for head in proof.log.heads for one in head.cosignatures]
        if self.thief.revoked:
            assert counts == [False], "a witness counts whose key was stolen and revoked"
            self.thief.tried(COUNTS)

    # --- what is found ----------------------------------------------------------------------------------------------

    def _judge(
        self,
        chains: tuple[Sequence[Descriptor], Sequence[Descriptor]],
        shown: Sequence[Exhibit],
        told: Sequence[KeptReceipts],
        log: Extract | None,
        *,
        both: bool,
        stolen: bool = False,
    ) -> Proof | None:
        """What is proven, and that nobody is blamed for what somebody else did; None where nothing is."""
        try:
            data = bundles.build(chains, shown, told, log)
        except RefusedError as error:
            # Of the thief some of it names a version that does not list its key.
            assert error.code is Code.NOT_FOUND or (stolen and error.code is Code.UNKNOWN_KEY), (
                "what is kept does not verify"
            )
            return None
        proof = prove(data, self.anchors)
        report = stranger.verify(data, self.anchors) if both else testify(proof)
        MET["bundles"] += 1
        MET["bundles before both verifiers"] += both
        for payload, owner, verdict in self._signed(proof):
            self._weigh(payload, owner, verdict)
        for line in report.two_contents:
            name = line.split(" ")[1]
            honest = name in NAMES
            assert not honest or (name == "a" and Use.SIG in self.thief.keys and not self.thief.revoked), (
                "an honest node is named for two contents"
            )
        return proof

    def _signed(self, proof: Proof) -> Iterator[tuple[bytes, str, Verdict]]:
        for message in proof.messages:
            for sealing in message.sealings:
                by = self.world.name_of(sealing.statement.from_)
                yield sealing.statement.encode(), by, weigh_sealing(proof, sealing).verdict
            for told in message.receipts:
                yield told.receipt.encode(), self.world.name_of(told.receipt.from_), weigh_receipt(proof, told).verdict

    def _weigh(self, payload: bytes, by: str, verdict: Verdict) -> None:
        """What an honest node never said is proven against it by nobody, once it took its keys back."""
        if by not in NAMES or payload in self.world.nodes[by].said or payload in self.world.nodes[by].receipts:
            return
        stolen = {lie.sealed.statement for lies in self.thief.lies.values() for lie in lies}
        stolen |= {one.encode() for told in self.thief.told for one in told.receipts}
        assert payload in stolen, "something was verified that nobody with a key signed"
        assert not self.thief.revoked or verdict is not Verdict.PROVEN, "a thief framed the owner"
        MET["forged, and " + str(verdict)] += 1

    def _cut(
        self,
        chains: tuple[Sequence[Descriptor], Sequence[Descriptor]],
        shown: Iterable[Exhibit],
        told: Sequence[KeptReceipts],
    ) -> None:
        """A chain that ends before the version that was compared is refused."""
        newest = chains[0][-1]
        if newest.version == 1:
            return
        with suppress(RefusedError):
            data = bundles.build((chains[0][:-1], chains[1]), [*shown], told)
            with pytest.raises(RemoteError) as caught:
                prove(data, self.anchors, {newest.fingerprint: newest.version})
            assert caught.value.code is Code.ROLLBACK
            MET["a cut chain was refused in evidence"] += 1

    # --- what must stand --------------------------------------------------------------------------------------------

    def _stands(
        self,
        by: str,
        said: Statement,
        frame: bytes,
        chains: tuple[Sequence[Descriptor], Sequence[Descriptor]],
        seen: int | None = None,
    ) -> bool:
        """Whether a statement has to be evidence: its key was not revoked as of then, or a witness was before."""
        chain = next(chain for chain in chains if chain[-1].node == said.from_)
        kid = BatchProof.parse(frame, STATEMENT, said.encode()).batch.signature.kid
        gone = revocation_of(chain, kid)
        if gone is None or said.created < gone.since:
            return True
        published = published_at(chain, kid, said.created)
        if self.world.name_of(said.from_) in NAMES:
            return False  # what the owner signed with the key while it was in other hands is its own loss
        other = self.world.other(self.world.nodes[by])
        sound = not any(
            record.kid in {one.kid for one in other.descriptor.revoked} for d in other.chain for record in d.keys
        )
        stands = sound and seen is not None and published is not None and seen < published
        if self.liar.dated_back:  # `issued` is the word of the root holders: it remains (threat 170)
            MET["liar dated its roots back"] += 1
            return False
        MET["liar could not void"] += stands
        return stands

    def _seen_by_other(self, by: str, hash: str) -> int | None:
        """When the other honest node had cosigned an entry about a statement."""
        home = self.world.nodes[by]
        index = next((place for place, leaf in enumerate(home.book.leaves) if hash.encode() in leaf), None)
        sizes = [size for size in sorted(home.book.notes) if index is not None and size > index]
        return self.world.witnessed_at[by, sizes[0]] if sizes else None

    def _never_revoked(self, chain: Sequence[Descriptor], frame: tuple[bytes, bytes]) -> bool:
        kid = BatchProof.parse(frame[1], STATEMENT, frame[0]).batch.signature.kid
        return revocation_of(chain, kid) is None

    def _chains(self, by: str, about: str) -> tuple[Sequence[Descriptor], Sequence[Descriptor]]:
        """The own chain of today, and that of a peer as it is published."""
        other = self.world.liar_chain if about == "c" else self.world.nodes[about].chain
        return self.world.nodes[by].chain, other

    def _liar_log(self) -> Extract:
        book = replace(self.world.liar_book, witnesses={self.world.b.node: self.world.b.chain})
        return book.extract()


def _sent(line: Line, id: str) -> Exhibit:
    """One message as its sender keeps it."""
    frames = [(one.statement, frame_of(one.proof)) for one in line.sealings if one.id == id]
    return Exhibit(sealings=frames, disclosure=(line.sent[id].secret, line.messages[id].body))
