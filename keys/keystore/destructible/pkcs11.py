"""The secret in a PKCS#11 token: a key for each slot, made in the token and destroyed there (nrm1 13.5). Needs the
extra `pkcs11`.

The key never leaves the token: what is mixed into the key store is its HMAC-SHA256 of the salt. What destroying is
worth is the promise of the token's maker; SoftHSM keeps its objects in files, and is worth what a file is.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pkcs11
from pkcs11.types import SignMixin

from gateway.errors import Code, RefusedError, TransientError
from keys.keystore.destructible.secret import SECRET, Place, Slot

_LABEL: Final = "trm key store"


class SecretInToken:
    """Implements ``DestructibleSecret``. Each call is a session of its own, so a token that was away comes back."""

    place: Final = Place.PKCS11

    def __init__(self, module: Path, label: str, pin_file: Path, salt: bytes) -> None:
        self._module, self._label, self._pin_file, self._salt = module, label, pin_file, salt

    def make(self, slot: Slot) -> bytes:
        """See ``DestructibleSecret``."""
        with self._session() as session:
            self._destroy(session, slot)
            key = session.generate_key(
                pkcs11.KeyType.GENERIC_SECRET,
                SECRET * 8,
                id=self._id(slot),
                label=_LABEL,
                store=True,
                capabilities=pkcs11.MechanismFlag.SIGN,
                template={pkcs11.Attribute.SENSITIVE: True, pkcs11.Attribute.EXTRACTABLE: False},
            )
            return self._hmac(key)

    def read(self, slot: Slot) -> bytes | None:
        """See ``DestructibleSecret``."""
        with self._session() as session:
            found = self._find(session, slot)
            return self._hmac(found[0]) if found else None

    def destroy(self, slot: Slot) -> None:
        """See ``DestructibleSecret``."""
        with self._session() as session:
            self._destroy(session, slot)

    def _destroy(self, session: pkcs11.Session, slot: Slot) -> None:
        for key in self._find(session, slot):
            key.destroy()

    def _find(self, session: pkcs11.Session, slot: Slot) -> list[pkcs11.Object]:
        wanted = {pkcs11.Attribute.CLASS: pkcs11.ObjectClass.SECRET_KEY, pkcs11.Attribute.ID: self._id(slot)}
        return list(session.get_objects(wanted))

    def _id(self, slot: Slot) -> bytes:
        return self._salt + bytes([slot])

    def _hmac(self, key: pkcs11.Object) -> bytes:
        if not isinstance(key, SignMixin):
            raise TransientError(Code.UNREACHABLE, "the key in the token is not one that signs; nothing was lost")
        signed: bytes = key.sign(self._salt, mechanism=pkcs11.Mechanism.SHA256_HMAC)
        return signed

    @contextmanager
    def _session(self) -> Iterator[pkcs11.Session]:
        try:
            pin = self._pin_file.read_text(encoding="utf-8").rstrip("\n")
        except (OSError, UnicodeDecodeError) as exc:
            raise RefusedError(
                Code.INVALID,
                f"the PIN of the token cannot be read from {self._pin_file}; nothing was changed",
                hint="keys.pkcs11.pin_file in node.toml, or trm keyd --pkcs11-pin-file",
            ) from exc
        try:
            token = pkcs11.lib(str(self._module)).get_token(token_label=self._label)
            with token.open(rw=True, user_pin=pin) as session:
                yield session
        except (pkcs11.PinIncorrect, pkcs11.PinLocked) as exc:
            # Said and not tried again: a token counts wrong PINs and locks itself.
            raise RefusedError(
                Code.INVALID,
                "the token does not take the PIN; nothing was changed",
                hint=f"correct {self._pin_file} before the next start: a token locks itself after a few wrong PINs",
            ) from exc
        except pkcs11.PKCS11Error as exc:
            raise TransientError(
                Code.UNREACHABLE,
                f"the token that holds the secret of the key store is away ({type(exc).__name__}); nothing was lost",
                hint="is it plugged in, is its label and library the one that was said? docs/keys.md",
            ) from exc
