"""`trm procedure`: the steps of a region's procedure, and the position of a conversation in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway.cli import options, output
from gateway.cli.options import CONTEXT
from gateway.errors import Code, RefusedError
from gateway.foundation import time_text
from gateway.foundation.json import list_objects
from gateway.ports import Json

if TYPE_CHECKING:
    from schemas.region_pack.procedures import ProcedureStep, Stage
    from schemas.region_pack.regions import Region

ENGLISH, ANY_TIME = "en", "any_time"
NEXT = 3
"""Steps ahead that are shown with a conversation; the whole way is `trm procedure list`."""


@click.group("procedure", context_settings=CONTEXT)
def procedure_commands() -> None:
    """Show a region's procedure: who does what in each stage, by which rule, until when."""


_node = click.option(
    "--node", type=click.Path(path_type=Path), metavar="DIR", help="The region of this node; else of TRM_NODE."
)
_region = click.option("--region", "name", metavar="NAME", help="This region pack, without a node.")


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
    words, found = _words(lang), _pack(node, name)
    value: dict[str, Json] = {**_of(found), "stages": [_stage(stage) for stage in found.procedure.stages]}
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
    words, found = _words(lang), _pack(node, name)
    stages = [stage for stage in found.procedure.stages if stage.name == what]
    steps = [step for step in found.procedure.steps if step.id == what]
    if not stages and not steps:
        raise RefusedError(Code.NOT_FOUND, "no such stage or step", hint="trm procedure list shows both")
    value = _stage(stages[0]) if stages else _step(steps[0])
    output.print_answer({**_of(found), **value}, as_json=as_json, people=lambda value: _show(value, words))


def _pack(node: Path | None, name: str | None) -> Region:
    from schemas.region_pack.regions import load_region

    if name is not None:
        if node is not None:
            raise click.UsageError("give --node or --region")
        return load_region(name)
    from gateway.foundation import config

    return load_region(config.load(options.find_folder(node)).node.region)


# --- for programs -------------------------------------------------------------------------------------------------


def _of(region: Region) -> dict[str, Json]:
    return {"region": region.name, "drafts": [*sorted(region.drafts)]}


def _stage(stage: Stage) -> dict[str, Json]:
    return {
        "stage": stage.name,
        "title": dict(stage.title),
        "source": stage.source,
        "steps": [_step(step) for step in stage.steps],
    }


def _step(step: ProcedureStep) -> dict[str, Json]:
    return {
        "id": step.id,
        "stage": step.stage,
        "title": dict(step.title),
        "side": str(step.side),
        "responsible": step.responsible,
        "with": [*step.with_roles],
        "states": [*sorted(step.states)],
        "messages": [*step.messages],
        "unheld": _unheld(step.messages),
        "optional": step.optional,
        "repeated": step.repeated,
        "only_if": [str(fact) for fact in sorted(step.only_if)],
        "stopped_by": [str(fact) for fact in sorted(step.stopped_by)],
        "gates": [*step.gates],
        "clock": _clock(step.clock),
        "safeguards": [dict(text) for text in step.safeguards],
        "tell_person": [dict(text) for text in step.tell_person],
        "source": step.source,
    }


def _unheld(messages: Sequence[str]) -> list[Json]:
    """List the message types that this installation does not have."""
    import schemas

    held = {entry.body_type.partition("/")[0] for entry in schemas.load_catalogue().types}
    return [name for name in messages if name not in held]


def _clock(name: str | None) -> Json:
    from schemas.clocks import load_clocks

    if name is None:
        return None
    clock = load_clocks()[name]
    lasts: dict[str, Json] = {case: {str(long.unit): long.count} for case, long in clock.durations.items()}
    return {"name": name, "about": clock.about, "durations": lasts, "source": clock.source}


# --- for people ---------------------------------------------------------------------------------------------------


class _Words:
    """Texts of a region pack and labels of code lists in one language."""

    def __init__(self, lang: str) -> None:
        from schemas.labels import load_labels

        self._labels = load_labels(lang)
        self._lang = lang

    def text(self, value: Json) -> str:
        """Return a text in this language."""
        from schemas.reading import pick_label

        found = {str(key): str(text) for key, text in value.items()} if isinstance(value, dict) else {}
        return pick_label(found, self._lang) if found else "-"

    def role(self, code: Json) -> str:
        """Return the label of a role; a missing one is marked."""
        said = self._labels.code("role", str(code))
        return f"{code} [{self._labels.language.no_label}]" if said.text is None else said.text

    def roles(self, codes: Json) -> list[Json]:
        """Return the labels of several roles."""
        return [self.role(code) for code in codes] if isinstance(codes, list) else []

    def draft(self, drafts: Json) -> str | None:
        """Say that no native speaker has reviewed the labels, or the texts of the region, if so."""
        texts = isinstance(drafts, list) and self._lang in drafts
        drafted = texts or (self._lang != ENGLISH and self._labels.status == "draft")
        return f"texts in {self._labels.language.name}: {self._labels.language.draft}" if drafted else None


def _words(lang: str | None) -> _Words:
    return _Words(lang or ENGLISH)


def _show_list(value: Mapping[str, Json], words: _Words) -> None:
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


def _show(value: Mapping[str, Json], words: _Words) -> None:
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


def _hint_draft(words: _Words, value: Mapping[str, Json]) -> None:
    if (said := words.draft(value["drafts"])) is not None:
        output.print_hint(said)


def _show_step(step: Mapping[str, Json], words: _Words) -> None:
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
    words = _words(lang)
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
