"""The key service as its callers see it when it is a process of its own: ``KeyService`` over a Unix socket.

One connection for each thread; several calls are under way when several threads call. When the key service is away a
call from a worker thread waits up to ``PATIENCE`` for its return; one from the event loop does not wait, for everything
else would wait with it. Then TransientError(unreachable): whoever called repeats later, and nothing was answered
wrongly. What changes keys and may have arrived is not repeated from here: its caller looks how the keys stand.
Of what is more than the key service does in a minute a worker thread asks again, for as long as it goes on; the event
loop is told `busy` at once.
A key service that was started again is told first by which descriptor it signs, before anybody asks it for something.
"""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Sequence
from functools import wraps
from inspect import signature
from pathlib import Path
from typing import Any, Concatenate, Final, Generic, NoReturn, ParamSpec, Self, TypeVar, cast
from weakref import WeakSet

from gateway.errors import Code, RefusedError, RemoteError, TransientError
from keys.documents.descriptor import Descriptor
from keys.keystore.calls import (
    HELLO,
    KEYD_PROTOCOL,
    METHODS,
    Answer,
    Hello,
    KeyServiceStatus,
    decode_answer,
    encode_request,
)
from keys.keystore.channel import Channel, ClosedError
from keys.keystore.key_changes import KeyChange
from keys.keystore.service import KeyService
from keys.keystore.steps import Step

P = ParamSpec("P")
T = TypeVar("T")
PATIENCE: Final = 5.0
"""Seconds that a worker thread waits for a key service that is away."""
ANSWER: Final = 2.0
"""Seconds in which it answers a call of the event loop."""
CHANGE: Final = 30.0
"""Seconds for what is written to a disk, and for calls of worker threads."""
TOGETHER: Final = 32
"""Calls in one move of data: their answers fit the buffer of a socket, so that nobody waits for the other to read."""
_PAUSE: Final = 0.05
_BUSY_PAUSE: Final = 0.25
"""Seconds in which a key service at its limit may do some more."""


class _StatusProperty(Generic[T]):
    """A property that is read from the last status of the key service, without a call."""

    def __init__(self, read: Callable[[KeyServiceStatus], T]) -> None:
        self._read = read

    def __get__(self, keys: RemoteKeys, owner: type[RemoteKeys]) -> T:
        return self._read(keys._now())


