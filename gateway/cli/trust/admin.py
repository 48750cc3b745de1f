"""`trm admin`: the administrators of a node, each with a key file of their own or a passkey of the console."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from gateway.cli import options, output
from gateway.cli.options import CONTEXT, Reach
from gateway.cli.trust import signing
from gateway.cli.trust.signing import Signer, pass_signer
from gateway.cli.trust.trust import find_pending
from gateway.errors import Code, RefusedError
from gateway.foundation import time_text
from gateway.foundation.json import list_objects
from gateway.ports import Json

_FILE = click.Path(path_type=Path)


@click.group("admin", context_settings=CONTEXT)
def admin_commands() -> None:
    """Manage administrators, who may change trust, each with a key file or a passkey of their own."""


@options.add_verb(admin_commands, "new")
@click.argument("file", type=_FILE)
@click.option("--label", required=True, metavar="NAME", help="What colleagues call you; peers never see it.")
@click.option(
    "--admin-passphrase-file", type=_FILE, metavar="FILE", help="File with its passphrase; asked for if not given."
)
def create_admin_key(file: Path, label: str, admin_passphrase_file: Path | None) -> None:
    """Create your own key file, on your own media, and FILE.public, which a node enrols. Needs no node.

    \b
    Example:
      trm admin new /media/ana/admin.key --label "Ana B."
    """
    from gateway.foundation.clock import SystemClock
    from keys.offline.administrator_key import create_admin

    public = Path(f"{file}.public")
    if public.exists():
        raise RefusedError(Code.EXISTS, f"{public} exists already; nothing was made", hint="name another file")
    secret = signing.read_passphrase(admin_passphrase_file, "passphrase for the new key file", new=True)
    made = create_admin(file, secret, label=label, now=SystemClock().now())
    output.write_new(public, made.card.document.encode())
    output.print_facts(
        [
            ("key file", str(file)),
            ("public file", str(public)),
            ("pseudonym", made.card.pseudonym),
            ("key", made.card.kid),
        ]
    )
    output.print_hint("keep the key file on media of your own; give others only the public file")


@options.add_verb(admin_commands, "list")
@options.pass_node
@options.as_json
def list_admins(reach: Reach, as_json: bool) -> None:
    """List the administrators of this node and the pending changes about them.

    \b
    Example:
      trm admin list --node /srv/trm/fr
    """
    output.print_answer(reach.ask("admin.list"), as_json=as_json, people=_show_admins)


def _show_admins(value: Mapping[str, Json]) -> None:
    output.print_table(
        ["name", "pseudonym", "kind", "key", "since"],
        [
            [item["label"], item["pseudonym"], item["kind"], item["kid"], time_text.when(item["at"])]
            for item in list_objects(value, "admins")
        ],
        empty="nobody, which cannot be",
    )
    for item in list_objects(value, "offered"):
        output.print_line(f"offers a passkey: {item['label']}, pseudonym {item['pseudonym']}, key {item['kid']}")
    for item in list_objects(value, "pending"):
        output.print_line(f"pending: {item['action']}, {item['id']}, until {time_text.when(item['ends'])}")


@options.add_verb(admin_commands, "enrol")
@click.argument("file", type=_FILE, metavar="[FILE.public]", required=False)
@click.option("--offered", metavar="NAME", help="Who offered a passkey at the console, by name or pseudonym.")
@pass_signer
@options.pass_node
@options.as_json
def enrol_admin(reach: Reach, signer: Signer, file: Path | None, offered: str | None, as_json: bool) -> None:
    """Propose another administrator; takes two people. Name the public file they made, or who offered a passkey.

    \b
    Example:
      trm admin enrol eva.key.public --as /media/ana/admin.key --node /srv/trm/fr
    """
    from gateway.changes.administrators import read_card

    if (file is None) is (offered is None):
        raise click.UsageError("name a public file, or --offered with a name")
    document = _offered(reach, str(offered)) if file is None else output.read_object(file)
    card = read_card(document)
    click.echo(output.strip_controls(f"trm: {card.label}, pseudonym {card.pseudonym}, key {card.kid}"), err=True)
    answer = signer.propose(
        reach, "admin.enrol", "admins", wanted=lambda body: body.get("admin") == document, admin=document
    )
    output.print_answer(answer, as_json=as_json, people=signing.show_change)


@options.add_verb(admin_commands, "retire")
@click.argument("name")
@pass_signer
@options.pass_node
@options.as_json
def retire_admin(reach: Reach, signer: Signer, name: str, as_json: bool) -> None:
    """Propose to retire an administrator, by name or pseudonym; takes two people, and two must remain.

    \b
    Example:
      trm admin retire "Ana B." --as /media/ben/admin.key --node /srv/trm/fr
    """
    listed = list_objects(reach.ask("admin.list"), "admins")
    found = [str(item["pseudonym"]) for item in listed if name in (item["label"], item["pseudonym"])]
    if len(found) != 1:
        raise RefusedError(
            Code.NOT_FOUND if not found else Code.CONFLICT,
            "there is no such administrator" if not found else "several administrators have this name",
            hint="trm admin list shows names and pseudonyms",
        )
    answer = signer.propose(
        reach, "admin.retire", "admins", wanted=lambda body: body.get("pseudonym") == found[0], pseudonym=found[0]
    )
    output.print_answer(answer, as_json=as_json, people=signing.show_change)


@options.add_verb(admin_commands, "approve")
@click.option("--change", metavar="ID", help="Which one, if several changes are pending.")
@pass_signer
@options.pass_node
@options.as_json
def approve_admin_change(reach: Reach, signer: Signer, change: str | None, as_json: bool) -> None:
    """Approve what a colleague proposed about the administrators, as the next person.

    \b
    Example:
      trm admin approve --as /media/ben/admin.key --node /srv/trm/fr
    """
    pending = find_pending(reach, "admins", change)
    output.print_answer(signer.approve(reach, pending), as_json=as_json, people=signing.show_change)


def _offered(reach: Reach, name: str) -> dict[str, Json]:
    """Return the card of the one person of this name who offered to be an administrator."""
    listed = list_objects(reach.ask("admin.list"), "offered")
    found = [item["card"] for item in listed if name in (item["label"], item["pseudonym"])]
    if len(found) != 1 or not isinstance(found[0], dict):
        raise RefusedError(
            Code.NOT_FOUND,
            "nobody of this name has offered a passkey",
            hint="trust administrators do so at the console; trm admin list shows who did",
        )
    output.print_hint("have them read the key to you from their screen: only the node says that it is theirs")
    return found[0]


@options.add_verb(admin_commands, "withdraw")
@click.argument("id")
@options.pass_node
@options.as_json
def withdraw_change(reach: Reach, id: str, as_json: bool) -> None:
    """Withdraw a pending change, about a peer or an administrator, by its id.

    \b
    Example:
      trm admin withdraw Xh3wPq... --node /srv/trm/fr
    """
    output.print_answer(reach.ask("change.withdraw", id=id), as_json=as_json, people=signing.show_change)
