"""Two pure endpoints and a bad wire: the pure steps of ``gateway.delivery`` with the smallest shell around them.

    a, b = Endpoint.pair(Node("a"), Node("b"))
    sealed = a.send(a.submit(a.draft("enquiry.capacity.1/valid-minimal")))
    receipt = b.receive(sealed.data)                     one envelope; RemoteError where there is no final answer
    a.hear(b.answer([sealed.data]), [sealed.id])         as a request and its answer

The keys, signatures, seals and schemas are real; there is no clock, no disk and no network.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, TypeVar

from support.batches import by, prove
from support.nodes import NOW, Node, Seeds
from support.policies import open_on
from support.receiving import opener
from support.shared import ROOT

import schemas
from gateway.cases.rules import ConsentCase
from gateway.consent.rules import Consent, read
from gateway.conversations.history import BestInterests, FamilyReport, Guardian, History, Part, Risk, Side
from gateway.delivery.inbound import steps
from gateway.delivery.inbound.steps import ReceiverContext
from gateway.delivery.outbound import departure_steps
from gateway.delivery.outbound import steps as outbound
from gateway.errors import Code, RemoteError
from gateway.messages import answers
from gateway.messages.answers import Answer, Answers
from gateway.messages.machines.numbering import Entry, Gap, LinkView, New, Refuse, apply, judge
from gateway.messages.types import (
    AcceptedMessage,
    AuthenticStatement,
    Draft,
    LinkPosition,
    SealedEnvelope,
    ValidMessage,
)
from gateway.peers.scope import Agreed, Direction, PeerScope, PeerState
from gateway.policy.circumstances import Circumstances
from gateway.policy.gates.gate_table import PURPOSES, Recipient, UnitKind
from keys.documents import envelope as wire
from keys.documents.descriptor import Descriptor
from keys.documents.envelope import Receipt, Status
from keys.documents.keyset import Keyset
from keys.documents.receipts import SignedReceipts
from keys.documents.statement import SecretPart
from keys.primitives.batch import Verifier
from keys.primitives.encoding import b64u, canon, parse
from keys.primitives.seal import EncPrivateKey, seal_cek, seal_content
from schemas.types import type_name

T = TypeVar("T")
OPEN = open_on(("FR", "FR"))
EXAMPLES = ROOT / "schemas" / "examples"
EXAMPLE_NODE = "n1abcdefghijklmnopqrstuvwxyz234567"
TODAY: date = datetime.fromtimestamp(NOW, UTC).date()


def _units() -> frozenset[str]:
    """Every unit that occurs in a header of the examples."""
    headers = [json.loads(path.read_text(encoding="utf-8")).get("header", {}) for path in EXAMPLES.glob("*/*.json")]
    found = [header.get(name) for header in headers for name in ("sender_unit", "recipient_unit")]
    return frozenset(unit for unit in found if isinstance(unit, str))


EVERYTHING = Agreed(
    types=frozenset(type_name(held.body_type) for held in schemas.load_catalogue().types),
    directions=frozenset(Direction),
    corridors=frozenset({("FR", "FR")}),
    units=_units(),
    peer_units=_units(),
    roles=frozenset(code.code for code in schemas.code_list("role").codes),
    purposes=frozenset(code.code for code in schemas.code_list("purpose").codes),
    max_bytes=1_000_000,
    max_file_bytes=1_000_000,
)


def standing(state: PeerState = PeerState.ACTIVE, agreed: Agreed = EVERYTHING) -> PeerScope:
    """What a node holds about its peer; both are in one country here."""
    return PeerScope(state=state, agreed=agreed, corridor=("FR", "FR"))


def example(name: str, recipient: str = EXAMPLE_NODE) -> dict[str, Any]:
    """A body of schemas/examples, such as "referral.request.1/valid-minimal", for units of `recipient`."""
    text = (EXAMPLES / f"{name}.json").read_text(encoding="utf-8")
    body: dict[str, Any] = json.loads(text.replace(EXAMPLE_NODE, recipient))
    return body


def type_of(name: str) -> str:
    """The body type of an example: "referral.request.1/..." gives "referral.request/1"."""
    return "/".join(name.partition("/")[0].rsplit(".", 1))


def consent(recipient: str, name: str = "consent.record.1/valid-adult") -> Consent:
    """What an example record states, granted to units of `recipient`."""
    return read(example(name, recipient)["content"])


#: What every unit here is: not what is apart from a return, nor what is apart from asylum (domain 6.18).
SIGNED = EVERYTHING.roles - {"asylum_authority", "return_authority"}
LISTED = Recipient(country="FR", roles=SIGNED, kind=None, current=True)
"""A unit that the signed directory lists."""

MET = History(
    legal_status="regular",
    nationalities=frozenset({"AL"}),
    age_group="child",
    child_assent="given",
    guardians={side: Guardian(unit="g") for side in Side},
    best_interests=BestInterests(outcome="family_reunification_origin", review_on=None, care_place=True),
    family_report=FamilyReport(recommendation="suitable", involvement_suspected=False),
    host=Side.OURS,
    parts={
        whose: Risk(conclusion="proceed", at=NOW, review_on=None)
        for whose in ((Side.OURS, Part.SENDING), (Side.THEIRS, Part.RECEIVING))
    },
    joint={Side.OURS: Risk(conclusion="proceed", at=NOW, review_on=None)},
    travellers=("child",),
)
"""A conversation in which everything was said that a return, also of a child, needs."""


def circumstances(held: Consent | None = None, **changes: Any) -> Circumstances:
    """Nothing was withdrawn, all that comes before a return was said, and a charity asks; but for `changes`."""
    usual = {
        "node": "n1own",
        "sender_kind": UnitKind.NGO,
        "recipient": LISTED,
        "sender_roles": SIGNED,
        "consent": held,
        "consent_case": ConsentCase.SAME,
        "recorded_by": frozenset({"n1own"}),
        "conversation_withdrawn": False,
        "today": TODAY,
        "history": MET,
    }
    return Circumstances(**{**usual, **changes})


def held(consent: Consent | None = None, **changes: Any) -> ReceiverContext:
    """What a receiver knows: its own unit and nothing else, but for `consent` and `changes`."""
    usual = {
        "sender_kind": None,
        "recipient": LISTED,
        "sender_roles": SIGNED,
        "consent": consent,
        "recorded_by": frozenset(),
        "withdrawn": False,
    }
    return ReceiverContext(**{**usual, **changes})


def purpose_of(name: str) -> str:
    """A purpose that fits an example."""
    if "transfer-within-the-eu" in name:
        return "intra_eu_transfer"
    return min(PURPOSES.get(type_name(type_of(name)), {"referral"}) - {"intra_eu_transfer"})


def open_envelope(
    data: bytes, *, own: Descriptor, sender: Descriptor, keys: Sequence[EncPrivateKey], signer: str, now: int = NOW
) -> AuthenticStatement:
    """Receive steps 4 to 11."""
    unpacked = steps.open_envelope(steps.read_envelope(data), own=own, signer=signer, open_cek=opener(*keys), now=now)
    return steps.authenticate_statement(unpacked, own=own, sender=sender, verifier=Verifier(), now=now)


def seal_for(statement: wire.Statement, inner: bytes, keys: Iterable[EncPrivateKey], ceks: Iterable[bytes]) -> bytes:
    """An envelope for several keys, each given its own of `ceks`; the first one seals the content."""
    keys, ceks = list(keys), list(ceks)
    exp = wire.round_up_to_hour(statement.expires)
    hdr = wire.header_hash(
        id=statement.id, to=statement.to, exp=exp, kids=[key.kid for key in keys], parts=statement.parts
    )
    recipients = [
        wire.Recipient(kid=key.kid, enc=seal_cek(key.public, cek, wire.cek_info(key.kid, hdr)))
        for key, cek in zip(keys, ceks, strict=True)
    ]
    return wire.Envelope(
        id=statement.id,
        to=statement.to,
        exp=exp,
        rcp=tuple(recipients),
        parts=statement.parts,
        ct=seal_content(ceks[0], wire.body_context(hdr), inner),
    ).encode()


def files_for(named: Sequence[int]) -> tuple[SecretPart, ...]:
    """A small text for each file that a body names."""
    return tuple(
        SecretPart(n=n, name=f"{n}.txt", media="text/plain", size=n, key=bytes(32), sha256=bytes(32))
        for n in range(len(named))
    )


@dataclass(kw_only=True)
class Endpoint:
    """One node's side of one link, in memory. What it holds of the peer can be changed by a test."""

    node: Node
    own: Descriptor
    peer: Descriptor
    keyset: Keyset
    now: int = NOW
    epoch: int = 1
    state: PeerState = PeerState.ACTIVE
    scope: Agreed = EVERYTHING
    sent: dict[str, SealedEnvelope] = field(default_factory=dict)
    heard: dict[str, Receipt] = field(default_factory=dict)
    documents: list[SignedReceipts] = field(default_factory=list)
    position: LinkPosition | None = None
    used: dict[int, Entry] = field(default_factory=dict)
    high: int = 0
    gaps: tuple[Gap, ...] = ()
    final: dict[str, Receipt] = field(default_factory=dict)
    accepted: list[AcceptedMessage] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rand = Seeds(f"endpoint {self.node.name}")
        self.conversation = b64u(Seeds("conversation")(16))

    @classmethod
    def pair(cls, a: Node, b: Node) -> tuple[Endpoint, Endpoint]:
        """Both ends of the link between two nodes, with keysets."""
        first, second = a.first(), b.first()
        return (
            cls(node=a, own=first, peer=second, keyset=b.first_keyset(second)),
            cls(node=b, own=second, peer=first, keyset=a.first_keyset(first)),
        )

    @property
    def standing(self) -> PeerScope:
        """What this end holds about the other one."""
        return standing(self.state, self.scope)

    # --- sending --------------------------------------------------------------------------------------------------

    def draft(self, name: str, **changes: Any) -> Draft:
        """An example as somebody's wish to say it to the peer."""
        body = example(name, self.peer.node)
        usual = {
            "id": b64u(self.rand(16)),
            "body_type": type_of(name),
            "to": self.peer.node,
            "conversation": self.conversation,
            "reply_to": None,
            "purpose": purpose_of(name),
            "header": body["header"],
            "content": body["content"],
        }
        return Draft(**{**usual, **changes})

    def submit(self, draft: Draft, facts: Circumstances | None = None) -> ValidMessage:
        """Outgoing steps 1 to 3, with a consent that covers the examples, under a policy that closes nothing."""
        facts = facts or circumstances(consent(self.peer.node))
        files = files_for(schemas.list_parts(draft.body_type, draft.content))
        return outbound.submit(draft, self.standing, facts, policy=OPEN, around=None, now=self.now, files=files)[1]

    def send(self, message: ValidMessage) -> SealedEnvelope:
        """Outgoing steps 5 to 7; the bytes stay the same until answered."""
        last = self.position
        self.position = departure_steps.next_position(self.epoch, last.n if last else 0, last and self._last_link)
        self.sent[message.id] = self.seal(message, self.position, self.secret(message))
        self._last_link = self.sent[message.id].link
        return self.sent[message.id]

    def secret(self, message: ValidMessage) -> bytes:
        """The secret of a message whose body names files, with what proves them."""
        content = parse(message.body, limit=len(message.body))
        assert isinstance(content, dict)
        return departure_steps.new_secret(self.rand, files_for(schemas.list_parts(message.schema, content["content"])))

    def seal(self, message: ValidMessage, position: LinkPosition, secret: bytes) -> SealedEnvelope:
        """Outgoing steps 6 and 7."""
        stated = departure_steps.state(
            message,
            secret,
            position,
            commit=wire.compute_commitment(secret, message.body),
            own=self.own,
            peer=self.peer,
            keyset=self.keyset,
            now=self.now,
        )
        return departure_steps.seal(stated, self.prove(stated), self.rand)

    def prove(self, stated: departure_steps.Stated) -> bytes:
        """The signature of a statement, alone in its batch."""
        return prove(self.node.sig, *stated.unsigned)

    def hear(self, data: bytes, asked: Sequence[str]) -> Answers:
        """Read an answer; receipts for what this end sent are kept."""
        answer = answers.read_answers(data, asked=asked, issuer=self.peer, me=self.own.node, now=self.now)
        hashes = {sealed.statement_hash for sealed in self.sent.values()}
        self.heard |= {receipt.msg: receipt for receipt in answer.receipts if receipt.of in hashes}
        if answer.signed is not None:
            self.documents.append(answer.signed)
        return answer

    # --- receiving ------------------------------------------------------------------------------------------------

    def receive(self, data: bytes) -> Receipt:
        """Incoming steps 4 to 19 for one envelope: its final answer, the stored one for a repeat.

        Raises RemoteError where the answer is a code and not final; nothing has changed then.
        """
        envelope = steps.read_envelope(data)
        if envelope.id in self.final:  # 5
            return self.final[envelope.id]
        authentic = self.open(data)
        self._number(authentic)
        return self._finish(authentic)

    def open(self, data: bytes) -> AuthenticStatement:
        """Steps 4 to 11."""
        return open_envelope(
            data, own=self.own, sender=self.peer, keys=[self.node.enc], signer=self.peer.node, now=self.now
        )

    def _number(self, authentic: AuthenticStatement) -> None:
        """Step 12."""
        said = authentic.statement
        view = LinkView(epoch=self.epoch, high=self.high, known=self.used, gaps=self.gaps)
        verdict = judge(view, epoch=said.epoch, n=said.n, id=said.id, prev=said.prev, link_hash=authentic.link_hash)
        if isinstance(verdict, Refuse):
            raise RemoteError(verdict.code, verdict.rule)
        assert isinstance(verdict, New), "a repeat has a final answer"
        self.high, self.gaps = apply(view, said.n)
        self.used[said.n] = Entry(id=said.id, prev=said.prev, link_hash=authentic.link_hash)

    def _finish(self, authentic: AuthenticStatement) -> Receipt:
        """Steps 13 to 19."""
        code: Code | None = None
        try:
            examined = steps.examine_message(authentic, scope=self.standing)
            self.accepted.append(
                steps.accept_message(examined, known=held(), conversation=None, own_node=self.own.node)
            )
        except RemoteError as error:
            code = error.code
        said = authentic.statement
        receipt = self.receipt(said, Status.RECEIVED if code is None else Status.REJECTED, code=code)
        self.final[said.id] = receipt
        return receipt

    def receipt(
        self, said: wire.Statement, status: Status, *, at: int | None = None, code: str | None = None
    ) -> Receipt:
        """This end's receipt for a statement of the peer."""
        return Receipt(
            of=wire.statement_hash(said.encode()),
            msg=said.id,
            from_=self.own.node,
            from_desc=self.own.version,
            to=self.peer.node,
            n=said.n,
            status=status,
            at=self.now if at is None else at,
            code=None if code is None else str(code),
        )

    def answer(self, envelopes: Sequence[bytes]) -> bytes:
        """The answer to a request of envelopes, with one signature for all that is final."""
        told: list[Answer] = []
        batch: dict[str, Receipt] = {}
        for data in envelopes:
            try:
                receipt = self.receive(data)
            except RemoteError as error:
                told.append(Answer(id=_id_of(data), code=error.code))
                continue
            batch[receipt.msg] = receipt
            told.append(Answer(id=receipt.msg, code=None if receipt.code is None else Code(receipt.code)))
        signed = self.sign(list(batch.values())) if batch else None
        return answers.encode_answers(told, signed)

    def sign(self, receipts: Sequence[Receipt]) -> SignedReceipts:
        """Sign receipts by one signature."""
        return answers.sign_receipts(receipts, by(self.node.sig))


