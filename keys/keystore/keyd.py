"""The key service as a process: it alone opens the key store and answers for it on a Unix socket (nrm1 13.6).

One user may call it, identified by the kernel (SO_PEERCRED), and of a node's own key service the node's process alone;
there is no network. A thread serves each connection, so that several requests run at once. Each kind of call has a
limit for a minute, and what is above it is busy: an attacker at the socket cannot read a country's messages faster than
its node would ever need to, and is counted, which the node tells people (``gateway.identity.key_pace``).
The key store itself refuses to sign what its node must not sign (``keys.keystore.keystore``). Backups are sealed to the
recovery key that was named at the start and to no other: sealed to a key of the attacker's own, a backup would hand
over all keys in one file. Of a fault only its code is sent.
"""

from __future__ import annotations

import fcntl
import os
import selectors
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from gateway.errors import Code, GatewayError, RefusedError, RemoteError, TransientError
from gateway.foundation.logs import logger
from keys.keystore.calls import (
    FAULT,
    HELLO,
    KEYD_PROTOCOL,
    METHODS,
    Answer,
    Hello,
    KeyServiceStatus,
    Paced,
    decode_request,
    encode_answer,
)
from keys.keystore.change_codecs import name_change
from keys.keystore.channel import Channel, ClosedError, caller_of
from keys.keystore.keystore import Keystore, system_rand
from keys.keystore.pace import PACES, Pace

SOCKET: Final = "keyd.sock"
LOCK: Final = "keyd.lock"
MOST_CONNECTIONS: Final = 64
LOCK_PATIENCE: Final = 10.0
"""Seconds for a key service before this one to go away."""
_STDIN: Final = 0


class KeyServer:
    """The server of one key store. Only the user `uid` may call it, and only the process `pid` where one is named, that
    of the node whose child it is; None says that it is `alone`. `recovery` is the kid of the only key that backups are
    sealed to, None for no backup.
    """

    def __init__(
        self,
        keys: Keystore,
        *,
        uid: int,
        pid: int | None = None,
        recovery: str | None = None,
        paces: Mapping[Paced, int] = PACES,
    ) -> None:
        self._keys, self._uid, self._pid, self._recovery = keys, uid, pid, recovery
        self._life = system_rand(16)
        self._paces = {kind: Pace(limit) for kind, limit in paces.items()}
        self._change = threading.Lock()
        self._free = threading.Semaphore(MOST_CONNECTIONS)
        self._log = logger()

    def accept(self, listener: socket.socket) -> None:
        """Accept one connection and serve it in a thread of its own; refuse other users and processes, and connections
        beyond the limit.
        """
        connection, _ = listener.accept()
        pid, uid = caller_of(connection)
        if uid != self._uid or self._pid not in (None, pid) or not self._free.acquire(blocking=False):
            self._log.warning("keyd.turned_away")
            connection.close()
            return
        threading.Thread(target=self._serve, args=(connection,), name="keyd", daemon=True).start()

    def finish(self) -> None:
        """Wait for a change that is in progress; no other begins."""
        self._change.acquire()

    def _serve(self, connection: socket.socket) -> None:
        channel = Channel(connection)
        try:
            with self._change:
                standing = self._standing()
            hello = Hello(protocol=KEYD_PROTOCOL, life=self._life, alone=self._pid is None, standing=standing)
            channel.send(HELLO.write(hello))
            answers: list[bytes] = []
            while True:
                answers.append(self.answer(channel.receive()))
                if not channel.holds_more():  # what came in one move is answered in one
                    channel.send(*answers)
                    answers = []
        except ClosedError:
            return
        except RemoteError as error:
            self._log.warning("keyd.malformed", code=str(error.code))
        except OSError as error:
            self._log.info("keyd.cut", exc_info=error)
        finally:
            channel.close()
            self._free.release()

    def answer(self, request: bytes) -> bytes:
        """Answer one request. Raises RemoteError(malformed) for bytes that are no request."""
        name, arguments = decode_request(request)
        paced = METHODS[name].paced
        try:
            if paced is not None and not self._paces[paced].take():
                raise TransientError(Code.BUSY, "asked more often than a node needs")
            if METHODS[name].changes:
                return self._changed(name, arguments)
            return encode_answer(name, Answer(result=self._do(name, arguments)))
        except GatewayError as error:
            self._log.info("keyd.refused", step=name, code=str(error.code))
            return encode_answer(name, Answer(error=error))
        except Exception as error:  # noqa: BLE001 (the border of the process: the text of a fault may hold a secret)
            self._log.error("keyd.failed", step=name, exc_info=error)
            return FAULT

    def _changed(self, name: str, arguments: Sequence[Any]) -> bytes:
        """Run changes one at a time, so that the status sent last is the current one."""
        with self._change:
            before = self._keys.gen
            try:
                answer = Answer(result=self._do(name, arguments), standing=self._standing())
            except GatewayError as error:
                self._log.info("keyd.refused", step=name, code=str(error.code))
                answer = Answer(error=error, standing=self._standing())
            if self._keys.gen != before:
                step = name_change(arguments[0]) if name == "change" else name
                self._log.info("keyd.changed", step=step, n=self._keys.gen)
        return encode_answer(name, answer)

    def _do(self, name: str, arguments: Sequence[Any]) -> Any:
        if name == "paced_calls":
            return tuple(pace.tell(kind) for kind, pace in self._paces.items())
        if name == "change":
            return name_change(arguments[0]), self._keys.change(arguments[0])
        if name == "propose":
            step, result = self._keys.propose(arguments[0])
            return step, (name_change(arguments[0]), result)
        # Else whoever took over the listener would have all keys in one file, sealed to a key of their own.
        if name == "backup" and arguments[0].kid != self._recovery:
            raise RefusedError(Code.FORBIDDEN, "backup for another recovery key")
        return getattr(self._keys, name)(*arguments)

    def _standing(self) -> KeyServiceStatus:
        return KeyServiceStatus.of(self._keys, self._keys.gen)


