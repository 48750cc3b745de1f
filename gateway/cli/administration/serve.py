"""`trm serve`: the node as a process. It reports when it accepts requests, opens its log anew on SIGHUP, and ends
cleanly on SIGTERM or SIGINT.
"""

from __future__ import annotations

import asyncio
import errno
import json
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway.cli import options
from gateway.cli.options import CONTEXT
from gateway.composition.serving import serve
from gateway.errors import Code, GatewayError, RefusedError

if TYPE_CHECKING:
    from gateway.composition.node import Node
    from gateway.identity.unlock import Unlock
    from gateway.ports import Json

_ADDRESS = (errno.EADDRINUSE, errno.EADDRNOTAVAIL, errno.EACCES)


@click.command("serve", context_settings=CONTEXT)
@click.option("--node", type=click.Path(path_type=Path), metavar="DIR", help="Node folder; else TRM_NODE.")
@click.option(
    "--passphrase-file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="File with the node's passphrase; else the systemd credential trm-passphrase. Not needed beside trm keyd.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the line that says when it is ready as JSON.")
def serve_node(node: Path | None, passphrase_file: Path | None, as_json: bool) -> None:
    """Run the node until SIGTERM or SIGINT. One line on standard output says when it accepts requests; logs go to
    stderr, and where that is a file SIGHUP opens it anew.

    The keys are held by a process of their own: by `trm keyd` where that runs for this folder, else by a child.

    \b
    Example:
      trm serve --node /srv/trm/fr --passphrase-file /run/secrets/fr
    """
    from gateway.cli.identity import unlocking
    from gateway.foundation import config, installed, logs
    from gateway.foundation.node_folder import require_closed

    installed.require()
    folder = options.find_folder(node)
    require_closed(folder)
    settings = config.load(folder)
    logs.configure(settings.log.level)
    recovery = None if settings.backup is None else settings.backup.recovery_key
    unlock = unlocking.unlock_by_child(folder, passphrase_file, settings.log.level, recovery, settings.keys)
    with asyncio.Runner(loop_factory=_fast_loop()) as runner:
        try:
            runner.run(_serve(folder, unlock, as_json))
        except Exception as exc:
            logs.logger().error("node.failed", exc_info=exc)
            raise


def _fast_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return the event loop of uvloop where it is installed."""
    try:
        import uvloop
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


async def _serve(folder: Path, unlock: Unlock, as_json: bool) -> None:
    from gateway.app import open_node, serve_limited
    from gateway.cli import memory
    from gateway.foundation.logs import LogFile
    from gateway.identity.unlock import KeysUnusableError

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, LogFile().reopen)
    try:
        node, stack = await open_node(folder, unlock)
    except KeysUnusableError as error:
        await serve_limited(folder, error, partial(_say_limited, error, as_json), stop)
        return

    def ready() -> None:
        memory.set_apart()
        _say_ready(node, as_json)

    async with stack:
        require_roots(node)
        try:
            await serve(node, ready, stop)
        except OSError as exc:
            if exc.errno not in _ADDRESS:
                raise
            raise RefusedError(
                Code.UNREACHABLE,
                f"cannot listen on {node.config.federation.listen}; nothing was started",
                hint=(exc.strerror or "see federation.listen in node.toml").lower(),
            ) from exc


def _say_limited(error: GatewayError, as_json: bool) -> None:
    """Report that the node stays up without its keys, so that whoever looks finds the reason."""
    from gateway.cli.root import report_error

    report_error(error)
    if as_json:
        click.echo(json.dumps({"ready": False, "code": str(error.code)}))
    else:
        click.echo("limited: the key store cannot be used; no peer is served; trm doctor says what to do")


def require_roots(node: Node) -> None:
    """Refuse to run with a single root key except for demonstrations: whoever holds it alone controls the node."""
    if len(node.own.descriptor.roots) == 1 and not node.config.node.demo:
        raise RefusedError(
            Code.INVALID,
            "this node has one root key and is not marked as a demonstration; nothing was started",
            hint="make a node with three roots: trm init without --demo",
        )


def _stopped(node: Node) -> Code | None:
    if node.own.waits_for_roots:
        return Code.ROOTS_DUE
    return Code.MAINTENANCE if node.maintenance.seconds_left() else None


def _say_ready(node: Node, as_json: bool) -> None:
    if node.federation is None:
        raise RuntimeError("a ready node listens")
    ready: dict[str, Json] = {
        "ready": True,
        "name": node.config.node.name,
        "node": node.own.node,
        "endpoint": node.own.descriptor.endpoints[0],
        "port": node.federation.port,
        "socket": str(node.folder / "run" / "api.sock"),
        "local": node.config.local.listen,
        "console": node.config.console_origin,
        "demo": node.config.node.demo,
        "stopped": None if (why := _stopped(node)) is None else str(why),
    }
    if as_json:
        click.echo(json.dumps(ready))
        return
    local = f", and the console at {ready['console']}" if ready["console"] else ""
    demo = " DEMO" if ready["demo"] else ""
    click.echo(f"ready: {ready['name']}{demo}, {ready['endpoint']} on port {ready['port']}, {ready['socket']}{local}")
    if why is Code.MAINTENANCE:
        click.echo(
            f"stopped: maintenance for {node.maintenance.seconds_left()} s more; trm node maintenance off ends it"
        )
    elif why is not None:
        click.echo("stopped: its root holders have not signed since release 0.1.0; trm doctor says what to do")
