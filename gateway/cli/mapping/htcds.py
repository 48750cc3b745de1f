"""`trm htcds`: records of the Human Trafficking Case Data Standard 2.0 become drafts of referrals, and back."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway.cli import options, output
from gateway.cli.options import CONTEXT, Reach
from gateway.errors import Code, RefusedError
from gateway.foundation.json import list_objects
from gateway.ports import Json

if TYPE_CHECKING:
    from gateway.mapping.htcds import Circumstances, Line

DELIMITERS = (",", ";", "\t")
HEADINGS = 3
"""Rows from the top of a table in which its labels are looked for: in the template hidden names stand above them."""

_out = click.option(
    "--out", required=True, type=click.Path(path_type=Path), metavar="FILE", help="The new file, readable to you only."
)


@click.group("htcds", context_settings=CONTEXT)
def htcds_commands() -> None:
    """Convert HTCDS 2.0 records to drafts of referrals and back, with a list of what is lost."""


@options.add_verb(htcds_commands, "import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--record", "number", type=click.IntRange(1), metavar="N", help="Which one, where FILE has several.")
@_out
@options.as_json
def import_record(file: Path, number: int | None, out: Path, as_json: bool) -> None:
    """Write the draft of a referral from the HTCDS record in FILE (.json or .csv). Needs no node; nothing is sent.

    The report says of each field whether it was carried over, has no place in a referral, or needs a person. It holds
    no value of the record; the draft does. Complete it and see trm schema check and trm draft add.

    \b
    Example:
      trm htcds import case-17.csv --out referral.json
    """
    from gateway.mapping.case_system import htcds as read_profile
    from gateway.mapping.htcds import take

    profile = read_profile()
    taken = take(profile, _chosen(_records(file, profile.known), number))
    output.write_new(out, json.dumps(taken.draft, ensure_ascii=False, indent=2).encode() + b"\n")
    value: dict[str, Json] = {"draft": str(out), "report": _lines(taken.lines)}
    output.print_answer(value, as_json=as_json, people=_show)
    output.print_hint(f"add what needs a person, then trm schema check {out}")


@options.add_verb(htcds_commands, "export")
@click.argument("id")
@click.option("--in", "direction", flag_value="in", help="The incoming one.")
@click.option("--out-going", "direction", flag_value="out", help="The outgoing one.")
@_out
@options.pass_node
@options.as_json
def export_record(reach: Reach, id: str, direction: str | None, out: Path, as_json: bool) -> None:
    """Write the HTCDS record of a referral that was sent or received. The audit log records that the content was read.

    FILE is a .json object, or a .csv table with the names of the standard. The report says of each member of the
    referral where it went, or why the record has no place for it; it holds no value of the case. The record does, and
    consent, handling and safe-contact rules of the person are not in it: keep them with it.

    \b
    Example:
      trm htcds export q2x0bJr3QkK0m1c5n8sT4g --out case-17.json --node /srv/trm/fr
    """
    from gateway.mapping.case_system import htcds as read_profile
    from gateway.mapping.htcds import give

    if out.exists():  # refused before content is read and that logged
        raise RefusedError(Code.EXISTS, f"{out} exists already; it was left as it is", hint="name another file")
    message = reach.ask("message.show", id=id, direction=direction)
    if "content" not in message:
        raise RefusedError(Code.NOT_FOUND, "the content of this message is gone; nothing was written")
    given = give(read_profile(), message, _around(reach, message))
    output.write_new(out, _encoded(given.record, out))
    value: dict[str, Json] = {"record": str(out), "report": _lines(given.lines)}
    output.print_answer(value, as_json=as_json, people=_show)


def _around(reach: Reach, message: Mapping[str, Json]) -> Circumstances:
    from gateway.mapping.htcds import Circumstances as Around

    header = message["header"]
    units = header if isinstance(header, dict) else {}
    ours, created = message["direction"] == "out", message["at"]
    own, peer = str(reach.ask("node.show")["name"]), str(message["peer"])
    shown = list_objects(reach.ask("conversation.show", id=message["conversation"]), "standing")
    return Around(
        ours=ours,
        sender=f"{own if ours else peer}/{units.get('sender_unit')}",
        recipient=f"{peer if ours else own}/{units.get('recipient_unit')}",
        created=created if isinstance(created, int) else 0,
        state=str(shown[0]["state"]) if shown else None,
    )


def _lines(lines: Sequence[Line]) -> list[Json]:
    return [{"field": line.field, "place": line.place, "fate": str(line.fate), "why": line.why} for line in lines]


def _show(value: Mapping[str, Json]) -> None:
    """Print three tables: what was carried over, what needs a person, what is lost."""
    titles = {"mapped": "carried over", "person": "needs a person", "lost": "lost"}
    for fate, title in titles.items():
        rows = [item for item in list_objects(value, "report") if item["fate"] == fate]
        output.print_line(f"{title}: {len(rows)}")
        if rows:
            output.print_table(
                ["HTCDS", "referral", "why"], [[r["field"], r["place"], r["why"]] for r in rows], empty=""
            )
        output.print_line("")


# --- files --------------------------------------------------------------------------------------------------------


def _chosen(records: Sequence[Mapping[str, Json]], number: int | None) -> Mapping[str, Json]:
    if number is None and len(records) == 1:
        return records[0]
    if not records:
        raise RefusedError(
            Code.INVALID,
            "the file has no record; nothing was written",
            hint=f"put the names of the standard in one of the first {HEADINGS} rows, and a record in each row below",
        )
    if number is None or number > len(records):
        raise RefusedError(
            Code.INVALID,
            f"the file has {len(records)} record(s); nothing was written",
            hint="name one with --record, counted from 1",
        )
    return records[number - 1]


def _records(file: Path, known: frozenset[str]) -> list[Mapping[str, Json]]:
    if file.suffix == ".json":
        value = output.read_json(file)
        found = value if isinstance(value, list) else [value]
        records: list[Mapping[str, Json]] = [item for item in found if isinstance(item, dict)]
        if len(records) != len(found):
            raise RefusedError(Code.MALFORMED, f"{file} holds no HTCDS record; nothing was written", hint=_FORM)
        return records
    try:
        text = file.read_text(encoding="utf-8-sig")
        tables = [list(csv.reader(io.StringIO(text), delimiter=one, strict=True)) for one in DELIMITERS]
    except (OSError, UnicodeDecodeError, csv.Error) as exc:
        raise RefusedError(Code.NOT_FOUND, f"{file} cannot be read as a table in UTF-8; nothing was written") from exc
    return max((_rows(table, known) for table in tables), key=lambda found: found[0])[1]


_FORM = "an object with the names of the standard or their labels, or a list of such objects"


def _rows(table: list[list[str]], known: frozenset[str]) -> tuple[int, list[Mapping[str, Json]]]:
    """Return how many labels of a table are known, and its records.

    In the spreadsheets of the standard a hidden row of names stands above the labels and disagrees with them: the lower
    of the two rows is what people saw when they filled the table (domain 11.9).
    """
    from gateway.mapping.types import compared

    scores = [sum(compared(cell) in known for cell in row) for row in table[:HEADINGS]]
    best = max(scores, default=0)
    if best < 2:
        return best, []
    heading = max(index for index, score in enumerate(scores) if 2 * score >= best)
    labels = [cell.strip() for cell in table[heading]]
    if twice := len(list(filter(None, labels))) - len(set(map(compared, filter(None, labels)))):
        raise RefusedError(Code.INVALID, f"{twice} label(s) of the table appear twice; nothing was written")
    rows = [row for row in table[heading + 1 :] if any(cell.strip() for cell in row)]
    return best, [{label: cell.strip() for label, cell in zip(labels, row, strict=False) if label} for row in rows]


def _encoded(record: Mapping[str, Json], out: Path) -> bytes:
    if out.suffix != ".csv":
        return json.dumps(record, ensure_ascii=False, indent=2).encode() + b"\n"
    written = io.StringIO()
    table = csv.writer(written, lineterminator="\n")
    table.writerows([list(record), [_cell(value) for value in record.values()]])
    return written.getvalue().encode()


def _cell(value: Json) -> str:
    """Return a cell that no spreadsheet takes for a formula."""
    text = str(value)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
