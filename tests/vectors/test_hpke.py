"""HPKE: our one suite, X-Wing, and what the library behind them says about all of RFC 9180 and draft-ietf-hpke-pq.

The vectors encrypt with additional data, which nrm1 does not use. So the first ciphertext is made anew from the key and
the nonce of the vector file, without additional data, and our function has to open it with the recipient's key.
"""

from __future__ import annotations

import functools
import hashlib
from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, mlkem
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from support.nodes import refused
from support.references import hpke_key_schedule
from support.shared import shared

from gateway.errors import Code
from keys.primitives.seal import EncPrivateKey, check_enc_public, open_cek, seal_cek

CEK = bytes(range(32))
XWING_LABEL = b"\\.//^\\"  # draft-connolly-cfrg-xwing-kem, 5.3
OURS = (0x647A, 0x0001, 0x0003)
KEMS = {
    0x10: KEM.P256,
    0x12: KEM.P521,
    0x20: KEM.X25519,
    0x41: KEM.MLKEM768,
    0x42: KEM.MLKEM1024,
    0x647A: KEM.MLKEM768_X25519,
}
KDFS = {1: KDF.HKDF_SHA256, 2: KDF.HKDF_SHA384, 3: KDF.HKDF_SHA512, 0x10: KDF.SHAKE128, 0x11: KDF.SHAKE256}
AEADS = {1: AEAD.AES_128_GCM, 2: AEAD.AES_256_GCM, 3: AEAD.CHACHA20_POLY1305}


@functools.cache
def cases(path: str) -> list[dict[str, Any]]:
    """One vector file."""
    value: list[dict[str, Any]] = orjson.loads(shared(path).read_bytes())
    return value


def suite(case: dict[str, Any]) -> tuple[int, int, int]:
    """The three numbers of a case."""
    return case["kem_id"], case["kdf_id"], case["aead_id"]


def resealed(case: dict[str, Any], plaintext: bytes) -> bytes:
    """The vector's KEM share, and `plaintext` under the vector's key and nonce."""
    key, nonce = bytes.fromhex(case["key"]), bytes.fromhex(case["base_nonce"])
    aead = ChaCha20Poly1305(key) if case["aead_id"] == 3 else AESGCM(key)
    return bytes.fromhex(case["enc"]) + aead.encrypt(nonce, plaintext, b"")


def ours() -> dict[str, Any]:
    """The case of our exact suite."""
    (case,) = [case for case in cases("vectors/hpke-pq/test-vectors.json") if suite(case) == OURS]
    return case


def test_our_suite_opens_the_draft_vector() -> None:
    """draft-ietf-hpke-pq, 0x647a/0x0001/0x0003: key from seed, decapsulation and key schedule through `open_cek`."""
    case, info = ours(), bytes.fromhex(ours()["info"])
    private = EncPrivateKey(bytes.fromhex(case["skRm"]))
    assert private.public.hex() == case["pkRm"]
    assert open_cek(private, resealed(case, CEK), info) == CEK
    with refused(Code.UNDECRYPTABLE):
        open_cek(private, resealed(case, CEK), info + b"\0")
    with refused(Code.UNDECRYPTABLE):
        open_cek(private, resealed(case, CEK[:31]), info)


def test_key_schedule_reference_equals_the_vectors() -> None:
    """Our reading of RFC 9180 5.1 gives the key and nonce of every case with an HKDF."""
    both = [*cases("vectors/hpke-pq/test-vectors.json"), *cases("vectors/rfc9180/base-mode-subset.json")]
    checked = 0
    for case in both:
        if case["kdf_id"] > 3 or case["mode"] != 0:
            continue
        secret, info = bytes.fromhex(case["shared_secret"]), bytes.fromhex(case["info"])
        assert hpke_key_schedule(*suite(case), secret, info) == (
            bytes.fromhex(case["key"]),
            bytes.fromhex(case["base_nonce"]),
        )
        checked += 1
    assert checked == 24


@pytest.mark.parametrize("number", range(3))
def test_xwing(number: int) -> None:
    """X-Wing draft: seed to public key, and the shared secret of the given ciphertext, through our functions."""
    case = cases("vectors/xwing/test-vectors.json")[number]
    private = EncPrivateKey(bytes.fromhex(case["sk"]))
    assert private.public.hex() == case["pk"]
    check_enc_public(private.public)
    key, nonce = hpke_key_schedule(*OURS, bytes.fromhex(case["ss"]), b"info")
    enc = bytes.fromhex(case["ct"]) + ChaCha20Poly1305(key).encrypt(nonce, CEK, None)
    assert open_cek(private, enc, b"info") == CEK


def test_reference_opens_what_we_seal() -> None:
    """A reading of X-Wing and of the key schedule over simpler primitives opens what `seal_cek` closed."""
    seed = bytes(range(32, 64))
    private = EncPrivateKey(seed)
    enc = seal_cek(private.public, CEK, b"info")
    expanded, share = hashlib.shake_256(seed).digest(96), enc[1088:1120]
    pq = mlkem.MLKEM768PrivateKey.from_seed_bytes(expanded[:64]).decapsulate(enc[:1088])
    dh = X25519PrivateKey.from_private_bytes(expanded[64:]).exchange(X25519PublicKey.from_public_bytes(share))
    secret = hashlib.sha3_256(pq + dh + share + private.public[1184:] + XWING_LABEL).digest()
    key, nonce = hpke_key_schedule(*OURS, secret, b"info")
    assert ChaCha20Poly1305(key).decrypt(nonce, enc[1120:], None) == CEK


def private_key(case: dict[str, Any]) -> Any:
    """The recipient's key as the library wants it."""
    raw = bytes.fromhex(case["skRm"])
    match case["kem_id"]:
        case 0x20:
            return X25519PrivateKey.from_private_bytes(raw)
        case 0x10:
            return ec.derive_private_key(int.from_bytes(raw, "big"), ec.SECP256R1())
        case 0x12:
            return ec.derive_private_key(int.from_bytes(raw, "big"), ec.SECP521R1())
        case 0x41:
            return mlkem.MLKEM768PrivateKey.from_seed_bytes(raw)
        case 0x42:
            return mlkem.MLKEM1024PrivateKey.from_seed_bytes(raw)
        case _:
            return EncPrivateKey(raw)._key


@pytest.mark.parametrize("number", range(18))
def test_library_on_rfc9180(number: int) -> None:
    """The library opens each base-mode case of RFC 9180; a bit more or less in `info` and it does not."""
    case = cases("vectors/rfc9180/base-mode-subset.json")[number]
    library = Suite(KEMS[case["kem_id"]], KDFS[case["kdf_id"]], AEADS[case["aead_id"]])
    info = bytes.fromhex(case["info"])
    assert library.decrypt(resealed(case, b"plaintext"), private_key(case), info) == b"plaintext"


def test_library_on_hpke_pq() -> None:
    """The library opens the cases of draft-ietf-hpke-pq whose key it takes without an expansion of ours."""
    checked = 0
    for case in cases("vectors/hpke-pq/test-vectors.json"):
        if case["kem_id"] not in KEMS or case["kdf_id"] not in KDFS:
            continue
        library = Suite(KEMS[case["kem_id"]], KDFS[case["kdf_id"]], AEADS[case["aead_id"]])
        sealed = resealed(case, b"plaintext")
        assert library.decrypt(sealed, private_key(case), bytes.fromhex(case["info"])) == b"plaintext"
        checked += 1
    assert checked == 5
