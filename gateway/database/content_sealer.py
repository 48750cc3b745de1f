"""Content on its way to and from the disk: sealed under a data key of its own, which an epoch key wraps
(nrm1 13.1).

What is needed for many rows is asked of the key service at once (`seal_each`, `open_each`, `learn`): one move of data
to it and back costs more than what it does for one row.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from gateway.database.case_names import case_name
from gateway.database.content import SealedRow
from gateway.database.deflated import deflate, inflate
from gateway.errors import Code, GatewayError, RefusedError, RemoteError
from gateway.foundation.ids import ConversationId, NodeId
from keys.keystore.service import KeyService
from keys.primitives.encoding import sha256
from keys.primitives.seal import aead_open, aead_seal

T = TypeVar("T")
NONCE = 24
_ROW = (b"row/", b"row/deflated/")
"""By the form of a row the beginning of the label under which it is sealed: nobody makes one form of the other."""
AT_ONCE = 500
"""Keyed hashes that are asked for together, where there may be very many."""
MOST_KNOWN = 4_096
"""Index values remembered at a time: those of the conversations and consents that are being spoken about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """What stands for one Idempotency-Key and its body: `index` finds it again, `digest` tells another body, and `key`,
    which is not stored, opens its answer.
    """

    index: bytes
    digest: bytes
    key: bytes = field(repr=False)


