"""A peer that numbers its messages as a test says, with the real keys of a node: what no honest sender would send."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from support.endpoints import example
from support.nodeproc import enquiry
from support.pair import Party
from support.policies import open_on

import schemas
from gateway.cases.rules import ConsentCase
from gateway.consent.rules import Consent, read
from gateway.delivery.outbound import departure_steps, steps
from gateway.delivery.outbound.exchange import FINAL_WORDS
from gateway.messages.types import Draft, LinkPosition, ValidMessage
from gateway.peers.registry import address
from gateway.policy.circumstances import Circumstances
from gateway.policy.descriptor_units import recipient_in
from gateway.ports import Clock
from keys.documents.envelope import Secret, Void, compute_commitment, link_hash
from keys.primitives.batch import Proof
from keys.primitives.domains import VOID
from keys.primitives.encoding import b64u, canon, sha256
from keys.primitives.sign import SignedDocument


class Forger:
    """Speaks for `party`; each number has an id of its own that stays the same until a test gives it another."""

    def __init__(self, party: Party) -> None:
        self._party = party
        self._ids: dict[int, str] = {}
        self._commits: dict[int, str | None] = {}

    def id(self, n: int) -> str:
        """The id of message `n`."""
        return self._ids.setdefault(n, b64u(self._party.running.rand(16)))

    def _prev(self, n: int) -> str | None:
        if n == 1:
            return None
        return self.link(n - 1)

    def link(self, n: int) -> str:
        """The link hash of message `n`, as it was sealed or voided, or as `seal` makes it by default."""
        return link_hash(epoch=1, n=n, id=self.id(n), commit=self.commit(n), prev=self._prev(n))

    def commit(self, n: int) -> str | None:
        """The commitment of message `n`, None if there was only a void."""
        if n not in self._commits:
            self._commits[n] = compute_commitment(_secret(n), _body(enquiry(f"n{n}")))
        return self._commits[n]

    def seal(
        self,
        n: int,
        request: dict[str, Any] | None = None,
        *,
        id: str | None = None,
        epoch: int = 1,
        prev: str = "",
        consent: Consent | None = None,
        from_desc: int | None = None,
        spoil: Callable[[ValidMessage], ValidMessage] = lambda message: message,
    ) -> bytes:
        """The envelope of message `n`; by default a small enquiry that says which number it is. `consent` is what the
        forger pretends to hold; by default what the header names, covering everything. `from_desc` is the version of
        its descriptor that it claims. `spoil` makes another of what its own node permitted.
        """
        node, peer = self._party.running, self._party.peer()
        request = request or enquiry(f"n{n}")
        draft = Draft(
            id=id or self.id(n),
            body_type=request["type"],
            to=peer.node,
            conversation=request.get("conversation") or b64u(node.rand(16)),
            reply_to=None,
            purpose=request.get("purpose"),
            header={**request["header"], "seen": 0},
            content=request["content"],
        )
        standing = peer.standing(node.clock.now())
        own = node.own.descriptor
        facts = Circumstances(
            node=node.own.node,
            sender_kind=None,
            consent=consent or _covering(peer.node, request["header"]),
            consent_case=ConsentCase.SAME,
            recorded_by=frozenset(),
            recipient=recipient_in(peer.descriptor, draft.header["recipient_unit"], now=node.clock.now()),
            conversation_withdrawn=False,
            today=_today(node.clock),
        )
        policy = open_on(standing.corridor)
        _, message = steps.submit(draft, standing, facts, policy=policy, around=None, now=node.clock.now())
        message = spoil(message)
        assert peer.keyset is not None
        commit = compute_commitment(_secret(n), message.body)
        if id is None:
            self._commits.setdefault(n, commit)
        stated = departure_steps.state(
            message,
            _secret(n),
            LinkPosition(epoch=epoch, n=n, prev=prev or self._prev(n)),
            commit=commit,
            own=own if from_desc is None else replace(own, version=from_desc),
            peer=peer.descriptor,
            keyset=peer.keyset,
            now=node.clock.now(),
        )
        batch, (inclusion,) = node.keys.sign_batch([stated.unsigned])
        return departure_steps.seal(stated, Proof(batch=batch, inclusion=inclusion).encode(), node.rand).data

    async def void(self, n: int, *, id: str) -> None:
        """Ask a void question about `id` under the number `n`."""
        node, peer = self._party.running, self._party.peer()
        payload = Void(
            id=id,
            from_=node.own.node,
            to=peer.node,
            epoch=1,
            n=n,
            commit=self._commits.setdefault(n, None),
            prev=self._prev(n),
            created=node.clock.now(),
        ).encode()
        document = SignedDocument(payload=payload, payload_type=VOID, signatures=(node.keys.sign(VOID, payload),))
        assert (await node.client.post_void(address(peer.descriptor), document.encode())).status == 200

    async def post(self, *envelopes: bytes) -> list[tuple[str | None, str | None]]:
        """Send them in one request: for each its code and its signed final word, if it has one."""
        node = self._party.running
        answered = await node.client.post_messages(address(self._party.peer().descriptor), envelopes)
        assert answered.status == 200
        value = json.loads(answered.body)
        told: dict[str, str] = {}
        if value["receipts"] is not None:
            words = [item["receipt"] for item in value["receipts"]["receipts"]]
            told = {word["msg"]: word["status"] for word in words if word["status"] in FINAL_WORDS}
        return [(answer["code"], told.get(answer["id"])) for answer in value["answers"]]

    async def send(self, n: int, **changes: Any) -> tuple[str | None, str | None]:
        """Seal and send one."""
        (answer,) = await self.post(self.seal(n, **changes))
        return answer


def _secret(n: int) -> bytes:
    """The secret of message `n`, so that its commitment is known before it is sealed."""
    return Secret(salt=sha256(b"forger %d" % n)).encode()


def _body(request: dict[str, Any]) -> bytes:
    """What is sealed of a request under a policy that takes nothing out."""
    return canon({"header": {**request["header"], "seen": 0}, "content": request["content"]})


def _covering(node: str, header: dict[str, Any]) -> Consent | None:
    """The consent that a header names, if any: a referral may go to its unit with everything."""
    if "consent_ref" not in header:
        return None
    categories = [code.code for code in schemas.code_list("data_category").codes]
    units = [f"{node}/{header['recipient_unit']}"]
    grant = {"purpose": "referral", "recipient_units": units, "data_categories": categories, "until": "2030-01-01"}
    record = example("consent.record.1/valid-adult", node)["content"]
    return read(record | {"consent_id": header["consent_ref"], "grants": [grant]})


def _today(clock: Clock) -> date:
    return datetime.fromtimestamp(clock.now(), UTC).date()
