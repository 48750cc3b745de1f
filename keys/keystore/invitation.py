"""How the keys of a node come to one more machine: by a file, a code and the database, and none is enough (nrm1 13.5).

The file is sealed like every file of secrets (``keys.primitives.sealed_file``), under the code, which is shown to the
person who makes it, and a half that stands in the database until the invitation is used or its hour is over. After that
the file opens nothing, whoever has the code.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

from gateway.errors import Code, RefusedError
from keys.primitives.encoding import b64u, is_b64u, is_count, number, unb64u
from keys.primitives.hybrid_keys import Rand
from keys.primitives.sealed_file import (
    DEFAULT_COST,
    SALT,
    Cost,
    ReadFile,
    seal_content,
    stretch_passphrase,
    system_rand,
    write_new_file,
)

KIND: Final = "nrm.invitation/1"
_ID: Final = 16
_HALF: Final = 32
_LETTERS: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""32 letters and digits of which no two look alike."""
_GROUPS: Final = 6
_GROUP: Final = 4
_HEADER: Final = {"id": is_b64u(_ID), "until": is_count}


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """What the database keeps of an invitation: its `id`, and the `half` of its key."""

    id: bytes
    half: bytes = field(repr=False)

    @classmethod
    def new(cls, rand: Rand = system_rand) -> Self:
        """Make one."""
        return cls(id=rand(_ID), half=rand(_HALF))


def write_invitation(
    path: Path,
    content: bytes,
    made: Invitation,
    *,
    until: int,
    cost: Cost = DEFAULT_COST,
    rand: Rand = system_rand,
) -> str:
    """Seal the content of a key store file (``keys.keystore.keyring_file.read_content``) into a new file, mode 0600;
    return the code of 120 bits that opens it. `until` is what the database says (Unix seconds).

    Raises RefusedError(exists) and leaves the existing file alone.
    """
    code = "-".join(
        "".join(_LETTERS[byte % len(_LETTERS)] for byte in rand(_GROUP)) for _ in range(_GROUPS)
    )  # 256 is a multiple of 32: every letter is as likely
    data = seal_content(
        content,
        stretch_passphrase(_plain(code), rand(SALT), cost),
        kind=KIND,
        gen=1,
        more={"id": b64u(made.id), "until": until},
        secret=made.half,
        rand=rand,
    )
    write_new_file(path, data)
    return code


def read_invitation(path: Path) -> tuple[bytes, int]:
    """Return the id of an invitation and until when it says to count. Raises RefusedError(not_found, invalid)."""
    header = ReadFile.of(path, KIND, _HEADER).header
    return unb64u(header["id"]), number(header["until"])


def open_invitation(path: Path, code: str, half: bytes, *, at_least: Cost = DEFAULT_COST) -> bytes:
    """Open an invitation with its code and the half that the database has kept: the content of a key store file.

    Raises RefusedError: not_found, invalid, wrong_passphrase for another code.
    """
    found = ReadFile.of(path, KIND, _HEADER)
    try:
        return found.open(found.stretch(_plain(code), at_least), half)
    except RefusedError as exc:
        if exc.code is not Code.WRONG_PASSPHRASE:
            raise
        raise RefusedError(
            Code.WRONG_PASSPHRASE, "this is not the code of the invitation, or its file was altered; nothing was made"
        ) from exc


def _plain(code: str) -> str:
    return code.upper().replace("-", "").replace(" ", "").strip()
