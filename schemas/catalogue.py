"""The message types a node holds, in every revision: by name, and by the schema hash that a statement pins."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from gateway.errors import Code, Finding, RefusedError
from schemas import resources

_UNKNOWN = "no such message type is held"
_LISTED = "trm schema list shows those held"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """The answer that a message requires: one of ``types`` before ``clock`` has run out.

    Without types the signed receipt ``opened`` is the answer: a person of the other side has seen it. ``clock`` is a
    name of `clocks.json`.
    """

    types: tuple[str, ...]
    clock: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageType:
    """One revision of one message type.

    ``kind`` is the kind of conversation it belongs to: enquiry, referral, standing, probe or any. ``reply_to`` lists
    the types it answers: when not empty, the message must quote one of these. ``senders`` and ``receivers`` are the
    roles (codes of the list role) that a unit needs to send or to receive it. ``answers`` is the answer it requires,
    None for no answer. ``personal``: it is about a person, so that its header carries a legal basis and a transfer
    basis. ``never_blocked`` types pass every gate (G10).
    """

    body_type: str
    revision: int
    schema: str
    file: str
    title: str
    kind: str
    stage: str
    tier: int
    reply_to: tuple[str, ...]
    senders: tuple[str, ...]
    receivers: tuple[str, ...]
    answers: Answers | None
    never_blocked: bool
    personal: bool

    def to_json(self) -> dict[str, Any]:
        """Return the properties that lists of message types show."""
        return {
            "type": self.body_type,
            "revision": self.revision,
            "schema": self.schema,
            "title": self.title,
            "kind": self.kind,
            "stage": self.stage,
            "personal": self.personal,
        }

    @property
    def document(self) -> Mapping[str, Any]:
        """The JSON Schema itself. Shared: treat it as constant."""
        document: Mapping[str, Any] = resources.read_json(f"published/{self.file}")
        return document


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """All message types held, newest revision of each first in `types`, all of them in `held`."""

    held: tuple[MessageType, ...]

    @property
    def types(self) -> tuple[MessageType, ...]:
        """The newest revision of every type, in the order of their names."""
        newest = {entry.body_type: entry for entry in sorted(self.held, key=lambda entry: entry.revision)}
        return tuple(newest[name] for name in sorted(newest))

    @property
    def hashes(self) -> frozenset[str]:
        """The schema hashes that this node publishes to its peers at `GET /v1/schemas`."""
        return frozenset(entry.schema for entry in self.held)

    def __contains__(self, name: object) -> bool:
        return any(name in (entry.body_type, entry.schema) for entry in self.held)

    def get(self, body_type: str) -> MessageType:
        """Return the newest revision of `body_type`. Raises RefusedError(no_common_schema) for a type not held."""
        return _newest(entry for entry in self.held if entry.body_type == body_type)

    def by_schema(self, schema: str) -> MessageType:
        """Return the revision whose file has the hash `schema` ("sha256:...").

        Raises RefusedError(no_common_schema).
        """
        return _newest(entry for entry in self.held if entry.schema == schema)

    def resolve(self, name: str) -> MessageType:
        """Return a type by its schema hash when `name` begins with "sha256:", else the newest revision. Raises like
        `get`.
        """
        return self.by_schema(name) if name.startswith("sha256:") else self.get(name)

    def find(self, name: str) -> MessageType:
        """Like `resolve`, for a look-up without a peer. Raises RefusedError(not_found) for a type not held."""
        if name not in self:
            raise RefusedError(Code.NOT_FOUND, _UNKNOWN, hint=_LISTED)
        return self.resolve(name)

    def common(self, body_type: str, theirs: Collection[str]) -> MessageType:
        """Return the newest revision of `body_type` that a peer with the schema hashes `theirs` also holds.

        Raises RefusedError(no_common_schema) when there is none. A conversation that has begun keeps its revision.
        """
        return _newest(entry for entry in self.held if entry.body_type == body_type and entry.schema in theirs)


def _newest(entries: Any) -> MessageType:
    found: MessageType | None = max(entries, key=lambda entry: entry.revision, default=None)
    if found is None:
        raise RefusedError(Code.NO_COMMON_SCHEMA, _UNKNOWN, hint=_LISTED)
    return found


@cache
def load_catalogue() -> Catalogue:
    """Load the catalogue of this installation; it is read once."""
    return Catalogue(held=tuple(_entry(entry) for entry in resources.read_json("catalogue.json")))


def _entry(entry: Mapping[str, Any]) -> MessageType:
    lists = {name: tuple(entry[name]) for name in ("reply_to", "senders", "receivers")}
    owed: Mapping[str, Any] | None = entry["answers"]
    answers = None if owed is None else Answers(types=tuple(owed["types"]), clock=owed["clock"])
    return MessageType(**{**entry, **lists, "answers": answers})


def verify_schema_files(sha256_hex: Callable[[bytes], str]) -> tuple[Finding, ...]:
    """Compare every schema file with the hash the catalogue states; a node starts only when nothing is found.

    The hash function is an argument because only `keys/` may import one.
    """
    wrong = (
        e
        for e in load_catalogue().held
        if f"sha256:{sha256_hex(resources.read_bytes(f'published/{e.file}'))}" != e.schema
    )
    return tuple(
        Finding(place=entry.file, rule="schema_hash", hint="reinstall, or run ./dev schemas") for entry in wrong
    )
