"""Three parties for walks: two honest nodes, one of which is robbed, and a liar that has all its keys. The thief keeps
all that passes.

A walk asks of the world what honest people and nodes do; what thief and liar do is in `robbed_thief` and
`robbed_liar`, what must never happen in `robbed_promises`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

from support.endpoints import example
from support.exhibits import Logbook
from support.robbed_lines import Line
from support.robbed_nodes import Founded, Honest, liar
from support.robbed_stand_ins import Clock, done
from support.robbed_wire import Post, Reply, Speaker, admit, believe, post, reply

from gateway.delivery.inbound import steps
from gateway.errors import Code, GatewayError, RemoteError
from gateway.messages.types import AcceptedMessage
from keys.documents.envelope import Status
from keys.documents.keyset import Keyset, parse_keyset, require_usable_keyset
from keys.documents.succession import Change
from keys.keystore.key_changes import DestroyAllEnc, DestroyEnc, RenewEnc
from keys.keystore.keyring import ENC_LIFE
from keys.primitives.domains import KEYSET
from keys.primitives.encoding import DAY, canon
from keys.primitives.sign import SignedDocument, sign_document

MET: Counter[Any] = Counter()
"""What the walks of this process did."""
NAMES = ("a", "b")
MARK = "w-read-by-nobody-else"
"""It stands in every content of an honest node."""
BODY = "enquiry.capacity.1/valid-minimal"


class World:
    """Everything that there is in one walk."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.nodes = {name: Honest(name, self.clock) for name in NAMES}
        self.a, self.b = self.nodes.values()
        self.c = liar()
        self.liar_sig = self.c.sig
        self.liar_chain = (self.c.first(),)
        for home in self.nodes.values():
            home.meet(self.other(home).descriptor, self.c.first())
            home.away.ask = self.post_link
        self.keysets = {"a": self.a.keyset(), "b": self.b.keyset(), "c": self.c.keyset(self.c.first())}
        self.held = {name: parse_keyset(document) for name, document in self.keysets.items()}
        self.lines = {
            (home.name, name): Line.between(
                home, self.id_of(name), self.keysets[name], partial(self.tell_chain, name, home.name)
            )
            for home in self.nodes.values()
            for name in (self.other(home).name, "c")
        }
        self.liar_book = Logbook(self.c)
        self.liar_book.write(self.clock.at, "node.made", node=self.id_of("c"))
        self.posts: list[Post] = []
        self.replies: list[tuple[Post, Reply]] = []
        self.documents: list[tuple[str, SignedDocument]] = []
        self.destroyed: set[str] = set()
        self.erased: list[tuple[str, str]] = []
        self.people: set[tuple[str, str]] = set()
        self.trees: dict[tuple[str, int, bytes], tuple[bytes, ...]] = {}
        self.witnessed_at: dict[tuple[str, int], int] = {}
        self.cosigned: dict[tuple[str, str], list[tuple[int, bytes]]] = {}
        for name in NAMES:
            self.documents += [(name, self.nodes[name].descriptor.document), (name, self.keysets[name])]

    def other(self, home: Honest) -> Honest:
        """The other honest node."""
        return self.b if home is self.a else self.a

    def id_of(self, name: str) -> str:
        """The node id of one of the three."""
        return self.c.first().node if name == "c" else self.nodes[name].node

    def name_of(self, node: str) -> str:
        """The name of one of the three, by its id."""
        return next(name for name in (*NAMES, "c") if self.id_of(name) == node)

    def line(self, by: str, to: str) -> Line:
        """The side of one honest node of one link, as things are now."""
        line = self.lines[by, to]
        line.look()
        return line

    # --- messages -------------------------------------------------------------------------------------------------

    def write(self, by: str, to: str) -> None:
        """A person writes to another country; it departs as soon as the keys to seal to are known."""
        line = self.line(by, to)
        if not line.speaks:
            return
        self.fetch_keyset(by, to)
        header = example(BODY, line.peer.node)["header"] | {"author_ref": MARK}
        with suppress(GatewayError):
            require_usable_keyset(line.keyset, line.peer, self.clock.at)
            sealed = line.send(line.submit(line.draft(BODY, header=header)))
            self.nodes[by].book.departed(sealed)
            MET["written"] += 1

    def fetch_keyset(self, by: str, of: str) -> None:
        """Ask a peer which keys to seal to. A chain that is behind is fetched first."""
        line = self.line(by, of)
        line.ask_for_chain()
        line.look()
        if self.listed(of).document != line.keyset.document:
            with suppress(RemoteError):
                line.take_keyset(self.keysets[of])

    def listed(self, of: str) -> Keyset:
        """What a node lists today, to whoever asks; signed anew after half a day, and when its keys have changed."""
        held, now = self.held[of], self.clock.at
        chain = self.liar_chain if of == "c" else self.nodes[of].chain
        keys = held.enc if of == "c" else self.nodes[of].keys.enc_public(now)
        if held.desc_hash != chain[-1].hash or held.enc != tuple(keys) or now >= held.issued + DAY // 2:
            self.keysets[of] = self.liar_keyset() if of == "c" else self.nodes[of].keyset()
            self.documents.append((of, self.keysets[of]))
            self.held[of] = parse_keyset(self.keysets[of])
        return self.held[of]

    def liar_keyset(self) -> SignedDocument:
        """The keys of today of the liar, who keeps them for ever."""
        now, last = self.clock.at, self.liar_chain[-1]
        enc = self.c.enc_key(from_=now, until=now + 3 * DAY)
        payload = self.c.keyset_payload(last, version=now, issued=now, expires=now + DAY, enc=[enc])
        return sign_document(KEYSET, payload, [self.liar_sig])

    def waiting(self, by: str, to: str) -> list[bytes]:
        """What has no answer yet, sealed anew where its peer says that it lacks the key."""
        line = self.line(by, to)
        return [sealed.data for id, sealed in line.sent.items() if id not in line.heard][:4]

    def carry(self, by: str, to: str, *, back: bool = True) -> None:
        """One request of everything that waits at an honest node for another; the answer may be lost."""
        line, data = self.line(by, to), self.waiting(by, to)
        if not data or not line.speaks:
            return
        sent = post(Speaker.of(self.nodes[by]), line.peer, *data, now=self.clock.at)
        self.posts.append(sent)
        if to == "c":
            return
        with suppress(RemoteError):
            answered = self.deliver(sent)
            if back:
                self.hear(by, to, sent, answered)

    def deliver(self, came: Post) -> Reply:
        """A request arrives at an honest node: its signed answer. Raises RemoteError."""
        home = self.nodes[self.name_of(came.to)]
        signer = admit(home, came)
        line = self.line(home.name, self.name_of(signer))
        before, told = len(line.accepted), len(line.issued)
        body = line.answer(came.envelopes)
        for message in line.accepted[before:]:
            home.book.received(message)
            MET["accepted"] += 1
        for signed in line.issued[told:]:
            home.book.batch(signed, self.founded(self.name_of(signer)), issued=True)
        answered = reply(Speaker.of(home), came, body, now=self.clock.at)
        self.forget_again(home, line, came)
        self.replies.append((came, answered))
        return answered

    def hear(self, by: str, to: str, asked: Post, came: Reply) -> None:
        """An answer arrives. Raises RemoteError."""
        home, line = self.nodes[by], self.line(by, to)
        before = len(line.documents)
        body = believe(home, asked, came)
        answer = line.hear(body, [steps.read_envelope(data).id for data in asked.envelopes])
        for signed in line.documents[before:]:
            home.book.batch(signed, self.founded(to), issued=False)
        for one in answer.answers:
            if (
                one.code in (Code.UNKNOWN_RECIPIENT_KEY, Code.NEWER_DESCRIPTOR, Code.REVOKED_KEY)
                and one.id in line.sent
            ):
                self.seal_anew(by, to, one.id)
        MET["heard"] += 1

    def seal_anew(self, by: str, to: str, id: str) -> None:
        """What its peer cannot open, or takes no more, is sealed once more at its place."""
        self.fetch_keyset(by, to)
        with suppress(GatewayError):
            self.nodes[by].book.departed(self.line(by, to).seal_anew(id))
            MET["sealed anew"] += 1

    def founded(self, name: str) -> Founded:
        """What a node was made of."""
        return self.c if name == "c" else self.nodes[name].founded

    # --- keys -----------------------------------------------------------------------------------------------------

    def pass_time(self, seconds: int) -> None:
        """Time passes, and nodes do what they do every hour."""
        self.clock.at += seconds
        for home in self.nodes.values():
            held = {key.kid: key.made for key in home.keys.listing() if key.use == "enc"}
            home.keep_house()
            self.destroyed |= {kid for kid, made in held.items() if made + ENC_LIFE <= self.clock.at}

    def change_keys(self, by: str, change: Change, *, told: bool) -> None:
        """The roots of an honest node meet; its honest peer learns of it at once, or when it asks next."""
        home = self.nodes[by]
        home.change_keys(change)
        self.documents.append((by, home.descriptor.document))
        if told:
            self.tell_chain(by, self.other(home).name)

    def tell_chain(self, of: str, to: str) -> None:
        """A node asks another one for what follows the version that it holds. Raises RemoteError."""
        other, held = self.nodes[to], self.nodes[to].peer(self.id_of(of))
        chain = self.liar_chain if of == "c" else self.nodes[of].chain
        if held.descriptor.version < chain[-1].version:
            done(other.sync.take_chain(held, [descriptor.document for descriptor in chain]))

    def destroy_seeds(self, home: Honest) -> None:
        """A person has every seed destroyed; what is in flight will be sealed anew."""
        self.destroyed |= {*home.keys.change(DestroyAllEnc())}
        home.keys.change(RenewEnc(self.clock.at))

    def erase(self, at: str, by: str) -> None:
        """A node erases the first message that it had from a peer: its seeds go, then it is told (nrm1 6.2)."""
        home, line = self.nodes[at], self.line(at, by)
        kept = [message for message in line.accepted if (at, message.id) not in self.erased]
        if not kept:
            return
        self.forget(home, line, kept[0])
        MET["erased"] += 1

    def forget(self, home: Honest, line: Line, message: AcceptedMessage) -> None:
        """Destroy the seeds that open any sealing of a message, and say that it is gone."""
        named = {kid for sealed in self.tap_of(message.id) for kid in sealed.kids}
        seeds = {key.kid: key.made for key in home.keys.listing() if key.use == "enc"}
        doomed = [made for kid, made in seeds.items() if kid in named]
        if doomed:
            home.keys.change(DestroyEnc(max(doomed) + ENC_LIFE))
            home.keys.change(RenewEnc(self.clock.at))
        self.destroyed |= named
        self.erased.append((home.name, message.id))
        said = replace(line.final[message.id], status=Status.ERASED, at=self.clock.at, code=None)
        line.sign([said])

    def forget_again(self, home: Honest, line: Line, came: Post) -> None:
        """What was erased may come once more, on a link that began anew: sealed to seeds of today."""
        ids = {steps.read_envelope(data).id for data in came.envelopes}
        for message in line.accepted:
            if message.id in ids and (home.name, message.id) in self.erased:
                self.forget(home, line, message)

    def tap_of(self, id: str) -> Iterator[Any]:
        """Every envelope of a message that ever passed, or was made."""
        made = (sealed.data for line in self.lines.values() for sealed in line.sealings)
        passed = (data for sent in self.posts for data in sent.envelopes)
        for data in {*made, *passed}:
            envelope = steps.read_envelope(data)
            if envelope.id == id:
                yield envelope

    # --- links and logs -------------------------------------------------------------------------------------------

    def post_link(self, authority: str, data: bytes, by: str) -> tuple[int, bytes]:
        """A request about a link arrives at the honest node that it is for."""
        asked = next(home for home in self.nodes.values() if home.descriptor.authority == authority)
        try:
            return 200, canon(done(asked.resets.take_offer(asked.peer(by), data)).to_json())
        except RemoteError:
            return 400, b""
