"""The vectors of docs/spec/vectors: what they call good passes, and each fault gets exactly the code they state."""

from __future__ import annotations

import functools
import json
from typing import Any

import pytest
from support import vector_judges as judges
from support import vectors
from support.house import ROOT

from gateway.federation.signatures import RequestHead, read_request
from gateway.federation.signing import encode_fields
from keys.documents.descriptor_chain import accept_chain
from keys.documents.envelope import (
    Secret,
    Statement,
    Void,
    cek_info,
    compute_commitment,
    link_hash,
    parse_envelope,
    statement_hash,
)
from keys.documents.fingerprint import Party, compute_fingerprint, fingerprint_hash, node_id, pair_code
from keys.documents.key_records import KeyRecord
from keys.documents.receipts import SignedReceipts
from keys.primitives.domains import DESCRIPTOR, VOID
from keys.primitives.encoding import b64u, canon, h, lp_join, lp_split, padme, parse, unb64u
from keys.primitives.hybrid_keys import PublicKey, SigningKey, pae, signature_base
from keys.primitives.raw_signatures import verify_raw
from keys.primitives.seal import EncPrivateKey
from keys.primitives.sign import SignedDocument

MOST_BYTES = 3_500_000
NAMES = tuple(vectors.PLAIN | vectors.SEALED)


