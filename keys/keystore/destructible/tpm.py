"""The secret in a TPM 2.0: an NV index for each slot, deleted and defined anew (nrm1 13.5). Needs the extra `tpm`.

The indexes are read and written under the owner hierarchy, whose authorisation is empty on an ordinary Linux machine.
They keep the secret from whoever has a copy of the disk, not from whoever runs programs on the machine and has the
passphrase. A virtual TPM is a file of its host: there the promise is that of the host.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from tpm2_pytss import ESAPI, TSS2_Exception
from tpm2_pytss.constants import ESYS_TR, TPM2_ALG, TPM2_CAP, TPMA_NV
from tpm2_pytss.types import TPM2B_NV_PUBLIC, TPMS_NV_PUBLIC

from gateway.errors import Code, TransientError
from keys.keystore.destructible.secret import SECRET, Place, Slot
from keys.primitives.hybrid_keys import Rand

_FIRST: Final = 0x01800000
_PAIRS: Final = 0x3FFFFE
"""Of the indexes that belong to the owner, an even one and the next are those of one key store."""
_ATTRIBUTES: Final = TPMA_NV.OWNERREAD | TPMA_NV.OWNERWRITE | TPMA_NV.NO_DA


class SecretInTpm:
    """Implements ``DestructibleSecret``. Each call is a connection of its own, so a TPM that was away comes back."""

    place: Final = Place.TPM

    def __init__(self, tcti: str, salt: bytes, rand: Rand) -> None:
        self._tcti, self._rand = tcti, rand
        self._index = _FIRST | int.from_bytes(salt[:3]) & _PAIRS

    def make(self, slot: Slot) -> bytes:
        """See ``DestructibleSecret``."""
        secret = self._rand(SECRET)
        public = TPM2B_NV_PUBLIC(
            nvPublic=TPMS_NV_PUBLIC(
                nvIndex=self._index + slot, nameAlg=TPM2_ALG.SHA256, attributes=_ATTRIBUTES, dataSize=SECRET
            )
        )
        with self._connection() as tpm:
            self._delete(tpm, slot)
            handle = tpm.nv_define_space(None, public)
            tpm.nv_write(handle, secret, auth_handle=ESYS_TR.OWNER)
        return secret

    def read(self, slot: Slot) -> bytes | None:
        """See ``DestructibleSecret``. An index that was defined and not yet written has none."""
        with self._connection() as tpm:
            if not self._defined(tpm, slot):
                return None
            handle = tpm.tr_from_tpmpublic(self._index + slot)
            if not tpm.nv_read_public(handle)[0].nvPublic.attributes & TPMA_NV.WRITTEN:
                return None
            return bytes(tpm.nv_read(handle, SECRET, auth_handle=ESYS_TR.OWNER))

    def destroy(self, slot: Slot) -> None:
        """See ``DestructibleSecret``."""
        with self._connection() as tpm:
            self._delete(tpm, slot)

    def _delete(self, tpm: ESAPI, slot: Slot) -> None:
        if self._defined(tpm, slot):
            tpm.nv_undefine_space(tpm.tr_from_tpmpublic(self._index + slot))

    def _defined(self, tpm: ESAPI, slot: Slot) -> bool:
        _, found = tpm.get_capability(TPM2_CAP.HANDLES, self._index + slot, 1)
        return self._index + slot in list(found.data.handles)

    @contextmanager
    def _connection(self) -> Iterator[ESAPI]:
        try:
            with ESAPI(self._tcti) as tpm:
                yield tpm
        except TSS2_Exception as exc:
            raise TransientError(
                Code.UNREACHABLE,
                f"the TPM with the secret of the key store does not answer as it must ({exc.rc:#x}); nothing was lost",
                hint="is it there, may this user open it (group tss), is its owner authorisation empty? docs/keys.md",
            ) from exc
