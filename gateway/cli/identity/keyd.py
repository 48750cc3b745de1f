"""`trm keyd`: the key service as a process of its own. It imports as little as possible, since its memory holds every
key.
"""

from __future__ import annotations

import json
import pwd
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway.cli.identity.places import read_places, with_places
from gateway.cli.options import CONTEXT
from gateway.errors import GatewayError

if TYPE_CHECKING:
    from keys.keystore.keystore import Keystore

_OPENS = "How many messages of peers it opens in a minute; what is more waits, and people are told."
_UNWRAPS = "How many stored messages and drafts it opens in a minute."
LEVELS = ("debug", "info", "warning", "error")


@click.command("keyd", context_settings=CONTEXT)
@click.option("--node", type=click.Path(path_type=Path), metavar="DIR", help="Node folder; else TRM_NODE.")
@click.option(
    "--passphrase-file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="File with the node's passphrase; else the systemd credential trm-passphrase.",
)
@click.option(
    "--recovery-key",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The public recovery key that backups are encrypted to; without it there are no backups.",
)
@with_places
@click.option("--opens-per-minute", type=click.IntRange(600, 60_000), default=6_000, show_default=True, help=_OPENS)
@click.option(
    "--unwraps-per-minute", type=click.IntRange(2_000, 240_000), default=12_000, show_default=True, help=_UNWRAPS
)
@click.option("--for", "user", metavar="USER", help="The only user that may use it; default: the one it runs as.")
@click.option(
    "--log-level", type=click.Choice(LEVELS), default="info", show_default=True, help="Level of the log on stderr."
)
@click.option("--child", is_flag=True, hidden=True, help="Started by trm serve: ends with its standard input.")
@click.option("--json", "as_json", is_flag=True, help="Print the line that says when it is ready as JSON.")
def serve_keys(
    node: Path | None,
    passphrase_file: Path | None,
    recovery_key: Path | None,
    tpm: str | None,
    pkcs11_module: Path | None,
    pkcs11_token: str | None,
    pkcs11_pin_file: Path | None,
    opens_per_minute: int,
    unwraps_per_minute: int,
    user: str | None,
    log_level: str,
    child: bool,
    as_json: bool,
) -> None:
    """Hold a node's keys for the process that faces the network. `trm serve` starts it by itself.

    Run alone, under a user of its own, it is found by trm serve, which then needs no passphrase and can read no key.
    It listens on DIR/run/keyd.sock only.

    \b
    Example:
      trm keyd --node /srv/trm/fr --passphrase-file /run/secrets/fr --for trm
    """
    from gateway.cli import options
    from gateway.foundation import environment, logs
    from keys.keystore.calls import Paced
    from keys.keystore.keyd import run_key_service
    from keys.keystore.keystore import Keystore
    from keys.keystore.pace import PACES

    folder = options.find_folder(node)
    uid = None if user is None else _uid(user)
    logs.configure(log_level)
    places = read_places(tpm, pkcs11_module, pkcs11_token, pkcs11_pin_file)

    def unlock() -> Keystore:
        return Keystore.open(folder / "keystore", environment.passphrase(passphrase_file), places=places)

    try:
        run_key_service(
            folder / "run",
            unlock,
            ready=lambda keys: _ready(keys, folder, as_json or child),
            uid=uid,
            child=child,
            recovery=None if recovery_key is None else _kid(recovery_key),
            paces={**PACES, Paced.OPEN: opens_per_minute, Paced.UNWRAP: unwraps_per_minute},
        )
    except GatewayError as error:
        if child:  # the node tells it to whoever asks
            click.echo(json.dumps({"ready": False, "code": str(error.code), "what": error.what, "hint": error.hint}))
        raise


def _kid(recovery_key: Path) -> str | None:
    """Read the key id from a recovery key's public file. An unreadable file stops the backups, not the node."""
    from gateway.foundation.logs import logger
    from keys.backups.backup_header import RecoveryPublic

    try:
        return RecoveryPublic.parse(recovery_key.read_bytes()).kid
    except (OSError, GatewayError) as error:
        logger().warning("keyd.no_recovery_key", exc_info=error)
        return None


def _uid(user: str) -> int:
    try:
        return pwd.getpwnam(user).pw_uid
    except KeyError as exc:
        raise click.UsageError(f"there is no user {user}") from exc


def _ready(keys: Keystore, folder: Path, as_json: bool) -> None:
    from gateway.foundation.environment import notify_ready

    notify_ready()
    if as_json:
        click.echo(json.dumps({"ready": True, "node": keys.node, "socket": str(folder / "run" / "keyd.sock")}))
    else:
        click.echo(f"ready: keys of {keys.node}, {folder / 'run' / 'keyd.sock'}")
