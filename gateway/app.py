"""Opening a node folder: the entry of the command line, of tests, and of whoever embeds a node.

    open_node       take the folder's lock, open the database, come to the keys, tie everything; nothing listens yet
    serve_limited   run on the socket of the folder only, when the keys can not be used
    open_log        the audit log of a folder that nobody runs
    publish_first   give a waiting node its first descriptor

A folder has one owner: two processes never open one (nrm1 13.11).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import schemas
from gateway.administration.position import declare_loss, find_loss
from gateway.administration.upgrade_cases import CaseUpgrade
from gateway.api.app import LocalServer, local_app
from gateway.audit.reader import LogReader, of_stopped
from gateway.composition.ground import OpenedFolder, Outside
from gateway.composition.node import Node
from gateway.composition.workers import count_pictures, join_workers
from gateway.consent.unconfirmed_store import doubt_all
from gateway.database.opening import open_store
from gateway.errors import Code, RefusedError
from gateway.federation.networks.outbound_proxy import OutboundProxy
from gateway.foundation import config as settings
from gateway.foundation.adapter_boundary import guarded
from gateway.foundation.clock import SystemClock
from gateway.foundation.config import AdapterSection, WebhookSection
from gateway.foundation.environment import host_name
from gateway.foundation.logs import logger
from gateway.foundation.node_folder import (
    CHECKPOINT,
    POSITION,
    RUN,
    SOCKET,
    WEBHOOKS,
    lock_folder,
)
from gateway.foundation.telemetry.durations import Durations
from gateway.identity import publication
from gateway.identity.machines import read_generation, settle_machine
from gateway.identity.own_identity import OwnIdentity
from gateway.identity.unlock import KeysUnusableError, Unlock, in_process, places_of, unusable
from gateway.ledger.files import take_in
from gateway.ledger.rules import SLACK
from gateway.node.limited import LimitedOperations, admit
from gateway.notifications.webhooks import WebhookReceiver
from gateway.peers.reset_rows import all_closed
from gateway.ports import Adapter, Clock, LocalRecord
from keys.documents.descriptor import Descriptor
from keys.keystore.keystore import DEFAULT_COST, Cost, system_rand
from keys.primitives.encoding import sha256_hex
from keys.primitives.sign import SignedDocument
from keys.primitives.webhook_signature import read_secret

if TYPE_CHECKING:
    from adapters.sheet import SheetAdapter
    from gateway.mapping.case_system import CaseSystem


async def open_node(
    folder: Path,
    unlock: str | Unlock,
    *,
    clock: Clock | None = None,
    at_least: Cost = DEFAULT_COST,
    rand: Callable[[int], bytes] = system_rand,
    adapter: Adapter | None = None,
) -> tuple[Node, AsyncExitStack]:
    """Open a node folder; leaving the returned stack closes it and gives up the lock.

    `unlock` is how it comes to its keys (`gateway.identity.unlock`), or the passphrase to open the key store here;
    `at_least` is for the latter. `adapter` takes the place of the one in node.toml; only tests pass it.

    Raises:
        RefusedError: locked (another process owns the folder), wrong_passphrase, invalid settings; nothing was changed.
    """
    faults = schemas.verify_schema_files(sha256_hex)
    if faults:
        raise RefusedError(Code.INVALID, "the schemas of this installation were altered", findings=faults)
    config = settings.load(folder)
    cases = None if config.adapter is None else _case_system(config.adapter, folder)
    receivers = {section.name: _receiver(section, folder) for section in config.webhooks}
    if len(receivers) < len(config.webhooks):
        raise RefusedError(Code.INVALID, "two webhooks of node.toml have one name; nothing was started")
    proxy = None if config.proxy is None else OutboundProxy.of(config.proxy)
    clock = clock or SystemClock()
    if isinstance(unlock, str):
        unlock = in_process(folder, unlock, places=places_of(config.keys), at_least=at_least)
    stack = AsyncExitStack()
    try:
        stack.callback(lock_folder(folder))
        store = open_store(folder, shared=True)
        stack.callback(store.close)
        keys = await unlock(stack, await store.read(read_generation))
        try:
            await settle_machine(store, keys, host=host_name(), clock=clock)
        except RefusedError as error:
            raise unusable(error) from error
        own = OwnIdentity(store, keys, clock)
        pictures = await count_pictures(store)
        await own.load()
        with suppress(RefusedError):  # no key that is valid now: the node opens, signs nothing, and says so
            keys.activate(own.chain, clock.now())
        opened = OpenedFolder(
            folder=folder,
            config=config,
            store=store,
            keys=keys,
            own=own,
            outside=Outside(
                clock=clock,
                rand=rand,
                adapter=adapter if adapter is not None or cases is None else guarded(cases.adapter(proxy)),
                inward={} if cases is None else cases.inward,
                outward={} if cases is None else cases.outward,
                receivers=receivers,
                proxy=proxy,
            ),
        )
        node = Node(opened)
        await node.peers.refresh()
        await node.policies.refresh()
        await node.tokens.refresh()
        await node.maintenance.refresh()
        await node.time.load(node.log.last_dated)
        node.found = await CaseUpgrade(node.content, node.cases, clock).run() or {}
        node.comparison.since = await node.log.last_dated()
        await _face_loss(node)
        if config.database.url is not None:
            node.member = await join_workers(node, pictures)
        stack.push_async_callback(node.close)
    except BaseException:
        await stack.aclose()
        raise
    return node, stack


async def _face_loss(node: Node) -> None:
    """Find out whether this database is older than it was, by the file beside it or by the ledger, and take away again
    what it forgot was taken away. A log that is behind its signed checkpoint is not run on at all (`AuditLog.start`),
    so nothing is written for it here.
    """
    lost = await find_loss(node.store, node.folder / POSITION)
    if lost is not None and not await node.log.goes_on():
        return
    ledger = await take_in(node.store, node.keys, node.ledger_paths)
    put_back = ledger.entries and not await node.store.read(all_closed) and await node.log.goes_on()
    if lost is not None or put_back:
        await declare_loss(node.store, node.clock)
        await node.own.load()
        await node.peers.refresh()
        await node.tokens.refresh()
    if lost is not None and ledger.until + SLACK < lost.at:
        await node.store.move(lambda c: doubt_all(c, at=node.clock.now()))
    await node.taken_again.run()


def _case_system(section: AdapterSection, folder: Path) -> CaseSystem:
    """The case system of node.toml with its mapping files. Raises RefusedError."""
    from gateway.mapping import case_system  # reads YAML; a node without a case system has none

    return case_system.read(section, folder)


def _receiver(section: WebhookSection, folder: Path) -> WebhookReceiver:
    """A receiver of webhooks with its secret. Raises RefusedError."""
    path = folder / WEBHOOKS / section.name
    try:
        secret = read_secret(path.read_text(encoding="ascii"))
    except (OSError, ValueError) as error:
        raise RefusedError(
            Code.NO_KEY,
            f"the webhook {section.name} of node.toml has no secret that is readable; nothing was started",
            hint=f"trm webhook new {section.name} makes one",
        ) from error
    return WebhookReceiver(name=section.name, url=section.url, secret=secret, ca_file=section.ca_file)


async def publish_first(folder: Path, document: SignedDocument, *, clock: Clock | None = None) -> Descriptor:
    """Give a waiting node its first descriptor; no passphrase is needed for what is public. Raises RefusedError."""
    release = lock_folder(folder)
    try:
        store = open_store(folder)
        try:
            return await publication.publish_first(store, document, (clock or SystemClock()).now())
        finally:
            store.close()
    finally:
        release()


async def serve_limited(
    folder: Path, reason: KeysUnusableError, ready: Callable[[], None], stop: asyncio.Event
) -> None:
    """Run on the socket of the folder only, without keys and without peers, until `stop` is set."""
    release = lock_folder(folder)
    server = LocalServer(local_app(LimitedOperations(reason), admit=admit, durations=Durations()))
    try:
        await server.start(folder / RUN / SOCKET, None)
        logger().error("node.limited", code=str(reason.code))
        ready()
        await stop.wait()
    finally:
        await server.close()
        release()


@asynccontextmanager
async def open_log(folder: Path, *, clock: Clock | None = None) -> AsyncIterator[LogReader]:
    """The audit log of a folder that nobody runs, for reading only; needs no passphrase.

    Raises:
        RefusedError: locked (another process owns the folder), not_found.
    """
    release = lock_folder(folder)
    try:
        store = open_store(folder)
        try:
            yield await of_stopped(store, folder / CHECKPOINT, (clock or SystemClock()).now())
        finally:
            store.close()
    finally:
        release()


async def marked_rows(mapping: Path, line_list: Path, mark: str) -> Sequence[LocalRecord]:
    """The rows of a line list that are marked in the column `mark`, as the sheet adapter reads them; nothing is
    written.
    """
    with TemporaryDirectory() as apart:
        return await _line_list(mapping, line_list, mark, Path(apart)).marked()


async def labels_of(mapping: Path, line_list: Path, mark: str) -> Sequence[str]:
    """The labels of a line list, but those that steer the reading (key and mark); nothing is written."""
    from adapters.sheet import htcds

    steering = {label.casefold() for label in (htcds.KEY, mark)}
    with TemporaryDirectory() as apart:
        columns = await _line_list(mapping, line_list, mark, Path(apart)).columns()
    return [column.label for column in columns if column.label.casefold() not in steering]


def _line_list(mapping: Path, line_list: Path, mark: str, apart: Path) -> SheetAdapter:
    """A sheet adapter whose results and journal would lie in a folder of their own."""
    from adapters.sheet import SheetAdapter

    return SheetAdapter(line_list, marks={mark: mapping}, results=apart / "results.xlsx")
