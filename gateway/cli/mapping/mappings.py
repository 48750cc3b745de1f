"""`trm mapping`: the mapping of local records to messages, tried out before the first message is sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway.cli import options, output
from gateway.cli.messages import draftform
from gateway.cli.options import CONTEXT
from gateway.errors import Code, Finding, RefusedError
from gateway.foundation.json import list_objects
from gateway.ports import Json, LocalRecord

if TYPE_CHECKING:
    from gateway.mapping.preview import Line
    from gateway.mapping.to_message import RecordMapping

PROGRAM = Path(__file__).resolve().parents[3] / "adapters"
"""Where the mapping files of the program lie."""
_MARK = click.option("--mark", default="Ready to Refer", show_default=True, metavar="LABEL", help="The mark column.")


@click.group("mapping", context_settings=CONTEXT)
def mapping_commands() -> None:
    """Check a mapping file; preview what becomes of each field."""


@options.add_verb(mapping_commands, "check")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--line-list", type=click.Path(path_type=Path), metavar="FILE", help="Also check it against these columns."
)
@_MARK
@options.as_json
def check_mapping(file: Path, line_list: Path | None, mark: str, as_json: bool) -> None:
    """Check a mapping FILE: form, members, codes, way back. Needs no node; exit 1 if it has faults.

    A code without a counterpart, two that become one, a value that reads like another code, a default: each is a fault
    until the file says what is meant (docs/mapping-format.md).

    \b
    Example:
      trm mapping check office.yaml --line-list cases.xlsx
    """
    import asyncio

    from gateway.mapping.case_system import read_mapping
    from gateway.mapping.labels import language_names
    from gateway.mapping.to_message import check, check_columns, vocabulary

    parsed = read_mapping(file)
    found = [*check(parsed, vocabulary(parsed.body_type, language_names()))]
    if line_list is not None:
        from gateway.app import labels_of  # the whole node, which nothing else here needs

        found += check_columns(parsed, asyncio.run(labels_of(file, line_list, mark)))
    value: dict[str, Json] = {
        "name": parsed.name,
        "type": parsed.body_type,
        "ok": not found,
        "findings": _findings(found),
    }
    output.print_answer(value, as_json=as_json, people=show_verdict)
    if found:
        raise click.exceptions.Exit(1)


def _findings(found: Sequence[Finding]) -> list[Json]:
    return [f.to_json() for f in found]


def show_verdict(value: Mapping[str, Json]) -> None:
    """Print findings as a table, or that there are none."""
    output.print_table(
        ["place", "rule", "hint"],
        [[item["place"] or "(whole)", item["rule"], item["hint"]] for item in list_objects(value, "findings")],
        empty="no fault found",
    )


@options.add_verb(mapping_commands, "dates")
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("column")
@click.argument("order", type=click.Choice(["day_first", "month_first"]))
@options.as_json
def answer_dates(file: Path, column: str, order: str, as_json: bool) -> None:
    """Write into a mapping FILE what 03/04/2024 means in a COLUMN; everything else in it stays. Needs no node.

    Dates that can be read two ways are asked once for their column, in trm-results.xlsx and by trm mapping preview.
    The answer holds for every cell of the column, also for those that are typed later; ask who fills it.

    \b
    Example:
      trm mapping dates office.yaml Birthdate day_first
    """
    from gateway.mapping import answers
    from gateway.mapping.case_system import read_text
    from gateway.mapping.dates import DayOrder

    if file.resolve().is_relative_to(PROGRAM):
        raise RefusedError(
            Code.INVALID,
            "this mapping file is one of the program, for all offices; it was left as it is",
            hint="copy it, answer in the copy, and name that in node.toml: adapter.mapping, adapter.enquiry_mapping",
        )
    answered = answers.answer_dates(read_text(file), column, DayOrder(order))
    output.replace_file(file, answered.text.encode())
    before: list[Json] = [None if one is None else str(one) for one in answered.before]
    value: dict[str, Json] = {"file": str(file), "column": column, "dates": order, "before": before}
    output.print_answer(value, as_json=as_json, people=_show_answer)


def _show_answer(value: Mapping[str, Json]) -> None:
    output.print_line(f"{value['column']}: dates are {value['dates']}")
    output.print_hint("a node reads its mapping files when it starts: start it anew, then the rows that wait are read")


@options.add_verb(mapping_commands, "preview")
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("records", type=click.Path(path_type=Path))
@click.option("--back", is_flag=True, help="RECORDS is a message in JSON; show the record that it becomes.")
@click.option("--language", metavar="LANG", help="Cells may contain labels in it, as with adapter.language.")
@_MARK
@options.as_json
def preview_mapping(file: Path, records: Path, back: bool, language: str | None, mark: str, as_json: bool) -> None:
    """Show side by side what becomes of each field of RECORDS. Nothing is stored or sent; exit 1 if there are faults.

    RECORDS is a line list, of which the marked rows are shown, or a .json file with one record as {"label": value};
    with --back, a message as a draft has it or as the drop folder writes it. The output holds what the record holds: do
    not leave it lying about.

    \b
    Example:
      trm mapping preview office.yaml cases.xlsx
      trm mapping preview office.yaml message.json --back
    """
    import asyncio

    from gateway.mapping.case_system import read_mapping
    from gateway.mapping.labels import in_languages

    parsed = read_mapping(file)
    if language is not None or not (back or records.suffix == ".json"):  # as the adapter of line lists reads
        parsed = in_languages(parsed, language)
    rows: Sequence[LocalRecord] = ()
    if back:
        drawn = [_back(parsed, records.name, output.read_object(records))]
    elif records.suffix == ".json":
        row = LocalRecord(ref=records.name, fields=output.read_object(records), mapping=parsed.name)
        drawn = [_out(parsed, row)]
    else:
        from gateway.app import marked_rows  # the whole node, which nothing else here needs

        rows = asyncio.run(marked_rows(file, records, mark))
        drawn = [_out(parsed, row) for row in rows]
    value: dict[str, Json] = {"records": [*drawn], "questions": _ask(rows, drawn)}
    output.print_answer(value, as_json=as_json, people=_show_preview)
    if any(item["findings"] for item in drawn):
        raise click.exceptions.Exit(1)


def _out(parsed: RecordMapping, row: LocalRecord) -> dict[str, Json]:
    from gateway.mapping.preview import outward
    from gateway.mapping.to_message import losses, map_record, placed

    made = map_record(parsed, row)
    faults = made if isinstance(made, tuple) else placed(parsed, row, draftform.find_faults(made))
    return {
        "record": row.ref,
        "draft": None if isinstance(made, tuple) else made,
        "lines": _lines(outward(parsed, row)),
        "findings": _findings(faults),
        "losses": _findings(losses(parsed, row)),
    }


def _ask(rows: Sequence[LocalRecord], drawn: Sequence[Mapping[str, Json]]) -> list[Json]:
    """Return what is asked once for a column, and not again at each row that waits for the answer."""
    from adapters.sheet.results.questions import Fault, ask_by_column, is_asked

    labels = {place: label for row in rows for label, place in row.places.items()}
    found = [_finding(item) for each in drawn for item in list_objects(each, "findings")]
    faults = [Fault(mapping="", label=labels.get(one.place, ""), finding=one) for one in found if is_asked(one)]
    return [
        {
            "column": question.label,
            "place": question.place,
            "rows": [*question.rows],
            "example": question.example,
            "rule": question.rule,
            "command": question.command,
        }
        for question in ask_by_column(faults)
    ]


def _finding(item: Mapping[str, Json]) -> Finding:
    return Finding(place=str(item["place"]), rule=str(item["rule"]))


def _back(parsed: RecordMapping, name: str, message: Mapping[str, Json]) -> dict[str, Json]:
    from gateway.mapping.preview import inward
    from gateway.mapping.to_message import map_message

    if not parsed.direction.inward or message.get("type") != parsed.body_type:
        raise RefusedError(
            Code.WRONG_TYPE,
            "this mapping file is not for such a message; nothing was shown",
            hint=f"it reads {parsed.body_type}, direction {parsed.direction}",
        )
    made = map_message(parsed, message)
    faults = made if isinstance(made, tuple) else ()
    return {
        "record": name,
        "fields": None if isinstance(made, tuple) else dict(made.fields),
        "lines": _lines(inward(parsed, message)),
        "findings": _findings(faults),
        "losses": [] if isinstance(made, tuple) else _findings(made.losses),
    }


def _lines(lines: Sequence[Line]) -> list[Json]:
    return [
        {"label": line.label, "local": line.local, "path": line.path, "value": line.value, "remarks": [*line.remarks]}
        for line in lines
    ]


def _show_preview(value: Mapping[str, Json]) -> None:
    from adapters.sheet.results.questions import is_asked

    records = list_objects(value, "records")
    if not records:
        output.print_line("no row is marked")
    columns = ("label", "local", "path", "value", "remarks")
    for item in records:
        output.print_line(f"record {item['record']}")
        lines = list_objects(item, "lines")
        output.print_table(columns, [[line[name] for name in columns] for line in lines], empty="nothing is read")
        own = [one for one in list_objects(item, "findings") if not is_asked(_finding(one))]
        if own:
            show_verdict({"findings": [*own]})
    _show_questions(list_objects(value, "questions"))


def _show_questions(questions: Sequence[Mapping[str, Json]]) -> None:
    from adapters.sheet.results.questions import write_rows

    if questions:
        lines = []
        for each in questions:
            rows = [row for row in each["rows"] if isinstance(row, int)] if isinstance(each["rows"], list) else []
            lines.append([each["column"], write_rows(rows), len(rows), each["example"], each["rule"], each["command"]])
        output.print_line("asked once for a column:")
        output.print_table(["column", "rows", "cells", "for example", "why", "the answer"], lines, empty="")
