"""What holds in every walk, whatever the thief and the liar do: looked at after each step.

| promise | clauses |
|---|---|
| what is accepted was stated so by its sender: content, epoch, number, what it follows; once | nrm1 4, 5.2 |
| `received` is believed of what is stored, as it was sent | nrm1 6.1 |
| what passes says nothing to who has none of the seeds that it was sealed to | nrm1 3.8 |
| a seed that was destroyed is nowhere, and what was erased opens to nobody who comes later | nrm1 2.22, 6.2 |
| an honest witness cosigns one tree of a log | nrm1 11.4 |
| no link begins anew without people of both sides | nrm1 5.8, 5.11 |
| no signature serves as another type, by another record, or by one half | nrm1 1.9, 1.12 |
| who compared digits and versions accepts no key that was revoked before | nrm1 2.9 |
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import pairwise

import pytest
from support.robbed_lines import Line
from support.robbed_nodes import Honest
from support.robbed_thief import Thief
from support.robbed_world import MARK, MET, NAMES, World
from support.wiretap import Wiretap

from gateway.errors import RemoteError
from keys.documents.descriptor_chain import accept_chain
from keys.documents.envelope import Status
from keys.documents.fingerprint import Party, pair_code
from keys.documents.key_records import KeyRecord, Use
from keys.primitives.domains import SIGNED
from keys.primitives.hybrid_keys import verify
from keys.primitives.sign import SignedDocument


class Promises:
    """Looks at what is new since it looked last."""

    def __init__(self, world: World, thief: Thief) -> None:
        self.world, self.thief = world, thief
        self._seen: Counter[object] = Counter()
        self._wire = Wiretap()

    def look(self) -> None:
        """Every promise that can be asked at any time."""
        for (by, to), line in self.world.lines.items():
            self._accepted(by, to, line)
            self._heard(to, line)
        for home in self.world.nodes.values():
            self._epochs(home)
        self._passed()
        self._destroyed()
        self._cosigned()

    def _new(self, what: object, count: int) -> int:
        """How many were looked at before; all of them are from now on."""
        before, self._seen[what] = self._seen[what], count
        return before

    def _accepted(self, by: str, of: str, line: Line) -> None:
        """Injective agreement, and delivery once."""
        ids = [message.id for message in line.accepted]
        assert len(set(ids)) == len(ids), "a message was accepted twice"
        places = [message.position for message in line.accepted]
        assert len({(one.epoch, one.n) for one in places}) == len(places), "a number was accepted twice"
        before = self._new(("accepted", by, of), len(line.accepted))
        for message in line.accepted[before:]:
            if of not in NAMES:
                continue
            if self.thief.speaks and of == "a" and self.thief.forged(message.statement):
                continue
            assert message.statement in self.world.nodes[of].said, "something was accepted that nobody stated"
            sent = self.world.lines[of, by].messages[message.id]
            assert (message.body, message.conversation) == (sent.body, sent.conversation), "another content was stored"

    def _heard(self, of: str, line: Line) -> None:
        """`received(of)` implies stored, exactly that content."""
        if of not in NAMES:
            return
        mine = self.world.lines[of, self.world.name_of(line.own.node)]
        for id, receipt in line.heard.items():
            said = (receipt.of, str(receipt.status))
            assert said in self.world.nodes[of].told, "a receipt was believed that nobody gave"
            if receipt.status is Status.RECEIVED:
                stored = [one for one in mine.accepted if one.statement_hash == receipt.of]
                assert [one.body for one in stored] == [line.messages[id].body], "what was confirmed is not stored"

    def _epochs(self, home: Honest) -> None:
        """A link begins anew where people said so."""
        rows = home.store.connection.exec_driver_sql("select peer, max(epoch) from link group by peer")
        for node, epoch in rows:
            to = self.world.name_of(node)
            assert epoch == 1 or (home.name, to) in self.world.people, "a link began anew without people"
            if to in NAMES:
                both = {(home.name, to), (to, home.name)} <= self.world.people
                accepted = self.world.lines[home.name, to].accepted
                newest = max((message.position.epoch for message in accepted), default=1)
                assert newest == 1 or both, "a message passed in an epoch that people of one side began"

    def _passed(self) -> None:
        """Nothing of a content passes in the clear."""
        posts, replies = self.world.posts, self.world.replies
        for sent in posts[self._new("posts", len(posts)) :]:
            for data in sent.envelopes:
                envelope = self._wire.record(data)
                assert MARK.encode() not in data + envelope.ct, "a content can be read on the wire"
        for _, came in replies[self._new("replies", len(replies)) :]:
            assert MARK.encode() not in came.body, "a content can be read on the wire"

    def _destroyed(self) -> None:
        """What was destroyed is gone from the key store, also for who copied it later."""
        gone = self.world.destroyed
        for home in self.world.nodes.values():
            left = {key.kid for key in home.keys.listing() if key.use == "enc"}
            assert not left & gone, "a seed is there that was destroyed"
        assert not {seed.kid for seed in self.thief.seeds} & self.thief.gone, "a thief has a seed that was destroyed"
        for at, id in self.world.erased:
            assert not self._wire.is_open_to(self.world.nodes[at].keys, id), "what was erased opens"

    def _cosigned(self) -> None:
        """Each tree that a witness cosigned begins with the one before."""
        for (name, origin), heads in self.world.cosigned.items():
            before = self._new(("cosigned", name, origin), len(heads))
            for one, other in pairwise(heads[max(0, before - 1) :]):
                first, second = (self.world.trees[origin, size, root] for size, root in (one, other))
                assert second[: len(first)] == first, "a witness cosigned two trees that do not fit together"


# --- what has to be asked ---------------------------------------------------------------------------------------------


def compare_digits(by: Honest, of: Honest, cut: int) -> None:
    """Two people compare what their nodes show; somebody between them has cut a chain."""
    offered = [descriptor.document for descriptor in of.chain[: max(1, len(of.chain) - cut)]]
    held = accept_chain(offered, by.clock.at)[-1]
    here = pair_code(_party(by), Party(held.fingerprint, held.version))
    there = pair_code(_party(of), _party(by))
    if here != there:
        MET["a cut chain was noticed"] += 1
        return
    for gone in of.descriptor.revoked:
        for use in Use:
            with pytest.raises(RemoteError):
                held.signing_key(gone.kid, at=by.clock.at, use=use)
        MET["compared, and a revoked key is refused"] += 1


def _party(home: Honest) -> Party:
    return Party(home.descriptor.fingerprint, home.descriptor.version)


def move_signature(world: World, number: int, other: int) -> None:
    """Take a signature that passed to another type, to another record, or without one of its halves."""
    name, document = world.documents[number % len(world.documents)]
    key = _signer(world.nodes[name], document) if name in NAMES else None
    if key is None:
        return
    types = [kind for kind in SIGNED if kind != document.payload_type]
    seen, payload, kind = document.signatures[0], document.payload, document.payload_type
    foreign = world.c.sig.public
    verify(key.public, kind, payload, seen)
    for public, as_type, signature in (
        (key.public, types[other % len(types)], seen),
        (key.public, kind, replace(seen, mldsa65=None)),
        (foreign, kind, seen),
        (foreign, kind, replace(seen, kid=foreign.kid)),
    ):
        with pytest.raises(RemoteError):
            verify(public, as_type, payload, signature)
    MET["signatures moved"] += 1


def _signer(home: Honest, document: SignedDocument) -> KeyRecord | None:
    kid = document.signatures[0].kid
    records = (record for descriptor in home.chain for record in descriptor.records)
    return next((record for record in records if record.kid == kid), None)
