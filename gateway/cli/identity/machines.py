"""`trm keys machines`, `invite`, `join`, `retire`: the machines of a node that runs on several (nrm1 13.5)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

import click

from gateway.cli import options
from gateway.cli import output as voice
from gateway.cli.identity.places import PLACES
from gateway.cli.identity.requests import FILE
from gateway.cli.options import CONTEXT, Reach
from gateway.errors import Code, RefusedError
from gateway.foundation import time_text
from gateway.foundation.json import list_objects
from gateway.ports import Json


@click.command("machines", cls=options.Verb, context_settings=CONTEXT)
@options.pass_node
@options.as_json
def list_machines(reach: Reach, as_json: bool) -> None:
    """List the machines that have the keys of this node, and which of them has not followed the newest change.

    \b
    Example:
      trm keys machines --node /srv/trm/fr
    """
    voice.print_answer(reach.ask("keys.machines"), as_json=as_json, people=_show_machines)


def _show_machines(value: Mapping[str, Json]) -> None:
    voice.print_table(
        ["machine", "host", "since", "seen", "keys", "here"],
        [
            [
                one["machine"],
                one["host"],
                time_text.when(one["since"]),
                time_text.when(one["seen"]),
                "behind" if one["behind"] else "current",
                one["here"],
            ]
            for one in list_objects(value, "machines")
        ],
        empty="the keys are on this machine alone",
    )


@click.command("invite", cls=options.Verb, context_settings=CONTEXT)
@click.argument("file", type=FILE, metavar="FILE")
@options.pass_node
def invite_machine(reach: Reach, file: Path) -> None:
    """Write an invitation by which one more machine gets the keys of this node, and show its code.

    It counts once, and for an hour. FILE and the code go by different ways; neither opens anything without the
    database. Asks for the passphrase of this machine's key store by --passphrase-file.

    \b
    Example:
      trm keys invite /media/stick/second.invitation --passphrase-file fr.pass --node /srv/trm/fr
    """
    from gateway.foundation import config, environment
    from gateway.foundation.node_folder import KEYSTORE
    from gateway.identity.unlock import places_of
    from keys.keystore.invitation import Invitation, write_invitation
    from keys.keystore.keyring_file import read_content
    from keys.primitives.encoding import b64u

    if file.exists():
        raise RefusedError(Code.EXISTS, f"{file.name} exists already; nothing was made")
    places = places_of(config.load(reach.folder).keys)
    passphrase = environment.passphrase(reach.passphrase_file)
    made = Invitation.new()
    until = reach.ask("keys.invite", invitation=b64u(made.id), half=b64u(made.half))["until"]
    if not isinstance(until, int):
        raise TypeError("a time is a number")
    content = read_content(reach.folder / KEYSTORE, passphrase, places=places)
    code = write_invitation(file, content, made, until=until)
    voice.print_line(f"the code of this invitation, which counts until {time_text.when(until)}: {code}")
    voice.print_hint("tell it by another way than the file goes; on the new machine: trm keys join FILE")


@click.command("join", cls=options.Verb, context_settings=CONTEXT)
@click.argument("file", type=FILE, metavar="FILE")
@click.option("--node", type=FILE, metavar="DIR", help="Node folder; else TRM_NODE.")
@click.option("--code-file", type=FILE, metavar="FILE", help="File with the code; else it is asked for.")
@click.option("--passphrase-file", type=FILE, metavar="FILE", help="File with a passphrase for this machine's keys.")
@click.option(
    "--key-place", type=click.Choice(PLACES), default="file", show_default=True, help="Where its secret lies."
)
@options.as_json
def join_machine_here(
    file: Path, node: Path | None, code_file: Path | None, passphrase_file: Path | None, key_place: str, as_json: bool
) -> None:
    """Make the key store of this machine from an invitation. The folder has the node's settings and no key store yet.

    Section [keys] of node.toml says how a TPM or a token of this machine is reached. Start the node afterwards, and
    destroy FILE.

    \b
    Example:
      trm keys join /media/stick/second.invitation --passphrase-file fr2.pass --node /srv/trm/fr
    """
    from gateway.administration.join_machine import join_machine
    from gateway.foundation import environment
    from gateway.foundation.clock import SystemClock
    from keys.keystore.destructible.secret import Place

    folder, passphrase = options.find_folder(node), environment.passphrase(passphrase_file)
    code = environment.passphrase(code_file) if code_file else click.prompt("code", hide_input=True, err=True)
    joined = asyncio.run(join_machine(folder, file, code, passphrase, place=Place(key_place), clock=SystemClock()))
    voice.print_answer(
        {"node": joined.node, "machine": joined.machine, "place": joined.place.value},
        as_json=as_json,
        people=lambda value: voice.print_line(f"machine {value['machine']} has the keys of {value['node']}"),
    )


@click.command("retire", cls=options.Verb, context_settings=CONTEXT)
@click.argument("machine", metavar="MACHINE")
@options.pass_node
@options.as_json
def retire_machine(reach: Reach, machine: str, as_json: bool) -> None:
    """Take off a machine that is lost or no longer used: nothing waits for it any more, and it changes nothing.

    On a node that is stopped it needs no passphrase. The disk of that machine still opens what it held, for whoever has
    its passphrase: docs/keys.md says what to do about it.

    \b
    Example:
      trm keys retire 3f9a1c0d27b6e845 --node /srv/trm/fr
    """
    from gateway.cli import connection

    if connection.is_running(reach.folder):
        answer = reach.ask("keys.retire", machine=machine)
    else:  # where the database was put back no machine can start before
        from gateway.administration.join_machine import retire_stopped
        from gateway.foundation.clock import SystemClock

        gone, behind = asyncio.run(retire_stopped(reach.folder, machine, now=SystemClock().now()))
        answer = {"machine": gone.id, "host": gone.host, "behind": behind}
    voice.print_answer(answer, as_json=as_json, people=_show_retired)


def _show_retired(value: Mapping[str, Json]) -> None:
    voice.print_line(f"machine {value['machine']} ({value['host']}) has the keys of this node no more")
    if value["behind"]:
        voice.print_line("it had not followed the newest change: its disk still opens what was destroyed by it")
    voice.print_hint(
        "with its passphrase its disk opens the keys it held, and from them what the database has held since: "
        "take its account from the database; if somebody else may have it: docs/keys.md, A laptop is gone"
    )


MACHINE_VERBS = (list_machines, invite_machine, join_machine_here, retire_machine)
"""To be added to `trm keys`."""