class ContentSealer:
    """Seals and opens content rows; holds no key itself."""

    def __init__(self, keys: KeyService, rand: Callable[[int], bytes]) -> None:
        self._keys = keys
        self._rand = rand
        self._known: dict[bytes, bytes] = {}
        self._lock = threading.Lock()

    # --- rows -----------------------------------------------------------------------------------------------------

    def seal(self, ref: int, plaintext: bytes) -> SealedRow:
        """A new row under a fresh data key."""
        return self.seal_each([(ref, plaintext)])[0]

    def seal_each(self, items: Sequence[tuple[int, bytes]]) -> list[SealedRow]:
        """New rows of (ref, plaintext), each under a fresh data key."""
        wrapped = self._keys.each("wrap", [(_row_id(ref),) for ref, _ in items])
        return [self._sealed(*item, *_got(found)) for item, found in zip(items, wrapped, strict=True)]

    def _sealed(self, ref: int, plaintext: bytes, data_key: bytes, epoch: int, wrapped: bytes) -> SealedRow:
        nonce, smaller = self._rand(NONCE), deflate(plaintext)
        form = int(smaller is not None)
        data = nonce + aead_seal(data_key, nonce, plaintext if smaller is None else smaller, _ROW[form] + _row_id(ref))
        return SealedRow(ref=ref, epoch=epoch, wrapped=wrapped, data=data, form=form)

    def open(self, row: SealedRow) -> bytes:
        """The plaintext of a row.

        Raises:
            RefusedError: undecryptable; the row was altered, or its epoch is gone.
        """
        return _got(self.open_each([row])[0])

    def open_each(self, rows: Sequence[SealedRow]) -> list[bytes | RefusedError]:
        """The plaintext of each row, or why it does not open. Raises TransientError: the key service is away."""
        keys = self._keys.each("unwrap", [(_row_id(row.ref), row.epoch, row.wrapped) for row in rows])
        return [_opened(row, found) for row, found in zip(rows, keys, strict=True)]

    # --- what is found again without telling what it is about -----------------------------------------------------

    def learn(self, *, conversations: Iterable[ConversationId] = (), consents: Iterable[str] = ()) -> None:
        """Ask for the index values of all these at once; they are remembered for a while."""
        wanted = {*map(_conversation, conversations), *map(_consent, consents)} - self._known.keys()
        self._indexes(list(wanted))

    def conversation_index(self, conversation: ConversationId) -> bytes:
        """Hash a conversation id as the database stores it."""
        return self._index(_conversation(conversation))

    def consent_index(self, consent: str) -> bytes:
        """Hash a consent id as the database stores it."""
        return self._index(_consent(consent))

    def hold_indexes(self, conversation: ConversationId, consents: Iterable[str]) -> list[bytes]:
        """What the database stores of an asylum hold, the conversation first: other values than messages have."""
        return [self._index(b"asylum/" + name) for name in (_conversation(conversation), *map(_consent, consents))]

    def hashes(self, names: Sequence[bytes]) -> list[bytes]:
        """Hash these names as the ledger says them (`gateway.ledger.rules`)."""
        found: list[bytes] = []
        for start in range(0, len(names), AT_ONCE):
            calls = [(name,) for name in names[start : start + AT_ONCE]]
            found += [_got(value) for value in self._keys.each("index", calls)]
        return found

    def _index(self, name: bytes) -> bytes:
        known = self._known.get(name)
        return self._indexes([name])[0] if known is None else known

    def _indexes(self, names: Sequence[bytes]) -> list[bytes]:
        found: list[bytes] = [_got(value) for value in self._keys.each("index", [(name,) for name in names])]
        with self._lock:
            self._known.update(zip(names, found, strict=True))
            for oldest in list(self._known)[: len(self._known) - MOST_KNOWN]:
                del self._known[oldest]
        return found

    def case_indexes(self, numbers: Sequence[str]) -> list[bytes]:
        """Hash the numbers of cases in the case system as the database stores them."""
        return [_got(value) for value in self._keys.each("index", [(b"case/" + one.encode(),) for one in numbers])]

    def origin_indexes(self, adapter: str, names: Sequence[str]) -> list[bytes]:
        """Hash the names of local records as the database stores them."""
        calls = [(b"origin/" + adapter.encode() + b"/" + name.encode(),) for name in names]
        return [_got(value) for value in self._keys.each("index", calls)]

    def case_hashes(self, asked: Iterable[tuple[NodeId, str]]) -> dict[tuple[NodeId, str], bytes]:
        """By (peer, local number) the hash under which the peer knows our case (`gateway.database.case_names`)."""
        pairs = list(dict.fromkeys(asked))
        found = self._keys.each("index", [(case_name(peer=peer, case=case),) for peer, case in pairs])
        return {pair: _got(digest) for pair, digest in zip(pairs, found, strict=True)}

    def reminder_indexes(self, labels: Sequence[str]) -> list[bytes]:
        """Hash the words for what is owed as the database stores them."""
        return [_got(value) for value in self._keys.each("index", [(b"reminder/" + name.encode(),) for name in labels])]

    def word_indexes(self, words: Sequence[str]) -> list[bytes]:
        """Hash the words by which cases are found as the database stores them."""
        found: list[bytes] = []
        for start in range(0, len(words), AT_ONCE):
            calls = [(b"word/" + word.encode(),) for word in words[start : start + AT_ONCE]]
            found += [_got(value) for value in self._keys.each("index", calls)]
        return found

    # --- submissions ----------------------------------------------------------------------------------------------

    def submissions(self, asked: Sequence[tuple[str | None, bytes]]) -> list[Submission | None]:
        """Hash each (Idempotency-Key, body) as it is stored; None where there is no key."""
        calls = [call for key, body in asked if key is not None for call in _submission(key, body)]
        values = iter(_got(value) for value in self._keys.each("index", calls))
        return [
            None
            if key is None
            else Submission(index=next(values), digest=next(values), key=sha256(b"answer/" + next(values)))
            for key, _ in asked
        ]

    def seal_answer(self, submission: Submission, answer: bytes) -> bytes:
        """The answer to a submission, readable only together with the caller's own Idempotency-Key."""
        nonce = self._rand(NONCE)
        return nonce + aead_seal(submission.key, nonce, answer, b"answer")

    def open_answer(self, submission: Submission, sealed: bytes) -> bytes:
        """The answer that was sealed under this Idempotency-Key."""
        return aead_open(submission.key, sealed[:NONCE], sealed[NONCE:], b"answer")


def _submission(key: str, body: bytes) -> tuple[tuple[bytes], ...]:
    name = key.encode()
    return (b"submission/" + name,), (b"body/" + sha256(body),), (b"answer/" + name,)


def _conversation(conversation: ConversationId) -> bytes:
    return b"conversation/" + conversation.encode()


def _consent(consent: str) -> bytes:
    return b"consent/" + consent.encode()


def _got(found: T | GatewayError) -> T:
    if isinstance(found, GatewayError):
        raise found
    return found


def _opened(row: SealedRow, found: bytes | GatewayError) -> bytes | RefusedError:
    if isinstance(found, RefusedError):
        return found
    data_key: bytes = _got(found)
    try:
        if row.form not in range(len(_ROW)):
            raise ValueError("another form")
        plaintext = aead_open(data_key, row.data[:NONCE], row.data[NONCE:], _ROW[row.form] + _row_id(row.ref))
        return inflate(plaintext) if row.form else plaintext
    except (RemoteError, ValueError) as exc:
        refused = RefusedError(Code.UNDECRYPTABLE, "the content cannot be opened; the row was altered")
        refused.__cause__ = exc
        return refused


def _row_id(ref: int) -> bytes:
    return ref.to_bytes(8, "big")
