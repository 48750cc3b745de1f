"""`trm peer`: trust between two nodes, made by two people who compare 60 digits over a channel they trust."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path

import click

from gateway.cli import options, output
from gateway.cli.options import CONTEXT, Reach
from gateway.cli.trust import links
from gateway.cli.trust.history import show_history
from gateway.cli.trust.ping import ping_peer
from gateway.cli.trust.trust import VERBS
from gateway.errors import Code, RefusedError
from gateway.foundation import time_text
from gateway.foundation.json import list_objects
from gateway.ports import Json


@click.group("peer", context_settings=CONTEXT)
def peer_commands() -> None:
    """Manage trust in peers: add, compare digits, verify, approve, narrow, suspend, revoke, ping."""


@options.add_verb(peer_commands, "add")
@click.argument("file", required=False, type=click.Path(path_type=Path), metavar="[FILE]")
@click.option("--url", metavar="https://HOST:PORT", help="Fetch it from the other node instead of from a file.")
@click.option("--scanned", metavar="TEXT", help="What its QR code says (trm node pairing --qr); fetched and compared.")
@click.option("--reaches", type=click.IntRange(1), metavar="N", help="Refuse a chain that ends before this version.")
@click.option("--name", metavar="NAME", help="Its name here; default: the name it gives itself.")
@options.pass_node
@options.as_json
def add_peer(
    reach: Reach,
    file: Path | None,
    url: str | None,
    scanned: str | None,
    reaches: int | None,
    name: str | None,
    as_json: bool,
) -> None:
    """Propose a peer from its pairing FILE, its address or its QR code. Nothing is sent or accepted until the digits
    are compared.

    \b
    Example:
      trm peer add al.pairing --node /srv/trm/fr
    """
    if [file, url, scanned].count(None) != 2:
        raise click.UsageError("name one of a pairing FILE, --url and --scanned")
    from keys.documents.fingerprint import read_node

    found = None if scanned is None else read_node(scanned)
    answer = reach.ask(
        "peer.add",
        chain=None if file is None else output.read_json(file),
        url=url if found is None else found.endpoint,
        fingerprint=None if found is None else found.fingerprint,
        version=reaches if found is None else max(found.version, reaches or 1),
        name=name,
    )
    output.print_answer(answer, as_json=as_json, people=_show_added)


def _show_added(value: Mapping[str, Json]) -> None:
    output.print_line(f"proposed: {value['name']} ({value['country']}), node {value['node']}")
    if value["demo"]:
        output.print_line("DEMO: this is a demonstration node with one root key; do not send it any real case")
    name = shlex.quote(str(value["name"]))
    output.print_hint(f"next: call them; trm peer code {name} shows what to compare, then trm peer verify {name}")


@options.add_verb(peer_commands, "code")
@click.argument("peer")
@click.option("--qr", is_flag=True, help="Also as a QR code, for the other side's trm peer verify --scanned.")
@options.pass_node
@options.as_json
def show_digits(reach: Reach, peer: str, qr: bool, as_json: bool) -> None:
    """Print the 60 digits of this pair, the same at both nodes, and the versions of both descriptors behind them. Read
    all of it to each other over a channel you trust.

    \b
    Example:
      trm peer code AL --node /srv/trm/fr
    """
    answer = reach.ask("peer.code", id=peer)
    output.print_answer(answer, as_json=as_json, people=_show_code)
    if qr and not as_json:
        output.print_qr_code(str(answer["scanned"]))


def _show_code(value: Mapping[str, Json]) -> None:
    output.print_line(str(value["code"]))
    if value["demo"]:
        output.print_line("DEMO: this is a demonstration node with one root key; do not send it any real case")
    output.print_hint("in person, by video, or by a phone number that you knew before; type what they read to you")


@options.add_verb(peer_commands, "list")
@options.pass_node
@options.as_json
def list_peers(reach: Reach, as_json: bool) -> None:
    """List every peer with its state, and since when it has not answered.

    \b
    Example:
      trm peer list --node /srv/trm/fr
    """
    output.print_answer(reach.ask("peer.list"), as_json=as_json, people=_show_list)


def _show_list(value: Mapping[str, Json]) -> None:
    output.print_table(
        ["name", "country", "state", "missing", "keyset seen", "failing since", "next try", "node"],
        [
            [
                f"{item['name']} (DEMO)" if item["demo"] else item["name"],
                item["country"],
                item["state"],
                item["missing"],
                time_text.when(item["keyset_seen"]),
                time_text.when(item["failing_since"]),
                time_text.when(item["next_try"]),
                item["node"],
            ]
            for item in list_objects(value, "peers")
        ],
        empty="no peer yet; trm peer add FILE proposes one",
    )


@options.add_verb(peer_commands, "show")
@click.argument("peer")
@options.pass_node
@options.as_json
def show_peer(reach: Reach, peer: str, as_json: bool) -> None:
    """Show one peer: units, endpoint, what both sides permit, what waits for it, and the history of trust with every
    signature verified; exit 1 if anything was altered.

    \b
    Example:
      trm peer show AL --node /srv/trm/fr
    """
    answer = reach.ask("peer.show", id=peer)
    output.print_answer(answer, as_json=as_json, people=_show_peer)
    faults = answer["faults"]
    if isinstance(faults, list) and faults:
        raise RefusedError(
            Code.INVALID,
            "the history of this peer was altered: " + "; ".join(str(fault) for fault in faults),
            hint="suspend the peer, keep a copy of the node folder, and compare with the audit log: trm audit verify",
        )


def _show_peer(value: Mapping[str, Json]) -> None:
    output.print_facts(
        [
            ("name", value["name"]),
            ("country", value["country"]),
            ("node", value["node"]),
            ("fingerprint", value["fingerprint"]),
            ("demonstration", value["demo"]),
            ("state", value["state"]),
            ("cause", value["cause"]),
            ("verified", time_text.when(value["verified"])),
            ("endpoint", value["endpoint"]),
            ("contact", value["contact"]),
            ("descriptor", f"version {value['descriptor_version']}, expires {time_text.when(value['expires'])}"),
            ("keyset seen", time_text.when(value["keyset_seen"])),
            ("failing since", time_text.when(value["failing_since"])),
            ("waiting to go", value["queued"]),
            ("link", links.describe_link(value["link"])),
        ]
    )
    if value["first_form"]:
        output.print_line("")
        output.print_line("its newest descriptor is of release 0.1.0: what is for it waits, and nothing comes from it")
        output.print_hint(
            f"call its administrator ({value['contact']}): its node needs this release, then its root holders sign the "
            "next descriptor: docs/operations.md, After 0.1.0"
        )
    output.print_line("")
    output.print_table(
        ["unit", "name", "kind", "roles"],
        [[unit["id"], unit["name"], unit["kind"] or "", unit["roles"]] for unit in list_objects(value, "units")],
        empty="it lists no unit",
    )
    output.print_line("")
    _show_trust(value)


def _show_trust(value: Mapping[str, Json]) -> None:
    """Print what both sides permit, what follows from it, and the history."""
    output.print_facts([("we say", _record(value["ours"])), ("they say", _record(value["theirs"]))])
    scope = value["scope"]
    if isinstance(scope, dict):
        output.print_facts([(f"may pass: {name}", _listed(scope[name])) for name in scope])
    else:
        output.print_line(f"nothing may be sent or accepted: {value['missing']}")
    approve = f"trm peer approve {shlex.quote(str(value['name']))}"
    show_history(value, "history", empty="no change has been approved yet", approve=approve)


def _record(value: Json) -> Json:
    match value:
        case {"state": state, "not_before": begins, "expires": ends}:
            return f"{state}, from {time_text.when(begins)} until {time_text.when(ends)}"
    return "nothing yet"


def _listed(value: Json) -> Json:
    match value:
        case [*found]:
            return ["-".join(str(part) for part in item) if isinstance(item, list) else item for item in found]
    return value


for _verb in (*VERBS, *links.VERBS):
    peer_commands.add_command(_verb)
peer_commands.add_command(ping_peer)


@options.add_verb(peer_commands, "tombstone")
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE")
@options.pass_node
@options.as_json
def take_tombstone(reach: Reach, file: Path, as_json: bool) -> None:
    """Take a peer's tombstone that was handed over: all its roots state that this node id has ended, for good.

    \b
    Example:
      trm peer tombstone al.tombstone --node /srv/trm/fr
    """
    answer = reach.ask("peer.tombstone", tombstone=output.read_object(file))
    output.print_answer(
        answer, as_json=as_json, people=lambda value: output.print_line(f"revoked for good: {value['name']}")
    )
