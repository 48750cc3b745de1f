"""A file of secrets under a passphrase, written atomically (nrm1 13.5).

    u32 length || header || XChaCha20-Poly1305(k, secrets, aad = header)
    header = canonical JSON {type, kdf, t, m, p, salt, nonce, gen, hsm}
    k      = H("ks", argon2id(passphrase, salt, t, m) || pepper); no pepper without an HSM

The cost of the key derivation stands in the header, so a reader bounds it on both sides: the lower bound keeps anybody
from weakening a file that is written anew, the upper bound from exhausting the machine that opens it. `gen` rises by
one with each write; the opener names the lowest generation that it accepts, which defeats a rollback.
A file that was replaced is unlinked, not overwritten: disk encryption below is part of the design (nrm1 13.2).
"""

from __future__ import annotations

import os
import secrets
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self, TypeVar

import nacl.bindings

from gateway.errors import Code, RefusedError, RemoteError, TransientError
from gateway.ports import Json
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
from keys.primitives.seal import NONCE, aead_open, aead_seal
from keys.primitives.sign import Rand

T = TypeVar("T")
MIB: Final = 1024 * 1024
FILE_LIMIT: Final = 4 * MIB
_HEADER_LIMIT: Final = 1024
_SALT: Final = 16
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


class SealedFile:
    """An opened file: it knows its path, generation and key, and replaces its content. Prints as <redacted>."""

    __slots__ = ("_cost", "_key", "_kind", "_path", "_rand", "_salt", "gen")

    def __init__(self, path: Path, kind: str, key: bytes, salt: bytes, cost: Cost, gen: int, rand: Rand) -> None:
        self._path, self._kind, self._key, self._salt, self._cost, self._rand = path, kind, key, salt, cost, rand
        self.gen = gen

    @classmethod
    def create(
        cls, path: Path, kind: str, passphrase: str, content: bytes, *, cost: Cost, rand: Rand, gen: int = 1
    ) -> Self:
        """Write a new file, mode 0600; `gen` continues the count of a file that was restored from a backup.

        Raises RefusedError(exists) and leaves the existing file alone; RefusedError(invalid) for an empty passphrase.
        """
        salt = rand(_SALT)
        made = cls(path, kind, _derive(passphrase, salt, cost), salt, cost, gen, rand)
        try:
            _write_new(path, made._seal(content, gen))
        except FileExistsError as exc:
            raise RefusedError(Code.EXISTS, f"{path.name} exists already", hint="nothing was overwritten") from exc
        return made

    @classmethod
    def open(
        cls, path: Path, kind: str, passphrase: str, *, at_least: Cost, min_gen: int, rand: Rand
    ) -> tuple[Self, bytes]:
        """Open a file and return it with its secrets.

        Raises RefusedError: not_found, invalid (no such file, cost out of bounds), rollback (older than `min_gen`),
        wrong_passphrase (or damaged: the two cannot be told apart).
        """
        header, aad, closed = _split(_read(path), kind, path.name)
        cost = Cost(t=number(header["t"]), m=number(header["m"]))
        if cost.t < at_least.t or cost.m < at_least.m:
            raise RefusedError(Code.INVALID, f"{path.name} has a weaker key derivation than allowed")
        gen, salt = number(header["gen"]), unb64u(header["salt"])
        key = _derive(passphrase, salt, cost)
        try:
            content = aead_open(key, unb64u(header["nonce"]), closed, aad)
        except RemoteError as exc:
            raise RefusedError(Code.WRONG_PASSPHRASE, f"{path.name}: wrong passphrase, or the file is damaged") from exc
        # Compared only now: before the file opened, its generation was anybody's claim.
        if gen < min_gen:
            raise RefusedError(Code.ROLLBACK, f"{path.name} is older than the one used last")
        # A kill between writing and renaming leaves the next generation here; it was never acknowledged.
        _temporary(path).unlink(missing_ok=True)
        return cls(path, kind, key, salt, cost, gen, rand), content

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
        rand: Rand = system_rand,
    ) -> tuple[Self, T]:
        """Open a file as ``open`` does and parse its secrets. Raises RefusedError(invalid) for another content too."""
        file, content = cls.open(path, kind, passphrase, at_least=at_least, min_gen=min_gen, rand=rand)
        try:
            return file, parse(content)
        except RemoteError as exc:
            raise RefusedError(Code.INVALID, f"{path.name} has another content than expected") from exc

    def replace(self, content: bytes) -> None:
        """Write `content` as the next generation. It is on disk when this returns; nothing has changed when this
        raises.

        Raises TransientError when the disk does not take it.
        """
        try:
            _write_over(self._path, self._seal(content, self.gen + 1))
        except OSError as exc:
            raise TransientError(Code.UNREACHABLE, f"{self._path.name} cannot be written: {exc.strerror}") from exc
        self.gen += 1

    def _seal(self, content: bytes, gen: int) -> bytes:
        nonce = self._rand(NONCE)
        header = canon(
            {
                "type": self._kind,
                "kdf": _KDF,
                "t": self._cost.t,
                "m": self._cost.m,
                "p": 1,
                "salt": b64u(self._salt),
                "nonce": b64u(nonce),
                "gen": gen,
                "hsm": None,
            }
        )
        return lp(header) + aead_seal(self._key, nonce, content, header)

    def __repr__(self) -> str:
        return "<redacted>"


