"""Wycheproof through our own functions: Ed25519, Cobblestone-256, XChaCha20-Poly1305, ML-KEM-768; HKDF of a library."""

from __future__ import annotations

import functools
import hashlib
import zlib
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from support.references import cobblestone_open, cobblestone_seal
from support.shared import shared
from support.tables import Faults, table

from gateway.errors import Code, RemoteError
from keys.primitives.raw_signatures import verify_raw
from keys.primitives.seal import EncPrivateKey, aead_open, aead_seal, check_enc_public, open_content, seal_content


@functools.cache
def groups(name: str) -> list[dict[str, Any]]:
    """The test groups of one file."""
    value = orjson.loads(shared(f"vectors/wycheproof/{name}_test.json").read_bytes())
    assert sum(len(group["tests"]) for group in value["testGroups"]) == value["numberOfTests"]
    found: list[dict[str, Any]] = value["testGroups"]
    return found


def cases(name: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Each case with its group."""
    return ((group, case) for group in groups(name) for case in group["tests"])


def raw(value: str) -> bytes:
    """Bytes of hexadecimal digits."""
    return bytes.fromhex(value)


def test_ed25519() -> None:
    """151 signatures: `verify_raw` accepts the valid ones and no other."""
    wrong, seen = [], 0
    for group, case in cases("ed25519"):
        try:
            verify_raw(raw(group["publicKey"]["pk"]), raw(case["msg"]), raw(case["sig"]))
            verdict = "valid"
        except RemoteError as exc:
            verdict = "invalid"
            assert exc.code is Code.BAD_SIGNATURE
        seen += 1
        if verdict != case["result"]:
            wrong.append(case["tcId"])
    assert (seen, wrong) == (151, [])


def test_cobblestone() -> None:
    """35 ciphertexts: `open_content` and the reference over AES-GCM and HKDF say the same as Wycheproof."""
    with Faults() as faults:
        for _, case in cases("c2sp_chunked_encryption_aes_256_gcm"):
            with faults.row("tcId", case["tcId"]):
                judge_cobblestone(case)
    assert faults.rows == 35


def judge_cobblestone(case: dict[str, Any]) -> None:
    """One ciphertext, by both."""
    key, context, ct = raw(case["key"]), raw(case["ctx"]), zlib.decompress(raw(case["ct"]))
    if case["result"] == "valid":
        message = open_content(key, context, ct)
        assert (len(message), hashlib.sha512(message).hexdigest()) == (case["msgLength"], case["msgSha512"])
        assert cobblestone_open(key, context, ct) == message
        assert cobblestone_seal(key, context, message, ct[:24]) == ct
        return
    with pytest.raises(RemoteError) as caught:
        open_content(key, context, ct)
    assert caught.value.code is Code.UNDECRYPTABLE
    if len(key) == 32:
        with pytest.raises((ValueError, InvalidTag)):
            cobblestone_open(key, context, ct)


def test_xchacha20_poly1305() -> None:
    """315 cases: `aead_open` opens the valid ones and no other, and `aead_seal` writes the same bytes."""
    wrong, seen = [], 0
    for group, case in cases("xchacha20_poly1305"):
        key, nonce, aad = raw(case["key"]), raw(case["iv"]), raw(case["aad"])
        sealed = raw(case["ct"]) + raw(case["tag"])
        try:
            opened = aead_open(key, nonce, sealed, aad)
            verdict = "valid" if opened == raw(case["msg"]) else "other"
            assert aead_seal(key, nonce, opened, aad) == sealed
        except RemoteError as exc:
            verdict = "invalid"
            assert exc.code is Code.UNDECRYPTABLE
        seen += 1
        if verdict != case["result"]:
            wrong.append((group["ivSize"], case["tcId"]))
    assert (seen, wrong) == (315, [])


def test_hkdf_sha256() -> None:
    """86 cases of the HKDF that HPKE is made of."""
    wrong, seen = [], 0
    for _, case in cases("hkdf_sha256"):
        try:
            derived = HKDF(SHA256(), case["size"], raw(case["salt"]), raw(case["info"])).derive(raw(case["ikm"]))
            verdict = "valid" if derived == raw(case["okm"]) else "other"
        except ValueError:
            verdict = "invalid"
        seen += 1
        if verdict != case["result"]:
            wrong.append(case["tcId"])
    assert (seen, wrong) == (86, [])


def test_mlkem_768() -> None:
    """193 decapsulations, and each listed public key is one that `check_enc_public` takes."""
    share = EncPrivateKey(bytes(32)).public[1184:]
    wrong, seen = [], 0
    for _, case in cases("mlkem_768"):
        try:
            shared_key = MLKEM768PrivateKey.from_seed_bytes(raw(case["seed"])).decapsulate(raw(case["c"]))
            verdict = "valid" if shared_key == raw(case["K"]) else "other"
            check_enc_public(raw(case["ek"]) + share)
        except ValueError:
            verdict = "invalid"
        seen += 1
        if verdict != case["result"]:
            wrong.append(case["tcId"])
    assert (seen, wrong) == (193, [])


@table("size", [0, 1, 100, 16_383, 16_384, 16_385, 32_768, 100_000, 1_000_000])
def test_cobblestone_reference(size: int) -> None:
    """nrm1 13.8: the library and the reference write and open each other's ciphertexts at every kind of length."""
    key, context, message = b"k" * 32, b"nrm1/body\0context", hashlib.shake_256(b"m").digest(size)
    sealed = seal_content(key, context, message)
    assert cobblestone_open(key, context, sealed) == message
    assert cobblestone_seal(key, context, message, sealed[:24]) == sealed
    assert open_content(key, context, cobblestone_seal(key, context, message, b"s" * 24)) == message
