"""`trm procedure`: the steps of a region's procedure, and the position of a conversation in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway.cli import options, output
from gateway.cli.options import CONTEXT
from gateway.cli.procedures.values import describe_region, describe_stage, describe_step
from gateway.cli.procedures.words import ProcedureWords, load_words
from gateway.errors import Code, RefusedError
from gateway.foundation import time_text
from gateway.foundation.json import list_objects
from gateway.ports import Json

if TYPE_CHECKING:
    from schemas.region_pack.regions import Region

ANY_TIME = "any_time"
NEXT = 3
"""Steps ahead that are shown with a conversation; the whole way is `trm procedure list`."""


@click.group("procedure", context_settings=CONTEXT)
def procedure_commands() -> None:
    """Show a region's procedure: who does what in each stage, by which rule, until when."""


_node = click.option(
    "--node", type=click.Path(path_type=Path), metavar="DIR", help="The region of this node; else of TRM_NODE."
)
_region = click.option("--region", "name", metavar="NAME|./DIR", help="This region pack, without a node.")


@options.add_verb(procedure_commands, "list")
@_node
@_region
@options.language
@options.as_json
def list_steps(node: Path | None, name: str | None, lang: str | None, as_json: bool) -> None:
    """List every step in order: which side acts, who is responsible, by which messages and clock. Reads settings only.

    \b
    Example:
      trm procedure list --node /srv/trm/fr
      trm procedure list --region tact --language fr
    """
    words, found = load_words(lang), _pack(node, name)
    value: dict[str, Json] = {
        **describe_region(found),
        "stages": [describe_stage(stage) for stage in found.procedure.stages],
    }
    output.print_answer(value, as_json=as_json, people=lambda value: _show_list(value, words))


@options.add_verb(procedure_commands, "show")
@click.argument("what", metavar="STAGE|STEP")
@_node
@_region
@options.language
@options.as_json
def show_steps(what: str, node: Path | None, name: str | None, lang: str | None, as_json: bool) -> None:
    """Show one step, or every step of a stage: roles, safeguards, gates, clock, what the person must know, its source.

    A text that is not translated is shown in English and marked [en]; --json has every language there is.

    \b
    Example:
      trm procedure show return.propose --node /srv/trm/fr
      trm procedure show return --region tact --language sq
    """
    words, found = load_words(lang), _pack(node, name)
    stages = [stage for stage in found.procedure.stages if stage.name == what]
    steps = [step for step in found.procedure.steps if step.id == what]
    if not stages and not steps:
        raise RefusedError(Code.NOT_FOUND, "no such stage or step", hint="trm procedure list shows both")
    value = describe_stage(stages[0]) if stages else describe_step(steps[0])
    output.print_answer({**describe_region(found), **value}, as_json=as_json, people=lambda value: _show(value, words))


def _pack(node: Path | None, name: str | None) -> Region:
    from schemas.region_pack.regions import load_region

    if name is not None:
        if node is not None:
            raise click.UsageError("give --node or --region")
        if "/" not in name:
            return load_region(name)
        from gateway.regions.files import read_pack

        return read_pack(Path(name)).read()
    from gateway.foundation import config
    from gateway.regions.installed import load_node_region

    folder = options.find_folder(node)
    return load_node_region(folder, config.load(folder).node.region)


# --- for people ---------------------------------------------------------------------------------------------------


def _show_list(value: Mapping[str, Json], words: ProcedureWords) -> None:
    for stage in list_objects(value, "stages"):
        output.print_line(f"{words.text(stage['title'])} ({stage['stage']})")
        output.print_table(
            ["step", "what", "side", "responsible", "messages", "clock"],
            [
                [
                    step["id"],
                    words.text(step["title"]),
                    step["side"],
                    words.role(step["responsible"]),
                    _messages(step),
                    _clock_name(step),
                ]
                for step in list_objects(stage, "steps")
            ],
            empty="no step",
        )
        output.print_line("")
    _hint_draft(words, value)
    output.print_hint("trm procedure show STEP says what protects the person and what the person must be told")


