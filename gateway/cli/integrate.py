"""`trm schema`: what may be said, field by field, without a node; and the check of a draft."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from gateway.cli import options, typeview, voice
from gateway.cli.options import CONTEXT, Reach
from gateway.errors import Code, Finding, RefusedError
from gateway.ports import Json


@click.group(context_settings=CONTEXT)
def schema() -> None:
    """What may be said, field by field; check a draft."""


@options.verb(schema, "list")
@options.as_json
def schema_list(as_json: bool) -> None:
    """Every message type of this installation. Needs no node.

    \b
    Example:
      trm schema list
    """
    import schemas

    listed: list[Json] = [
        {"type": entry.body_type, "revision": entry.revision, "schema": entry.schema, "title": entry.title,
         "kind": entry.kind, "stage": entry.stage, "personal": entry.personal}
        for entry in schemas.catalogue().held
    ]  # fmt: skip
    voice.show({"schemas": listed}, as_json=as_json, people=_show_list)


def _show_list(value: Mapping[str, Json]) -> None:
    columns = ("type", "title", "kind", "stage", "personal", "revision")
    voice.table(
        columns, [[item[name] for name in columns] for item in voice.items(value, "schemas")], empty="no schema"
    )


@options.verb(schema, "show")
@click.argument("type")
@click.option("--document", is_flag=True, help="The JSON Schema itself.")
@options.language
@options.as_json
def schema_show(type: str, document: bool, lang: str | None, as_json: bool) -> None:
    """One message type: who sends it to whom, its fields, its rules and its codes. Needs no node.

    A field is needed (yes), has to be answered (by a value, or in `unknown` by why there is none), or may be left out.

    \b
    Example:
      trm schema show referral.request/1
      trm schema show referral.request/1 --language fr
    """
    import schemas
    from schemas.labels import labels
    from schemas.render import outline

    if document and lang is not None:
        raise click.UsageError("the JSON Schema has no language: give --document or --language")

    if type not in schemas.catalogue():
        raise RefusedError(Code.NOT_FOUND, "no such message type", hint="trm schema list shows them")
    entry = schemas.catalogue().find(type)
    if document:
        voice.print_json(dict(entry.document))
    elif lang is None:
        voice.show(typeview.told(entry), as_json=as_json, people=typeview.show)
    else:
        page = outline(entry.schema, labels(lang))
        voice.show(voice.of_page(page), as_json=as_json, people=lambda _: voice.rendered(page))


@options.verb(schema, "check")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--node", type=click.Path(path_type=Path), metavar="DIR", help="Also check as this node would: who it is for."
)
@click.option(
    "--passphrase-file", type=click.Path(path_type=Path), metavar="FILE", help="For --node while it is stopped."
)
@options.as_json
def schema_check(file: Path, node: Path | None, passphrase_file: Path | None, as_json: bool) -> None:
    """Check the draft in FILE ('-' for standard input); nothing is stored or sent. Exit 1 if it has faults.

    Findings name a place and a rule, never a value.

    \b
    Example:
      trm schema check referral.json
    """
    draft = voice.read_object(file)
    if node is None:
        findings: list[Json] = [{"place": f.place, "rule": f.rule, "hint": f.hint} for f in form_findings(draft)]
        value: dict[str, Json] = {"ok": not findings, "findings": findings}
    else:
        value = Reach(folder=node, passphrase_file=passphrase_file).ask("schema.check", draft=draft)
    voice.show(value, as_json=as_json, people=show_verdict)
    if value["ok"] is not True:
        raise click.exceptions.Exit(1)


def show_verdict(value: Mapping[str, Json]) -> None:
    """Findings as a table, or that there are none."""
    voice.table(
        ["place", "rule", "hint"],
        [[item["place"] or "(whole)", item["rule"], item["hint"]] for item in voice.items(value, "findings")],
        empty="no fault found",
    )


def form_findings(draft: Mapping[str, Json]) -> Sequence[Finding]:
    """The faults of a draft that need no node to be seen: its members and its schema.

    The author and the consent are a person's to add, so a member missing in the header is no fault yet.
    """
    import schemas

    body_type, header, content = draft.get("type"), draft.get("header"), draft.get("content")
    faults = [
        Finding(place=f"/{name}", rule="required") for name in ("type", "to", "header", "content") if name not in draft
    ]
    if "type" in draft and body_type not in schemas.catalogue():
        faults.append(Finding(place="/type", rule="unknown_type", hint="trm schema list shows the types"))
    for name, half in (("header", header), ("content", content)):
        if name in draft and not isinstance(half, dict):
            faults.append(Finding(place=f"/{name}", rule="type", hint="an object"))
    if faults or not isinstance(header, dict) or not isinstance(content, dict):
        return faults
    body: dict[str, Json] = {"header": {**header, "seen": 0}, "content": content}
    found = (*schemas.validate(str(body_type), body), *schemas.text_findings(body))
    return [fault for fault in found if not (fault.rule == "required" and fault.place.startswith("/header"))]