@functools.cache
def published(name: str) -> dict[str, Any]:
    """One file."""
    value: dict[str, Any] = json.loads((ROOT / vectors.FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return value


@pytest.mark.parametrize("name", NAMES)
def test_each_case_is_judged_as_stated(name: str) -> None:
    """The product accepts what the file calls good and refuses the rest with the code of the file."""
    wrong = [
        (where, said, expected) for where, said, expected in vectors.verdicts(name, published(name)) if said != expected
    ]
    assert wrong == []


def test_the_files_are_up_to_date() -> None:
    """Made again, all that is not random is the same; nothing else lies in the folder."""
    assert vectors.make(ROOT, check=True) == []
    found = {path.name for path in (ROOT / vectors.FOLDER).iterdir()}
    assert found == {"README.md", "evidence-first-form.json", *(f"{name}.json" for name in NAMES)}


def test_the_files_are_small() -> None:
    """All together stay below 3.5 MB."""
    assert sum(path.stat().st_size for path in (ROOT / vectors.FOLDER).glob("*.json")) < MOST_BYTES


def test_a_wrong_code_is_seen() -> None:
    """A file that states another code than the product gives is not up to date."""
    file = json.loads(json.dumps(published("voids")))
    file["invalid"][0]["code"] = "expired"
    assert any(said != expected for _, said, expected in vectors.verdicts("voids", file))


def test_encodings() -> None:
    """Values are written as stated, and read from it; hashes, frames, PAE and padding are equal."""
    file = published("encodings")
    for case in file["canonical"]:
        data = bytes.fromhex(case["bytes"])
        assert (canon(case["value"]), parse(data, limit=len(data))) == (data, case["value"]), case["name"]
    for case in file["base64url"]:
        assert (b64u(bytes.fromhex(case["hex"])), unb64u(case["text"]).hex()) == (case["text"], case["hex"])
    for case in file["hashes"]:
        assert b64u(h(case["label"], bytes.fromhex(case["hex"]))) == case["hash"]
    for case in file["frames"]:
        parts, data = tuple(bytes.fromhex(part) for part in case["parts"]), bytes.fromhex(case["hex"])
        assert (lp_join(*parts), lp_split(data, len(parts), 100)) == (data, parts)
    for case in file["pae"]:
        assert pae(case["type"], bytes.fromhex(case["hex"])).hex() == case["pae"]
    for case in file["bases"]:
        key = PublicKey.from_members(case["key"])
        base = signature_base(key, case["type"], bytes.fromhex(case["hex"]))
        assert base.hex() == case["base"]
        verify_raw(key.ed25519, base, unb64u(case["ed25519"]))
    assert [[size, padme(size)] for size, _ in file["padme"]] == file["padme"]


def test_identity() -> None:
    """Seeds give keys, keys give kids, roots give node ids and digits."""
    file = published("identity")
    for case in file["signing_keys"]:
        half = case["mldsa65_seed"]
        key = SigningKey(bytes.fromhex(case["ed25519_seed"]), half and bytes.fromhex(half)).public
        found = (key.kid, b64u(key.ed25519), key.mldsa65 and b64u(key.mldsa65))
        assert found == (case["kid"], case["ed25519"], case["mldsa65"])
    for case in file["enc_keys"]:
        enc = EncPrivateKey(bytes.fromhex(case["seed"]))
        assert (enc.kid, b64u(enc.public)) == (case["kid"], case["pub"])
    digits = []
    for case in file["nodes"]:
        roots = [KeyRecord.from_json(item) for item in case["roots"]]
        asked = (case["node"], roots, case["threshold"])
        assert node_id(roots, case["threshold"]) == case["node"]
        assert fingerprint_hash(*asked).hex() == case["x"]
        digits.append(compute_fingerprint(*asked))
        assert digits[-1] == case["fingerprint"]
    sides = [Party(found, 1) for found in digits]
    assert pair_code(*sides) == pair_code(*sides[::-1]) == file["pair_code"]


def test_numbers() -> None:
    """Statement, commitment and links hash as stated."""
    file = published("numbers")
    data = unb64u(file["statement"]["bytes"])
    assert Statement.parse(data).encode() == data
    assert statement_hash(data) == file["statement"]["hash"]
    secret = unb64u(file["secret"])
    assert Secret.parse(secret).encode() == secret
    assert compute_commitment(secret, unb64u(file["body"])) == file["commit"]
    frames = (data, unb64u(file["inner"]["proof"]), secret, unb64u(file["body"]))
    assert lp_join(*frames) == unb64u(file["inner"]["frames"])
    for case in file["links"]:
        for step in case["steps"]:
            asked = {name: step[name] for name in ("epoch", "n", "id", "commit", "prev")}
            assert link_hash(**asked) == step["link"]


def test_http() -> None:
    """The signature base is the stated text."""
    file = published("http")
    good = file["requests"][0]
    target = {name: good[name] for name in ("method", "authority", "path", "query")}
    assert read_request(RequestHead(fields=encode_fields(dict(good["fields"])), **target)).base.decode() == file["base"]
    assert {entry["ed25519"] for entry in file["keys"]} == {
        SigningKey(bytes.fromhex(entry["seed"])).public.ed25519.hex() for entry in file["keys"]
    }


def test_descriptors() -> None:
    """The facts about an accepted descriptor."""
    file = published("descriptors")
    (held,) = accept_chain([SignedDocument.from_json(file["documents"]["bel-1"], DESCRIPTOR)], file["now"])
    assert {name: getattr(held, name) for name in file["facts"]} == file["facts"]


@pytest.mark.parametrize("number", range(5))
def test_valid_envelopes_open(number: int) -> None:
    """A valid envelope opens to the stated statement, secret and body."""
    file = published("envelopes")
    case, opened = file["valid"][number], file["opened"]
    received = judges.receive(file, case)
    envelope = parse_envelope(judges.envelope_bytes(file, case))
    assert envelope.encode() == judges.envelope_bytes(file, case)
    assert (b64u(received.secret), b64u(received.body), received.link_hash) == (
        opened["secret"],
        opened["body"],
        opened["link"],
    )
    if len(envelope.rcp) == 1:
        assert envelope.hdr.hex() == opened["hdr"]
        assert received.statement_hash == opened["statement_hash"]
        assert json.loads(received.statement_bytes) == opened["statement"]
    ceks = [judges.opener(file)(item.kid, item.enc, cek_info(item.kid, envelope.hdr)).hex() for item in envelope.rcp]
    assert set(ceks) == {opened["cek"]}


def test_receipts_and_voids() -> None:
    """The receipts, the answer and the void are written again byte for byte."""
    file = published("receipts")
    for case in file["valid"]:
        assert SignedReceipts.from_json(case["receipts"]).encode() == canon(case["receipts"])
    answer = unb64u(file["answer"])
    assert canon(parse(answer, limit=len(answer))) == answer
    asked = published("voids")
    payload = SignedDocument.from_json(asked["valid"]["document"], VOID).payload
    assert (Void.parse(payload).encode(), statement_hash(payload)) == (payload, asked["of"])


def test_there_are_enough_faults() -> None:
    """Each kind of document has its refusals, and the envelopes have each code that steps 4 to 11 can give."""
    invalid = published("envelopes")["invalid"]
    assert {case["code"] for case in invalid} == {
        "bad_commitment",
        "bad_signature",
        "downgrade",
        "expired",
        "malformed",
        "misdirected",
        "misrouted",
        "newer_descriptor",
        "not_yet_valid",
        "revoked_key",
        "spliced",
        "undecryptable",
        "unknown_key",
        "unknown_recipient_key",
        "unknown_sender",
        "unsupported_suite",
        "wrong_type",
    }
    assert {case["code"] for case in published("descriptors")["cases"]} == {
        None,
        "bad_chain",
        "bad_key",
        "bad_signature",
        "equivocation",
        "malformed",
        "not_yet_valid",
        "revoked_key",
        "rollback",
        "wrong_node",
        "wrong_type",
    }
