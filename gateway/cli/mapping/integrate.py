"""`trm schema`: the message types, field by field, without a node; and the check of a draft."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from gateway.cli import options, output
from gateway.cli.mapping import typeview
from gateway.cli.messages import draftform
from gateway.cli.options import CONTEXT, Reach
from gateway.errors import Code, Finding, RefusedError
from gateway.foundation.json import list_objects
from gateway.ports import Json


@click.group("schema", context_settings=CONTEXT)
def schema_commands() -> None:
    """Show message types field by field; check a draft."""


@options.add_verb(schema_commands, "list")
@options.as_json
def list_types(as_json: bool) -> None:
    """List every message type of this installation. Needs no node.

    \b
    Example:
      trm schema list
    """
    import schemas

    listed: list[Json] = [entry.to_json() for entry in schemas.load_catalogue().held]
    output.print_answer({"schemas": listed}, as_json=as_json, people=_show_list)


def _show_list(value: Mapping[str, Json]) -> None:
    columns = ("type", "title", "kind", "stage", "personal", "revision")
    output.print_table(
        columns, [[item[name] for name in columns] for item in list_objects(value, "schemas")], empty="no schema"
    )


@options.add_verb(schema_commands, "show")
@click.argument("type")
@click.option("--document", is_flag=True, help="Print the JSON Schema itself.")
@options.language
@options.as_json
def show_type(type: str, document: bool, lang: str | None, as_json: bool) -> None:
    """Show one message type: who sends it to whom, its fields, its rules and its codes. Needs no node.

    A field is needed (yes), has to be answered (by a value, or in `unknown` by why there is none), or may be left out.

    \b
    Example:
      trm schema show referral.request/1
      trm schema show referral.request/1 --language fr
    """
    import schemas
    from schemas.labels import load_labels
    from schemas.render import render_type

    if document and lang is not None:
        raise click.UsageError("the JSON Schema has no language: give --document or --language")

    if type not in schemas.load_catalogue():
        raise RefusedError(Code.NOT_FOUND, "no such message type", hint="trm schema list shows them")
    entry = schemas.load_catalogue().find(type)
    if document:
        output.print_json(dict(entry.document))
    elif lang is None:
        output.print_answer(typeview.describe_type(entry), as_json=as_json, people=typeview.print_type)
    else:
        page = render_type(entry.schema, load_labels(lang))
        output.print_answer(
            output.rendering_to_json(page), as_json=as_json, people=lambda _: output.print_rendering(page)
        )


@options.add_verb(schema_commands, "check")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--node",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Also check as this node would, including the recipient.",
)
@click.option(
    "--passphrase-file", type=click.Path(path_type=Path), metavar="FILE", help="For --node while it is stopped."
)
@options.as_json
def check_draft(file: Path, node: Path | None, passphrase_file: Path | None, as_json: bool) -> None:
    """Check the draft in FILE ('-' for standard input); nothing is stored or sent. Exit 1 if it has faults.

    Each fault has its place, its rule, what is expected there and how to mend it; no word of the file is printed.

    \b
    Example:
      trm schema check referral.json
    """
    draft = output.read_object(file)
    if node is None:
        findings = list(draftform.find_faults(draft))
        value: dict[str, Json] = {"ok": not findings}
    else:
        value = Reach(folder=node, passphrase_file=passphrase_file).ask("schema.check", draft=draft)
        findings = [
            Finding(place=str(item["place"]), rule=str(item["rule"]), hint=str(item["hint"]))
            for item in list_objects(value, "findings")
        ]
    value["findings"] = [draftform.explain_fault(draft, finding) for finding in findings]
    output.print_answer(value, as_json=as_json, people=_show_explained)
    if value["ok"] is not True:
        raise click.exceptions.Exit(1)


def _show_explained(value: Mapping[str, Json]) -> None:
    """Print one fault after the other in sentences, for which a table has no room."""
    found = list_objects(value, "findings")
    for item in found:
        output.print_line(str(item["place"] or "(whole)"))
        output.print_facts((f"  {name}", item[name]) for name in ("rule", "expected", "mend") if item[name])
    output.print_line(f"{len(found)} fault(s)" if found else "no fault found")