def _derive(passphrase: str, salt: bytes, cost: Cost) -> bytes:
    if not passphrase.strip():
        raise RefusedError(Code.INVALID, "passphrase is empty", hint="a file without a passphrase protects nothing")
    # Two keyboards may type one letter as different code points; both must open the file.
    secret = unicodedata.normalize("NFC", passphrase).encode()
    stretched = nacl.bindings.crypto_pwhash_alg(
        _KEY, secret, salt, cost.t, cost.m, nacl.bindings.crypto_pwhash_ALG_ARGON2ID13
    )
    return h("ks", stretched)


def _split(data: bytes, kind: str, name: str) -> tuple[dict[str, Json], bytes, bytes]:
    """Split a file into header, its exact bytes, and the sealed rest.

    Nothing of it is authentic yet, so every member has bounds.
    """
    checks: dict[str, Check] = {
        "type": one_of(kind),
        "kdf": one_of(_KDF),
        "t": is_int(1, _MOST_T),
        "m": is_int(nacl.bindings.crypto_pwhash_argon2id_MEMLIMIT_MIN, _MOST_M),
        "p": is_int(1, 1),
        "salt": is_b64u(_SALT),
        "nonce": is_b64u(NONCE),
        "gen": is_count,
        "hsm": lambda value: value is None,
    }
    try:
        aad, offset = lp_read(data)
        header = exact(parse(aad, limit=_HEADER_LIMIT), checks, what="header")
    except RemoteError as exc:
        raise RefusedError(Code.INVALID, f"{name} is not a file of type {kind}: {exc.what}") from exc
    return header, aad, data[offset:]


# --- disk --------------------------------------------------------------------------------------------------------


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(FILE_LIMIT)
    except FileNotFoundError as exc:
        raise RefusedError(Code.NOT_FOUND, f"there is no {path.name}") from exc
    except OSError as exc:
        raise RefusedError(Code.INVALID, f"{path.name} cannot be read: {exc.strerror}") from exc


def _temporary(path: Path) -> Path:
    """Return the one temporary name, so that a file that a crash left behind is overwritten, not kept."""
    return path.with_name(path.name + ".new")


def _write_new(path: Path, data: bytes) -> None:
    temporary = _write_temporary(path, data)
    try:
        os.link(temporary, path)  # unlike a rename, never replaces
    finally:
        temporary.unlink()
    _sync_folder(path)


def _write_over(path: Path, data: bytes) -> None:
    _write_temporary(path, data).replace(path)
    _sync_folder(path)


def _write_temporary(path: Path, data: bytes) -> Path:
    temporary = _temporary(path)
    temporary.unlink(missing_ok=True)
    # Exclusive and without following links: nobody can have put a file or a link there to read the secrets.
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    return temporary


def _sync_folder(path: Path) -> None:
    # The name is in the folder, not in the file: without this a power cut brings the old generation back.
    descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
