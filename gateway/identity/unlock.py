"""How a node comes to its keys: in its own process, from a key service that runs already, or from one that it starts.

    in_process   verbs on a stopped node, tests: the key store is opened here
    by_child     `trm serve`: a child holds the keys; this process never sees the passphrase nor an encryption seed
    running      a key service that somebody else runs (`trm keyd`), under a user of its own if wanted

One process at a time has a key store open: a lock in the folder sees to that.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
from asyncio.subprocess import Process
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Final

from gateway.errors import Code, GatewayError, RefusedError, TransientError
from gateway.foundation.config import KeysSection
from gateway.foundation.logs import logger
from gateway.foundation.node_folder import KEYSTORE, RUN
from keys.keystore import keyd
from keys.keystore.destructible.places import Places, Token
from keys.keystore.keystore import DEFAULT_COST, HERE, Cost, Keystore
from keys.keystore.remote import RemoteKeys

START_LIMIT: Final = 60.0
STOP_LIMIT: Final = 10.0
FIRST_BACKOFF: Final = 0.1
LONGEST_BACKOFF: Final = 30.0
STEADY: Final = 30.0
"""Seconds after which a key service that dies was well before."""
_REMEDY: Final = {
    Code.NOT_FOUND: "put the key store back from where it went, or recover: docs/keys.md",
    Code.INVALID: "put the key store back from its backup with mode 0600, or recover: docs/keys.md",
    Code.ROLLBACK: "somebody put an older copy in its place: put the newer one back: docs/keys.md",
    Code.WRONG_PASSPHRASE: "give the right passphrase file; if it is right the file is damaged: docs/keys.md",
}
"""What to do about a key store that does not open."""

Keyholder = Keystore | RemoteKeys
Unlock = Callable[[AsyncExitStack, int], Awaitable[Keyholder]]
"""The keys, for the generation of the key store that the node's database recorded last; what has to be closed in the
end goes on the stack. Raises RefusedError.
"""


class KeysUnusableError(RefusedError):
    """The key store can not be used; the node could still run without it and say so (`gateway.app.serve_limited`)."""


def places_of(section: KeysSection) -> Places:
    """How this machine reaches the places of a key store's secret, as node.toml says."""
    told = section.pkcs11
    token = None if told is None else Token(module=told.module, label=told.token, pin_file=told.pin_file)
    return Places(tpm=section.tpm, token=token)


def in_process(folder: Path, passphrase: str, *, places: Places = HERE, at_least: Cost = DEFAULT_COST) -> Unlock:
    """Open the key store here."""

    async def unlock(stack: AsyncExitStack, generation: int) -> Keystore:
        await asyncio.to_thread(stack.enter_context, keyd.lock_keystore(folder / RUN / keyd.LOCK))
        return await asyncio.to_thread(open_keystore, folder / KEYSTORE, passphrase, generation, places, at_least)

    return unlock


def open_keystore(path: Path, passphrase: str, generation: int, places: Places, at_least: Cost) -> Keystore:
    """The key store. Raises KeysUnusableError with what can be done about it."""
    try:
        return Keystore.open(path, passphrase, generation, places=places, at_least=at_least)
    except (RefusedError, TransientError) as error:
        raise unusable(error) from error
    except OSError as error:
        what = f"{path.name} cannot be read: {(error.strerror or 'unknown').lower()}"
        raise KeysUnusableError(Code.INVALID, what, hint=_REMEDY[Code.INVALID]) from error


def unusable(error: GatewayError) -> KeysUnusableError:
    """Say of what was refused that the node has no keys by it."""
    return KeysUnusableError(error.code, error.what, hint=error.hint or _REMEDY.get(error.code, ""))


def running(folder: Path) -> RemoteKeys | None:
    """The key service of this folder that runs by itself; None where there is none, or only the child of a node."""
    try:
        keys = RemoteKeys.reach(folder / RUN / keyd.SOCKET)
    except TransientError:
        return None
    if keys.alone:
        return keys
    keys.close()
    return None


def by_running(keys: RemoteKeys) -> Unlock:
    """Use a key service that runs by itself."""

    async def unlock(stack: AsyncExitStack, generation: int) -> RemoteKeys:
        stack.callback(keys.close)
        return _not_older(keys, generation)

    return unlock


def by_child(folder: Path, command: Sequence[str]) -> Unlock:
    """Start a key service by `command`, and again whenever it dies."""

    async def unlock(stack: AsyncExitStack, generation: int) -> RemoteKeys:
        child = KeyChild(command)
        stack.push_async_callback(child.stop)
        await child.start()
        keys = await asyncio.to_thread(RemoteKeys.reach, folder / RUN / keyd.SOCKET, START_LIMIT)
        stack.callback(keys.close)
        return _not_older(keys, generation)

    return unlock


def _not_older(keys: RemoteKeys, generation: int) -> RemoteKeys:
    if keys.gen < generation:
        raise unusable(RefusedError(Code.ROLLBACK, f"{KEYSTORE} is older than the one used last"))
    return keys


class KeyChild:
    """The key service as a child of this process: it ends with its standard input, so never later than its node.

    What it says on its standard output is one line of JSON: whether it is ready, else code, words and hint.
    """

    def __init__(self, command: Sequence[str]) -> None:
        self._command = command
        self._process: Process | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._log = logger()

    @property
    def pid(self) -> int | None:
        """Its process now."""
        return None if self._process is None else self._process.pid

    async def start(self) -> None:
        """Start it and wait until it answers. Raises KeysUnusableError with its words, TransientError for none."""
        await self._launch()
        self._keeper = asyncio.create_task(self._keep(), name="keyd")

    async def _launch(self) -> None:
        self._process = process = await asyncio.create_subprocess_exec(
            *self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        if process.stdout is None:
            raise RuntimeError("the output of the key service is read here")
        try:
            async with asyncio.timeout(START_LIMIT):
                line = await process.stdout.readline()
        except TimeoutError as exc:
            raise TransientError(Code.UNREACHABLE, "the key service did not start in time") from exc
        said = _line(line)
        if said.get("ready") is not True:
            await process.wait()
            code, what, hint = (str(said.get(name, "")) for name in ("code", "what", "hint"))
            if code not in list(Code):
                raise TransientError(Code.UNREACHABLE, "the key service did not start", hint="see its log")
            raise unusable(RefusedError(Code(code), what, hint=hint))

    async def _keep(self) -> None:
        """Start it again when it has died, at once and then ever later."""
        clock, delay = asyncio.get_running_loop().time, FIRST_BACKOFF
        while self._process is not None:
            begun = clock()
            status = await self._process.wait()
            delay = FIRST_BACKOFF if clock() - begun > STEADY else min(LONGEST_BACKOFF, 2 * delay)
            self._log.error("keyd.died", status=status, seconds=delay)
            await asyncio.sleep(delay)
            try:
                await self._launch()
            except (GatewayError, OSError) as error:
                self._log.error("keyd.not_started", exc_info=error)

    async def stop(self) -> None:
        """End it: its input ends; what does not hear that is killed."""
        if self._keeper is not None:
            self._keeper.cancel()
            with suppress(asyncio.CancelledError):
                await self._keeper
        process = self._process
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        try:
            async with asyncio.timeout(STOP_LIMIT):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


def _line(line: bytes) -> dict[str, object]:
    try:
        said = json.loads(line)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}
