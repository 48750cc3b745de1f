"""`trm backup` and `trm restore`: encrypted copies for an offline recovery key, and a node made from them."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from gateway.cli import options, output
from gateway.cli.options import CONTEXT, Reach
from gateway.foundation import time_text
from gateway.ports import Json

_FILE = click.Path(path_type=Path)
_KEY = click.option("--key", required=True, type=_FILE, metavar="FILE", help="The recovery key file.")
_KEY_PASSPHRASE = click.option(
    "--key-passphrase-file", type=_FILE, metavar="FILE", help="Passphrase of the recovery key; asked for if not given."
)


class _Backup(click.Group):
    """The group of backup commands: a folder as its first word means to make a backup there."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Choose the command that makes a backup, unless another one is named."""
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            args = ["make", *args]
        return super().resolve_command(ctx, args)


@click.group("backup", cls=_Backup, context_settings=CONTEXT, subcommand_metavar="DIR2 | COMMAND [ARGS]...")
def backup_commands() -> None:
    """Make and verify encrypted backups of a node; make the offline recovery key.

    \b
    Example:
      trm backup /mnt/backup/fr --node /srv/trm/fr
    """


@options.add_verb(backup_commands, "make")
@click.argument("folder", type=_FILE, metavar="DIR2")
@options.pass_node
@options.as_json
def make_backup(reach: Reach, folder: Path, as_json: bool) -> None:
    """Write NAME-DATE.data and NAME-DATE.keystore into DIR2; the node keeps working. The same as `trm backup DIR2`.

    \b
    Example:
      trm backup make /mnt/backup/fr --node /srv/trm/fr
    """
    answer = reach.ask("backup.make", folder=str(folder.absolute()))
    output.print_answer(answer, as_json=as_json, people=_show_made)


def _show_made(value: Mapping[str, Json]) -> None:
    output.print_facts(
        [
            ("data", value["data"]),
            ("keystore", value["keystore"]),
            ("recovery key", value["recovery"]),
            ("bytes of data", value["size"]),
        ]
    )
    for name in _texts(value, "overdue"):
        output.print_line(f"OVERDUE: {name} opens what has been erased since; destroy it")
    output.print_hint(
        f"keep the .keystore file on other media, and at most {value['epoch_days']} days: as long as it exists, "
        "it can open what is erased meanwhile"
    )


@options.add_verb(backup_commands, "verify")
@click.argument("file", type=_FILE, metavar="FILE")
@_KEY
@_KEY_PASSPHRASE
@options.as_json
def verify_backup(file: Path, key: Path, key_passphrase_file: Path | None, as_json: bool) -> None:
    """Open a backup completely and say what it holds; nothing is changed, and no node is needed.

    \b
    Example:
      trm backup verify /mnt/backup/fr/FR-20261125T040000Z.data --key /media/stick/fr-recovery.key
    """
    from gateway.administration.restore import header_of, verify
    from keys.offline.recovery_key import load_recovery

    header_of(file)  # what is no backup is told before a passphrase is asked for
    report = verify(file, load_recovery(key, _passphrase(key_passphrase_file)))
    header, newest = report.header, report.newest
    value: dict[str, Json] = {
        "ok": True,
        "kind": str(header.kind),
        "name": newest.name,
        "node": header.node,
        "fingerprint": newest.fingerprint,
        "at": header.at,
        "epoch": header.epoch,
        "sha256": header.sha256,
        "counts": {**report.counts},
    }
    output.print_answer(value, as_json=as_json, people=_show_verified)


def _show_verified(value: Mapping[str, Json]) -> None:
    counts = value["counts"]
    output.print_facts(
        [
            ("backup", f"{value['kind']} of {value['name']}, complete and signed by the node"),
            ("node", value["node"]),
            ("fingerprint", value["fingerprint"]),
            ("made", time_text.when(value["at"])),
            ("storage epoch", value["epoch"]),
            *((f"{name}s" if not name.endswith("s") else name, n) for name, n in _items(counts)),
        ]
    )


def _texts(value: Mapping[str, Json], name: str) -> list[str]:
    found = value[name]
    return [str(item) for item in found] if isinstance(found, list) else []


def _items(value: Json) -> list[tuple[str, Json]]:
    return [*value.items()] if isinstance(value, dict) else []


@backup_commands.group("key", context_settings=CONTEXT)
def key_commands() -> None:
    """Make the recovery key, on a machine that is not the node's."""


@options.add_verb(key_commands, "new")
@click.argument("file", type=_FILE, metavar="FILE")
@click.option("--passphrase-file", type=_FILE, metavar="FILE", help="Its passphrase; asked for if not given.")
def create_recovery_key(file: Path, passphrase_file: Path | None) -> None:
    """Create a recovery key in FILE and its public half in FILE.public; the node gets FILE.public and nothing else.

    \b
    Example:
      trm backup key new /media/stick/fr-recovery.key
    """
    from gateway.foundation.clock import SystemClock
    from keys.offline.recovery_key import create_recovery, public_path

    made = create_recovery(file, _passphrase(passphrase_file, confirm=True), now=SystemClock().now())
    output.print_facts([("recovery key", made.kid), ("key file", str(file)), ("public", str(public_path(file)))])
    output.print_hint(f"carry {public_path(file).name} to the node: [backup] recovery_key in node.toml names it")
    output.print_hint(
        f"keep {file.name} and its passphrase apart and offline: whoever has both and a backup has the node"
    )


