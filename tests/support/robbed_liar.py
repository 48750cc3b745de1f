"""A liar: a node with all its own keys and roots, that says whatever suits it (threats 41, 170, 179, 183, 202, 216).

Each method is one lie; what honest nodes must answer is checked where it is told.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from support.endpoints import Endpoint
from support.exhibits import receipt
from support.nodes import Seeds, record, signed
from support.robbed_forge import Lie, answer, forge, grown, sign_tree, tell
from support.robbed_logs import ask_witness
from support.robbed_stand_ins import done
from support.robbed_wire import Post, Speaker, post, reply
from support.robbed_world import MET, World

from gateway.delivery.inbound import steps
from gateway.errors import Code, RemoteError
from gateway.messages.types import LinkPosition
from gateway.peers.scope import PeerState
from gateway.trust.link_reset.decisions import positions, view_of
from keys.documents.descriptor import Descriptor, Revocation
from keys.documents.descriptor_chain import accept_descriptor
from keys.documents.envelope import Status
from keys.documents.equivocation import verify_proof
from keys.documents.key_records import Use
from keys.documents.keyset import accept_keyset
from keys.documents.link_reset import Reset
from keys.primitives.domains import KEYSET, RESET
from keys.primitives.encoding import DAY, MAX_INT, b64u
from keys.primitives.hybrid_keys import SigningKey
from keys.primitives.sign import sign_document


class Liar:
    """The liar of a walk. `said` has what each honest node believed, `denied` another content of
    one of these, under its id and number.
    """

    def __init__(self, world: World) -> None:
        self.world, self.node = world, world.c
        self.said: dict[str, list[Lie]] = {"a": [], "b": []}
        self.denied: dict[str, Lie | None] = {"a": None, "b": None}
        self.dated_back = False
        self.number = 0

    @property
    def sig(self) -> SigningKey:
        """By what it signs today."""
        return self.world.liar_sig

    @property
    def chain(self) -> tuple[Descriptor, ...]:
        """What it shows of itself today."""
        return self.world.liar_chain

    def speaker(self) -> Speaker:
        """Who signs its requests."""
        return Speaker.with_key(self.chain[-1].node, self.node.http)

    def end(self, to: str) -> Endpoint:
        """Its side of a link, with nothing in it that it would have to keep to."""
        home, self.number = self.world.nodes[to], self.number + 1
        held = self.world.listed(to)
        end = Endpoint(node=self.node, own=self.chain[-1], peer=home.descriptor, keyset=held, now=self.world.clock.at)
        end.rand = Seeds(f"lie {self.number}")
        return end

    def next(self, to: str) -> LinkPosition:
        """The place that an honest node would give its next message: after the last one that the other side took."""
        view = view_of(self.world.nodes[to].store.connection, self.chain[-1].node)
        return LinkPosition(epoch=view.epoch, n=view.high + 1, prev=view.hash)

    def bring(self, to: str, lie: Lie) -> Code | None:
        """Bring a message; the code it was answered with, None where it was accepted."""
        line = self.world.line(to, "c")
        line.ask_for_chain()
        before = len(line.accepted)
        sent = post(self.speaker(), self.world.nodes[to].descriptor, lie.sealed.data, now=self.world.clock.at)
        self.world.posts.append(sent)
        try:
            self.world.deliver(sent)
        except RemoteError as error:
            return error.code
        if len(line.accepted) > before:
            self.said[to].append(lie)
            return None
        return Code.REJECTED

    # --- messages -------------------------------------------------------------------------------------------------

    def say(self, to: str) -> None:
        """Something true, as far as anybody can tell."""
        if self.bring(to, forge(self.end(to), self.sig, self.next(to))) is None:
            MET["liar was believed"] += 1

    def say_twice(self, to: str, other: int) -> None:
        """A second content under a number that is used, by another id or the same one."""
        if not self.said[to]:
            self.say(to)
            return
        first = self.said[to][0 if other % 2 else other % len(self.said[to])].said
        changes: dict[str, Any] = {"id": first.id} if other % 2 else {}
        position = LinkPosition(epoch=first.epoch, n=first.n, prev=first.prev)
        lie = forge(self.end(to), self.sig, position, **changes)
        self.denied[to] = lie if other % 2 else self.denied[to]
        line = self.world.line(to, "c")
        before, kept = len(line.accepted), len(line.second)
        self.bring(to, lie)
        assert len(line.accepted) == before, "two contents were accepted under one number"
        MET["second content kept as proof"] += len(line.second) - kept

    def jump(self, to: str, other: int) -> None:
        """A number that does not follow, or one of an epoch that nobody began."""
        place = self.next(to)
        wrong = replace(place, epoch=place.epoch + 1, n=1, prev=None) if other % 2 else replace(place, prev="A" * 43)
        if other % 4 == 2 or (wrong.n == 1 and wrong.epoch == place.epoch):
            wrong = replace(place, epoch=place.epoch + 7, n=1, prev=None)
        refused = self.bring(to, forge(self.end(to), self.sig, wrong))
        assert refused is not None, "a message was accepted at a place that does not follow"
        MET["new epoch without people"] += wrong.epoch > place.epoch

    def commit_to_something_else(self, to: str, other: int) -> None:
        """A statement that commits to another content than it comes with, so that it could be denied later."""
        lie = forge(self.end(to), self.sig, self.next(to), commit=b64u(bytes([other]) * 32))
        assert self.bring(to, lie) is not None, "a content was accepted that its sender did not sign"
        MET["committed to something else"] += 1

    def speak_as_another(self, to: str, other: int) -> None:
        """A statement in the name of the other honest node, by its own keys or in its own requests."""
        node = self.world.other(self.world.nodes[to]).node
        lie = forge(self.end(to), self.sig, self.next(to), from_=node)
        assert self.bring(to, lie) is not None, "a liar was heard as another node"
        listed = self.world.nodes[to].peer(node).descriptor.keys_of(Use.HTTP, self.world.clock.at)
        by = Speaker(node=node, kid=listed[-1].kid, sign=self.node.http.sign_raw)
        with pytest.raises(RemoteError):
            self.world.deliver(post(by, self.world.nodes[to].descriptor, lie.sealed.data, now=self.world.clock.at))
        MET["liar spoke as another"] += 1

    def carry_for_others(self, to: str, other: int) -> None:
        """A request of somebody else, once more, or what it carried in a request of its own."""
        passed = [sent for sent in self.world.posts if sent.to == self.world.nodes[to].node]
        if not passed:
            return
        sent: Post = passed[other % len(passed)]
        with suppress(RemoteError):
            self.world.deliver(sent)
        with suppress(RemoteError):
            again = post(self.speaker(), self.world.nodes[to].descriptor, *sent.envelopes, now=self.world.clock.at)
            self.world.deliver(again)
        MET["carried for others"] += 1

    # --- receipts -------------------------------------------------------------------------------------------------

    def answer(self, to: str, other: int) -> None:
        """Answer what an honest node sent: with a receipt that it gives, about what never was, or as somebody else."""
        line, now, me = self.world.line(to, "c"), self.world.clock.at, self.chain[-1].node
        asked_by = (sent for sent in reversed(self.world.posts) if (sent.to, sent.claim.node) == (me, line.own.node))
        sent = next(asked_by, None)
        if sent is None:
            return
        ids = [steps.read_envelope(data).id for data in sent.envelopes]
        asked = [line.sent[id] for id in ids if id in line.sent]
        if not asked:
            return
        true = [replace(receipt(sealed, Status.RECEIVED), from_desc=self.chain[-1].version, at=now) for sealed in asked]
        made = {
            0: true,
            1: [replace(true[0], of=b64u(bytes(32)))],
            2: [replace(true[0], from_=self.world.other(self.world.nodes[to]).node)],
            3: [*true, replace(true[0], status=Status.REJECTED, code="schema")],
        }[other % 4]
        told, heard = tell(self.sig, *made), dict(line.heard)
        came = reply(self.speaker(), sent, answer(ids, told), now=now)
        try:
            self.world.hear(to, "c", sent, came)
            MET["liar confirmed"] += 1
        except RemoteError:
            assert line.heard == heard, "a refused answer was believed in part"
        if other % 4 == 2:
            assert line.heard == heard, "a receipt of another node was believed"

    # --- itself ---------------------------------------------------------------------------------------------------

    def change(self, *, revoke_since: int | None = None, back: bool = False, **content: Any) -> None:
        """Its roots sign the next version: with a revocation as of whenever, or dated back themselves."""
        last, now = self.chain[-1], self.world.clock.at
        changes: dict[str, Any] = {"issued": last.issued if back else now, "revoked": last.revoked, "log": last.log}
        if revoke_since is not None:
            gone = Revocation(kid=self.sig.public.kid, at=changes["issued"], since=revoke_since, reason="stolen")
            self.world.liar_sig = SigningKey.generate(Seeds(f"sig {last.version} of the liar"), hybrid=True)
            changes["revoked"] = (*last.revoked, gone)
        self.dated_back |= back
        others = [record(self.node.http, Use.HTTP), record(self.node.log, Use.LOG), record(self.node.wit, Use.WIT)]
        changes["keys"] = [record(self.sig, Use.SIG), *others]
        document = signed(self.node.next(last, **{**changes, **content}), self.node.roots[:2])
        new = accept_descriptor(last, document, MAX_INT, earlier=self.chain[:-1])
        self.world.liar_chain = (*self.chain, new)
        MET["liar revoked"] += revoke_since is not None

    def show_another_self(self, to: str, other: int) -> None:
        """Two versions under one number: whoever was shown both has a proof that anybody can check (nrm1 2.26)."""
        line = self.world.line(to, "c")
        line.ask_for_chain()
        home, held = self.world.nodes[to], self.world.nodes[to].peer(self.chain[-1].node)
        if held.state is not PeerState.ACTIVE:
            return
        before = held.chain[:-1]
        if before:
            payload = self.node.next(
                before[-1],
                contact="another",
                issued=held.descriptor.issued,
                keys=held.descriptor.keys,
                revoked=held.descriptor.revoked,
            )
        else:
            payload = self.node.payload(contact="another")
        with pytest.raises(RemoteError) as caught:
            done(home.sync.take_chain(held, [signed(payload, self.node.roots[:2])]))
        assert caught.value.code is Code.EQUIVOCATION
        row = home.store.connection.exec_driver_sql("select proof from alarm where kind = 'peer.equivocation'").first()
        assert row is not None
        assert verify_proof(bytes(row[0])).node == held.node
        assert home.peer(held.node).state is PeerState.SUSPENDED_FOR_CAUSE
        MET["two selves proven"] += 1

    def list_keys_of_another(self, other: int) -> None:
        """A key of an honest node in its own descriptor, so that what that key signs would be its own word; and one key
        for two uses.
        """
        owner = self.world.a
        stolen = next(one.public for one in owner.founded.first().keys if one.use is Use.SIG)
        borrowed = replace(record(self.sig, Use.SIG), public=stolen)
        if all(one.public.kid != stolen.kid for one in self.chain[-1].keys):
            keys = [record(self.sig, Use.SIG), borrowed, record(self.node.http, Use.HTTP)]
            self.change(keys=[*keys, record(self.node.log, Use.LOG), record(self.node.wit, Use.WIT)])
        said = [document for name, document in self.world.documents if name == "a" and document.payload_type == KEYSET]
        with pytest.raises(RemoteError):
            accept_keyset(self.chain[-1], None, said[other % len(said)], self.world.clock.at)
        MET["listed a key of another"] += 1

    # --- people and links -----------------------------------------------------------------------------------------

    def ask_for_reset(self, to: str, other: int) -> None:
        """A signed request to begin the link anew, which nobody there has accepted; perhaps in the name of another."""
        home, now = self.world.nodes[to], self.world.clock.at
        view = view_of(home.store.connection, self.chain[-1].node)
        payload = Reset(
            from_=self.chain[-1].node,
            to=home.node,
            view=view if other % 3 else replace(view, high=view.high + 1, hash="A" * 43),
            epoch=view.epoch + 1 + other % 2,
            backup=now - DAY,
            change="A" * 43,
            created=now,
        ).encode()
        data = sign_document(RESET, payload, [self.sig]).encode()
        self.world.line(to, "c").ask_for_chain()
        before = positions(home.store.connection, self.chain[-1].node)
        with suppress(RemoteError):
            done(home.resets.take_offer(home.peer(self.chain[-1].node), data))
            MET["reset offered"] += 1
        assert positions(home.store.connection, self.chain[-1].node) == before, "a link began anew without people"
        with pytest.raises(RemoteError):
            done(home.resets.take_offer(home.peer(self.world.other(home).node), data))

    # --- logs -----------------------------------------------------------------------------------------------------

    def show_tree(self, to: str, other: int) -> None:
        """Its log to a witness: as it goes on, or another one of any size."""
        home, book, origin = self.world.nodes[to], self.world.liar_book, self.chain[-1].log
        if other % 2:
            book.write(self.world.clock.at, "node.made", node=origin)
            shown = book
        else:
            leaves = book.leaves[: other % (len(book.leaves) + 1)]
            shown = grown(self.node, leaves, at=self.world.clock.at + other, more=len(book.leaves), mark=f"liar{other}")
        note = sign_tree(shown, origin, self.node.log)
        lines = ask_witness(self.world, home, self.chain[-1].node, shown, note)
        if lines is not None:
            if shown is book and to == "b":
                book.notes[len(book.leaves)] = note.plus(lines).encode()
            MET["liar's log cosigned"] += 1

    def show_log_of_another(self, to: str, other: int) -> None:
        """A tree under the name of an honest node, signed by its own key: no witness knows it."""
        home = self.world.nodes[to]
        origin = self.world.other(home).descriptor.log
        book = grown(self.node, [], at=self.world.clock.at)
        note = sign_tree(book, origin, self.node.log)
        answered = ask_witness(self.world, home, self.chain[-1].node, book, note)
        assert answered is None, "a stranger had the log of another node cosigned"
