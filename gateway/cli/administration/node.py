"""`trm node` and `trm alarm`: the identity of this node, its status, and what needs a person's attention."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import click

from gateway.cli import options
from gateway.cli import output as voice
from gateway.cli.administration.maintenance import maintenance_commands
from gateway.cli.options import CONTEXT, Reach
from gateway.foundation import time_text
from gateway.foundation.clock import SystemClock
from gateway.foundation.json import list_objects
from gateway.ports import Json


@click.group("node", context_settings=CONTEXT)
def node_commands() -> None:
    """Show the node's identity and status; write its pairing file."""


@options.add_verb(node_commands, "show")
@options.pass_node
@options.as_json
def show_node(reach: Reach, as_json: bool) -> None:
    """Show identity, fingerprint, age of descriptor and keyset, and what waits.

    \b
    Example:
      trm node show --node /srv/trm/fr
    """
    voice.print_answer(reach.ask("node.show"), as_json=as_json, people=_show_node)


def _show_node(value: Mapping[str, Json]) -> None:
    descriptor, keyset = value["descriptor"], value["keyset"]
    voice.print_facts(
        [
            ("name", value["name"]),
            ("country", value["country"]),
            ("node", value["node"]),
            ("fingerprint", value["fingerprint"]),
            ("endpoint", value["endpoint"]),
            ("demonstration", value["demo"]),
            ("descriptor", _age(descriptor)),
            ("keyset", _age(keyset) if keyset is not None else "none yet: the node has never run"),
            ("units", [f"{unit['id']} ({unit['name']})" for unit in list_objects(value, "units")]),
            ("peers", value["peers"]),
            ("waiting to go", value["queued"]),
            ("waiting for the case system", value["to_hand_over"]),
            ("open alarms", value["alarms"]),
        ]
    )


def _age(value: Json) -> str:
    if not isinstance(value, dict):
        return "-"
    return f"version {value['version']}, expires {time_text.when(value['expires'])}"


@options.add_verb(node_commands, "workers")
@options.pass_node
@options.as_json
def show_workers(reach: Reach, as_json: bool) -> None:
    """Show the workers of a node whose rows are on a server: machine, version, since when, and what each leads.

    \b
    Example:
      trm node workers --node /srv/trm/fr
    """
    voice.print_answer(reach.ask("node.workers"), as_json=as_json, people=_show_workers)


def _show_workers(value: Mapping[str, Json]) -> None:
    workers = list_objects(value, "workers")
    voice.print_table(
        ["worker", "machine", "version", "since", "seen", "clock", "leads"],
        [
            [
                f"{one['id']} (here)" if one["here"] else one["id"],
                one["host"],
                one["version"],
                _when(one["since"]),
                f"lost, seen {_ago(one['seen'])}" if one["away"] else f"{one['seen']} s ago",
                f"{one['ahead']:+} s",
                one["leads"],
            ]
            for one in workers
        ],
        empty="one process: the rows of this node are in a file, which nobody else has open",
    )
    if any(one["away"] for one in workers):
        voice.print_hint(
            "a worker that is lost was killed, or its machine or network is gone; one that was stopped is not listed. "
            "What it led, others lead; trm serve on its machine starts another, and its line goes after a day"
        )


def _ago(seconds: Json) -> str:
    now = SystemClock().now()
    return time_text.distance(now - seconds, now) if isinstance(seconds, int) else "-"


@options.add_verb(node_commands, "status")
@options.pass_node
@options.as_json
def show_status(reach: Reach, as_json: bool) -> None:
    """Show what waits for whom and since when, what failed and why, and how full the node is; same figures as /metrics.

    \b
    Example:
      trm node status --node /srv/trm/fr
    """
    voice.print_answer(reach.ask("node.status"), as_json=as_json, people=_show_status)


def _show_status(value: Mapping[str, Json]) -> None:
    voice.print_table(
        ["peer", "delivery", "queued", "since", "failing since", "next try", "no receipt", "not taken", "heard of"],
        [
            [
                peer["name"],
                _delivery(peer),
                *_pile(peer["queued"]),
                _when(peer["failing_since"]),
                _when(peer["next_try"]),
                _pile(peer["unreceived"])[0],
                _pile(peer["undelivered"])[0],
                _when(peer["contact"]),
            ]
            for peer in list_objects(value, "peers")
        ],
        empty="no peer",
    )
    if value["failed"]:
        voice.print_line("")
        voice.print_table(
            ["failed", "peer", "reason", "messages", "since"],
            [
                [one["kind"], one["peer"], one["reason"], one["count"], _when(one["oldest"])]
                for one in list_objects(value, "failed")
            ],
            empty="",
        )
        voice.print_hint("trm alarm list names the messages; trm message resend ID tries one again that was held here")
    voice.print_line("")
    voice.print_facts([*_facts(value)])


