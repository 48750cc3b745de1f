"""Evidence bundles as a generator draws them: valid, cut, back-dated, by keys that were revoked, shortened or delisted,
with logs that some witnessed at some time, shown in part or whole, and with two contents under one number. What is
signed is alone in its batch or one of 2, 127 or 128. Nothing is left out that a verifier should refuse.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from random import Random
from typing import Any

from support.batches import proofs
from support.endpoints import edited
from support.exhibits import Logbook, Witness, log_name, next_version, receipt, stated, tiny
from support.nodes import NOW, Seeds, record

from gateway.evidence.build import Exhibit, _assemble
from keys.documents.descriptor import Descriptor, Revocation
from keys.documents.envelope import (
    Receipt,
    Secret,
    Statement,
    Status,
    compute_commitment,
    statement_hash,
)
from keys.documents.key_records import KeyRecord, Use
from keys.documents.receipts import KeptReceipts, SignedReceipts
from keys.documents.statement import proof_hash
from keys.offline.roots import new_root
from keys.primitives.batch import Unsigned
from keys.primitives.commitment import cut_fields, disclose
from keys.primitives.domains import RECEIPT, STATEMENT
from keys.primitives.encoding import DAY, Json, b64u, canon
from keys.primitives.hybrid_keys import SigningKey

_VALUES: tuple[Json, ...] = (None, True, 0, -7, "", "text, with a comma", [], {})


@dataclass(frozen=True)
class Drawn:
    """A bundle and the fingerprints that a verifier has."""

    data: bytes
    anchors: frozenset[str]


@cache
def parties() -> tuple[Witness, Witness, Witness]:
    """Two nodes that wrote to each other and a third one, each with one root."""
    one, two, three = (
        Witness(name, threshold=1, roots=[new_root(now=NOW - DAY, rand=Seeds(f"drawn {name}"))]) for name in "uvw"
    )
    return one, two, three


@cache
def spare(name: str, place: int) -> SigningKey:
    """A `sig` key that a node may list later."""
    return SigningKey.generate(Seeds(f"spare {name} {place}"), hybrid=True)


def draw(rng: Random) -> Drawn:
    """One bundle of one message, or of two that have one number."""
    one, two, three = parties()
    sender, receiver = _chain(rng, one), _chain(rng, two)
    secret, body = Secret(salt=rng.randbytes(32)).encode(), _body(rng)
    frames = _sealings(rng, one, sender, receiver, compute_commitment(secret, body))
    batches = _batches(rng, two, receiver, [statement for statement, _ in frames])
    book = _log(rng, rng.choice((one, two)), (one, two, three), frames, batches)
    extract = replace(book.extract(), witnesses={three.first().node: (three.first(),)})
    kept = (extract if rng.random() < 0.9 else None, frozenset[str]())
    held = {chain[-1].node: _cut(rng, chain) for chain in (sender, receiver)}
    exhibits = [_show(rng, Exhibit(sealings=frames), secret, body)]
    if rng.random() < 0.25:
        other = _sealings(rng, one, sender, receiver, b64u(rng.randbytes(32)), elsewhere=rng.random() < 0.5)
        exhibits.append(Exhibit(sealings=other))
    data, _ = _assemble(held, exhibits, batches, kept[0], without=kept[1])
    known = [one, two] + [three] * (rng.random() < 0.6)
    data = _misplace(rng, data) if rng.random() < 0.08 else data
    return Drawn(data=data, anchors=frozenset(node.first().fingerprint for node in known))


def _time(rng: Random) -> int:
    """A time that is often another one that was drawn, or 300 s from it, give or take a second."""
    return NOW + 600 * rng.randrange(6) + rng.choice((0, 0, 0, -300, 300)) + rng.choice((0, 0, 0, -1, 1))


def _chain(rng: Random, node: Witness) -> tuple[Descriptor, ...]:
    """A chain of 1 to 4 versions: some revoke, shorten or delist a key, or let a revocation reach further back."""
    chain: tuple[Descriptor, ...] = (node.first(),)
    for place in range(rng.choice((0, 1, 1, 1, 2, 3))):
        last = chain[-1]
        issued = max(last.issued, _time(rng) + rng.choice((0, 1_800, 3_600)))
        since = min(issued, rng.choice((1, 1, _time(rng), _time(rng))))
        revoked = [replace(gone, since=min(gone.since, since)) if rng.random() < 0.3 else gone for gone in last.revoked]
        keys: list[KeyRecord] = [record(spare(node.name, place), Use.SIG)]
        for held in last.keys:
            fate = rng.random() if held.use in (Use.SIG, Use.LOG) else 1.0
            if fate < 0.35:
                revoked.append(Revocation(kid=held.kid, at=issued, since=since, reason="stolen"))
            elif fate < 0.5 and held.use is Use.SIG:
                keys.append(replace(held, until=max(held.from_ + 1, _time(rng))))
            elif fate > 0.6:
                keys.append(held)
        chain = next_version(node, chain, keys=keys, revoked=revoked, issued=issued)
    return chain


def _cut(rng: Random, chain: tuple[Descriptor, ...]) -> tuple[Descriptor, ...]:
    return chain[: rng.randrange(1, len(chain) + 1)] if rng.random() < 0.15 else chain


def _signer(rng: Random, node: Witness, chain: Sequence[Descriptor]) -> tuple[SigningKey, int]:
    """A key of the node and a version that lists it at or before the last one that does."""
    keys = [node.sig, node.sig, *(spare(node.name, place) for place in range(len(chain) - 1))]
    key = rng.choice(keys)
    listed = [held.version for held in chain if any(key.public.kid == found.kid for found in held.keys)]
    return key, rng.randrange(1, max(listed) + 1) if listed else 1


def _body(rng: Random) -> bytes:
    """A body with some of everything that is a field, and sometimes more than 64 of them."""
    content: dict[str, Json] = {f"f{place}": rng.choice(_VALUES) for place in range(rng.choice((1, 3, 70)))}
    content["a/b~c"] = ["x", {"y": rng.choice(_VALUES)}]
    return canon({"content": content, "header": {"seen": rng.randrange(9)}})


def _show(rng: Random, exhibit: Exhibit, secret: bytes, body: bytes) -> Exhibit:
    """Nothing, everything, or some fields of the message; sometimes another body, or a field that was moved or cut."""
    kind = rng.choice(("nothing", "whole", "other", "fields", "fields", "fields", "spoilt"))
    if kind == "nothing":
        return exhibit
    if kind in ("whole", "other"):
        return replace(exhibit, disclosure=(secret, body if kind == "whole" else _body(rng)))
    pointers = sorted(cut_fields(body))
    fields = [*disclose(secret, body, rng.sample(pointers, rng.randrange(1, min(len(pointers), 9))))]
    if kind == "spoilt":
        place = rng.randrange(len(fields))
        fields[place] = rng.choice(
            (
                replace(fields[place], value="other"),
                replace(fields[place], pointer=rng.choice(pointers)),
                replace(fields[place], index=fields[place].index ^ 1),
                replace(fields[place], path=fields[place].path[1:]),
                replace(fields[place], salt=rng.randbytes(32)),
            )
        )
    return replace(exhibit, fields=fields)


def _sealings(
    rng: Random,
    node: Witness,
    chain: Sequence[Descriptor],
    to: Sequence[Descriptor],
    commit: str,
    *,
    elsewhere: bool = False,
) -> list[tuple[bytes, bytes]]:
    """The sealings of one message; `elsewhere` of another conversation, and then sometimes of another epoch."""
    template = stated(tiny().sealed["enquiry"])
    if elsewhere:
        epoch = template.epoch + (rng.random() < 0.2)
        template = replace(template, conv=b64u(bytes(16)), id=rng.choice((template.id, b64u(bytes(16)))), epoch=epoch)
    frames = []
    for _ in range(rng.choice((1, 1, 2))):
        key, version = _signer(rng, node, chain)
        created = _time(rng)
        said = replace(
            template,
            from_=chain[0].node,
            to=to[0].node,
            from_desc=version,
            to_desc=1,
            created=created,
            expires=NOW + DAY,
            commit=commit,
        )
        proof, *_ = proofs(key, (STATEMENT, said.encode()), *_beside(rng))
        frames.append((said.encode(), proof.encode()))
    return list({statement: (statement, signatures) for statement, signatures in frames}.values())


def _batches(
    rng: Random, node: Witness, chain: Sequence[Descriptor], statements: Sequence[bytes]
) -> list[KeptReceipts]:
    told: list[Receipt] = []
    batches = list[KeptReceipts]()
    for _ in range(rng.choice((0, 1, 2, 3))):
        key, version = _signer(rng, node, chain)
        status = rng.choice(tuple(Status))
        code = "out_of_scope" if status is Status.REJECTED else None
        of, said = (found := rng.choice(statements)), Statement.parse(found)
        new = receipt(
            tiny().sealed["enquiry"],
            status,
            of=statement_hash(of),
            msg=said.id,
            from_=said.to,
            from_desc=version,
            to=said.from_,
            n=said.n,
            at=_time(rng),
            code=code,
        )
        told = [*(old for old in told if (old.of, old.status) != (new.of, new.status)), new]
        shown = told if rng.random() < 0.5 else [new]
        batches.append(_signed(rng, key, shown))
    return batches


def _signed(rng: Random, key: SigningKey, told: Sequence[Receipt]) -> SignedReceipts:
    """These receipts, in one batch with what is of no concern here."""
    made = proofs(key, *(receipt.unsigned for receipt in told), *_beside(rng, len(told)))
    return SignedReceipts.of(made[0].batch, zip(told, (proof.inclusion for proof in made), strict=False))


def _beside(rng: Random, already: int = 1) -> list[Unsigned]:
    """What is signed together with something: nothing, or as much as makes a batch of 2, 127 or 128."""
    size = rng.choice((1, 1, 2, 127, 128))
    return [(rng.choice((STATEMENT, RECEIPT)), rng.randbytes(8)) for _ in range(size - already)]


def _misplace(rng: Random, data: bytes) -> bytes:
    """The bundle with one statement or receipt at another place of its tree, or under another batch."""

    def change(value: Any) -> None:
        listed = [*value["messages"][0]["statements"], *value["receipts"]]
        one, step = rng.choice(listed), b64u(rng.randbytes(32))
        count = value["batches"][one["batch"]]["count"]
        rng.choice(
            (
                lambda: one.update(index=one["index"] ^ 1),
                lambda: one.update(blind=step),
                lambda: one.update(path=[step, *one["path"]]),
                lambda: one.update(path=one["path"][1:]),
                lambda: one.update(path=[step, *one["path"][1:]]),
                lambda: one.update(batch=rng.randrange(len(value["batches"]) + 1)),
                lambda: value["batches"][one["batch"]].update(count=rng.choice((1, 8, 32, 128, count + 1))),
                lambda: value["batches"][one["batch"]].update(root=step),
            )
        )()

    return edited(data, change)


def _log(
    rng: Random,
    owner: Witness,
    nodes: tuple[Witness, Witness, Witness],
    frames: Sequence[tuple[bytes, bytes]],
    batches: Sequence[KeptReceipts],
) -> Logbook:
    one, two, _ = nodes
    book, peer = Logbook(owner), (two if owner is one else one).first().node
    for statement, proof in frames:
        said = Statement.parse(statement)
        facts = {"of": statement_hash(statement), "peer": peer, "n": said.n, "sig": proof_hash(proof)}
        if owner is one:
            book.write(said.created, "message.departed", **facts)
        else:
            book.write(said.created, "message.received", code=None, **facts)
        _seen(rng, book, nodes)
    for document in batches:
        book.write(NOW, "receipts.held" if owner is one else "receipts.issued", of=log_name(document), peer=peer)
        _seen(rng, book, nodes)
    book.checkpoint()
    return book


def _seen(rng: Random, book: Logbook, nodes: tuple[Witness, Witness, Witness]) -> None:
    """Some of the others cosign, each at a time of its own."""
    others = [node for node in nodes if node is not book.node]
    chosen = rng.sample(others, rng.choice((0, 1, 1, 2)))
    if chosen:
        book.checkpoint(*((node, _time(rng) - rng.choice((0, 1_800))) for node in chosen))
