"""A file of secrets under a passphrase, written once (nrm1 13.5).

    u32 length || header || XChaCha20-Poly1305(k, secrets, aad = header)
    header = canonical JSON {type, kdf, t, m, p, salt, nonce, gen, hsm}; hsm is null
    k      = H("ks", argon2id(passphrase, salt, t, m))

The cost of the key derivation stands in the header, so a reader bounds it on both sides: the lower bound keeps anybody
from weakening a file that is written anew, the upper bound from exhausting the machine that opens it.
The key store of a node, whose content changes, is such a file with one member more (`keys.keystore.generations`).
"""

from __future__ import annotations

import secrets
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self, TypeVar

import nacl.bindings

from gateway.errors import Code, RefusedError, RemoteError
from gateway.ports import Json
from keys.primitives import disk
from keys.primitives.encoding import (
    Check,
    b64u,
    canon,
    exact,
    h,
    is_b64u,
    is_count,
    is_int,
    lp,
    lp_read,
    number,
    one_of,
    parse,
    unb64u,
)
from keys.primitives.hybrid_keys import Rand
from keys.primitives.seal import NONCE, aead_open, aead_seal

T = TypeVar("T")
MIB: Final = 1024 * 1024
FILE_LIMIT: Final = 4 * MIB
_HEADER_LIMIT: Final = 1024
SALT: Final = 16
_KEY: Final = 32
_MOST_T: Final = 16
_MOST_M: Final = 2048 * MIB
_KDF: Final = "argon2id13"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Cost of argon2id: `t` passes over `m` bytes. Only a constructor argument makes it cheaper, for tests."""

    t: int
    m: int

    @classmethod
    def default(cls) -> Self:
        """4 passes over 256 MiB: about 0.6 s (nrm1 13.5)."""
        return cls(t=4, m=256 * MIB)


DEFAULT_COST: Final = Cost.default()


def system_rand(size: int) -> bytes:
    """Return `size` random bytes of the operating system: the `rand` of a real node."""
    return secrets.token_bytes(size)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretched:
    """A passphrase after argon2id, with what it was stretched by. Prints as <redacted>."""

    key: bytes
    salt: bytes
    cost: Cost

    def __repr__(self) -> str:
        return "<redacted>"


def stretch_passphrase(passphrase: str, salt: bytes, cost: Cost) -> Stretched:
    """Stretch a passphrase; takes as long as `cost` says. Raises RefusedError(invalid) for an empty one."""
    if not passphrase.strip():
        raise RefusedError(Code.INVALID, "passphrase is empty", hint="a file without a passphrase protects nothing")
    # Two keyboards may type one letter as different code points; both must open the file.
    normal = unicodedata.normalize("NFC", passphrase).encode()
    key = nacl.bindings.crypto_pwhash_alg(
        _KEY, normal, salt, cost.t, cost.m, nacl.bindings.crypto_pwhash_ALG_ARGON2ID13
    )
    return Stretched(key=key, salt=salt, cost=cost)


def seal_content(
    content: bytes,
    stretched: Stretched,
    *,
    kind: str,
    gen: int,
    more: Mapping[str, Json],
    secret: bytes = b"",
    rand: Rand,
) -> bytes:
    """Return the bytes of a file; `more` are the members of the header by which its kind differs, and `secret` is mixed
    into the key.
    """
    nonce = rand(NONCE)
    header = canon(
        {
            "type": kind,
            "kdf": _KDF,
            "t": stretched.cost.t,
            "m": stretched.cost.m,
            "p": 1,
            "salt": b64u(stretched.salt),
            "nonce": b64u(nonce),
            "gen": gen,
            **more,
        }
    )
    return lp(header) + aead_seal(h("ks", stretched.key + secret), nonce, content, header)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadFile:
    """A file as it lies on the disk, split. Nothing of it is authentic before it was opened, so each member has
    bounds.
    """

    name: str
    header: Mapping[str, Json]
    aad: bytes
    closed: bytes

    @classmethod
    def of(cls, path: Path, kind: str, more: Mapping[str, Check]) -> Self:
        """Read the file at `path`. Raises RefusedError: not_found; invalid, also for a file of another kind."""
        data = read_file(path)
        checks: dict[str, Check] = {
            "type": one_of(kind),
            "kdf": one_of(_KDF),
            "t": is_int(1, _MOST_T),
            "m": is_int(nacl.bindings.crypto_pwhash_argon2id_MEMLIMIT_MIN, _MOST_M),
            "p": is_int(1, 1),
            "salt": is_b64u(SALT),
            "nonce": is_b64u(NONCE),
            "gen": is_count,
            **more,
        }
        try:
            aad, offset = lp_read(data)
            header = exact(parse(aad, limit=_HEADER_LIMIT), checks, what="header")
        except RemoteError as exc:
            raise RefusedError(Code.INVALID, f"{path.name} is not a file of type {kind}: {exc.what}") from exc
        return cls(name=path.name, header=header, aad=aad, closed=data[offset:])

    @property
    def gen(self) -> int:
        """The generation that the header claims."""
        return number(self.header["gen"])

    def stretch(self, passphrase: str, at_least: Cost) -> Stretched:
        """Stretch the passphrase as the header says. Raises RefusedError(invalid) for less cost than `at_least`."""
        cost = Cost(t=number(self.header["t"]), m=number(self.header["m"]))
        if cost.t < at_least.t or cost.m < at_least.m:
            raise RefusedError(Code.INVALID, f"{self.name} has a weaker key derivation than allowed")
        return stretch_passphrase(passphrase, unb64u(self.header["salt"]), cost)

    def open(self, stretched: Stretched, secret: bytes = b"") -> bytes:
        """Open the secrets. Raises RefusedError(wrong_passphrase), also for a damaged file: the two look the same."""
        key = h("ks", stretched.key + secret)
        try:
            return aead_open(key, unb64u(self.header["nonce"]), self.closed, self.aad)
        except RemoteError as exc:
            raise RefusedError(Code.WRONG_PASSPHRASE, f"{self.name}: wrong passphrase, or the file is damaged") from exc

    def require_not_older(self, min_gen: int) -> None:
        """Refuse a generation below `min_gen`. Raises RefusedError(rollback)."""
        if self.gen < min_gen:
            raise RefusedError(Code.ROLLBACK, f"{self.name} is older than the one used last")


def kind_of(path: Path) -> str | None:
    """Return the type that the header of a file claims; None for what has no such header."""
    try:
        header = parse(lp_read(read_file(path))[0], limit=_HEADER_LIMIT)
    except RemoteError:
        return None
    kind = header.get("type") if isinstance(header, dict) else None
    return kind if isinstance(kind, str) else None


def read_file(path: Path) -> bytes:
    """Read a file of secrets. Raises RefusedError(not_found, invalid)."""
    try:
        with path.open("rb") as file:
            return file.read(FILE_LIMIT)
    except FileNotFoundError as exc:
        raise RefusedError(Code.NOT_FOUND, f"there is no {path.name}") from exc
    except OSError as exc:
        raise RefusedError(Code.INVALID, f"{path.name} cannot be read: {exc.strerror}") from exc


def write_new_file(path: Path, data: bytes) -> None:
    """Write a file, mode 0600, that is not there yet. Raises RefusedError(exists); nothing is overwritten."""
    try:
        disk.write_new(path, data)
    except FileExistsError as exc:
        raise RefusedError(Code.EXISTS, f"{path.name} exists already", hint="nothing was overwritten") from exc


class SealedFile:
    """An opened file: its generation and its stretched passphrase. Prints as <redacted>."""

    __slots__ = ("gen", "stretched")

    def __init__(self, stretched: Stretched, gen: int) -> None:
        self.stretched, self.gen = stretched, gen

    @classmethod
    def create(
        cls, path: Path, kind: str, passphrase: str, content: bytes, *, cost: Cost, rand: Rand, gen: int = 1
    ) -> Self:
        """Write a new file, mode 0600.

        Raises RefusedError(exists) and leaves the existing file alone; RefusedError(invalid) for an empty passphrase.
        """
        stretched = stretch_passphrase(passphrase, rand(SALT), cost)
        write_new_file(path, seal_content(content, stretched, kind=kind, gen=gen, more={"hsm": None}, rand=rand))
        return cls(stretched, gen)

    @classmethod
    def open(cls, path: Path, kind: str, passphrase: str, *, at_least: Cost, min_gen: int) -> tuple[Self, bytes]:
        """Open a file and return it with its secrets.

        Raises RefusedError: not_found, invalid (no such file, cost out of bounds), rollback (older than `min_gen`),
        wrong_passphrase (or damaged: the two cannot be told apart).
        """
        found = ReadFile.of(path, kind, {"hsm": lambda value: value is None})
        stretched = found.stretch(passphrase, at_least)
        content = found.open(stretched)
        # Compared only now: before the file opened, its generation was anybody's claim.
        found.require_not_older(min_gen)
        # A kill between writing and renaming leaves the next generation here; it was never acknowledged.
        disk.temporary_of(path).unlink(missing_ok=True)
        return cls(stretched, found.gen), content

    @classmethod
    def read(
        cls,
        path: Path,
        kind: str,
        passphrase: str,
        parse: Callable[[bytes], T],
        *,
        at_least: Cost,
        min_gen: int = 1,
    ) -> tuple[Self, T]:
        """Open a file as ``open`` does and parse its secrets. Raises RefusedError(invalid) for another content too."""
        file, content = cls.open(path, kind, passphrase, at_least=at_least, min_gen=min_gen)
        return file, parse_content(path.name, content, parse)

    def __repr__(self) -> str:
        return "<redacted>"


def parse_content(name: str, content: bytes, parse: Callable[[bytes], T]) -> T:
    """Parse what was opened. Raises RefusedError(invalid) where the file holds something else."""
    try:
        return parse(content)
    except RemoteError as exc:
        raise RefusedError(Code.INVALID, f"{name} has another content than expected") from exc
