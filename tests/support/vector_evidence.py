"""Vectors of evidence: what each signature of a bundle is worth, by which caveats (docs/spec/evidence.md)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from support.batches import prove
from support.stranger import verify
from support.vector_parties import NOW, Party, id_of, key_of, notes_key_of, record, signed
from support.vector_plain import statement

from gateway.database.audit_entries import leaf
from gateway.errors import RemoteError
from gateway.evidence.form import ISSUED
from gateway.evidence.signed import Signed
from keys.documents.descriptor import DESCRIPTORS, Descriptor, Revocation
from keys.documents.descriptor_chain import accept_descriptor
from keys.documents.envelope import Receipt, Status, statement_hash
from keys.documents.key_records import Use
from keys.documents.log_signatures import cosign_checkpoint, cosignature_text, sign_checkpoint
from keys.documents.signed_note import Checkpoint, SignedNote, read_signatures
from keys.documents.statement import proof_hash
from keys.primitives.batch import Batch, Proof
from keys.primitives.domains import RECEIPT, STATEMENT
from keys.primitives.encoding import DAY, b64u, canon, parse, unb64u
from keys.primitives.hybrid_keys import SigningKey
from keys.primitives.merkle_tree import Tiles, leaf_hash, prove_inclusion
from keys.primitives.sign import SignedDocument

Case = dict[str, Any]

SEEN = NOW + 30
PUBLISHED = NOW + 3_600
ENDED = NOW + 366 * DAY
"""Later than any record of a key."""


class _Log:
    """The audit log of `bel`, which cor and alb witness."""

    def __init__(self, held: Descriptor) -> None:
        self.held = held
        self.leaves: list[bytes] = []

    def write(self, event: str, **facts: Any) -> None:
        """One more entry."""
        self.leaves.append(leaf(NOW, event, **facts)(len(self.leaves) + 1))

    def part(self, witnesses: Sequence[tuple[Descriptor, SigningKey, int]]) -> Case:
        """One checkpoint over all entries, cosigned at these times, but without the chains of its witnesses."""
        hashes, size = [leaf_hash(data) for data in self.leaves], len(self.leaves)
        tree = Tiles(size, lambda level, index: None, lambda first, last: hashes[first:last])
        text = Checkpoint(origin=self.held.log, size=size, root=tree.root()).text
        own = read_signatures(sign_checkpoint(text, _key("bel", Use.LOG)))
        lines = [
            line
            for who, key, at in sorted(witnesses, key=lambda witness: witness[0].node)
            for line in read_signatures(cosign_checkpoint(cosignature_text(text, at), who.node, key))
        ]
        paths = [[b64u(step) for step in prove_inclusion(place, size, tree.node)] for place in range(size)]
        return {
            "node": self.held.node,
            "note": SignedNote(text=text, signatures=(*own, *lines)).encode().decode(),
            "leaves": [{"leaf": b64u(data), "path": path} for data, path in zip(self.leaves, paths, strict=True)],
        }


def _key(name: str, use: Use) -> SigningKey:
    return notes_key_of(f"{name}/{use}")


def _chain(name: str) -> tuple[Party, SignedDocument]:
    party = Party(name=name)
    keys = [record(party.sig, Use.SIG), *(record(_key(name, use), use) for use in (Use.LOG, Use.WIT))]
    return party, signed(party.payload(keys=keys), party.roots)


def _revoking(party: Party, first: SignedDocument, since: int) -> SignedDocument:
    """Version 2 revokes the `sig` key of version 1, published an hour after the message."""
    gone = Revocation(kid=party.sig.public.kid, at=PUBLISHED, since=since, reason="stolen")
    keys = [record(key_of(f"{party.name}/sig-2"), Use.SIG)]
    payload = party.following(first.payload, keys=keys, revoked=[gone], issued=PUBLISHED, expires=PUBLISHED + 400 * DAY)
    return signed(payload, party.roots)


def evidence() -> Case:
    """A message of alb to bel with one receipt, in the log of bel, which alb and cor witness."""
    (alb, alb_1), (bel, bel_1), (_, cor_1) = (_chain(name) for name in ("alb", "bel", "cor"))
    a, b, c = (accept_descriptor(None, document, NOW) for document in (alb_1, bel_1, cor_1))
    documents = {
        "alb-1": alb_1,
        "bel-1": bel_1,
        "cor-1": cor_1,
        "alb-2 revokes as of the beginning": _revoking(alb, alb_1, 1),
        "alb-2 revokes as of a minute later": _revoking(alb, alb_1, NOW + 60),
        "alb-2 revokes as of a second later": _revoking(alb, alb_1, NOW + 1),
    }
    first = statement(from_=a.node, to=b.node, expires=NOW + DAY)
    said = first.encode()
    message = prove(alb.sig, STATEMENT, said)
    proven = {"message": (said, message)}
    for name, place in {"numbered anew": (2, 1, None), "numbered again": (1, 2, first.link)}.items():
        epoch, n, prev = place
        again = replace(first, epoch=epoch, n=n, prev=prev, created=NOW + 20).encode()
        proven[name] = (again, prove(alb.sig, STATEMENT, again))
    receipts = {
        "received": (Status.RECEIVED, NOW, None),
        "rejected": (Status.REJECTED, NOW + 10, "out_of_scope"),
        "opened after the key had ended": (Status.OPENED, ENDED, None),
    }
    for name, (status, at, code) in receipts.items():
        told = Receipt(
            of=statement_hash(said),
            msg=id_of("message"),
            from_=b.node,
            from_desc=1,
            to=a.node,
            n=1,
            status=status,
            at=at,
            code=code,
        )
        proven[name] = (told.encode(), prove(bel.sig, RECEIPT, told.encode()))
    book = _Log(b)
    book.write("message.received", of=statement_hash(said), peer=a.node, n=1, code=None, sig=proof_hash(message))
    payload, frame = proven["received"]
    book.write("receipts.issued", of=Proof.parse(frame, RECEIPT, payload).batch.hash, peer=a.node)
    by_cor, by_alb = (c, _key("cor", Use.WIT), SEEN), (a, _key("alb", Use.WIT), SEEN + 10)
    logs = {
        "witnessed by alb and cor": book.part([by_cor, by_alb]),
        "witnessed when the revocation was published": book.part([(c, by_cor[1], PUBLISHED)]),
    }
    file = {
        "type": ISSUED,
        "documents": {name: document.to_json() for name, document in documents.items()},
        "proven": {
            name: {"payload": b64u(payload), "proof": parse(frame, limit=len(frame))}
            for name, (payload, frame) in proven.items()
        },
        "logs": logs,
        "fingerprints": {"alb": a.fingerprint, "bel": b.fingerprint, "cor": c.fingerprint},
    }
    return file | {"cases": _cases()}


def _cases() -> list[Case]:
    beginning, minute, second = (
        f"alb-2 revokes as of {what}" for what in ("the beginning", "a minute later", "a second later")
    )
    both, late = "witnessed by alb and cor", "witnessed when the revocation was published"
    gone, at = "NRM alb revoked the key as of 2027-01-15 08:0{} UTC (stolen)", "2027-01-15 08:00"
    proven: Case = {"verdict": "proven", "caveats": []}

    def case(name: str, verdicts: list[Case] | str, **changes: Any) -> Case:
        usual = {"alb": ["alb-1"], "receipts": ["received"], "log": both, "given": ["alb", "bel", "cor"]}
        return {"name": name, **usual, **changes, "verdicts": verdicts}

    def doubt(why: str) -> Case:
        return {"verdict": "in doubt", "caveats": [why]}

    disputed = (
        "NRM alb revoked the key as of 1970-01-01 00:00:01 UTC (stolen), but published that on 2027-01-15 09:00:00 UTC "
        f"only and NRM cor had witnessed it on {at}:30 UTC: it counts for whoever relies on NRM cor"
    )
    support = f": its own date and the receipt of NRM bel of {at}:00 UTC say so"
    return [
        case("no key was revoked", [proven, proven]),
        case("in a bundle of the first form", "malformed", type="nrm.evidence/2"),
        case(
            "revoked as of later than a witness saw it",
            [proven | {"caveats": [gone.format("1:00") + ", and NRM cor had witnessed it before"]}, proven],
            alb=["alb-1", minute],
        ),
        case(
            "revoked as of earlier than a witness saw it",
            [
                doubt(gone.format("0:01") + ", and no witness saw it before" + support),
                proven,
            ],
            alb=["alb-1", second],
        ),
        case(
            "revoked as of the beginning, seen before that was published",
            [{"verdict": "disputed", "caveats": [disputed]}, proven],
            alb=["alb-1", beginning],
        ),
        case(
            "the same for whoever does not know the witness",
            "revoked_key",
            alb=["alb-1", beginning],
            given=["alb", "bel"],
        ),
        case("seen only when the revocation was published", "revoked_key", alb=["alb-1", beginning], log=late),
        case("revoked and no log", "revoked_key", alb=["alb-1", beginning], log=None),
        case(
            "a receipt after its key had ended",
            [
                proven,
                doubt("the key was not listed as valid on 2028-01-16 08:00:00 UTC"),
            ],
            receipts=["opened after the key had ended"],
            log=None,
        ),
        case(
            "a rejection",
            [proven, proven | {"caveats": ["rejected does not mean unread"]}],
            receipts=["rejected"],
            log=None,
        ),
        case("numbered anew after a link reset", [proven] * 3, beside=["numbered anew"]),
        case("numbered twice in one epoch", "malformed", beside=["numbered again"]),
    ]


def judge(file: Case, case: Case) -> list[Case] | str:
    """What both verifiers say of the bundle of a case: the verdict on each signature with its caveats, or a code."""
    chains = [[file["documents"][name] for name in names] for names in (case["alb"], ["bel-1"])]
    log = None
    if case["log"] is not None:
        part = dict(file["logs"][case["log"]])
        node = part.pop("node")
        log = {"node": node, "checkpoints": [part], "witnesses": [[file["documents"]["cor-1"]]]}
    bundle = {
        "type": case.get("type", file.get("type", "nrm.evidence/2")),  # the file of the first form names none
        "parties": sorted(chains, key=_node),
        "log": log,
        **_signed(file, case["receipts"], case.get("beside", [])),
    }
    if bundle["type"] == "nrm.evidence/2":
        bundle.pop("batches", None)
    try:
        report = verify(canon(bundle), {file["fingerprints"][name] for name in case["given"]})
    except RemoteError as error:
        return str(error.code)
    signatures = [signature for message in report.messages for signature in message.signatures]
    return [{"verdict": str(one.verdict), "caveats": [*one.caveats]} for one in signatures]


def _signed(file: Case, receipts: Sequence[str], beside: Sequence[str]) -> Case:
    """The message, others `beside` it and these receipts; in the second form with the batches that they name."""
    if "proven" not in file:
        told = [file["documents"][name] for name in receipts]
        return {"messages": [{"statements": [file["documents"]["message"]], "disclosure": None}], "receipts": told}
    said = ["message", *beside]
    kinds = {**dict.fromkeys(said, STATEMENT), **dict.fromkeys(receipts, RECEIPT)}
    read = {name: _read(file["proven"][name], kind) for name, kind in kinds.items()}
    batches = sorted((one.batch for one in read.values() if one.batch is not None), key=Batch.encode)
    places = {batch: place for place, batch in enumerate(batches)}
    told = [read[name].to_json(places) for name in receipts]
    return {
        "batches": [batch.to_json() for batch in batches],
        "messages": [{"statements": [read[name].to_json(places)], "disclosure": None} for name in said],
        "receipts": told,
    }


def _read(value: Case, kind: str) -> Signed:
    payload = unb64u(value["payload"])
    return Signed(payload=payload, payload_type=kind, by=Proof.parse(canon(value["proof"]), kind, payload))


def _node(chain: Sequence[Case]) -> str:
    return accept_descriptor(None, SignedDocument.from_json(chain[0], *DESCRIPTORS), NOW).node