def _id_of(data: bytes) -> str | None:
    try:
        return steps.read_envelope(data).id
    except RemoteError:
        return None


@dataclass(kw_only=True)
class Wire:
    """Loses, doubles, delays and reorders whatever it carries, the same way for the same `rng`."""

    rng: random.Random
    lose: float = 0.3
    double: float = 0.2
    delay: float = 0.2
    kept: list[Any] = field(default_factory=list)

    def carry(self, items: Iterable[T]) -> list[T]:
        """What arrives now of `items` and of what was kept before."""
        arriving, self.kept = self.kept, []
        for item in items:
            for _ in range(1 + (self.rng.random() < self.double)):
                if self.rng.random() < self.lose:
                    continue
                (self.kept if self.rng.random() < self.delay else arriving).append(item)
        self.rng.shuffle(arriving)
        return arriving


def flipped(data: bytes, place: int, bit: int = 0) -> bytes:
    """`data` with one bit changed."""
    spoiled = bytearray(data)
    spoiled[place] ^= 1 << bit
    return bytes(spoiled)


def edited(data: bytes, change: Callable[[Any], object]) -> bytes:
    """Canonical JSON with `change` applied to its value, canonical again."""
    value = json.loads(data)
    change(value)
    return canon(value)


def header_with(draft: Draft, **changes: Any) -> Mapping[str, Any]:
    """The header of a draft with other members; None leaves one out."""
    return {name: value for name, value in {**draft.header, **changes}.items() if value is not None}
