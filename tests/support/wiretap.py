"""Somebody who records all messages that pass between nodes, and comes to keys: what can be read of the record.

The keys are taken at two times. Who took each seed as soon as it was made reads everything: a model learns so what a
node let go. Who comes later has the seeds that are left.
"""

from __future__ import annotations

from collections import defaultdict
from functools import wraps
from typing import Any

from gateway.delivery.inbound import steps
from gateway.delivery.inbound.steps import OpenedEnvelope
from gateway.errors import Code, RemoteError
from gateway.foundation.ids import KeyId
from gateway.identity.unlock import Keyholder
from keys.documents.envelope import Envelope
from keys.keystore.key_changes import KeyChange
from keys.keystore.keystore import Keystore
from keys.primitives.seal import EncPrivateKey, open_cek


class Wiretap:
    """What was recorded, by id of the message, and the seeds that were taken in time."""

    def __init__(self) -> None:
        self._recorded: defaultdict[str, dict[bytes, Envelope]] = defaultdict(dict)
        self._taken: dict[KeyId, EncPrivateKey] = {}

    def follow(self, keys: Keyholder) -> None:
        """Take the seeds of a node, and from now on each new one as soon as it is made."""
        assert isinstance(keys, Keystore), "a key service gives no seed away"
        change = keys.change

        @wraps(change)
        def change_and_take(wanted: KeyChange[Any]) -> Any:
            made = change(wanted)
            self._take(keys)
            return made

        keys.change = change_and_take  # type: ignore[method-assign] # a tap lies over it; mypy lets no method be set
        self._take(keys)

    def record(self, data: bytes) -> Envelope:
        """Keep an envelope that passes."""
        envelope = steps.read_envelope(data)
        return self._recorded[envelope.id].setdefault(data, envelope)

    def read(self, envelope: Envelope, *, signer: str) -> OpenedEnvelope:
        """Open an envelope of `signer` with the seeds that were taken in time."""
        return steps.unpack_frames(envelope, steps.open_content(envelope, self._open_cek), signer=signer)

    def is_open_to(self, keys: Keyholder, id: str) -> bool:
        """Whether the seeds that these keys still have open anything that was recorded of a message."""
        return any(_opens(keys, envelope) for envelope in self._recorded[id].values())

    def _take(self, keys: Keystore) -> None:
        self._taken |= {held.key.kid: held.key for held in keys._ring.enc}

    def _open_cek(self, kid: KeyId, enc: bytes, info: bytes) -> bytes:
        return open_cek(self._taken[kid], enc, info)


def _opens(keys: Keyholder, envelope: Envelope) -> bool:
    try:
        steps.open_content(envelope, keys.open_cek)
    except RemoteError as error:
        assert error.code is Code.UNKNOWN_RECIPIENT_KEY, "an honest node sealed it"
        return False
    return True
