"""The doors of a node: the public one for peers, and the local one for people and case systems with the console."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from aiohttp.web import RouteDef

from gateway.access.sessions import People
from gateway.api.app import LocalServer, local_app
from gateway.errors import Code
from gateway.federation.handlers import Closed, Refusal
from gateway.federation.listener import RunningServer, start_listener
from gateway.federation.networks.fronts import Fronts
from gateway.federation.server import FederationApp
from gateway.federation.tls import server_context
from gateway.foundation.logs import logger
from gateway.foundation.node_folder import RUN, SOCKET
from gateway.foundation.telemetry.durations import MessageStage
from gateway.foundation.workdays import offset
from keys.primitives.tls import self_signed, server_files

if TYPE_CHECKING:
    from gateway.composition.node import Node


async def open_local(node: Node) -> LocalServer:
    """Open the socket of the local API (and loopback, if set)."""
    pages = _console(node)
    server = LocalServer(local_app(node.desk, admit=node.tokens.admit, durations=node.durations, console=pages))
    await server.start(node.folder / RUN / SOCKET, node.config.local.listen)
    if pages:
        _prepare_pages(node.config.console.language)
    return server


def _console(node: Node) -> Sequence[RouteDef]:
    """The pages, where people can come to them."""
    origin = node.config.console_origin
    if origin is None:
        return ()
    # Only here: the pages, their templates and their words take 10 MiB and half a second of a start.
    from gateway.console.app import console_routes
    from gateway.console.navigation.waiting import Waiting
    from gateway.console.settings import Settings

    zone = node.region.calendar(node.own.descriptor.country).zone
    about = Settings(
        origin=origin,
        country=node.own.descriptor.country,
        node=node.config.node.name,
        language=node.config.console.language,
        leave_to=node.config.console.leave_to,
        demo=node.config.node.demo,
        now=node.clock.now,
        offset=lambda at: int(offset(zone, at).total_seconds()),
        rand=node.rand,
        corridors={one.to: one for one in node.config.corridors},
        places={code: one.place for code, one in node.region.countries.items() if one.place is not None},
        names={code: one.name for code, one in node.region.countries.items() if one.name is not None},
        near={"language": node.region.languages, "country": node.region.countries},
    )
    return tuple(console_routes(node.desk, people_at(node, origin), about, Waiting(node.desk, node.clock.now)))


def _prepare_pages(language: str) -> None:
    """Compile the templates beside the loop, in the first second of a node that takes requests already."""
    from gateway.console.looks import prepare_pages

    asyncio.get_running_loop().run_in_executor(None, prepare_pages, language)


def people_at(node: Node, origin: str) -> People:
    """Who comes in at a console at this origin."""
    return People(
        store=node.store,
        config=node.config,
        attempts=node.attempts,
        logins=node.logins,
        workers=node.workers,
        clock=node.clock,
        rand=node.rand,
        origin=origin,
    )


async def open_federation(node: Node) -> RunningServer:
    """Listen for peers, with a certificate of our own for the key that the descriptor pins."""
    descriptor = node.own.descriptor
    host = descriptor.authority.rpartition(":")[0] or descriptor.authority
    secret = node.keys.tls_secrets()[0]
    certificate = self_signed(secret, node=descriptor.node, hosts=[host.strip("[]")], now=node.clock.now())
    with server_files(secret, certificate) as (certificate_file, key_file):
        context = server_context(certificate_file, key_file)
    app = FederationApp(
        node.handlers,
        node=descriptor.node,
        authority=descriptor.authority,
        keys=node.keys,
        verify=node.signatures.admits,
        verify_paired=node.signatures.admits_paired,
        verify_known=node.signatures.admits_known,
        verify_listed=node.signatures.listed_by,
        shared=None if node.member is None else node.member.nonces,
        clock=node.clock,
        rand=node.rand,
        report=_report,
        overworked=node.overwork.refused,
        closed=lambda: _closed(node),
        timed=lambda seconds: node.durations.observe(MessageStage.RECEIVING, seconds),
    )
    settings = node.config.federation
    host, _, port = settings.listen.rpartition(":")
    fronts = Fronts(settings.proxy_protocol, _report_front)
    return await start_listener(app, host.strip("[]"), int(port), context, fronts)


def _closed(node: Node) -> Closed | None:
    """Why nothing of peers is judged now."""
    if node.own.waits_for_roots:
        return Closed(Code.ROOTS_DUE)
    pause = node.maintenance.seconds_left()
    return Closed(Code.MAINTENANCE, pause) if pause else None


def _report(refusal: Refusal) -> None:
    """What was turned away, without a byte of it."""
    logger().info(
        "federation.refused",
        peer=refusal.peer,
        status=refusal.status,
        step=refusal.endpoint,
        code=None if refusal.code is None else str(refusal.code),
        exc_info=refusal.error,
    )


def _report_front(code: Code) -> None:
    """A front that begins a connection with no right header is set up wrong: without this line nobody would see why."""
    logger().warning("federation.refused", step="PROXY header", code=str(code))
