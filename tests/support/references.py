"""Second readings of specifications, written from their text over simpler primitives, to compare the libraries with."""

from __future__ import annotations

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512, HashAlgorithm
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

# --- Cobblestone-256: C2SP chunked-encryption with SHA-512 and AES-256-GCM ---------------------------------------

CHUNK, TAG, HEADER = 16_384, 16, 56


def _cobblestone_keys(key: bytes, salt: bytes, context: bytes) -> tuple[AESGCM, int, bytes]:
    """AEAD, base nonce as an integer, commitment."""
    info = b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0" + salt + context
    okm = HKDFExpand(SHA512(), 76, info).derive(key)
    return AESGCM(okm[:32]), int.from_bytes(okm[32:44], "big"), okm[44:]


def cobblestone_seal(key: bytes, context: bytes, message: bytes, salt: bytes) -> bytes:
    """Salt, commitment, chunks; the last chunk is always shorter than 16 KiB, if need be empty."""
    aead, base, commitment = _cobblestone_keys(key, salt, context)
    chunks = [message[i : i + CHUNK] for i in range(0, len(message) + 1, CHUNK)]
    sealed = [aead.encrypt((base ^ n).to_bytes(12, "big"), chunk, None) for n, chunk in enumerate(chunks)]
    return salt + commitment + b"".join(sealed)


def cobblestone_open(key: bytes, context: bytes, ct: bytes) -> bytes:
    """The message. Raises ValueError or InvalidTag."""
    salt, commitment, body = ct[:24], ct[24:HEADER], ct[HEADER:]
    aead, base, expected = _cobblestone_keys(key, salt, context)
    if commitment != expected:
        raise ValueError("commitment")
    chunks = [body[i : i + CHUNK + TAG] for i in range(0, len(body), CHUNK + TAG)]
    if not chunks or len(chunks[-1]) == CHUNK + TAG:
        raise ValueError("no short last chunk")
    return b"".join(aead.decrypt((base ^ n).to_bytes(12, "big"), chunk, None) for n, chunk in enumerate(chunks))


# --- HPKE base mode: RFC 9180, sections 4 and 5.1, for the KDFs that extract and expand --------------------------

_HASHES: dict[int, HashAlgorithm] = {1: SHA256(), 2: SHA384(), 3: SHA512()}
_KEY_BYTES = {1: 16, 2: 32, 3: 32}


def hpke_key_schedule(kem: int, kdf: int, aead: int, shared_secret: bytes, info: bytes) -> tuple[bytes, bytes]:
    """Key and base nonce; the nonce of the first message is the base nonce."""
    algorithm = _HASHES[kdf]
    suite = b"HPKE" + b"".join(number.to_bytes(2, "big") for number in (kem, kdf, aead))

    def extract(salt: bytes, label: bytes, ikm: bytes) -> bytes:
        mac = HMAC(salt or bytes(algorithm.digest_size), algorithm)
        mac.update(b"HPKE-v1" + suite + label + ikm)
        return mac.finalize()

    def expand(prk: bytes, label: bytes, context: bytes, size: int) -> bytes:
        labeled = size.to_bytes(2, "big") + b"HPKE-v1" + suite + label + context
        return HKDFExpand(algorithm, size, labeled).derive(prk)

    context = b"\0" + extract(b"", b"psk_id_hash", b"") + extract(b"", b"info_hash", info)
    secret = extract(shared_secret, b"secret", b"")
    return expand(secret, b"key", context, _KEY_BYTES[aead]), expand(secret, b"base_nonce", context, 12)
