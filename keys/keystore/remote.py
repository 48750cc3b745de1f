"""The key service as its callers see it when it is a process of its own: ``KeyService`` over a Unix socket.

One connection for each thread; several calls are under way when several threads call. When the key service is away a
call from a worker thread waits up to ``PATIENCE`` for its return; one from the event loop does not wait, for everything
else would wait with it. Then TransientError(unreachable): whoever called repeats later, and nothing was answered
wrongly. What changes keys and may have arrived is not repeated from here: its caller looks how the keys stand.
A key service that was started again is told first by which descriptor it signs, before anybody asks it for something.
"""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NoReturn, Self, cast
from weakref import WeakSet

from gateway.errors import Code, RefusedError, RemoteError, TransientError
from keys.documents.backup import RecoveryPublic
from keys.documents.descriptor import Descriptor
from keys.documents.key_records import Use
from keys.documents.keyset import EncKey
from keys.keystore.calls import HELLO, METHODS, PROTOCOL, Answer, Hello, KeyServiceStatus, decode_answer, encode_request
from keys.keystore.channel import Channel, ClosedError
from keys.keystore.keyring import DEFAULT_UNITS
from keys.keystore.service import KeyInfo
from keys.primitives.sign import PublicKey, Signature

PATIENCE: Final = 5.0
"""Seconds that a worker thread waits for a key service that is away."""
ANSWER: Final = 2.0
"""Seconds in which it answers a call of the event loop."""
CHANGE: Final = 30.0
"""Seconds for what is written to a disk, and for calls of worker threads."""
TOGETHER: Final = 32
"""Calls in one move of data: their answers fit the buffer of a socket, so that nobody waits for the other to read."""
_PAUSE: Final = 0.05


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
        """One method, asked again over a new connection where the old one was cut. Raises GatewayError."""
        request, method, on_loop = encode_request(name, arguments), METHODS[name], _on_loop()
        end = time.monotonic() + (0.0 if on_loop else PATIENCE)
        fresh = False
        while True:
            try:
                return self._asked(name, request, ANSWER if on_loop and not method.changes else CHANGE)
            except OSError as exc:
                self._hang_up()
                sent = not isinstance(exc, ClosedError) or exc.sent
                if (method.changes and sent) or (fresh and time.monotonic() >= end):
                    raise _away() from exc
                if fresh:
                    time.sleep(_PAUSE)
                fresh = True

    def each(self, name: str, calls: Sequence[tuple[object, ...]]) -> list[Any]:
        """See ``KeyService``. One move of data each way for `TOGETHER` calls."""
        if METHODS[name].changes:
            raise RuntimeError(f"{name} changes keys: it is asked once and by itself")
        found: list[Any] = []
        for start in range(0, len(calls), TOGETHER):
            requests = [encode_request(name, arguments) for arguments in calls[start : start + TOGETHER]]
            found += [answer.error or answer.result for answer in self._answers(name, requests)]
        return found

    def _answers(self, name: str, requests: Sequence[bytes]) -> list[Answer]:
        """Calls that change nothing, asked again over a new connection where the old one was cut."""
        on_loop = _on_loop()
        end = time.monotonic() + (0.0 if on_loop else PATIENCE)
        fresh = False
        while True:
            try:
                channel = self._connected()
                channel.within(ANSWER if on_loop else CHANGE)
                channel.send(*requests)
                return [_decoded(name, channel.receive()) for _ in requests]
            except OSError as exc:
                self._hang_up()
                if fresh and time.monotonic() >= end:
                    raise _away() from exc
                if fresh:
                    time.sleep(_PAUSE)
                fresh = True

    def _asked(self, name: str, request: bytes, seconds: float) -> Any:
        if not METHODS[name].changes:
            return _result(self._exchanged(name, request, seconds))
        with self._changing:
            life, self._life = self._life, None  # until it has answered nobody knows how the keys stand
            answer = self._exchanged(name, request, seconds)
            self._life, self._standing = self._life or life, answer.standing
        return _result(answer)

    def _exchanged(self, name: str, request: bytes, seconds: float) -> Answer:
        channel = self._connected()
        channel.within(seconds)
        channel.send(request)
        return _decoded(name, channel.receive())

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
            if hello.protocol != PROTOCOL:
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

    @property
    def node(self) -> str:
        """See ``KeyService``."""
        return self._now().node

    @property
    def gen(self) -> int:
        """Generation of the file of the key service."""
        return self._now().gen

    @property
    def sig_kid(self) -> str:
        """See ``KeyService``."""
        return self._now().sig_kid or _no_key("sig")

    @property
    def http_kid(self) -> str:
        """See ``KeyService``."""
        return self._now().http_kid or _no_key("http")

    @property
    def may_speak(self) -> bool:
        """See ``KeyService``."""
        return self._now().may_speak

    @property
    def epoch(self) -> int:
        """See ``KeyService``."""
        return self._now().epoch

    @property
    def epoch_made(self) -> int:
        """See ``KeyService``."""
        return self._now().epoch_made

    @property
    def old_epochs(self) -> tuple[int, ...]:
        """See ``KeyService``."""
        return self._now().old_epochs

    def listing(self) -> tuple[KeyInfo, ...]:
        """See ``KeyService``."""
        return cast(tuple[KeyInfo, ...], self._call("listing"))

    def activate(self, chain: Sequence[Descriptor], now: int) -> None:
        """See ``KeyService``. Remembered for each new life of the key service."""
        with self._changing:
            self._activated = (chain, now)
            self._call("activate", chain, now)

    def public(self, use: Use) -> tuple[PublicKey, ...]:
        """See ``KeyService``."""
        return cast(tuple[PublicKey, ...], self._call("public", use))

    def add_key(self, use: Use, now: int) -> PublicKey:
        """See ``KeyService``."""
        return cast(PublicKey, self._call("add_key", use, now))

    def remove_key(self, kid: str) -> None:
        """See ``KeyService``."""
        self._call("remove_key", kid)

    def sign(self, payload_type: str, payload: bytes) -> Signature:
        """See ``KeyService``."""
        return cast(Signature, self._call("sign", payload_type, payload))

    def sign_http(self, base: bytes) -> bytes:
        """See ``KeyService``."""
        return cast(bytes, self._call("sign_http", base))

    def sign_log(self, text: bytes) -> bytes:
        """See ``KeyService``."""
        return cast(bytes, self._call("sign_log", text))

    def cosign(self, text: bytes) -> bytes:
        """See ``KeyService``."""
        return cast(bytes, self._call("cosign", text))

    def open_cek(self, kid: str, enc: bytes, info: bytes) -> bytes:
        """See ``KeyService``."""
        return cast(bytes, self._call("open_cek", kid, enc, info))

    def wrap(self, row_id: bytes) -> tuple[bytes, int, bytes]:
        """See ``KeyService``."""
        return cast(tuple[bytes, int, bytes], self._call("wrap", row_id))

    def unwrap(self, row_id: bytes, epoch: int, wrapped: bytes) -> bytes:
        """See ``KeyService``."""
        return cast(bytes, self._call("unwrap", row_id, epoch, wrapped))

    def rewrap(self, rows: Sequence[tuple[bytes, int, bytes]]) -> tuple[bytes | None, ...]:
        """See ``KeyService``."""
        return cast(tuple[bytes | None, ...], self._call("rewrap", rows))

    def index(self, data: bytes) -> bytes:
        """See ``KeyService``."""
        return cast(bytes, self._call("index", data))

    def actor(self, data: bytes) -> bytes:
        """See ``KeyService``."""
        return cast(bytes, self._call("actor", data))

    def backup(self, recovery: RecoveryPublic, chain: bytes, now: int) -> bytes:
        """See ``KeyService``."""
        return cast(bytes, self._call("backup", recovery, chain, now))

    def ensure_enc(self, now: int, units: tuple[str, ...] = DEFAULT_UNITS) -> bool:
        """See ``KeyService``."""
        return cast(bool, self._call("ensure_enc", now, units))

    def enc_public(self, now: int) -> tuple[EncKey, ...]:
        """See ``KeyService``."""
        return cast(tuple[EncKey, ...], self._call("enc_public", now))

    def destroy_enc(self, now: int) -> tuple[str, ...]:
        """See ``KeyService``."""
        return cast(tuple[str, ...], self._call("destroy_enc", now))

    def destroy_all_enc(self) -> tuple[str, ...]:
        """See ``KeyService``."""
        return cast(tuple[str, ...], self._call("destroy_all_enc"))

    def begin_epoch(self, now: int) -> int:
        """See ``KeyService``."""
        return cast(int, self._call("begin_epoch", now))

    def finish_epoch(self, old: int) -> None:
        """See ``KeyService``."""
        self._call("finish_epoch", old)

    def tls_secrets(self) -> tuple[bytes, ...]:
        """What ``keys.primitives.tls`` makes the listener's key of; see ``keys.keystore.keystore``."""
        return cast(tuple[bytes, ...], self._call("tls_secrets"))


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


def _result(answer: Answer) -> Any:
    if answer.error is not None:
        raise answer.error
    return answer.result


def _away() -> TransientError:
    return TransientError(Code.UNREACHABLE, "the key service does not answer", hint="is trm keyd running? see its log")


def _no_key(use: str) -> NoReturn:
    raise RefusedError(
        Code.NO_KEY,
        f"the descriptor lists no {use} key that is valid now",
        hint="the root holders sign a new one: trm keys rotate",
    )
