"""A reader of the published vectors that is written from docs/spec alone: it uses nothing of the product."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.cobblestone import Cobblestone256Decryptor
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PublicKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, MLKEM768X25519PrivateKey, Suite

VECTORS = Path(__file__).resolve().parents[2] / "docs" / "spec" / "vectors"


def published(name: str) -> Any:
    """One file."""
    return json.loads((VECTORS / f"{name}.json").read_text(encoding="utf-8"))


def canon(value: Any) -> bytes:
    """nrm1 1.2."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def b64u(data: bytes) -> str:
    """nrm1 1.4."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64u(text: str) -> bytes:
    """nrm1 1.4."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def h(label: str, data: bytes) -> bytes:
    """nrm1 1.7."""
    return hashlib.sha256(b"nrm1/" + label.encode() + b"\0" + data).digest()


def lp(*parts: bytes) -> bytes:
    """nrm1 1.8."""
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def check(record: dict[str, Any], kind: str, payload: bytes, signature: dict[str, Any]) -> None:
    """nrm1 1.9, 1.12: every half that the record has, over the same bytes, which name the whole key."""
    pae = b" ".join([b"DSSEv1", str(len(kind)).encode(), kind.encode(), str(len(payload)).encode(), payload])
    base = b"nrm1-sig\0" + h("kid", lp(unb64u(record["ed25519"]), unb64u(record["mldsa65"] or ""))) + pae
    Ed25519PublicKey.from_public_bytes(unb64u(record["ed25519"])).verify(unb64u(signature["ed25519"]), base)
    assert (record["mldsa65"] is None) == (signature["mldsa65"] is None)
    if record["mldsa65"] is not None:
        MLDSA65PublicKey.from_public_bytes(unb64u(record["mldsa65"])).verify(
            unb64u(signature["mldsa65"]), base, b"nrm1"
        )


def root_of(kind: str, payload: bytes, proof: dict[str, Any]) -> bytes:
    """nrm1 1.18: the root that the path of a payload leads to."""
    node = h("leaf", lp(kind.encode()) + unb64u(proof["blind"]) + payload)
    for height, step in enumerate(proof["path"]):
        pair = unb64u(step) + node if proof["index"] >> height & 1 else node + unb64u(step)
        node = hashlib.sha256(b"\1" + pair).digest()
    return node


def check_proof(record: dict[str, Any], kind: str, payload: bytes, proof: dict[str, Any]) -> None:
    """nrm1 1.18, 1.19: the signature is over the number of leaves and the root."""
    assert proof["count"] == 1 << len(proof["path"])
    root = b64u(root_of(kind, payload, proof))
    signed = canon({"type": "nrm.batch/2", "count": proof["count"], "root": root})
    check(record, "application/vnd.nrm.batch.v2+json", signed, proof["signatures"][0])


def test_a_batch_verifies():
    """nrm1 1.18, 1.19: each document of it by its own proof, whatever the size of the tree."""
    file = published("batches")
    for case in file["valid"]:
        for document in case["documents"]:
            payload = unb64u(document["payload"])
            assert b64u(root_of(document["type"], payload, document["proof"])) == case["root"]
            check_proof(file["key"], document["type"], payload, document["proof"])


def test_receipts_verify():
    """nrm1 6.3: one signature, and the place of each."""
    file = published("receipts")
    issuer = json.loads(unb64u(file["documents"]["issuer-1"]["payload"]))
    for case in file["valid"]:
        common = {name: case["receipts"][name] for name in ("count", "signatures")}
        (signature,) = common["signatures"]
        (record,) = [key for key in issuer["keys"] if key["kid"] == signature["kid"] and key["use"] == "sig"]
        for told in case["receipts"]["receipts"]:
            check_proof(record, "application/vnd.nrm.receipt.v2+json", canon(told["receipt"]), {**common, **told})


def test_canonical_json_and_hashes():
    """Values are written as the file has them."""
    for case in published("encodings")["canonical"]:
        assert canon(case["value"]).hex() == case["bytes"], case["name"]
    for case in published("encodings")["hashes"]:
        assert b64u(h(case["label"], bytes.fromhex(case["hex"]))) == case["hash"]


def test_digits():
    """nrm1 2.8, 2.9: node ids, fingerprints, the pair code."""
    file = published("identity")
    found = []
    for case in file["nodes"]:
        roots = canon({"roots": case["roots"], "threshold": case["threshold"]})
        assert "n1" + base64.b32encode(h("node", roots)[:20]).decode().lower() == case["node"]
        x = h("fp", case["node"].encode() + roots)
        digest = x
        for _ in range(5200):
            digest = hashlib.sha512(digest + x).digest()
        groups = [int.from_bytes(digest[5 * i : 5 * i + 5], "big") % 100_000 for i in range(6)]
        found.append(" ".join(f"{group:05d}" for group in groups))
        assert found[-1] == case["fingerprint"]
    assert " ".join(sorted(found)) + " 1-1" == file["pair_code"]


