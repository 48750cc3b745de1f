"""The composition root: the one place that picks concrete parts and ties them together.

    open_node    take the folder's lock, open the database, come to the keys, tie everything; nothing listens yet
    Node.serve   listen and run every loop until told to stop
    Node.desk    the operations of people and local systems, also without listening

A folder has one owner: two processes never open one (DESIGN 3c).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from aiohttp.web import RouteDef

import schemas
from gateway.access.api_tokens import ApiTokens
from gateway.access.sessions import People
from gateway.api.app import LocalServer, local_app
from gateway.attachments.folder import FileFolder
from gateway.audit.checkpointer import Checkpointer
from gateway.audit.reader import LogReader, of_stopped
from gateway.consent.effects import record_consent, withdraw_consent
from gateway.console.app import console_routes
from gateway.console.settings import Settings
from gateway.database import meta
from gateway.database.content_sealer import ContentSealer
from gateway.database.engine import Store
from gateway.delivery.handover import Handover
from gateway.delivery.intake import Intake
from gateway.delivery.outbound.sender import Sender
from gateway.directory.cache import list_entry
from gateway.erasure.peer_requests.record import record_confirmation, record_request
from gateway.errors import Code, GatewayError, RefusedError
from gateway.federation.client import FederationClient
from gateway.federation.handlers import Refusal
from gateway.federation.listener import RunningServer, serve
from gateway.federation.server import federation_app
from gateway.federation.tls import server_context
from gateway.foundation import config as settings
from gateway.foundation.adapter_boundary import guarded
from gateway.foundation.clock import SystemClock
from gateway.foundation.config import EmailSection, WebhookSection
from gateway.foundation.logs import logger
from gateway.foundation.node_folder import (
    ATTACHMENTS,
    CHECKPOINT,
    DATABASE,
    GUIDANCE,
    RUN,
    SOCKET,
    WEBHOOKS,
    lock_folder,
)
from gateway.foundation.workdays import offset
from gateway.guidance.library import GuidanceLibrary
from gateway.identity import publication
from gateway.identity.own_identity import OwnIdentity
from gateway.identity.unlock import Keyholder, KeysUnusableError, Unlock, in_process
from gateway.mapping import case_system
from gateway.mapping.case_system import CaseSystem
from gateway.messages.effects import Effects
from gateway.node.dispatch import NodeOperations
from gateway.node.federation_handlers import FederationHandlers
from gateway.node.limited import LimitedOperations, admit
from gateway.node.parts import Parts
from gateway.node.scheduler import Scheduler
from gateway.notifications.email_notices import EmailNotices
from gateway.notifications.webhooks import WebhookReceiver, WebhookSender
from gateway.peers.registry import PeerRegistry
from gateway.policy.in_force import PoliciesInForce
from gateway.ports import Adapter, Clock, LocalRecord, Notifier
from gateway.trust.record_exchange import RecordExchange
from keys.documents.descriptor import Descriptor
from keys.documents.webhook_signature import read_secret
from keys.keystore.keystore import DEFAULT_COST, Cost, system_rand
from keys.primitives.encoding import sha256_hex
from keys.primitives.sign import SignedDocument
from keys.primitives.tls import self_signed, server_files, spki_hash
from schemas.region_pack.calendars import calendar
from schemas.region_pack.regions import region

if TYPE_CHECKING:
    from adapters.sheet import SheetAdapter


class Node:
    """One opened node folder."""

    def __init__(
        self,
        folder: Path,
        parts: Parts,
        keys: Keyholder,
        cases: CaseSystem | None,
        receivers: Mapping[str, WebhookReceiver],
    ) -> None:
        self.folder = folder
        self._receivers = receivers
        self._keys = keys
        self.parts = parts
        self._cases = cases
        self._door = FederationHandlers(parts)
        self.house = Scheduler(parts)
        self.handover = Handover(
            content=parts.content,
            keys=parts.keys,
            peers=parts.book,
            attachments=parts.attachments,
            local_receipts=parts.local_receipts,
            adapter=parts.adapter,
            workers=parts.workers,
            wakeups=parts.signals,
            clock=parts.clock,
            mappings={} if cases is None else cases.inward,
        )
        self.desk = NodeOperations(parts, self.house)
        self.federation: RunningServer | None = None
        self._senders: dict[str, asyncio.Task[None]] = {}
        self._log = logger()

    async def start_local(self) -> LocalServer:
        """Open the socket of the local API (and loopback, if set)."""
        server = LocalServer(local_app(self.desk, admit=self.parts.tokens.admit, console=self._console()))
        await server.start(self.folder / RUN / SOCKET, self.parts.config.local.listen)
        return server

    def _console(self) -> Iterable[RouteDef]:
        """The pages, where people can come to them."""
        parts, origin = self.parts, self.parts.config.console_origin
        if origin is None:
            return ()
        zone = calendar(parts.region.name, parts.own.descriptor.country).zone
        about = Settings(
            origin=origin,
            node=parts.config.node.name,
            language=parts.config.console.language,
            leave_to=parts.config.console.leave_to,
            demo=parts.config.node.demo,
            now=parts.clock.now,
            offset=lambda at: int(offset(zone, at).total_seconds()),
            rand=parts.rand,
            near={"language": parts.region.languages, "country": parts.region.countries},
        )
        return console_routes(
            self.desk,
            People(
                store=parts.store,
                config=parts.config,
                workers=parts.workers,
                clock=parts.clock,
                rand=parts.rand,
                origin=origin,
            ),
            about,
        )

    async def _start_federation(self) -> RunningServer:
        parts = self.parts
        descriptor = parts.own.descriptor
        host = descriptor.authority.rpartition(":")[0] or descriptor.authority
        secret = self._keys.tls_secrets()[0]
        certificate = self_signed(secret, node=descriptor.node, hosts=[host.strip("[]")], now=parts.clock.now())
        with server_files(secret, certificate) as (certificate_file, key_file):
            context = server_context(certificate_file, key_file)
        app = federation_app(
            self._door,
            node=descriptor.node,
            authority=descriptor.authority,
            keys=parts.keys,
            verify=self._door.admits,
            verify_paired=self._door.admits_paired,
            verify_known=self._door.admits_known,
            clock=parts.clock,
            rand=parts.rand,
            report=self._report,
        )
        host, _, port = parts.config.federation.listen.rpartition(":")
        return await serve(app, host.strip("[]"), int(port), context)

    def _report(self, refusal: Refusal) -> None:
        """What was turned away, without a byte of it."""
        self._log.info(
            "federation.refused",
            peer=refusal.peer,
            status=refusal.status,
            step=refusal.endpoint,
            code=None if refusal.code is None else str(refusal.code),
            exc_info=refusal.error,
        )

    async def serve(self, ready: Callable[[], None], stop: asyncio.Event) -> None:
        """Run until `stop` is set. `ready` is called once both listeners take requests."""
        parts = self.parts
        await parts.log.start()
        await self.house.start()
        hooks = WebhookSender(
            store=parts.store,
            own=parts.own,
            peers=parts.book,
            events=parts.signals,
            clock=parts.clock,
            receivers=self._receivers,
        )
        await hooks.start()
        async with AsyncExitStack() as stack:
            self.federation = await self._start_federation()
            stack.push_async_callback(self.federation.close)
            local = await self.start_local()
            stack.push_async_callback(local.close)
            self._log.info(
                "node.started", peer=parts.own.node, port=self.federation.port, version=parts.own.descriptor.version
            )
            ready()
            loops = [
                asyncio.create_task(self.house.run(), name="house"),
                asyncio.create_task(self.handover.run(), name="handover"),
                asyncio.create_task(
                    RecordExchange(
                        store=parts.store,
                        identity=parts.identity,
                        link=parts.link,
                        sync=parts.sync,
                        wakeups=parts.signals,
                        clock=parts.clock,
                    ).run(),
                    name="trust",
                ),
                asyncio.create_task(
                    Checkpointer(
                        store=parts.store, link=parts.link, log=parts.log, wakeups=parts.signals, clock=parts.clock
                    ).run(),
                    name="auditor",
                ),
                asyncio.create_task(self._keep_senders(), name="senders"),
                asyncio.create_task(hooks.run(), name="webhooks"),
                asyncio.create_task(stop.wait(), name="stop"),
            ]
            if (email := parts.config.notify.email) is not None:
                notify = EmailNotices(
                    store=parts.store,
                    adapter=parts.adapter,
                    clock=parts.clock,
                    notifier=_mailer(parts.config.node.name, email),
                    seconds=email.every_minutes * 60,
                )
                loops.append(asyncio.create_task(notify.run(), name="notify"))
            if parts.adapter is not None and parts.config.adapter is not None:
                mappings = {} if self._cases is None else self._cases.outward
                collector = Intake(
                    content=parts.content,
                    drafts=parts.drafts,
                    events=parts.signals,
                    clock=parts.clock,
                    rand=parts.rand,
                    adapter=parts.adapter,
                    mappings=mappings,
                    seconds=parts.config.adapter.poll_seconds,
                )
                loops.append(asyncio.create_task(collector.run(), name="collect"))
            try:
                done, _ = await asyncio.wait(loops, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
            finally:
                for task in (*loops, *self._senders.values()):
                    task.cancel()
                await asyncio.gather(*loops, *self._senders.values(), return_exceptions=True)
                with suppress(GatewayError):  # a clean stop signs what there is; a node that can not sign stops too
                    await parts.log.checkpoint()

    async def _keep_senders(self) -> None:
        """One sender for every peer there is; a sender that ends by a fault of ours ends the node."""
        while True:
            for peer in self.parts.book.all():
                if peer.node not in self._senders:
                    sender = Sender(
                        store=self.parts.store,
                        identity=self.parts.identity,
                        link=self.parts.link,
                        log=self.parts.log,
                        departure=self.parts.departure,
                        sync=self.parts.sync,
                        uploader=self.parts.uploader,
                        submission=self.parts.submission,
                        workers=self.parts.workers,
                        wakeups=self.parts.signals,
                        events=self.parts.signals,
                        clock=self.parts.clock,
                        rand=self.parts.rand,
                        node=peer.node,
                    )
                    self._senders[peer.node] = asyncio.create_task(sender.run(), name=f"send-{peer.name}")
            for task in self._senders.values():
                if task.done():
                    task.result()
            await asyncio.sleep(0.2)

    async def close(self) -> None:
        """Finish what was begun and let the folder go."""
        await self.parts.client.close()
        self.parts.store.close()
        self.parts.workers.shutdown()


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
    faults = schemas.verify(sha256_hex)
    if faults:
        raise RefusedError(Code.INVALID, "the schemas of this installation were altered", findings=faults)
    config = settings.load(folder)
    cases = None if config.adapter is None else case_system.read(config.adapter, folder)
    receivers = {section.name: _receiver(section, folder) for section in config.webhooks}
    if len(receivers) < len(config.webhooks):
        raise RefusedError(Code.INVALID, "two webhooks of node.toml have one name; nothing was started")
    pack = region(config.node.region)
    clock = clock or SystemClock()
    if isinstance(unlock, str):
        unlock = in_process(folder, unlock, at_least=at_least)
    stack = AsyncExitStack()
    try:
        stack.callback(lock_folder(folder))
        store = _database(folder)
        stack.callback(store.close)
        recorded = await store.read(lambda c: meta.get_meta(c, "keystore_gen"))
        keys = await unlock(stack, int(recorded or b"1"))
        own = OwnIdentity(store, keys, clock)
        await own.load()
        with suppress(RefusedError):  # no key that is valid now: the node opens, signs nothing, and says so
            keys.activate(own.chain, clock.now())
        book = PeerRegistry(store, own)
        await book.refresh()
        policies = PoliciesInForce(store)
        await policies.refresh()
        tokens = ApiTokens(store, clock)
        await tokens.refresh()
        door_verify = _ClientVerify()
        parts = Parts(
            config=config,
            region=pack,
            clock=clock,
            rand=rand,
            store=store,
            keys=keys,
            vault=ContentSealer(keys, rand),
            book=book,
            own=own,
            policies=policies,
            tokens=tokens,
            client=FederationClient(
                node=own.node, keys=keys, verify=door_verify, spki_hash=spki_hash, clock=clock, rand=rand
            ),
            adapter=adapter if adapter is not None or cases is None else guarded(cases.adapter()),
            files=FileFolder(folder / ATTACHMENTS),
            kept=folder / CHECKPOINT,
            shelf=GuidanceLibrary(folder / GUIDANCE, pack),
        )
        parts.effects = _effects(parts)
        node = Node(folder, parts, keys, cases, receivers)
        door_verify.door = node._door
        stack.push_async_callback(node.close)
    except BaseException:
        await stack.aclose()
        raise
    return node, stack


def _effects(parts: Parts) -> Effects:
    """By message type what it does here besides being handed over."""
    request = partial(record_request, parts.content, parts.keys.actor)
    return {
        "consent.record": (partial(record_consent, parts.content),),
        "consent.withdrawal": (request, partial(withdraw_consent, parts.content)),
        "erasure.request": (request,),
        "referral.withdraw": (request,),
        "erasure.confirmation": (partial(record_confirmation, parts.clock),),
        "directory.update": (partial(list_entry, parts.content),),
    }


def _database(folder: Path) -> Store:
    """The database of a folder that is a node: nothing takes the place of one that is gone. Raises RefusedError."""
    path = folder / DATABASE
    if not path.is_file() or not path.stat().st_size:
        raise RefusedError(
            Code.NOT_FOUND,
            f"{DATABASE} of this node folder is gone; nothing was started",
            hint="put the folder back from its backup with trm restore: docs/backup.md",
        )
    return Store(path)


def _receiver(section: WebhookSection, folder: Path) -> WebhookReceiver:
    """A receiver of webhooks with its secret. Raises RefusedError."""
    path = folder / WEBHOOKS / section.name
    try:
        secret = read_secret(path.read_text(encoding="ascii"))
    except (OSError, ValueError) as error:
        raise RefusedError(
            Code.NO_KEY,
            f"the webhook {section.name} of node.toml has no secret that can be read; nothing was started",
            hint=f"trm webhook new {section.name} makes one",
        ) from error
    return WebhookReceiver(name=section.name, url=section.url, secret=secret, ca_file=section.ca_file)


async def publish_first(folder: Path, document: SignedDocument, *, clock: Clock | None = None) -> Descriptor:
    """Give a waiting node its first descriptor; no passphrase is needed for what is public. Raises RefusedError."""
    release = lock_folder(folder)
    try:
        store = _database(folder)
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
    server = LocalServer(local_app(LimitedOperations(reason), admit=admit))
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
    if not (folder / DATABASE).is_file():
        raise RefusedError(Code.NOT_FOUND, f"there is no {DATABASE} in {folder}", hint="name a node folder with --node")
    release = lock_folder(folder)
    try:
        store = Store(folder / DATABASE)
        try:
            yield await of_stopped(store, folder / CHECKPOINT, (clock or SystemClock()).now())
        finally:
            store.close()
    finally:
        release()


class _ClientVerify:
    """Breaks the circle: the client asks the door whose key signed an answer, and the door is built on the client."""

    door: FederationHandlers

    async def __call__(self, node: str, kid: str, base: bytes, signature: bytes) -> bool:
        return await self.door.signed_by(node, kid, base, signature)


def _mailer(node: str, section: EmailSection) -> Notifier:
    from adapters.email import Mailer

    return Mailer(
        node=node,
        host=section.host,
        port=section.port,
        implicit=section.tls == "implicit",
        sender=section.sender,
        to=section.to,
        user=section.user,
        password=section.password_file,
        ca=section.ca_file,
    )


async def marked_rows(mapping: Path, line_list: Path, mark: str) -> Sequence[LocalRecord]:
    """The rows of a line list that are marked in the column `mark`, as the sheet adapter reads them; nothing is
    written.
    """
    with TemporaryDirectory() as apart:
        return await _line_list(mapping, line_list, mark, Path(apart)).pull()


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
