"""`trm htcds`: records of the Human Trafficking Case Data Standard 2.0 become drafts of referrals, and back."""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway.cli import options, output
from gateway.cli.options import CONTEXT, Reach
from gateway.cli.progress import Progress
from gateway.errors import Code, RefusedError
from gateway.foundation.json import list_objects
from gateway.ports import Json

if TYPE_CHECKING:
    from gateway.mapping.htcds import Circumstances, Line, Taken
    from gateway.mapping.htcds_files import FileRecord, RecordFile, Together

WRITERS = 8
"""Drafts that wait for the disk at the same time."""
ENCODINGS = ("utf-8", "utf-16", "cp1250", "cp1251", "cp1252", "cp1253", "cp1256")

_out = click.option(
    "--out", required=True, type=click.Path(path_type=Path), metavar="FILE", help="The new file, readable to you only."
)


@click.group("htcds", context_settings=CONTEXT)
def htcds_commands() -> None:
    """Convert HTCDS 2.0 records to drafts of referrals and back, with a list of what is lost."""


@options.add_verb(htcds_commands, "import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--record", "number", type=click.IntRange(1), metavar="N", help="Only this one, where FILE has several.")
@click.option("--encoding", type=click.Choice(ENCODINGS), help="Of a .csv FILE that is not in Unicode.")
@click.option("--dates", type=click.Choice(["day_first", "month_first"]), help="What 03/04/2024 means in FILE.")
@_out
@options.as_json
def import_records(
    file: Path, number: int | None, encoding: str | None, dates: str | None, out: Path, as_json: bool
) -> None:
    """Write drafts of referrals from the HTCDS records in FILE. Needs no node; nothing is sent.

    FILE is a workbook (.xlsx, .ods) or .csv table of the standard or of its survey form, or .json. One record becomes
    the new file of --out; of several, each becomes a file in the new folder of that name. The report says of each field
    whether it was carried over, has no place in a referral, or needs a person, once for all records that it concerns.
    It holds no value of a case; the drafts do. Complete them and see trm schema check and trm draft add.

    \b
    Example:
      trm htcds import cases.xlsx --out drafts
    """
    from gateway.mapping.case_system import htcds as read_profile
    from gateway.mapping.dates import DayOrder
    from gateway.mapping.htcds_files import take_record, together, with_dates

    profile = with_dates(read_profile(), None if dates is None else DayOrder(dates))
    found = _read(file, profile.known, encoding)
    chosen = _chosen(found.records, number)
    taken: list[Taken] = []
    tell = Progress("read", unit="records", size=1).tell
    for record in chosen:
        taken.append(take_record(profile, record))
        tell(len(taken), len(chosen))
    if len(taken) == 1:
        output.write_new(out, _draft(taken[0]))
        value: dict[str, Json] = {"draft": str(out), "report": _lines(taken[0].lines)}
        output.print_answer(value, as_json=as_json, people=_show)
    else:
        paths = _write_all(out, taken)
        report: list[Json] = [
            {**_line(each.line), "records": list(each.records), "cells": _cells(chosen, each)}
            for each in together(taken)
        ]
        value = {"drafts": [str(path) for path in paths], "report": report}
        output.print_answer(value, as_json=as_json, people=_show_all)
    if found.guessed is not None:
        output.print_hint(f"{file.name} was read as {found.guessed}; if its words look wrong, name another --encoding")
    if any(line.why.startswith("date_two_ways") for made in taken for line in made.lines):
        output.print_hint("say once for the file which number of a date is the day: --dates day_first or month_first")
    output.print_hint(f"add what needs a person, then trm schema check {out if len(taken) == 1 else paths[0]}")


def _draft(taken: Taken) -> bytes:
    return json.dumps(taken.draft, ensure_ascii=False, indent=2).encode() + b"\n"


