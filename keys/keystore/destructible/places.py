"""How the places of a key store's secret are reached: what the key service is told when it starts (nrm1 13.5).

The key store says in its header where its secret lies; how to reach a TPM or a token comes from whoever starts the key
service, never from a file that the node could write: a token is reached through a library that is loaded.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gateway.errors import Code, RefusedError
from keys.keystore.destructible.file import SecretInFile
from keys.keystore.destructible.secret import DestructibleSecret, Place
from keys.primitives.hybrid_keys import Rand


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A PKCS#11 token: the library of its maker, its label, and the file with its PIN."""

    module: Path
    label: str
    pin_file: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """How this machine reaches a TPM (the configuration of its TCTI, such as device:/dev/tpmrm0) and a token; None for
    what was not said.
    """

    tpm: str | None = None
    token: Token | None = None

    def secret(self, place: Place, keystore: Path, salt: bytes, rand: Rand) -> DestructibleSecret:
        """Return the secret of the key store at `keystore`, which its `salt` names in a TPM and a token.

        Raises RefusedError(invalid) for a place that is not known here, or whose package is not installed.
        """
        match place:
            case Place.FILE:
                return SecretInFile(keystore, rand)
            case Place.TPM:
                return self._in_tpm(salt, rand)
            case Place.PKCS11:
                return self._in_token(salt)

    def others(self, place: Place) -> tuple[Place, ...]:
        """Return the places other than `place` that can be reached by what was said."""
        said = {Place.FILE: True, Place.TPM: self.tpm is not None, Place.PKCS11: self.token is not None}
        return tuple(other for other, is_said in said.items() if is_said and other is not place)

    def _in_tpm(self, salt: bytes, rand: Rand) -> DestructibleSecret:
        if self.tpm is None:
            raise _not_told("tpm", "keys.tpm in node.toml, or trm keyd --tpm")
        try:
            from keys.keystore.destructible.tpm import SecretInTpm  # an extra
        except ImportError as exc:
            raise _not_installed("tpm") from exc
        return SecretInTpm(self.tpm, salt, rand)

    def _in_token(self, salt: bytes) -> DestructibleSecret:
        if self.token is None:
            raise _not_told("pkcs11", "keys.pkcs11 in node.toml, or trm keyd --pkcs11-module")
        try:
            from keys.keystore.destructible.pkcs11 import SecretInToken  # an extra
        except ImportError as exc:
            raise _not_installed("pkcs11") from exc
        return SecretInToken(self.token.module, self.token.label, self.token.pin_file, salt)


def _not_told(place: str, where: str) -> RefusedError:
    return RefusedError(
        Code.INVALID,
        f"the secret of the key store lies in place {place}, and nothing says how to reach it; nothing was changed",
        hint=where,
    )


def _not_installed(extra: str) -> RefusedError:
    return RefusedError(
        Code.INVALID,
        f"the package for place {extra} is not installed; nothing was changed",
        hint=f'pip install "trm-gateway[{extra}]"',
    )