@click.command("restore", context_settings=CONTEXT)
@click.argument("data", type=_FILE, metavar="DATA")
@click.argument("keystore", type=_FILE, metavar="KEYSTORE")
@_KEY
@_KEY_PASSPHRASE
@click.option(
    "--to",
    "folder",
    required=True,
    type=_FILE,
    metavar="DIR",
    help="The new node folder; an existing one is never overwritten.",
)
@click.option("--passphrase-file", required=True, type=_FILE, metavar="FILE", help="Passphrase of the restored node.")
@click.option("--ledger", type=_FILE, metavar="FILE", help="The ledger: what it names is taken away again.")
@click.option("--without-ledger", is_flag=True, help="There is none: every consent waits to be confirmed.")
@click.option(
    "--lost-at",
    "lost",
    type=click.DateTime(["%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%MZ"]),
    metavar="TIME",
    help="When the disk was lost, in UTC, if that was not just now: 2026-11-25T04:00Z.",
)
@options.as_json
def restore_node(
    data: Path,
    keystore: Path,
    key: Path,
    key_passphrase_file: Path | None,
    folder: Path,
    passphrase_file: Path,
    ledger: Path | None,
    without_ledger: bool,
    lost: datetime | None,
    as_json: bool,
) -> None:
    """Make a node folder DIR from a DATA and a KEYSTORE backup. Destroy or disconnect the old one: never run both.

    What was withdrawn and erased since the backup stands in the ledger. Without it, and where it ends more than 70
    minutes before the disk was lost, workers confirm each consent.

    \b
    Example:
      trm restore FR-20261125T040000Z.data FR-20261125T040000Z.keystore --key fr-recovery.key --to /srv/trm/fr \\
        --passphrase-file fr.pass --ledger /mnt/other/fr.ledger
    """
    if (ledger is None) is not without_ledger:
        raise click.UsageError("name the ledger with --ledger FILE, or say --without-ledger: one of the two")
    from gateway.administration.restore import header_of
    from gateway.administration.restore import restore as put_back
    from gateway.foundation import config
    from gateway.foundation.clock import SystemClock
    from keys.offline.recovery_key import load_recovery

    for file in (data, keystore):
        header_of(file)
    passphrase = config.passphrase(passphrase_file)
    opened = load_recovery(key, _passphrase(key_passphrase_file))
    at = None if lost is None else int(lost.replace(tzinfo=UTC).timestamp())
    made = asyncio.run(
        put_back(data, keystore, opened, folder.absolute(), passphrase, ledger=ledger, lost=at, clock=SystemClock())
    )
    value: dict[str, Json] = {
        "node": made.node,
        "name": made.name,
        "folder": str(made.folder),
        "backup": made.backup,
        "opens": made.opened,
        "closed": made.closed,
        "peers": [*made.peers],
        "bucket": made.bucket,
        "ledger": made.ledger,
        "whole": made.whole,
        "unconfirmed": made.unconfirmed,
    }
    output.print_answer(value, as_json=as_json, people=_show_restored)


def _show_restored(value: Mapping[str, Json]) -> None:
    output.print_facts(
        [
            ("node folder", value["folder"]),
            ("node", value["node"]),
            ("as it was", time_text.when(value["backup"])),
            ("content that opens", value["opens"]),
            ("content closed for good", value["closed"]),
            ("ledger", "none" if value["ledger"] is None else f"up to {time_text.when(value['ledger'])}"),
        ]
    )
    if value["ledger"] is None:
        output.print_line(
            f"WITHOUT LEDGER: what was withdrawn or erased since the backup is here again; "
            f"{value['unconfirmed']} consent(s) wait for workers: trm consent unconfirmed"
        )
    elif not value["whole"]:
        output.print_line(
            f"OLD LEDGER: it ends more than 70 minutes before the loss, so {value['unconfirmed']} consent(s) wait for "
            "workers: trm consent unconfirmed; if the disk was lost earlier, restore again with --lost-at"
        )
    if value["bucket"] is not None:
        output.print_hint(
            f"its attachments are in {value['bucket']}: unless this is a drill, write [attachments] into node.toml"
        )
    output.print_hint(
        f"start it: trm serve --node {value['folder']} --passphrase-file FILE; nothing is sent or accepted yet"
    )
    for name in _texts(value, "peers"):
        output.print_hint(
            f"two people here: trm peer reset-link {shlex.quote(name)}; one person there: trm peer accept-reset"
        )
    output.print_hint("let people and programs in anew: trm person invite NAME --as KEYFILE, trm token new")
    output.print_hint("peers send the sealed messages in flight again")


def _passphrase(file: Path | None, *, confirm: bool = False) -> str:
    """Read a passphrase from a file, else ask for it, twice where a typing error would go unnoticed."""
    from gateway.foundation import config

    if file is not None:
        return config.passphrase(file)
    asked: Any = click.prompt("passphrase of the recovery key", hide_input=True, confirmation_prompt=confirm, err=True)
    return str(asked)