def _facts(value: Mapping[str, Json]) -> Iterator[tuple[str, Json]]:
    handed, storage, erasing, content, audit = (
        _object(value[name]) for name in ("hand_over", "storage", "erasing", "content", "audit")
    )
    waiting, news = _pile(handed["messages"]), _pile(handed["news"])
    if value["stopped"] is not None:
        yield "NOTHING IS TAKEN IN OR SENT", _stopped(value)
    yield "to be taken here", f"{waiting[0]} {waiting[1]}".strip()
    yield "news not taken", news[0]
    yield "drafts waiting", handed["drafts"]
    for hook in list_objects(value, "webhooks"):
        yield f"webhook {hook['name']}", f"{hook['waiting']} waiting"
    yield "things that do not open", content["damaged"]
    yield "database", f"{_mib(storage['database'])} and {_mib(storage['log'])} of log, {_mib(storage['free'])} free"
    yield "attachments", f"{storage['files']}, {_mib(storage['file_bytes'])}"
    yield "last backup", _when(value["backup"]) or "none was made here"
    yield "retention looked", _when(erasing["looked"])
    yield "erased then", [f"{one['count']} {one['reason']}" for one in list_objects(erasing, "erased")]
    yield "requests to erase", f"{erasing['requests']}, {erasing['overdue']} over time"
    yield "legal holds", erasing["holds"]
    yield "audit log", f"{audit['entries']} entries, {_object(audit['witnessed']).get('size', 0)} witnessed"
    if audit["halted"] is not None:
        yield "nothing departs", audit["halted"]
    yield "alarms", [f"{one['count']} {one['kind']}" for one in list_objects(value, "alarms")]


def _stopped(value: Mapping[str, Json]) -> str:
    if value["maintenance"] is not None:
        return f"maintenance until {_when(value['maintenance'])}; trm node maintenance off ends it"
    return f"{value['stopped']}: root holders have to sign; trm doctor says what"


def _delivery(peer: Mapping[str, Json]) -> str:
    return str(peer["delivery"]) if peer["held"] is None else f"{peer['delivery']}: {peer['held']}"


def _pile(value: Json) -> tuple[Json, str]:
    pile = _object(value)
    return pile["count"], _when(pile["oldest"])


def _when(at: Json) -> str:
    return "" if at is None else time_text.when(at)


def _object(value: Json) -> dict[str, Json]:
    return value if isinstance(value, dict) else {}


def _mib(size: Json) -> str:
    return f"{int(str(size)) / 2**20:.0f} MiB"


@options.add_verb(node_commands, "pairing")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="New file to write it to; never overwrites."
)
@click.option(
    "--qr", is_flag=True, help="Print a QR code with address and fingerprint instead, for trm peer add --scanned."
)
@options.pass_node
def write_pairing_file(reach: Reach, output: Path | None, qr: bool) -> None:
    """Write the pairing file that the other country's administrator adds; it holds no secret.

    \b
    Example:
      trm node pairing --node /srv/trm/fr -o fr.pairing
    """
    from keys.primitives.encoding import canon

    if qr:
        if output is not None:
            raise click.UsageError("name either -o or --qr")
        voice.print_qr_code(str(reach.ask("node.show")["scanned"]))
        return

    data = canon(reach.do("node.pairing", {}))
    if output is None:
        click.echo(data)
        return
    voice.write_new(output, data)
    voice.print_line(f"written: {output}")
    voice.print_hint(
        "send it to the other administrator; there: trm peer add FILE, then compare the digits of trm peer code"
    )


node_commands.add_command(maintenance_commands)


@click.group("alarm", context_settings=CONTEXT)
def alarm_commands() -> None:
    """List and dismiss what needs a person's attention."""


@options.add_verb(alarm_commands, "list")
@click.option("--kind", metavar="KIND", help="Only of one kind, such as message.failed.")
@click.option("--limit", type=click.IntRange(1, 500), default=50, show_default=True)
@click.option("--cursor", metavar="CURSOR", help="The next page, by the cursor of the page before.")
@options.pass_node
@options.as_json
def list_alarms(reach: Reach, kind: str | None, limit: int, cursor: str | None, as_json: bool) -> None:
    """List open alarms, oldest first.

    \b
    Example:
      trm alarm list --node /srv/trm/fr
    """
    answer = reach.ask("alarm.list", kind=kind, limit=limit, cursor=cursor)
    voice.print_answer(answer, as_json=as_json, people=_show_alarms)


def _show_alarms(value: Mapping[str, Json]) -> None:
    voice.print_table(
        ["id", "since", "kind", "peer", "message", "reason"],
        [
            [item["id"], time_text.when(item["at"]), item["kind"], item["peer"], item["message"], item["reason"]]
            for item in list_objects(value, "alarms")
        ],
        empty="no open alarm",
    )
    if value.get("next"):
        voice.print_hint(f"{value['open']} are open: add --cursor {value['next']}")


@options.add_verb(alarm_commands, "dismiss")
@click.argument("id")
@options.pass_node
@options.as_json
def dismiss_alarms(reach: Reach, id: str, as_json: bool) -> None:
    """Dismiss alarms in the name of the person who has seen to them.

    \b
    Example:
      trm alarm dismiss 3 --node /srv/trm/fr
    """
    answer = reach.ask("alarm.dismiss", id=id)
    voice.print_answer(
        answer, as_json=as_json, people=lambda value: voice.print_line(f"dismissed: alarm {value['id']}")
    )