def test_what_a_kid_is_made_of():
    """nrm1 1.8, 2.4: an absent half is four zero bytes, and an ML-DSA-44 half stands behind it."""
    plain, notes = published("clauses")["kids"]
    for case in (plain, notes):
        halves = lp(unb64u(case["ed25519"]), b"") + (lp(unb64u(case["mldsa44"])) if case["mldsa44"] else b"")
        assert halves.hex() == case["hashed"]
        assert b64u(h("kid", halves)[:16]) == case["kid"]


def test_a_key_of_another_use_or_time_is_unknown():
    """nrm1 2.7: by what the descriptor lists alone, and a revoked key before everything else."""
    file = published("clauses")["keys"]
    descriptor = json.loads(unb64u(file["payload"]))
    records = {(record["kid"], record["use"]): record for record in [*descriptor["roots"], *descriptor["keys"]]}
    for case in file["cases"]:
        record = records.get((case["kid"], case["use"]))
        if case["kid"] in {item["kid"] for item in descriptor["revoked"]}:
            code = "revoked_key"
        elif record is None or not record["from"] - 300 <= case["at"] < record["until"] + 300:
            code = "unknown_key"
        else:
            code = None
        assert code == case["code"], case["name"]


def test_a_receipt_decides_and_a_code_alone():
    """nrm1 6.7, 6.10: what the sender believes of each envelope."""
    for case in published("clauses")["answers"]["cases"]:
        told = {}
        if case["body"]["receipts"] is not None:
            listed = [item["receipt"] for item in case["body"]["receipts"]["receipts"]]
            told = {receipt["msg"]: receipt["status"] for receipt in listed}
        said = case["body"]["answers"]
        fits = all(item["id"] in (None, id) for item, id in zip(said, case["asked"], strict=True))
        words = [told.get(id, item["code"]) for id, item in zip(case["asked"], said, strict=True)]
        assert (words if fits and None not in words else None) == case["verdict"], case["name"]


def test_a_descriptor_verifies():
    """nrm1 2.4, 2.11: the document of two roots, its kids and its hash."""
    file = published("descriptors")
    document = file["documents"]["alb-1"]
    payload = unb64u(document["payload"])
    value = json.loads(payload)
    assert canon(value) == payload
    roots = {record["kid"]: record for record in value["roots"]}
    for record in [*value["roots"], *value["keys"]]:
        halves = lp(unb64u(record["ed25519"]), unb64u(record.get("mldsa65", "")))
        if "mldsa44" in record:
            halves += lp(unb64u(record["mldsa44"]))
        assert b64u(h("kid", halves)[:16]) == record["kid"]
    for signature in document["signatures"]:
        check(roots[signature["kid"]], document["payloadType"], payload, signature)
    follow = json.loads(unb64u(file["documents"]["alb-2"]["payload"]))
    assert follow["prev"] == b64u(h("desc", payload))


def commit_to_fields(secret: bytes, body: bytes) -> str:
    """nrm1 3.11, for a body without arrays and with fewer than 64 fields."""

    def cut(value: Any, above: str) -> list[tuple[str, Any]]:
        if not isinstance(value, dict):
            return [(above, value)]
        return [field for name, item in value.items() for field in cut(item, f"{above}/{name}")]

    stream = hashlib.shake_256(b"nrm1/salt\0" + secret).digest(64 * 32)
    level = [stream[place : place + 32] for place in range(0, len(stream), 32)]
    for place, (pointer, value) in enumerate(cut(json.loads(body), "")):
        level[place] = h("field", level[place] + lp(pointer.encode()) + canon(value))
    level.sort()
    while len(level) > 1:
        level = [hashlib.sha256(b"\1" + a + b).digest() for a, b in zip(level[::2], level[1::2], strict=True)]
    return b64u(h("commit", (64).to_bytes(4, "big") + level[0]))