def run_key_service(
    folder: Path,
    unlock: Callable[[], Keystore],
    *,
    ready: Callable[[Keystore], None],
    uid: int | None = None,
    child: bool = False,
    recovery: str | None = None,
    paces: Mapping[Paced, int] = PACES,
) -> None:
    """Serve the key store that `unlock` opens, on the socket in `folder`, until told to stop. `recovery` is the kid of
    the recovery key; `paces` are calls in a minute.

    A `child` stops when its standard input ends, that is with its node, and leaves signals to the node; otherwise
    SIGTERM and SIGINT stop it. Raises RefusedError: locked, and what `unlock` raises.
    """
    with ExitStack() as stack:
        stack.enter_context(lock_keystore(folder / LOCK))
        keys = unlock()
        stop = stack.enter_context(_signals(child=child))
        server = KeyServer(
            keys,
            uid=os.getuid() if uid is None else uid,
            pid=os.getppid() if child else None,
            recovery=recovery,
            paces=paces,
        )
        listener = stack.enter_context(_listening(folder / SOCKET, shared=uid not in (None, os.getuid())))
        log = logger()
        log.info("keyd.started", peer=keys.node, n=keys.gen)
        ready(keys)
        _until(stop, listener, server)
        server.finish()
        log.info("keyd.stopped", n=keys.gen)


def _until(stop: int, listener: socket.socket, server: KeyServer) -> None:
    with selectors.DefaultSelector() as selector:
        selector.register(listener, selectors.EVENT_READ)
        selector.register(stop, selectors.EVENT_READ)
        while True:
            readable = {key.fd for key, _ in selector.select()}
            if stop in readable and not os.read(stop, 64).strip(b"\n"):
                return
            if listener.fileno() in readable:
                with suppress(OSError):  # the caller was gone again
                    server.accept(listener)


@contextmanager
def _signals(*, child: bool) -> Iterator[int]:
    """Provide a file descriptor that becomes readable when the process has to stop; a hang-up never stops it."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    if child:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)  # they mean the node, which asks for signatures until its end
        yield _STDIN
        return
    out, into = os.pipe2(os.O_CLOEXEC)
    try:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: os.write(into, b"\n"))
        yield out
    finally:
        os.close(out)
        os.close(into)


@contextmanager
def lock_keystore(path: Path) -> Iterator[None]:
    """Hold the lock by which one key store has one key service; wait for one that is about to end."""
    path.parent.mkdir(mode=0o700, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        end = time.monotonic() + LOCK_PATIENCE
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError as exc:
                if time.monotonic() >= end:
                    raise RefusedError(
                        Code.LOCKED,
                        "another key service has this key store open; nothing was started",
                        hint="stop it first, or let trm serve find it",
                    ) from exc
                time.sleep(0.05)
        yield
    finally:
        os.close(handle)


@contextmanager
def _listening(path: Path, *, shared: bool) -> Iterator[socket.socket]:
    """Provide the listening socket: mode 0600, or 0660 when another user calls, who then shares its group. A socket
    that a crash left behind is replaced.
    """
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC) as listener:
        # The mode is set by the umask: a chmod after bind would leave a moment in which anybody could connect.
        before = os.umask(0o117 if shared else 0o177)
        try:
            listener.bind(str(path))
        finally:
            os.umask(before)
        listener.listen(MOST_CONNECTIONS)
        try:
            yield listener
        finally:
            path.unlink(missing_ok=True)
