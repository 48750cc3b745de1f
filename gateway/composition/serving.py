"""A node at work: its doors are open, and every loop runs until it is told to stop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AsyncExitStack, suppress
from typing import TYPE_CHECKING

from gateway.composition.doors import open_federation, open_local
from gateway.composition.senders import make_sender
from gateway.delivery.intake import Intake
from gateway.delivery.record_drafts import RecordDrafter
from gateway.errors import Code, GatewayError
from gateway.foundation.config import EmailSection
from gateway.foundation.logs import logger
from gateway.notifications.email_notices import EmailNotices
from gateway.notifications.webhooks import WebhookSender
from gateway.ports import Adapter, Notifier

if TYPE_CHECKING:
    from gateway.composition.node import Node

Tasks = dict[str, asyncio.Task[None]]


async def serve(node: Node, ready: Callable[[], None], stop: asyncio.Event) -> None:
    """Run until `stop` is set. `ready` is called once both doors are open."""
    log, senders = logger(), Tasks()
    await node.log.start()
    await node.upkeep.keys()
    hooks = WebhookSender(
        store=node.store,
        own=node.own,
        peers=node.peers,
        events=node.events,
        clock=node.clock,
        receivers=node.outside.receivers,
    )
    await hooks.start()
    async with AsyncExitStack() as stack:
        node.federation = await open_federation(node)
        stack.push_async_callback(node.federation.close)
        local = await open_local(node)
        stack.push_async_callback(local.close)
        log.info("node.started", peer=node.own.node, port=node.federation.port, version=node.own.descriptor.version)
        for kind, count in sorted(node.found.items()):
            log.info("cases.found", kind=kind, count=count)
        if node.own.waits_for_roots:
            log.warning("node.stopped", code=str(Code.ROOTS_DUE))
        if pause := node.maintenance.seconds_left():
            log.warning("node.stopped", code=str(Code.MAINTENANCE), seconds=pause)
        ready()
        loops = [
            asyncio.create_task(node.scheduler.run(), name="scheduler"),
            asyncio.create_task(node.handover.run(), name="handover"),
            asyncio.create_task(_with_roots(node, node.record_exchange.run), name="trust"),
            asyncio.create_task(_with_roots(node, node.checkpointer.run), name="checkpointer"),
            asyncio.create_task(_with_roots(node, lambda: _keep_senders(node, senders)), name="senders"),
            asyncio.create_task(hooks.run(), name="webhooks"),
            asyncio.create_task(stop.wait(), name="stop"),
            *_outside_loops(node),
        ]
        try:
            done, _ = await asyncio.wait(loops, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in (*loops, *senders.values()):
                task.cancel()
            await asyncio.gather(*loops, *senders.values(), return_exceptions=True)
            with suppress(GatewayError):  # a clean stop signs what there is; a node that can not sign stops too
                await node.log.checkpoint()


async def _with_roots(node: Node, work: Callable[[], Awaitable[None]]) -> None:
    """Work that sends or takes something in: it begins when the roots have met (nrm1 1.20)."""
    await node.own.roots_met.wait()
    await work()


async def _keep_senders(node: Node, senders: Tasks) -> None:
    """One sender for every peer there is; a sender that ends by a fault of ours ends the node."""
    while True:
        for peer in node.peers.all():
            if peer.node not in senders:
                senders[peer.node] = asyncio.create_task(make_sender(node, peer.node).run(), name=f"send-{peer.name}")
        for task in senders.values():
            if task.done():
                task.result()
        await asyncio.sleep(0.2)


def _outside_loops(node: Node) -> Iterable[asyncio.Task[None]]:
    """Notices by e-mail, and what is collected from the case system, where these are set."""
    if (email := node.config.notify.email) is not None:
        notices = EmailNotices(
            store=node.store,
            adapter=node.adapter,
            clock=node.clock,
            notifier=_mailer(node.config.node.name, email),
            seconds=email.every_minutes * 60,
        )
        yield asyncio.create_task(notices.run(), name="notify")
    if node.adapter is not None and node.config.adapter is not None:
        intake = make_intake(node, node.adapter, node.config.adapter.poll_seconds)
        yield asyncio.create_task(_with_roots(node, intake.run), name="collect")


def make_intake(node: Node, adapter: Adapter, seconds: int) -> Intake:
    """What makes drafts of the records of a case system, which is looked at every so many seconds."""
    drafter = RecordDrafter(
        content=node.content,
        drafts=node.drafts,
        events=node.events,
        clock=node.clock,
        rand=node.rand,
        cases=node.cases,
        mappings=node.outside.outward,
    )
    return Intake(
        store=node.store,
        maintenance=node.maintenance,
        clock=node.clock,
        adapter=adapter,
        drafter=drafter,
        seconds=seconds,
    )


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
