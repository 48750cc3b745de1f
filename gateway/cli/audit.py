"""`trm audit`: the log of what happened here, for those who must be able to check it later."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import click

from gateway.cli import options, output
from gateway.cli.options import CONTEXT, Reach
from gateway.errors import Code, RefusedError
from gateway.foundation import time_text
from gateway.foundation.json import list_objects
from gateway.ports import Json

UNWITNESSED = "unwitnessed: no peer has confirmed this log, so whoever controls this machine may have rewritten it"


@click.group("audit", context_settings=CONTEXT)
def audit_commands() -> None:
    """Show, verify and export the audit log.

    Of a running node, or of the folder of a stopped one; needs no passphrase.
    """


_on_folder = click.option("--node", type=click.Path(path_type=Path), metavar="DIR", help="Node folder; else TRM_NODE.")


@options.add_verb(audit_commands, "show")
@_on_folder
@options.as_json
def show_log(node: Path | None, as_json: bool) -> None:
    """Show the number of entries, the newest checkpoint, and who witnessed it when.

    \b
    Example:
      trm audit show --node /srv/trm/fr
    """
    output.print_answer(_ask(options.find_folder(node), "audit.show"), as_json=as_json, people=_shown)


@options.add_verb(audit_commands, "list")
@click.option("--event", metavar="EVENT", help="Only entries of this event, like peer.state.")
@click.option("--about", "subject", metavar="ID", help="Only entries that name this id or hash.")
@click.option("--limit", type=click.IntRange(1, 500), default=50, show_default=True)
@click.option("--cursor", help="The next page, by the cursor of the page before.")
@options.pass_node
@options.as_json
def list_entries(
    reach: Reach, event: str | None, subject: str | None, limit: int, cursor: str | None, as_json: bool
) -> None:
    """List log entries, newest first, and whether a checkpoint covers each.

    \b
    Example:
      trm audit list --event peer.state --node /srv/trm/fr
    """
    value = reach.ask("audit.list", event=event, subject=subject, limit=limit, cursor=cursor)
    output.print_answer(value, as_json=as_json, people=_show_entries)


def _show_entries(value: Mapping[str, Json]) -> None:
    output.print_table(
        ["entry", "at", "event", "members", "covered"],
        [
            [item["seq"], time_text.when(item["at"]), item["event"], _members(item["facts"]), item["covered"]]
            for item in list_objects(value, "entries")
        ],
        empty="no such entry here",
    )
    _say_more(value)


def _members(facts: Json) -> str:
    return (
        " ".join(f"{name}={output.format_value(fact)}" for name, fact in facts.items())
        if isinstance(facts, dict)
        else ""
    )


def _say_more(value: Mapping[str, Json]) -> None:
    if value["next"] is not None:
        output.print_hint(f"there may be older ones: --cursor {value['next']}")


@options.add_verb(audit_commands, "reads")
@click.option("--message", metavar="ID", help="Who was shown this message or draft.")
@click.option("--conversation", metavar="ID", help="Who was shown anything of this case.")
@click.option("--consent", metavar="ID", help="Who was shown this consent.")
@click.option("--reader", metavar="READER", help="What one reader was shown: owner, token/ID or person/ID.")
@click.option("--limit", type=click.IntRange(1, 500), default=50, show_default=True)
@click.option("--cursor", help="The next page, by the cursor of the page before.")
@options.pass_node
@options.as_json
def list_reads(
    reach: Reach,
    message: str | None,
    conversation: str | None,
    consent: str | None,
    reader: str | None,
    limit: int,
    cursor: str | None,
    as_json: bool,
) -> None:
    """List who was shown which content, once for each day, newest first.

    It answers a person who asks who has seen their data.

    \b
    Example:
      trm audit reads --conversation q2x0bJr3QkK0m1c5n8sT4g --node /srv/trm/fr
    """
    value = reach.ask(
        "audit.reads",
        message=message,
        conversation=conversation,
        consent=consent,
        reader=reader,
        limit=limit,
        cursor=cursor,
    )
    output.print_answer(value, as_json=as_json, people=_show_reads)


def _show_reads(value: Mapping[str, Json]) -> None:
    output.print_table(
        ["first that day", "what", "id", "reader", "name"],
        [
            [time_text.when(item["at"]), item["what"], item["id"], item["reader"], item["name"]]
            for item in list_objects(value, "reads")
        ],
        empty="nobody was shown any of it",
    )
    _say_more(value)


@options.add_verb(audit_commands, "content")
@click.argument("id")
@click.option("--reason", required=True, metavar="TEXT", help="Why it has to be seen, in words; no name of a person.")
@options.pass_node
def show_content(reach: Reach, id: str, reason: str) -> None:
    """Show a data protection officer what one message says, this once.

    The reason is kept with the message, and the focal points read it.

    \b
    Example:
      trm audit content mT5h0Jr3QkK0m1c5n8sT4g --reason "the person asks who was told what" --node /srv/trm/fr
    """
    output.print_json(reach.ask("content.ask", id=id, reason=reason))


@options.add_verb(audit_commands, "reasons")
@click.option("--limit", type=click.IntRange(1, 500), default=50, show_default=True)
@click.option("--cursor", help="The next page, by the cursor of the page before.")
@options.pass_node
@options.as_json
def list_reasons(reach: Reach, limit: int, cursor: str | None, as_json: bool) -> None:
    """List which messages a data protection officer was shown and why, newest first.

    \b
    Example:
      trm audit reasons --node /srv/trm/fr
    """
    output.print_answer(reach.ask("content.reasons", limit=limit, cursor=cursor), as_json=as_json, people=_show_reasons)


def _show_reasons(value: Mapping[str, Json]) -> None:
    output.print_table(
        ["at", "message", "reader", "name", "reason"],
        [
            [time_text.when(item["at"]), item["message"], item["reader"], item["name"], item["reason"]]
            for item in list_objects(value, "reasons")
        ],
        empty="nobody was shown any",
    )
    _say_more(value)


def _shown(value: Mapping[str, Json]) -> None:
    point = value["checkpoint"]
    output.print_facts(
        [
            ("log", value["origin"]),
            ("entries", value["entries"]),
            ("checkpoint", f"{point['size']}, {time_text.when(point['at'])}" if isinstance(point, dict) else None),
            ("halted", value["halted"]),
        ]
    )
    _say_witnessed(value)


def _say_witnessed(value: Mapping[str, Json]) -> None:
    found = value["witnessed"]
    lacking = ""
    if not isinstance(found, dict):
        found = value["partly_witnessed"]
        if not isinstance(found, dict):
            output.print_line(UNWITNESSED)
            return
        lacking = f" by {len(list_objects(found, 'by'))} of {value['quorum']} needed,"
    told = ", ".join(f"{item['peer']} {time_text.when(item['at'])}" for item in list_objects(found, "by"))
    output.print_line(f"witnessed{lacking} up to entry {found['size']} by {told}")


@options.add_verb(audit_commands, "verify")
@_on_folder
@options.as_json
def verify_log(node: Path | None, as_json: bool) -> None:
    """Verify every entry, checkpoint, tile and cosignature; the first bad entry is reported first. Exit 1 if one is
    bad.

    It can not see what was taken away or changed behind the newest checkpoint, which is at most an hour old.

    \b
    Example:
      trm audit verify --node /srv/trm/fr
    """
    value = _ask(options.find_folder(node), "audit.verify")
    output.print_answer(value, as_json=as_json, people=_verified)
    if value["ok"] is not True:
        raise click.exceptions.Exit(1)


def _verified(value: Mapping[str, Json]) -> None:
    for item in list_objects(value, "findings"):
        output.print_line(f"{item['place']} {item['rule']}")
    good = "every entry, checkpoint and cosignature is valid" if value["ok"] is True else "the log is not valid"
    output.print_line(f"{value['entries']} entries, {value['checkpoints']} checkpoints: {good}")
    _say_witnessed(value)


@options.add_verb(audit_commands, "export")
@click.argument("file", type=click.Path(path_type=Path))
@_on_folder
def export_log(file: Path, node: Path | None) -> None:
    """Write FILE: entries, tiles, checkpoints, cosignatures, and the descriptor chains of this node and its witnesses.

    A stranger checks it with docs/verify_audit.py and the fingerprints, without us. No overwriting.

    \b
    Example:
      trm audit export log.jsonl --node /srv/trm/fr
    """
    folder = options.find_folder(node)
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as exc:
        raise RefusedError(
            Code.EXISTS, f"{file} exists already; it was left as it is", hint="name another file"
        ) from exc
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as out:
            for page in _pages(folder):
                listed = page["lines"]
                out.writelines(f"{line}\n" for line in (listed if isinstance(listed, list) else []))
            out.flush()
            os.fsync(out.fileno())
    except BaseException:
        file.unlink()
        raise
    output.print_line(f"written: {file}")
    output.print_hint(f"anybody can check it with: python3 docs/verify_audit.py {file} FINGERPRINT [FINGERPRINT ...]")


def _pages(folder: Path) -> Iterator[dict[str, Json]]:
    page = _ask(folder, "audit.export")
    yield page
    while page["next"] is not None:
        page = _ask(folder, "audit.export", after=page["next"], upto=page["upto"])
        yield page


def _ask(folder: Path, operation: str, **arguments: Json) -> dict[str, Json]:
    from gateway.cli.connection import ask_log  # loads the routes, which help does not need

    return ask_log(folder, operation, **arguments)