def _remote(method: Callable[Concatenate[Any, P], T]) -> Callable[Concatenate[RemoteKeys, P], T]:
    """Make the method that asks the key service for `method`, with its arguments and its result.

    Raises KeyError for a method that has no row in the table of calls.
    """
    name, takes = method.__name__, [*signature(method).parameters][1:]
    if len(takes) != len(METHODS[name].takes):
        raise TypeError(f"the row of {name} takes other arguments")

    @wraps(method)
    def ask(keys: RemoteKeys, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return cast(T, keys._call(name, *args, *(kwargs[other] for other in takes[len(args) :])))

    return ask


class RemoteKeys:
    """Implements ``KeyService``; see the module. Prints as <redacted>."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._threads = threading.local()
        self._channels: WeakSet[Channel] = WeakSet()
        self._changing = threading.RLock()
        self._activated: tuple[Sequence[Descriptor], int] | None = None
        self._life: bytes | None = None
        self._standing: KeyServiceStatus | None = None
        self.alone = False

    @classmethod
    def reach(cls, path: Path, patience: float = 0.0) -> Self:
        """The key service that listens at `path`. Raises TransientError(unreachable)."""
        found = cls(path)
        end = time.monotonic() + patience
        while True:
            try:
                found._connected()
            except OSError as exc:
                if time.monotonic() >= end:
                    raise _away() from exc
                time.sleep(_PAUSE)
            else:
                return found

    def close(self) -> None:
        """Hang up on every connection, when no thread calls any more."""
        for channel in [*self._channels]:
            channel.close()

    def __repr__(self) -> str:
        return "<redacted>"

    # --- calls ---------------------------------------------------------------------------------------------------

    def _call(self, name: str, *arguments: object) -> Any:
        """Call one method. Raises GatewayError."""
        (answer,) = self._patient(name, [encode_request(name, arguments)])
        if answer.error is not None:
            raise answer.error
        return answer.result

    def each(self, name: str, calls: Sequence[tuple[object, ...]]) -> list[Any]:
        """See ``KeyService``. One move of data each way for `TOGETHER` calls."""
        if METHODS[name].changes:
            raise RuntimeError(f"{name} changes keys: it is asked once and by itself")
        found: list[Any] = []
        for start in range(0, len(calls), TOGETHER):
            requests = [encode_request(name, arguments) for arguments in calls[start : start + TOGETHER]]
            found += [answer.error or answer.result for answer in self._patient(name, requests)]
        return found

    def _patient(self, name: str, requests: Sequence[bytes]) -> list[Answer]:
        """Send requests of one method, and again those for which the key service was too busy, until `PATIENCE` has
        passed in which it did none of them. On the event loop nothing is sent again.
        """
        answers = self._answers(name, requests)
        end = time.monotonic() + PATIENCE
        while (left := _busy(answers)) and not _on_loop() and time.monotonic() < end:
            time.sleep(_BUSY_PAUSE)
            again = self._answers(name, [requests[at] for at in left])
            if len(_busy(again)) < len(left):
                end = time.monotonic() + PATIENCE
            for at, answer in zip(left, again, strict=True):
                answers[at] = answer
        return answers

    def _answers(self, name: str, requests: Sequence[bytes]) -> list[Answer]:
        """Send requests of one method; again over a new connection where the old one was cut, unless they change
        something and may have arrived. Raises TransientError(unreachable).
        """
        changes, on_loop = METHODS[name].changes, _on_loop()
        end = time.monotonic() + (0.0 if on_loop else PATIENCE)
        fresh = False
        while True:
            try:
                return self._asked(name, requests, ANSWER if on_loop and not changes else CHANGE)
            except OSError as exc:
                self._hang_up()
                sent = not isinstance(exc, ClosedError) or exc.sent
                if (changes and sent) or (fresh and time.monotonic() >= end):
                    raise _away() from exc
                if fresh:
                    time.sleep(_PAUSE)
                fresh = True

    def _asked(self, name: str, requests: Sequence[bytes], seconds: float) -> list[Answer]:
        if not METHODS[name].changes:
            return self._exchanged(name, requests, seconds)
        with self._changing:
            life, self._life = self._life, None  # until it has answered nobody knows how the keys stand
            answers = self._exchanged(name, requests, seconds)
            self._life, self._standing = self._life or life, answers[-1].standing
        return answers

    def _exchanged(self, name: str, requests: Sequence[bytes], seconds: float) -> list[Answer]:
        channel = self._connected()
        channel.within(seconds)
        channel.send(*requests)
        return [_decoded(name, channel.receive()) for _ in requests]

    def _connected(self) -> Channel:
        """The connection of this thread. Raises OSError."""
        held: Channel | None = getattr(self._threads, "channel", None)
        if held is not None:
            return held
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        channel = Channel(connection)
        try:
            channel.within(ANSWER)
            try:
                connection.connect(str(self._path))
            except OSError as exc:
                raise ClosedError("the key service is away", sent=False) from exc
            self._greet(channel)
        except BaseException:
            channel.close()
            raise
        self._threads.channel = channel
        self._channels.add(channel)
        return channel

    def _greet(self, channel: Channel) -> None:
        """Read the greeting. A new life of the key service learns here by which descriptor it signs."""
        try:
            hello: Hello = HELLO.read(channel.receive())
            if hello.protocol != KEYD_PROTOCOL:
                raise ValueError("the key service is of another version")
        except (OSError, ValueError, RemoteError) as exc:
            raise ClosedError("the key service did not greet", sent=False) from exc
        with self._changing:
            if hello.life == self._life:
                return
            standing = hello.standing
            if self._standing is not None and standing.gen < self._standing.gen:
                raise TransientError(
                    Code.ROLLBACK,
                    "the key service came back with an older key store; it is not used",
                    hint="somebody put an older copy in its place: put the newer one back",
                )
            if self._activated is not None:
                channel.send(encode_request("activate", self._activated))
                standing = decode_answer("activate", channel.receive()).standing or standing
            self._life, self._standing, self.alone = hello.life, standing, hello.alone

    def _hang_up(self) -> None:
        held: Channel | None = getattr(self._threads, "channel", None)
        if held is not None:
            held.close()
            self._threads.channel = None

    def _now(self) -> KeyServiceStatus:
        if self._standing is None:
            raise RuntimeError("not connected yet")
        return self._standing

    # --- KeyService ----------------------------------------------------------------------------------------------

    node = _StatusProperty(lambda status: status.node)
    place = _StatusProperty(lambda status: status.place)
    sig_kid = _StatusProperty(lambda status: status.sig_kid or _no_key("sig"))
    http_kid = _StatusProperty(lambda status: status.http_kid or _no_key("http"))
    may_speak = _StatusProperty(lambda status: status.may_speak)
    epoch = _StatusProperty(lambda status: status.epoch)
    epoch_made = _StatusProperty(lambda status: status.epoch_made)
    old_epochs = _StatusProperty(lambda status: status.old_epochs)
    gen = _StatusProperty(lambda status: status.gen)
    machine = _StatusProperty(lambda status: status.machine)
    step = _StatusProperty(lambda status: status.step)
    mark = _StatusProperty(lambda status: status.mark)

    listing = _remote(KeyService.listing)
    paced_calls = _remote(KeyService.paced_calls)
    public = _remote(KeyService.public)
    sign = _remote(KeyService.sign)
    sign_batch = _remote(KeyService.sign_batch)
    sign_http = _remote(KeyService.sign_http)
    sign_log = _remote(KeyService.sign_log)
    cosign = _remote(KeyService.cosign)
    open_cek = _remote(KeyService.open_cek)
    wrap = _remote(KeyService.wrap)
    unwrap = _remote(KeyService.unwrap)
    rewrap = _remote(KeyService.rewrap)
    index = _remote(KeyService.index)
    actor = _remote(KeyService.actor)
    backup = _remote(KeyService.backup)
    enc_public = _remote(KeyService.enc_public)
    follow = _remote(KeyService.follow)
    link = _remote(KeyService.link)

    def activate(self, chain: Sequence[Descriptor], now: int) -> None:
        """See ``KeyService``. Remembered for each new life of the key service."""
        with self._changing:
            self._activated = (chain, now)
            self._call("activate", chain, now)

    def change(self, change: KeyChange[T]) -> T:
        """See ``KeyService``."""
        return cast(tuple[str, T], self._call("change", change))[1]

    def propose(self, change: KeyChange[T]) -> tuple[Step | None, T]:
        """See ``KeyService``."""
        step, (_, result) = cast(tuple[Step | None, tuple[str, T]], self._call("propose", change))
        return step, result

    def tls_secrets(self) -> tuple[bytes, ...]:
        """Read what ``keys.primitives.tls`` makes the listener's key of; see ``keys.keystore.keystore``."""
        return cast(tuple[bytes, ...], self._call("tls_secrets"))


def _busy(answers: Sequence[Answer]) -> list[int]:
    """The places of those that were more than the key service does in a minute."""
    return [at for at, answer in enumerate(answers) if answer.error is not None and answer.error.code is Code.BUSY]


def _on_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _decoded(name: str, data: bytes) -> Answer:
    try:
        return decode_answer(name, data)
    except (ValueError, IndexError, RemoteError) as exc:  # never to be taken for what a peer's bytes are
        raise ClosedError("the key service answers something else") from exc


def _away() -> TransientError:
    return TransientError(Code.UNREACHABLE, "the key service does not answer", hint="is trm keyd running? see its log")


def _no_key(use: str) -> NoReturn:
    raise RefusedError(
        Code.NO_KEY,
        f"the descriptor lists no {use} key that is valid now",
        hint="the root holders sign a new one: trm keys rotate",
    )
