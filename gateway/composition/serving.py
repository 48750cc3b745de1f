"""A node at work: its doors are open, and every loop runs until it is told to stop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from contextlib import AsyncExitStack, suppress
from functools import partial
from typing import TYPE_CHECKING

from gateway.cluster.leadership import Work
from gateway.composition.doors import open_federation, open_local
from gateway.composition.senders import make_sender
from gateway.delivery.intake import Intake
from gateway.delivery.record_drafts import RecordDrafter
from gateway.delivery.record_files import RecordFiles
from gateway.errors import Code, GatewayError
from gateway.foundation.config import EmailSection
from gateway.foundation.ids import NodeId
from gateway.foundation.logs import logger
from gateway.node.scheduler import Scheduler
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
        proxy=node.outside.proxy,
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
            *_own_loops(node),
            *(
                asyncio.create_task(node.duties.lead(what, work), name=what)
                for what, work in {**_duties(node, hooks), **_outside_duties(node)}.items()
            ),
            asyncio.create_task(_with_roots(node, lambda: _keep_senders(node, senders))(), name="senders"),
            asyncio.create_task(stop.wait(), name="stop"),
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


def _own_loops(node: Node) -> Iterable[asyncio.Task[None]]:
    """What each worker of a node does for itself."""
    yield asyncio.create_task(_chores(node, leader=False).run(), name="scheduler")
    if node.member is not None:
        yield asyncio.create_task(node.member.run(), name="member")


def _chores(node: Node, *, leader: bool) -> Scheduler:
    """The chores that one worker does for all, or those of each."""
    return Scheduler([chore for chore in node.chores() if chore.leader is leader], node.clock)


def _duties(node: Node, hooks: WebhookSender) -> Mapping[str, Work]:
    """What one worker does for all, but for sending to each peer."""
    return {
        "chores": _chores(node, leader=True).run,
        "handover": node.handover.run,
        "trust": _with_roots(node, node.record_exchange.run),
        "checkpoints": _with_roots(node, node.checkpointer.run),
        "webhooks": hooks.run,
    }


def _with_roots(node: Node, work: Work) -> Work:
    """Work that sends or takes something in: it begins when the roots have met (nrm1 1.20)."""

    async def begin() -> None:
        await node.own.roots_met.wait()
        await work()

    return begin


async def _keep_senders(node: Node, senders: Tasks) -> None:
    """One sender for every peer there is; a sender that ends by a fault of ours ends the node."""
    while True:
        for peer in node.peers.all():
            if peer.node not in senders:
                send = node.duties.lead(f"send {peer.node}", partial(_send, node, peer.node))
                senders[peer.node] = asyncio.create_task(send, name=f"send-{peer.name}")
        for task in senders.values():
            if task.done():
                task.result()
        await asyncio.sleep(0.2)


async def _send(node: Node, peer: NodeId) -> None:
    """Send to one peer, from what is on disk now: another worker may have done so until now."""
    await make_sender(node, peer).run()


def _outside_duties(node: Node) -> Mapping[str, Work]:
    """Notices by e-mail, and what is collected from the case system, where these are set."""
    duties: dict[str, Work] = {}
    if (email := node.config.notify.email) is not None:
        notices = EmailNotices(
            store=node.store,
            adapter=node.adapter,
            clock=node.clock,
            notifier=_mailer(node.config.node.name, email),
            seconds=email.every_minutes * 60,
        )
        duties["notices"] = notices.run
    if node.adapter is not None and node.config.adapter is not None:
        intake = make_intake(node, node.adapter, node.config.adapter.poll_seconds)
        duties["collect"] = _with_roots(node, intake.run)
    return duties


def make_intake(node: Node, adapter: Adapter, seconds: int) -> Intake:
    """What makes drafts of the records of a case system, which is looked at every so many seconds."""
    drafter = RecordDrafter(
        content=node.content,
        drafts=node.drafts,
        events=node.events,
        clock=node.clock,
        rand=node.rand,
        cases=node.cases,
        files=RecordFiles(content=node.content, attachments=node.attachments, rand=node.rand),
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
