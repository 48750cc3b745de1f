"""What stands between the node and whoever works with it: its operations by name, and who comes in at the console.

The local API and the console ask through `Operations`; the console finds out with `SignIn` who asks.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from gateway.operations.roles import OWNER, Caller
from gateway.ports import Json, OperationResult


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file as a stream: what it gives is to be believed only when it has ended without an error."""

    name: str
    media: str
    size: int
    sha256: bytes
    chunks: AsyncIterator[bytes] = field(repr=False)


Happening: TypeAlias = tuple[int, Mapping[str, Json]]
"""One event: its position in the stream, and what it says."""


class Operations(Protocol):
    """Everything people and local systems can ask of the node, by operation name; the API and `trm` both come through
    here.

    Raises `RefusedError` with nothing changed, or `TransientError`. `key` is the Idempotency-Key of the caller, if any.
    Whether the `caller` may ask at all was decided before (`gateway.operations.roles`); here it narrows what is found.
    """

    async def call(
        self, operation: str, arguments: Mapping[str, Json], *, key: str | None = None, caller: Caller = OWNER
    ) -> OperationResult:
        """Do one operation."""
        ...

    async def attach(
        self, arguments: Mapping[str, Json], chunks: AsyncIterator[bytes], *, size: int, caller: Caller = OWNER
    ) -> OperationResult:
        """Take a file of ``size`` bytes as it comes."""
        ...

    async def attached(self, arguments: Mapping[str, Json], *, caller: Caller = OWNER) -> File:
        """One file of a message."""
        ...

    def events(self, after: int | None, *, caller: Caller = OWNER) -> AsyncIterator[Sequence[Happening]]:
        """Events behind a position, or from now on, and then as they happen, without end, several together."""
        ...


# --- who stands at the console -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who works at this node's console, as a session shows them. ``name`` is what colleagues call them.

    ``admin`` is their pseudonym among the administrators, for who can approve changes of trust with their passkey.
    """

    id: str
    name: str
    caller: Caller
    language: str | None = None
    admin: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ceremony:
    """What a browser is asked to sign (WebAuthn): ``id`` finds the challenge again, once; ``options`` are for it."""

    id: str
    options: Mapping[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shell:
    """A shell that waits to be signed in: what it calls itself, for how many seconds it asks, until when it waits."""

    label: str
    seconds: int
    ends: int


class SignIn(Protocol):
    """Passkeys and sessions: who comes in at the console and as whom. Every refusal is a `RefusedError`
    (`unauthorised`), too many attempts a `TransientError` (`unauthorised`); neither says what exists.
    """

    async def invited(self, code: str) -> tuple[Person, Ceremony]:
        """Find whom an invitation is for, and begin to make their passkey."""
        ...

    async def enrol(self, code: str, ceremony: str, credential: Mapping[str, Json]) -> str:
        """Keep the passkey of an invitation and end the invitation; returns the secret of a new session."""
        ...

    async def begin(self) -> Ceremony:
        """Begin the sign-in of a person who has a passkey."""
        ...

    async def sign_in(self, ceremony: str, credential: Mapping[str, Json]) -> str:
        """Returns the secret of a new session."""
        ...

    async def admit(self, session: str) -> Person | None:
        """Find whose session this secret is; None when it is none, has ended or was idle too long."""
        ...

    async def watch(self, session: str) -> Person | None:
        """Do as `admit`, for what the browser asks by itself: it does not count as something that the person does."""
        ...

    async def sign_out(self, session: str) -> None:
        """End a session; nothing happens when there is none."""
        ...

    async def speak(self, person: str, language: str) -> None:
        """Remember the language a person reads."""
        ...

    async def shell(self, person: Person, code: str) -> Shell:
        """Find the shell that shows this code (`trm login`)."""
        ...

    async def sign_shell_in(self, person: Person, code: str, *, session: str) -> None:
        """The shell that shows this code is the person's, who says so in this session: it gets a personal token of
        theirs, if the session lasts until it comes for it.
        """
        ...

    async def approval(self, person: Person, change: Mapping[str, Json], *, emergency: bool = False) -> Ceremony:
        """How an administrator signs a change of trust, prepared or pending, as `change.prepare` and `change.show` give
        it: the challenge is its hash. What the browser gives is the `assertion` of `change.propose` or
        `change.approve`, with the same `emergency`.
        """
        ...

    async def offer(self, person: Person) -> Ceremony:
        """How a person who looks after trust puts a passkey of theirs on a card, to become an administrator."""
        ...

    async def offered(self, person: Person, ceremony: str, credential: Mapping[str, Json]) -> Mapping[str, Json]:
        """Keep the card and return it. `admin.list` shows it as offered until two administrators enrol it by the usual
        change (`admin.enrol`, with the card as `admin`).
        """
        ...