def _write_all(folder: Path, taken: Sequence[Taken]) -> list[Path]:
    """Write the drafts into a new folder of the caller alone, by the number of their record; all of them or none."""
    from concurrent.futures import ThreadPoolExecutor

    try:
        folder.mkdir(mode=0o700)
    except OSError as exc:
        raise RefusedError(
            Code.EXISTS if folder.exists() else Code.INVALID,
            f"the folder {folder} cannot be made; nothing was written",
            hint="name a new folder with --out: each record becomes a draft in it",
        ) from exc
    width = len(str(len(taken)))
    paths = [folder / f"draft-{number:0{width}d}.json" for number in range(1, len(taken) + 1)]

    def write(path: Path, made: Taken) -> None:
        output.write_new(path, _draft(made))

    try:
        with ThreadPoolExecutor(WRITERS) as writers:
            [*writers.map(write, paths, taken)]
    except RefusedError as refused:
        shutil.rmtree(folder)
        raise RefusedError(refused.code, f"{refused.what}; no draft was kept", hint=refused.hint) from refused
    return paths


def _cells(records: Sequence[FileRecord], each: Together) -> list[Json]:
    """Return the cells in which a person has something to decide; none for what no column says."""
    if each.line.fate != "person":
        return []
    places = [records[number - 1].places.get(each.line.field) for number in each.records]
    return [place for place in places if place is not None]


def _show_all(value: Mapping[str, Json]) -> None:
    """Print what a person has to add, by column, and how many columns went over or have no place."""
    report = list_objects(value, "report")
    asked = [item for item in report if item["fate"] == "person"]
    drafts = value["drafts"]
    output.print_line(f"drafts: {len(drafts) if isinstance(drafts, list) else 0}")
    output.print_line(f"needs a person: {len(asked)}")
    rows = [
        [item["field"], item["place"], _ranges(item["records"]), *_first(item["cells"]), item["why"]] for item in asked
    ]
    output.print_table(["HTCDS", "referral", "records", "for example", "why"], rows, empty="nothing")
    for fate, title in (("mapped", "carried over"), ("lost", "lost")):
        names = dict.fromkeys(str(item["field"]) for item in report if item["fate"] == fate)
        output.print_line(f"{title}: {len(names)} column(s){': ' if names else ''}{', '.join(names)}")


def _ranges(numbers: Json) -> str:
    """Write 1, 2, 3, 7 as 1-3, 7."""
    from adapters.sheet.results.questions import write_rows

    return write_rows([number for number in numbers if isinstance(number, int)] if isinstance(numbers, list) else [])


def _first(cells: Json) -> list[Json]:
    """Return a cell to look at; nothing where no column says anything."""
    return cells[:1] or [""] if isinstance(cells, list) else [""]


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
    return [_line(line) for line in lines]


def _line(line: Line) -> dict[str, Json]:
    return {"field": line.field, "place": line.place, "fate": str(line.fate), "why": line.why}


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


def _chosen(records: Sequence[FileRecord], number: int | None) -> Sequence[FileRecord]:
    if not records:
        raise RefusedError(
            Code.INVALID,
            "the file has no record; nothing was written",
            hint="put the names of the standard in a row near the top, and a record in each row below",
        )
    if number is None:
        return records
    if number > len(records):
        raise RefusedError(
            Code.INVALID,
            f"the file has {len(records)} record(s); nothing was written",
            hint="name one with --record, counted from 1",
        )
    return [records[number - 1]]


def _read(file: Path, known: frozenset[str], encoding: str | None) -> RecordFile:
    from gateway.mapping.htcds_files import FileRecord as Record
    from gateway.mapping.htcds_files import RecordFile as Records
    from gateway.mapping.htcds_files import read_records

    if file.suffix != ".json":
        return read_records(file, known, encoding)
    value = output.read_json(file)
    found = value if isinstance(value, list) else [value]
    records = [Record(fields=item) for item in found if isinstance(item, dict)]
    if len(records) != len(found):
        raise RefusedError(Code.MALFORMED, f"{file} holds no HTCDS record; nothing was written", hint=_FORM)
    return Records(records=records)


_FORM = "an object with the names of the standard or their labels, or a list of such objects"


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
