"""The recovery key: an X-Wing key in a file under a passphrase, made on a machine that is not the node's (nrm1 13.4).

Its public half lies beside it and is all that a node has: with it the node seals backups that it cannot open.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from gateway.errors import Code, RefusedError
from keys.backups.backup_header import RecoveryPublic
from keys.primitives.encoding import Check, b64u, canon, exact, is_b64u, is_int, one_of, parse, unb64u
from keys.primitives.hybrid_keys import Rand
from keys.primitives.seal import ENC_SEED, EncPrivateKey
from keys.primitives.sealed_file import DEFAULT_COST, Cost, SealedFile, system_rand

KIND: Final = "nrm.recovery/1"
_LIMIT: Final = 1024


def public_path(path: Path) -> Path:
    """Return the path of the public half of the key file `path`."""
    return path.with_name(path.name + ".public")


def create_recovery(
    path: Path, passphrase: str, *, now: int, cost: Cost = DEFAULT_COST, rand: Rand = system_rand
) -> RecoveryPublic:
    """Create a new recovery key in `path`, mode 0600, and its public half beside it.

    Raises RefusedError(exists) when one of the two files is there, or invalid for an empty passphrase; nothing is left
    behind.
    """
    beside = public_path(path)
    if beside.exists():
        raise RefusedError(Code.EXISTS, f"{beside.name} exists already", hint="nothing was overwritten")
    seed = rand(ENC_SEED)
    key = EncPrivateKey(seed)
    public = RecoveryPublic(kid=key.kid, public=key.public, made=now)
    content = canon({"type": "nrm.recovery-key/1", "seed": b64u(seed), "made": now})
    SealedFile.create(path, KIND, passphrase, content, cost=cost, rand=rand)
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
    with os.fdopen(handle, "wb") as file:
        file.write(public.encode())
        file.flush()
        os.fsync(file.fileno())
    return public


def load_recovery(path: Path, passphrase: str, *, at_least: Cost = DEFAULT_COST) -> EncPrivateKey:
    """Load the key in a file. Raises RefusedError(not_found, invalid, wrong_passphrase)."""
    return SealedFile.read(path, KIND, passphrase, _parse, at_least=at_least)[1]


def _parse(content: bytes) -> EncPrivateKey:
    return EncPrivateKey(unb64u(exact(parse(content, limit=_LIMIT), _SECRET, what="recovery key")["seed"]))


_SECRET: Final[dict[str, Check]] = {
    "type": one_of("nrm.recovery-key/1"),
    "seed": is_b64u(ENC_SEED),
    "made": is_int(),
}
