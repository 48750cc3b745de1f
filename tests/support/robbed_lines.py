"""The end of a link at an honest node of a walk: the light endpoint, with key store and database of its node."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from support.endpoints import Endpoint
from support.nodes import Seeds
from support.robbed_nodes import Honest

from gateway.delivery.inbound import receiver, rules, steps
from gateway.delivery.inbound.rules import NumberRefusal
from gateway.delivery.outbound.departure_steps import Stated
from gateway.errors import Code, RemoteError
from gateway.messages import answers
from gateway.messages.store import links
from gateway.messages.store.links import GapRow, NumberRow
from gateway.messages.types import AuthenticStatement, SealedEnvelope, ValidMessage
from gateway.trust.link_reset.decisions import positions
from keys.documents.envelope import Receipt
from keys.documents.keyset import Keyset, accept_keyset
from keys.documents.receipts import SignedReceipts
from keys.primitives.batch import Proof, Verifier
from keys.primitives.sign import SignedDocument


@dataclass(kw_only=True)
class Line(Endpoint):
    """One honest node's side of one link. `sealings` are all that it sealed, `second` what its peer signed under a
    number that had another content, with the id of the message that has it.
    """

    home: Honest
    ask_for_chain: Callable[[], None]
    messages: dict[str, ValidMessage] = field(default_factory=dict)
    sealings: list[SealedEnvelope] = field(default_factory=list)
    issued: list[SignedReceipts] = field(default_factory=list)
    second: list[tuple[str, AuthenticStatement]] = field(default_factory=list)
    epochs: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.rand = Seeds(f"line of {self.home.name} to {self.peer.name}")

    @classmethod
    def between(cls, home: Honest, node: str, keyset: SignedDocument, ask_for_chain: Callable[[], None]) -> Line:
        """The line of a node to a peer that it has met, which gives its chain when it is asked."""
        peer = home.peer(node).descriptor
        held = accept_keyset(peer, None, keyset, home.clock.at)
        return cls(
            home=home,
            node=home.founded,
            own=home.descriptor,
            peer=peer,
            keyset=held,
            now=home.clock.at,
            ask_for_chain=ask_for_chain,
        )

    def look(self) -> None:
        """Go on by what the node holds now. A link that began anew numbers anew what has no answer."""
        self.now, self.own, self.peer = (
            self.home.clock.at,
            self.home.descriptor,
            self.home.peer(self.peer.node).descriptor,
        )
        epoch = positions(self.home.store.connection, self.peer.node)[1]
        if epoch != self.epoch and self.speaks:
            self.epoch, self.position = epoch, None
            waiting = [self.messages[id] for id in self.sent if id not in self.heard]
            for message in waiting:
                self.send(message)

    @property
    def speaks(self) -> bool:
        """Whether people let anything be numbered for this peer."""
        return self.home.registry.speaks(self.peer.node)

    def take_keyset(self, document: SignedDocument) -> Keyset:
        """Judge a keyset of the peer, and keep it."""
        self.keyset = accept_keyset(self.peer, self.keyset, document, self.now)
        return self.keyset

    # --- sending --------------------------------------------------------------------------------------------------

    def secret(self, message: ValidMessage) -> bytes:
        """The same one for every sealing of a message."""
        held = self.sent.get(message.id)
        return super().secret(message) if held is None else held.secret

    def send(self, message: ValidMessage) -> SealedEnvelope:
        """Number and seal."""
        self.messages[message.id] = message
        sealed = super().send(message)
        self.sealings.append(sealed)
        return sealed

    def seal_anew(self, id: str) -> SealedEnvelope:
        """Another sealing at the same place: its peer lists other keys by now."""
        held = self.sent[id]
        self.sent[id] = self.seal(self.messages[id], held.position, held.secret)
        self.sealings.append(self.sent[id])
        return self.sent[id]

    def prove(self, stated: Stated) -> bytes:
        """The signature by the key of today."""
        batch, (inclusion,) = self.home.keys.sign_batch([stated.unsigned])
        self.home.said.add(stated.payload)
        return Proof(batch=batch, inclusion=inclusion).encode()

    # --- receiving ------------------------------------------------------------------------------------------------

    def receive(self, data: bytes) -> Receipt:
        """Incoming steps 4 to 19. On a link that began anew, what was answered before is opened for its number."""
        envelope = steps.read_envelope(data)
        answered = self.final.get(envelope.id)
        if answered is None:
            return super().receive(data)
        if self.epochs[envelope.id] == positions(self.home.store.connection, self.peer.node)[0]:
            return answered
        self._number(self.open(data))
        return answered

    def open(self, data: bytes) -> AuthenticStatement:
        """Steps 4 to 11."""
        opened = steps.open_envelope(
            steps.read_envelope(data),
            own=self.own,
            signer=self.peer.node,
            open_cek=self.home.keys.open_cek,
            now=self.now,
        )
        if opened.statement.from_desc > self.peer.version:  # 9
            self.ask_for_chain()
            self.look()
        oldest = steps.oldest_usable(self.home.chain)
        return steps.authenticate_statement(
            opened, own=self.own, sender=self.peer, verifier=Verifier(), now=self.now, oldest=oldest
        )

    def _number(self, authentic: AuthenticStatement) -> None:
        request, connection, node = rules.number_message(authentic), self.home.store.connection, self.peer.node
        link = receiver._load_link(connection, node, {request.n})
        decision = rules.decide_number(link, request, reset_pending=not self.speaks)
        if isinstance(decision, NumberRefusal):
            if decision.held is not None:
                self.second.append((decision.held, authentic))
            raise RemoteError(decision.code, "the number is refused")
        after = rules.use_number(link, request, self.now)
        row = NumberRow(n=request.n, id=request.id, prev=request.prev, link=request.link_hash)
        links.use(connection, node, links.IN, after.view.epoch, [row], after.view.high)
        gaps = [GapRow(first=gap.first, last=gap.last, seen=after.seen[gap]) for gap in after.view.gaps]
        links.set_gaps(connection, node, after.view.epoch, gaps)
        self.epochs[request.id] = after.view.epoch

    def answer(self, envelopes: Sequence[bytes]) -> bytes:
        """The answer to a request. A node that waits for a reset judges nothing of its peer."""
        if not self.home.registry.hears(self.peer.node):
            raise RemoteError(Code.LINK_RESET_REQUIRED, "people have to begin this link anew")
        return super().answer(envelopes)

    def sign(self, receipts: Sequence[Receipt]) -> SignedReceipts:
        """Sign receipts by the key of today."""
        signed = answers.sign_receipts(receipts, self.home.keys.sign_batch)
        self.home.told |= {(one.of, str(one.status)) for one in receipts}
        self.home.receipts |= {one.encode() for one in receipts}
        self.issued.append(signed)
        return signed
