"""`trm mapping`: how the records of a local system are read, tried out before the first one goes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from gateway.cli import options, voice
from gateway.cli.integrate import form_findings, show_verdict
from gateway.cli.options import CONTEXT
from gateway.errors import Finding
from gateway.ports import Json, LocalRecord

_MARK = click.option("--mark", default="Ready to Refer", show_default=True, metavar="LABEL", help="The mark column.")


@click.group(context_settings=CONTEXT)
def mapping() -> None:
    """Check a mapping file; preview the drafts it makes."""


@options.verb(mapping, "check")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--line-list", type=click.Path(path_type=Path), metavar="FILE", help="Also check it against these columns."
)
@_MARK
@options.as_json
def mapping_check(file: Path, line_list: Path | None, mark: str, as_json: bool) -> None:
    """Check a mapping FILE: its form, its paths, its code lists. Needs no node; exit 1 if it has faults.

    \b
    Example:
      trm mapping check office.yaml --line-list cases.xlsx
    """
    import asyncio

    import schemas
    from gateway.app import labels_of
    from gateway.casesystem import read_mapping
    from gateway.core.mapping import check, check_columns

    parsed = read_mapping(file)
    codes = {name: {entry.code for entry in schemas.code_list(name).codes} for name in schemas.code_lists()}
    found = [*check(parsed, codes)]
    if line_list is not None:
        found += check_columns(parsed, asyncio.run(labels_of(file, line_list, mark)))
    value: dict[str, Json] = {
        "name": parsed.name, "type": parsed.body_type, "ok": not found, "findings": _findings(found)
    }  # fmt: skip
    voice.show(value, as_json=as_json, people=show_verdict)
    if found:
        raise click.exceptions.Exit(1)


def _findings(found: Sequence[Finding]) -> list[Json]:
    return [{"place": f.place, "rule": f.rule, "hint": f.hint} for f in found]


@options.verb(mapping, "preview")
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("records", type=click.Path(path_type=Path))
@_MARK
@options.as_json
def mapping_preview(file: Path, records: Path, mark: str, as_json: bool) -> None:
    """Show the draft that each marked row of RECORDS becomes. Nothing is stored or sent; exit 1 if a row has faults.

    RECORDS is a line list, or a .json file with one record as {"label": value}. The output holds what the record holds:
    do not leave it lying about.

    \b
    Example:
      trm mapping preview office.yaml cases.xlsx
    """
    import asyncio

    from gateway.app import marked_rows
    from gateway.casesystem import read_mapping

    parsed = read_mapping(file)
    rows: Sequence[LocalRecord]
    if records.suffix == ".json":
        rows = [
            LocalRecord(ref=records.name, fields=voice.read_object(records), mapping=parsed.name, places={}, faults=())
        ]
    else:
        rows = asyncio.run(marked_rows(file, records, mark))
    drawn: list[Json] = [_preview(parsed, row) for row in rows]
    voice.show({"records": drawn}, as_json=as_json, people=_show_preview)
    if any(isinstance(item, dict) and item["findings"] for item in drawn):
        raise click.exceptions.Exit(1)


def _preview(parsed: object, row: LocalRecord) -> dict[str, Json]:
    from gateway.core.mapping import RecordMapping, losses, map_record

    if not isinstance(parsed, RecordMapping):
        raise RuntimeError("a mapping that was read is a mapping")
    made = map_record(parsed, row)
    if isinstance(made, tuple):
        return {"record": row.ref, "draft": None, "findings": _findings(made), "losses": []}
    return {
        "record": row.ref,
        "draft": made,
        "findings": _findings(form_findings(made)),
        "losses": _findings(losses(parsed, row)),
    }


def _show_preview(value: Mapping[str, Json]) -> None:
    records = voice.items(value, "records")
    if not records:
        voice.say("no row is marked")
    for item in records:
        voice.say(f"record {item['record']}")
        if item["draft"] is not None:
            voice.print_json(item["draft"])
        if item["findings"]:
            show_verdict(item)
        for loss in voice.items(item, "losses"):
            voice.say(f"loses a distinction  {loss['place']}: {loss['hint']}")
