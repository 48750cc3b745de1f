"""`trm peer`: trust between two nodes, made by two people who compare 60 digits over a channel they trust."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from gateway.cli import options, voice
from gateway.cli.options import CONTEXT, Reach
from gateway.ports import Json

CHANNELS = ("in_person", "video", "known_phone")


@click.group(context_settings=CONTEXT)
def peer() -> None:
    """Trust: add, compare digits, verify, suspend, revoke, ping."""


@options.verb(peer, "add")
@click.argument("file", required=False, type=click.Path(path_type=Path), metavar="[FILE]")
@click.option("--url", metavar="https://HOST:PORT", help="Fetch it from the other node instead of from a file.")
@click.option("--name", metavar="NAME", help="What people here call it; else the name it gives itself.")
@options.by
@options.on_node
@options.as_json
def peer_add(reach: Reach, file: Path | None, url: str | None, name: str | None, by: str, as_json: bool) -> None:
    """Propose a peer from its pairing FILE or its address. Nothing is sent or accepted before the digits were compared.

    \b
    Example:
      trm peer add al.pairing --by "Ana B." --node /srv/trm/fr
    """
    if (file is None) == (url is None):
        raise click.UsageError("name either a pairing FILE or --url")
    chain = None if file is None else voice.read_json(file)
    answer = reach.ask("peer.add", chain=chain, url=url, name=name, by=by)
    voice.show(answer, as_json=as_json, people=_show_added)


def _show_added(value: Mapping[str, Json]) -> None:
    voice.say(f"proposed: {value['name']} ({value['country']}), node {value['node']}")
    if value["demo"]:
        voice.say("DEMO: this is a demonstration node with one root key; send it no real case")
    voice.hint(
        f"next: call them; trm peer code {value['name']} shows what to compare, then trm peer verify {value['name']}"
    )


@options.verb(peer, "code")
@click.argument("peer")
@options.on_node
@options.as_json
def peer_code(reach: Reach, peer: str, as_json: bool) -> None:
    """The 60 digits of this pair, the same at both nodes. Read them to each other over a channel you trust.

    \b
    Example:
      trm peer code AL --node /srv/trm/fr
    """
    voice.show(reach.ask("peer.code", id=peer), as_json=as_json, people=_show_code)


def _show_code(value: Mapping[str, Json]) -> None:
    voice.say(str(value["code"]))
    if value["demo"]:
        voice.say("DEMO: this is a demonstration node with one root key; send it no real case")
    voice.hint("in person, by video, or by a phone number that you knew before; type what they read to you")


@options.verb(peer, "verify")
@click.argument("peer")
@click.option("--digits", metavar="DIGITS", help="The 60 digits as they were read to you; asked for if not given.")
@click.option("--channel", required=True, type=click.Choice(CHANNELS), help="How you spoke with them.")
@options.by
@options.on_node
@options.as_json
def peer_verify(reach: Reach, peer: str, digits: str | None, channel: str, by: str, as_json: bool) -> None:
    """Type the 60 digits that the other administrator read to you; the right ones make the peer active.

    \b
    Example:
      trm peer verify AL --channel video --by "Ana B." --node /srv/trm/fr
    """
    typed = digits if digits is not None else click.prompt("digits as they were read to you", err=True)
    answer = reach.ask("peer.verify", id=peer, digits=typed, channel=channel, by=by)
    voice.show(answer, as_json=as_json, people=_show_state)


@options.verb(peer, "list")
@options.on_node
@options.as_json
def peer_list(reach: Reach, as_json: bool) -> None:
    """Every peer with its state, and since when it does not answer.

    \b
    Example:
      trm peer list --node /srv/trm/fr
    """
    voice.show(reach.ask("peer.list"), as_json=as_json, people=_show_list)


def _show_list(value: Mapping[str, Json]) -> None:
    voice.table(
        ["name", "country", "state", "keyset seen", "failing since", "next try", "node"],
        [
            [
                f"{item['name']} (DEMO)" if item["demo"] else item["name"],
                item["country"],
                item["state"],
                voice.when(item["keyset_seen"]),
                voice.when(item["failing_since"]),
                voice.when(item["next_try"]),
                item["node"],
            ]
            for item in voice.items(value, "peers")
        ],
        empty="no peer yet; trm peer add FILE proposes one",
    )


@options.verb(peer, "show")
@click.argument("peer")
@options.on_node
@options.as_json
def peer_show(reach: Reach, peer: str, as_json: bool) -> None:
    """One peer: units, endpoint, what it may send and be sent, what waits for it.

    \b
    Example:
      trm peer show AL --node /srv/trm/fr
    """
    voice.show(reach.ask("peer.show", id=peer), as_json=as_json, people=_show_peer)


def _show_peer(value: Mapping[str, Json]) -> None:
    scope = value["scope"]
    types = scope.get("types") if isinstance(scope, dict) else None
    voice.facts(
        [
            ("name", value["name"]),
            ("country", value["country"]),
            ("node", value["node"]),
            ("fingerprint", value["fingerprint"]),
            ("demonstration", value["demo"]),
            ("state", value["state"]),
            ("cause", value["cause"]),
            ("verified", voice.when(value["verified"])),
            ("endpoint", value["endpoint"]),
            ("contact", value["contact"]),
            ("descriptor", f"version {value['descriptor_version']}, expires {voice.when(value['expires'])}"),
            ("keyset seen", voice.when(value["keyset_seen"])),
            ("failing since", voice.when(value["failing_since"])),
            ("waiting to go", value["queued"]),
        ]
    )
    voice.say("")
    voice.table(
        ["unit", "name", "roles"],
        [[unit["id"], unit["name"], unit["roles"]] for unit in voice.items(value, "units")],
        empty="it lists no unit",
    )
    voice.say("")
    voice.table(
        ["message type", "directions"],
        [[name, ways] for name, ways in types.items()] if isinstance(types, dict) else [],
        empty="nothing may be sent or accepted",
    )


@options.verb(peer, "suspend")
@click.argument("peer")
@options.by
@options.on_node
@options.as_json
def peer_suspend(reach: Reach, peer: str, by: str, as_json: bool) -> None:
    """Stop a peer at once; withdrawals and safety alerts still pass.

    \b
    Example:
      trm peer suspend AL --by "Ana B." --node /srv/trm/fr
    """
    voice.show(reach.ask("peer.suspend", id=peer, by=by), as_json=as_json, people=_show_state)


@options.verb(peer, "resume")
@click.argument("peer")
@options.by
@options.on_node
@options.as_json
def peer_resume(reach: Reach, peer: str, by: str, as_json: bool) -> None:
    """Undo a suspension that a person made.

    \b
    Example:
      trm peer resume AL --by "Ana B." --node /srv/trm/fr
    """
    voice.show(reach.ask("peer.resume", id=peer, by=by), as_json=as_json, people=_show_state)


@options.verb(peer, "revoke")
@click.argument("peer")
@click.option("--yes", is_flag=True, help="Do not ask.")
@options.by
@options.on_node
@options.as_json
def peer_revoke(reach: Reach, peer: str, yes: bool, by: str, as_json: bool) -> None:
    """End the trust for ever; this node id can not come back.

    \b
    Example:
      trm peer revoke AL --by "Ana B." --node /srv/trm/fr
    """
    if not yes:
        click.confirm(f"revoke {voice.clean(peer)} for ever?", abort=True, err=True)
    voice.show(reach.ask("peer.revoke", id=peer, by=by), as_json=as_json, people=_show_state)


def _show_state(value: Mapping[str, Json]) -> None:
    voice.say(f"{value['name']} is {value['state']}")


@options.verb(peer, "ping")
@click.argument("peer")
@options.on_node
@options.as_json
def peer_ping(reach: Reach, peer: str, as_json: bool) -> None:
    """Check the way to a peer step by step; exit 1 if a step fails.

    \b
    Example:
      trm peer ping AL --node /srv/trm/fr
    """
    answer = reach.ask("peer.ping", id=peer)
    voice.show(answer, as_json=as_json, people=_show_ping)
    if answer["ok"] is not True:
        raise click.exceptions.Exit(1)


def _show_ping(value: Mapping[str, Json]) -> None:
    steps = voice.items(value, "steps")
    voice.table(
        ["step", "result", "detail"],
        [[step["step"], "ok" if step["ok"] else "FAILED", step["detail"]] for step in steps],
        empty="nothing was tried",
    )
    for step in steps:
        if step.get("hint"):
            voice.hint(str(step["hint"]))
