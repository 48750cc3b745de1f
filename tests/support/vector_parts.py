"""The published vectors of attachments: one good part, parts that were sealed wrongly, and what was done to good ones.

A ciphertext is random and lies under `cts`; a case names one of them and, in `flip` or `keep`, what happened to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from support.vector_judges import code_of
from support.vector_parties import id_of, seed

from keys.documents.statement import Secret, SecretPart
from keys.primitives.attachment_cipher import PartOpener, PartSealer, part_context, part_length, plain_length
from keys.primitives.encoding import b64u, sha256, unb64u
from keys.primitives.seal import seal_content

Case = dict[str, Any]

CONTENT: Final = b"%PDF-1.7 invented\n" + b"0123456789abcdef" * 64 + b"\n%%EOF\n"
SIZES: Final = (0, 1, 16_368, 65_528, 65_529, 1_000_000, 1_048_576, 1_073_741_824)


def parts() -> Case:
    """nrm1 10: lengths, a part that opens, and each refusal."""
    id, key = id_of("attachment"), seed("part/0")
    sealer = PartSealer(key, id=id, n=0, size=len(CONTENT))
    good = sealer.update(CONTENT) + b"".join(sealer.finish())
    part = sealer.part(name="0.pdf", media="application/pdf")
    cts = {
        "good": good,
        "long prefix": _sealed(part, id, size=len(CONTENT) + 1),
        "marked": _sealed(part, id, pad=b"\1"),
    }
    other = replace(part, sha256=sha256(b"another file"))
    return {
        "lengths": [{"size": size, "plain": plain_length(size), "part": part_length(size)} for size in SIZES],
        "content": CONTENT.decode(),
        "cts": {name: b64u(data) for name, data in cts.items()},
        "valid": [_case("a part", None, id, part, "good")],
        "invalid": [
            _case("another message", "undecryptable", id_of("another"), part, "good"),
            _case("another place", "undecryptable", id, replace(part, n=1), "good"),
            _case("another key", "undecryptable", id, replace(part, key=seed("part/1")), "good"),
            _case("a bit of the salt", "undecryptable", id, part, "good", flip=0),
            _case("a bit of the commitment", "undecryptable", id, part, "good", flip=40),
            _case("a bit of the content", "undecryptable", id, part, "good", flip=100),
            _case("a bit of the padding", "undecryptable", id, part, "good", flip=len(good) - 20),
            _case("a chunk less", "undecryptable", id, part, "good", keep=56 + 2 * (16_384 + 16)),
            _case("a byte less", "undecryptable", id, part, "good", keep=len(good) - 1),
            _case("nothing", "undecryptable", id, part, "good", keep=0),
            _case("another length in the secret", "bad_commitment", id, replace(part, size=part.size - 1), "good"),
            _case("another length in the part", "bad_commitment", id, part, "long prefix"),
            _case("another hash in the secret", "bad_commitment", id, other, "good"),
            _case("padding that carries data", "malformed", id, part, "marked"),
        ],
    }


def judge(file: Mapping[str, Any], case: Mapping[str, Any]) -> str | None:
    """What the product says to a case; the content of one that it opens has to be that of the file."""
    data = bytearray(unb64u(file["cts"][case["ct"]]))
    if "flip" in case:
        data[case["flip"]] ^= 1
    del data[case.get("keep", len(data)) :]
    (part,) = Secret.parse(_secret(case["part"])).parts
    part = replace(part, n=case["n"])

    def opened() -> None:
        opener = PartOpener(part, id=case["id"])
        content = opener.update(bytes(data)) + opener.finalize()
        assert content.decode() == file["content"]

    return code_of(opened)


def _secret(part: Mapping[str, Any]) -> bytes:
    found = SecretPart(
        n=0,
        name=part["name"],
        media=part["media"],
        size=part["len"],
        key=unb64u(part["key"]),
        sha256=unb64u(part["sha256"]),
    )
    return Secret(salt=bytes(32), parts=(found,)).encode()


def _case(name: str, code: str | None, id: str, part: SecretPart, ct: str, **what: int) -> Case:
    told = {
        "name": part.name,
        "media": part.media,
        "len": part.size,
        "key": b64u(part.key),
        "sha256": b64u(part.sha256),
    }
    return {"name": name, "code": code, "id": id, "n": part.n, "part": told, "ct": ct, **what}


def _sealed(part: SecretPart, id: str, *, size: int | None = None, pad: bytes = b"\0") -> bytes:
    """A part of which one thing is wrong, sealed all the same."""
    head = (part.size if size is None else size).to_bytes(8, "big")
    plain = (head + CONTENT).ljust(plain_length(part.size) - 1, b"\0") + pad
    return seal_content(part.key, part_context(id, part.n), plain)
