"""`trm attachment`: files that go with messages."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

import click

from gateway.cli import options, output
from gateway.cli.options import CONTEXT, Reach
from gateway.cli.progress import Progress, to_mib
from gateway.foundation import time_text
from gateway.foundation.config import read_attachments
from gateway.foundation.json import list_objects
from gateway.ports import Json

TOLD_EVERY = 100
"""Files after which a move tells how far it is."""


@click.group("attachment", context_settings=CONTEXT)
def attachment_commands() -> None:
    """Add, list and save the files that go with messages; move them to a bucket and back."""


@options.add_verb(attachment_commands, "add")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--message", metavar="ID", help="Add it to the files of this message, which is not sent yet.")
@options.pass_node
@options.as_json
def add_attachment(reach: Reach, file: Path, message: str | None, as_json: bool) -> None:
    """Seal FILE for a message that is still to be sent; its name is not sent.

    The first file gives the message its id. Write it into the draft as `message`, and name each file where the draft
    says what it is: {"part": 0, "doc_kind": "travel_document_copy"}. Files that no message takes are forgotten after 14
    days. The type is found by what is in the file; programs, archives and documents with macros are refused.

    \b
    Example:
      trm attachment add passport.pdf --node /srv/trm/fr
      trm attachment add decision.pdf --message q2x0bJr3QkK0m1c5n8sT4g --node /srv/trm/fr
    """
    from gateway.cli import transfers

    tell = Progress("sealed").tell
    answer = transfers.add_file(reach.folder, file, message, reach.passphrase_file, reach.token, tell=tell)
    output.print_answer(answer, as_json=as_json, people=_show_added)


def _show_added(value: Mapping[str, Json]) -> None:
    output.print_facts([(name, value[name]) for name in ("message", "part", "media_type", "size", "sha256")])


@options.add_verb(attachment_commands, "list")
@click.argument("id", required=False)
@click.option("--in", "direction", flag_value="in", help="Of the incoming one.")
@click.option("--out", "direction", flag_value="out", help="Of the outgoing one.")
@options.pass_node
@options.as_json
def list_attachments(reach: Reach, id: str | None, direction: str | None, as_json: bool) -> None:
    """List the files of the message ID; without ID, the files in transit and those that wait for their message.

    \b
    Example:
      trm attachment list q2x0bJr3QkK0m1c5n8sT4g --node /srv/trm/al
      trm attachment list --node /srv/trm/al
    """
    if id is None:
        output.print_answer(reach.ask("attachment.moving"), as_json=as_json, people=_show_moving)
        return
    answer = reach.ask("attachment.list", id=id, direction=direction)
    output.print_answer(answer, as_json=as_json, people=_show_files)


def _show_files(value: Mapping[str, Json]) -> None:
    output.print_table(
        ["part", "what", "type", "bytes", "here", "sha-256"],
        [
            [item["part"], item["doc_kind"], item["media_type"], item["size"], item["stored"], item["sha256"]]
            for item in list_objects(value, "attachments")
        ],
        empty="no file",
    )


def _show_moving(value: Mapping[str, Json]) -> None:
    output.print_table(
        ["message", "peer", "state", "files", "done", "bytes", "MiB/s", "since", "last"],
        [
            [
                item["id"],
                item["peer"],
                item["state"],
                item["files"],
                item["done"],
                item["bytes"],
                _speed(item["rate"]),
                time_text.when(item["since"]),
                time_text.when(item["last"]),
            ]
            for item in list_objects(value, "moving")
        ],
        empty="no file is in transit",
    )


def _speed(rate: Json) -> str:
    return f"{to_mib(rate):.1f}" if isinstance(rate, int) else "-"


@options.add_verb(attachment_commands, "save")
@click.argument("id")
@click.argument("part", type=click.IntRange(0, 9))
@click.argument("file", type=click.Path(path_type=Path))
@options.pass_node
def save_attachment(reach: Reach, id: str, part: int, file: Path) -> None:
    """Write file number PART of the message ID to FILE, which must not exist. The audit log records it.

    It is plain text from then on: keep it where it belongs, and erase it there when its time is over.

    \b
    Example:
      trm attachment save q2x0bJr3QkK0m1c5n8sT4g 0 /cases/4711/passport.pdf --node /srv/trm/al
    """
    from gateway.cli import transfers

    tell = Progress("written").tell
    size = transfers.save_file(reach.folder, id, part, file, reach.passphrase_file, reach.token, tell=tell)
    output.print_line(f"{file}: {size} bytes")


@options.add_verb(attachment_commands, "discard")
@click.argument("id")
@options.pass_node
@options.as_json
def discard_attachments(reach: Reach, id: str, as_json: bool) -> None:
    """Discard the files of a message that was not sent.

    \b
    Example:
      trm attachment discard q2x0bJr3QkK0m1c5n8sT4g --node /srv/trm/fr
    """
    answer = reach.ask("attachment.discard", id=id)
    output.print_answer(
        answer, as_json=as_json, people=lambda value: output.print_line(f"discarded: {value['files']} file(s)")
    )


_FILE = click.Path(path_type=Path)


@options.add_verb(attachment_commands, "move")
@click.option("--to", "url", metavar="URL", help="s3://BUCKET/PREFIX; the prefix is this node's alone.")
@click.option("--credentials-file", type=_FILE, metavar="FILE", help="Access key of the bucket, in the form of AWS.")
@click.option("--endpoint", metavar="URL", help="https://HOST:PORT of a server that is not that of AWS.")
@click.option("--region", metavar="NAME", help="Region of the bucket; else us-east-1.")
@click.option("--ca-file", type=_FILE, metavar="FILE", help="Authorities that may vouch for the server.")
@click.option("--to-folder", is_flag=True, help="Back to the folder attachments/ of the node.")
@click.option("--node", type=_FILE, metavar="DIR", help="Node folder; else TRM_NODE.")
@options.as_json
def move_files(
    url: str | None,
    credentials_file: Path | None,
    endpoint: str | None,
    region: str | None,
    ca_file: Path | None,
    to_folder: bool,
    node: Path | None,
    as_json: bool,
) -> None:
    """Copy all files of a stopped node to a bucket or back, compare them, name the new place in node.toml, and remove
    them where they were. What was cut off is repeated.

    \b
    Example:
      trm attachment move --to s3://trm-fr/files --endpoint https://minio.example.fr:9000 \\
        --credentials-file /etc/trm/bucket.key --node /srv/trm/fr
    """
    from gateway.administration.move_attachments import move_attachments
    from gateway.foundation.clock import SystemClock

    if (url is None) == (not to_folder):
        raise click.UsageError("name --to URL, or --to-folder")
    section = read_attachments(
        url,
        endpoint=endpoint,
        region=region,
        credentials_file=None if credentials_file is None else credentials_file.absolute(),
        ca_file=None if ca_file is None else ca_file.absolute(),
    )
    moved = asyncio.run(move_attachments(options.find_folder(node), section, _tell_moved, clock=SystemClock()))
    answer: dict[str, Json] = {"files": moved.files, "bytes": moved.size, "missing": moved.missing}
    output.print_answer(answer, as_json=as_json, people=_show_moved)


def _tell_moved(done: int, of: int) -> None:
    if done % TOLD_EVERY == 0:
        click.echo(f"trm: {done} of {of} files", err=True)


def _show_moved(value: Mapping[str, Json]) -> None:
    output.print_facts([(name, value[name]) for name in ("files", "bytes")])
    if value["missing"]:
        output.print_hint(
            f"{value['missing']} file(s) were not whole at the old place; trm attachment list tells which"
        )
    output.print_hint("trm doctor tries the new place; then start the node")