def _show(value: Mapping[str, Json], words: ProcedureWords) -> None:
    if "steps" not in value:
        _show_step(value, words)
    else:
        output.print_facts(
            [("stage", value["stage"]), ("title", words.text(value["title"])), ("source", value["source"])]
        )
        for step in list_objects(value, "steps"):
            output.print_line("")
            _show_step(step, words)
    _hint_draft(words, value)


def _hint_draft(words: ProcedureWords, value: Mapping[str, Json]) -> None:
    if (said := words.draft(value["drafts"])) is not None:
        output.print_hint(said)


def _show_step(step: Mapping[str, Json], words: ProcedureWords) -> None:
    output.print_facts(
        [
            ("step", step["id"]),
            ("what", words.text(step["title"])),
            ("side", step["side"]),
            ("responsible", words.role(step["responsible"])),
            ("with", words.roles(step["with"])),
            ("in states", step["states"] or "any"),
            ("messages", _messages(step)),
            ("only if", step["only_if"]),
            ("stopped by", step["stopped_by"]),
            ("gates", step["gates"]),
            ("clock", _clock_words(step["clock"])),
            ("owed", "nobody owes it" if step["optional"] else "once" if not step["repeated"] else "again and again"),
            *(("safeguard", words.text(text)) for text in list_objects(step, "safeguards")),
            *(("tell the person", words.text(text)) for text in list_objects(step, "tell_person")),
            ("source", step["source"]),
        ]
    )


def _messages(step: Mapping[str, Json]) -> str:
    named, unheld = step["messages"], step.get("unheld")
    listed = [str(name) for name in named] if isinstance(named, list) else []
    lacking = unheld if isinstance(unheld, list) else []
    return ", ".join(f"{name} [not held]" if name in lacking else name for name in listed) or "at the desk"


def _clock_name(step: Mapping[str, Json]) -> Json:
    clock = step["clock"]
    return clock["name"] if isinstance(clock, dict) else None


def _clock_words(clock: Json) -> str:
    if not isinstance(clock, dict):
        return "-"
    cases = clock["durations"] if isinstance(clock["durations"], dict) else {}
    return f"{clock['name']}: {', '.join(_lengths(cases)) or 'the day that the message names'}; {clock['about']}"


def _lengths(cases: Mapping[str, Json]) -> Iterator[str]:
    for case, lasts in cases.items():
        for unit, count in lasts.items() if isinstance(lasts, dict) else ():
            words = unit.replace("_", " ")
            yield f"{'' if case == 'any' else f'{case} '}{count} {words if count != 1 else words.removesuffix('s')}"


# --- where a conversation stands ----------------------------------------------------------------------------------


def show_position(value: Mapping[str, Json], lang: str | None) -> None:
    """Print the stage of a conversation; what is owed and by whom, what prevents it, what is possible and what comes
    next; then, by name, the steps that are done, past, or possible at any time.
    """
    words = load_words(lang)
    steps = list_objects(value, "steps")
    standing = {name: [step for step in steps if step["standing"] == name] for name in ("done", "behind", "ahead")}
    at_any_time = [step for step in steps if step["stage"] == ANY_TIME and step["standing"] == "possible"]
    now = [step for step in steps if step["standing"] not in standing and step not in at_any_time]
    output.print_facts([("stage", words.text(value["title"])), ("procedure", value["region"])])
    output.print_table(
        ["step", "what", "stands", "by", "responsible", "until"],
        [
            [
                step["id"],
                words.text(step["title"]),
                _stands(step),
                step["by"],
                words.role(step["responsible"]),
                time_text.when(step["until"]),
            ]
            for step in (*now, *standing["ahead"][:NEXT])
        ],
        empty="nothing is left to do",
    )
    for name, listed in (("done", standing["done"]), ("behind", standing["behind"]), ("at any time", at_any_time)):
        if listed:
            output.print_line(f"{name}: {', '.join(str(step['id']) for step in listed)}")
    _hint_draft(words, value)
    output.print_hint("trm procedure show STEP says what protects the person and what the person must be told")


def _stands(step: Mapping[str, Json]) -> str:
    if step["standing"] == "stopped":
        return f"stopped by {output.format_value(step['stopped_by'])}"
    return "next" if step["standing"] == "ahead" else str(step["standing"])
