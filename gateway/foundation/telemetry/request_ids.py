"""Request ids: one id that the log lines of a request share, from the caller to the peer (docs/adr/0034).

    read_request_id   take the id of a caller, if it looks random
    bind_request_id   log lines of this task, and requests to peers, have it from here on
    RequestTrail      finds it again for a message that departs or is handed over later, in another task

An id is random: nothing of a person, a case or a caller is in it. It is stored nowhere but in the log.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterable, Iterator, MutableMapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final, NewType
from uuid import uuid4

RequestId = NewType("RequestId", str)
HEADER: Final = "traceparent"
ANSWER_HEADER: Final = "traceresponse"
"""Of the second level of the recommendation: the id under which the request stands in this node's log."""
LETTERS: Final = 8
PADDED: Final = 6
"""So many different hexadecimal digits at least has an id that is believed to be random, a letter, and no digit six
times in a row: of a hundred thousand random ones three are refused by this. Numbers, dates and words that somebody
padded to an id are, and must not come into a log.
"""
MOST: Final = 4_096
"""Messages whose request is remembered."""

_PARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")
_CURRENT: ContextVar[RequestId | None] = ContextVar("request_id", default=None)


def read_request_id(given: Sequence[str]) -> RequestId | None:
    """Return the id of the `traceparent` fields of a request; None unless there is one field, of exactly the form of
    version 00, whose id looks random.
    """
    found = _PARENT.fullmatch(given[0]) if len(given) == 1 else None
    if found is None or int(found[2], 16) == 0:
        return None
    digits = set(found[1])
    padded = any(digit * PADDED in found[1] for digit in digits)
    return RequestId(found[1]) if len(digits) >= LETTERS and digits & set("abcdef") and not padded else None


def make_request_id() -> RequestId:
    """Make an id that nobody gave."""
    return RequestId(uuid4().hex)


def write_header(id: RequestId) -> str:
    """Write the field that carries an id further; the flags say that it is random, and that nobody traces it."""
    return f"00-{id}-{uuid4().hex[16:]}-02"


def current_request_id() -> RequestId | None:
    """The id of the request that this task works on, if any."""
    return _CURRENT.get()


@contextmanager
def request_scope(id: RequestId | None = None) -> Iterator[None]:
    """What is done inside belongs to a request of its own; what it binds ends with it."""
    token = _CURRENT.set(id)
    try:
        yield
    finally:
        _CURRENT.reset(token)


def bind_request_id(id: RequestId) -> None:
    """From here to the end of the scope this task works on the request of this id."""
    _CURRENT.set(id)


def add_request_id(_logger: Any, _name: str, fields: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Add the id to a log line that names none (a processor of structlog)."""
    if (id := _CURRENT.get()) is not None:
        fields.setdefault("trace", id)
    return fields


class RequestTrail:
    """The requests that messages came by, of the newest so many; in memory only."""

    def __init__(self) -> None:
        self._ids: OrderedDict[int, RequestId] = OrderedDict()

    def note(self, ref: int, id: RequestId | None) -> None:
        """The message of this local number came by a request."""
        if id is not None:
            self._ids[ref] = id
            if len(self._ids) > MOST:
                self._ids.popitem(last=False)

    def find(self, ref: int) -> RequestId | None:
        """The request that a message came by; None for one of before the start, or of long ago."""
        return self._ids.get(ref)

    def join(self, refs: Iterable[int]) -> RequestId:
        """The id of one request with these messages: the one that they share, else a new one. Those of different
        callers do not get the id of one of them.
        """
        ids = {self._ids.get(ref) for ref in refs}
        shared = ids.pop() if len(ids) == 1 else None
        return shared or make_request_id()
