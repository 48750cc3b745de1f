"""The key service as a running node has it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from keys.documents.descriptor import Descriptor
from keys.keystore.service import KeyInfo, KeyService


class NodeKeys(KeyService, Protocol):
    """The key service of a running node, which also follows its own descriptor and counts the writes of its file."""

    @property
    def gen(self) -> int:
        """Generation of the key store file."""
        ...

    def listing(self) -> tuple[KeyInfo, ...]:
        """Every key with its age."""
        ...

    def activate(self, chain: Sequence[Descriptor], now: int) -> None:
        """Sign from now on by the keys that the last of the own chain lists as valid."""
        ...