@pytest.mark.parametrize("number", [0, 1])
def test_an_envelope_opens(number):
    """nrm1 3.7, 3.8 backwards: header, keys, content, frames, statement, signature, commitment."""
    file = published("envelopes")
    envelope = dict(file["valid"][number]["envelope"])
    envelope["ct"] = file["cts"][envelope["ct"][1:]]
    header = {name: envelope[name] for name in ("v", "id", "to", "exp", "parts")}
    hdr = h("hdr", canon(header | {"rcp": [item["kid"] for item in envelope["rcp"]]}))
    ceks = set()
    for item in envelope["rcp"]:
        expanded = hashlib.shake_256(bytes.fromhex(file["enc_seeds"][item["kid"]])).digest(96)
        mlkem, x25519 = MLKEM768PrivateKey.from_seed_bytes(expanded[:64]), expanded[64:]
        key = MLKEM768X25519PrivateKey(mlkem, X25519PrivateKey.from_private_bytes(x25519))
        suite = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)
        ceks.add(suite.decrypt(unb64u(item["enc"]), key, b"nrm1/cek\0" + item["kid"].encode() + b"\0" + hdr))
    (cek,) = ceks
    assert cek.hex() == file["opened"]["cek"]
    content = Cobblestone256Decryptor(cek, b"nrm1/body\0" + hdr)
    statement, proof, secret, body = frames(content.update(unb64u(envelope["ct"])) + content.finalize())
    said = json.loads(statement)
    assert (b64u(secret), b64u(body)) == (file["opened"]["secret"], file["opened"]["body"])
    assert said["commit"] == commit_to_fields(secret, body)
    assert said["rcp"] == [item["kid"] for item in envelope["rcp"]]
    (signature,) = json.loads(proof)["signatures"]
    sender = json.loads(unb64u(file["documents"]["sender-1"]["payload"]))
    (record,) = [record for record in sender["keys"] if record["kid"] == signature["kid"] and record["use"] == "sig"]
    check_proof(record, "application/vnd.nrm.statement.v2+json", statement, json.loads(proof))
    link = canon({name: said[name] for name in ("epoch", "n", "id", "commit", "prev")})
    assert b64u(h("link", link)) == file["opened"]["link"]


def frames(inner: bytes) -> list[bytes]:
    """The four frames; what follows is zero, and as long as it has to be."""
    found, offset = [], 0
    for _ in range(4):
        end = offset + 4 + int.from_bytes(inner[offset : offset + 4], "big")
        found.append(inner[offset + 4 : end])
        offset = end
    assert not any(inner[offset:])
    assert len(inner) == max(16_384, padme(offset))
    return found


def padme(size: int) -> int:
    """nrm1 1.14."""
    e = size.bit_length() - 1
    low = (1 << (e - e.bit_length())) - 1
    return (size + low) // (low + 1) * (low + 1)


def test_a_request_verifies():
    """nrm1 9.10 to 9.12: the signature base and the signature."""
    file = published("http")
    case = file["requests"][0]
    fields = dict(case["fields"])
    values = {
        "@method": case["method"],
        "@authority": case["authority"],
        "@path": case["path"],
        "@query": case["query"],
        "content-type": fields["Content-Type"],
        "content-digest": fields["Content-Digest"],
        "nrm-recipient": fields["NRM-Recipient"],
        "@signature-params": fields["Signature-Input"].removeprefix("nrm="),
    }
    base = "\n".join(f'"{name}": {value}' for name, value in values.items())
    assert base == file["base"]
    digest = base64.b64encode(hashlib.sha256(unb64u(case["body"])).digest()).decode()
    assert fields["Content-Digest"] == f"sha-256=:{digest}:"
    (key,) = [entry["ed25519"] for entry in file["keys"] if f'keyid="{entry["keyid"]}"' in base]
    signature = base64.b64decode(fields["Signature"].removeprefix("nrm=:").removesuffix(":"))
    Ed25519PublicKey.from_public_bytes(bytes.fromhex(key)).verify(signature, base.encode())


def test_parts():
    """nrm1 10.1, 10.2: lengths, and what a good part opens to."""
    file = published("parts")
    for row in file["lengths"]:
        assert row["part"] == 56 + row["plain"] + 16 * (row["plain"] // 16_384 + 1)
    (case,) = file["valid"]
    context = b"nrm1/part\0" + unb64u(case["id"]) + case["n"].to_bytes(2, "big")
    decryptor = Cobblestone256Decryptor(unb64u(case["part"]["key"]), context)
    plain = decryptor.update(unb64u(file["cts"][case["ct"]])) + decryptor.finalize()
    size = int.from_bytes(plain[:8], "big")
    content, padding = plain[8 : 8 + size], plain[8 + size :]
    assert (content.decode(), set(padding)) == (file["content"], {0})
    assert size == case["part"]["len"] and len(plain) == 65_536
    assert hashlib.sha256(content).digest() == unb64u(case["part"]["sha256"])
