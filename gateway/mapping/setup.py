"""`trm adapter prepare KIND` and `trm adapter check --settings FILE`: what a kind of case system needs, made and
looked at without a node.

A kind plans (`adapters.kit.setup.plan`); here the plan gets its mapping file, is carried out, and is told as the lines
of `[adapter]`. Nothing that exists is changed.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any

from pydantic import TypeAdapter, ValidationError

from adapters.kit.kind import Kind, find
from adapters.kit.setup.needs import Need, State, TellsNeeds, met, missing, needs_of
from adapters.kit.setup.plan import MAPPING, SAMPLE, SECTION, Asked, Outcome, carry_out
from gateway.errors import Code, GatewayError, RefusedError
from gateway.foundation.config import AdapterSection
from gateway.mapping import case_system
from gateway.mapping.check import check, vocabulary
from gateway.mapping.labels import language_names
from gateway.mapping.line_list import new_line_list
from gateway.mapping.proposal import propose
from gateway.mapping.types import RecordMapping
from gateway.ports import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What was made, and what was there already; the settings with those still open; what is to be done next; names of
    the case system that no rule of the mapping file reads, and members that the message needs and no rule gives.
    """

    made: Sequence[tuple[Path, Outcome]]
    settings: Mapping[str, Json]
    open: Mapping[str, str]
    steps: Sequence[str]
    unread: Sequence[str] = ()
    lacking: Sequence[str] = ()


async def prepare_kind(
    name: str,
    folder: Path,
    given: Mapping[str, str],
    *,
    source: str | None,
    recipient: str,
    language: str,
    today: date,
) -> Prepared:
    """Make in `folder` what a kind of case system needs. What is there stays as it is, and is told.

    Raises:
        RefusedError: not_found for a kind that is not there or plans nothing; invalid for settings that are not known
            or not right, and whatever the kind refuses. Nothing was made then.
        TransientError: the case system that is read cannot be reached.
    """
    kind = find(name)
    if kind.prepare is None:
        raise RefusedError(Code.NOT_FOUND, f"the adapter {name} prepares nothing", hint="its own description says how")
    judged = _judge_given(kind, given)
    plan = await kind.prepare(
        Asked(
            folder=folder,
            given=given,
            recipient=recipient,
            language=language,
            today=today,
            line_list=new_line_list,
            source=source,
        )
    )
    files = dict(plan.files)
    unread: Sequence[str] = ()
    lacking: Sequence[str] = ()
    if plan.configured is not None:
        proposal = propose(plan.configured, recipient, today)
        files |= {MAPPING: proposal.text, SAMPLE: json.dumps(proposal.sample, ensure_ascii=False, indent=2) + "\n"}
        unread, lacking = proposal.unread, proposal.lacking
    settings = {"kind": name, **judged, **plan.settings}
    open_ = {key: text for key, text in plan.open.items() if key not in settings}
    files[SECTION] = render_section(settings, open_)
    made = carry_out(folder, plan.folders, files)
    return Prepared(made=made, settings=settings, open=open_, steps=plan.steps, unread=unread, lacking=lacking)


def render_section(settings: Mapping[str, Json], open_settings: Mapping[str, str]) -> str:
    """Write the section of node.toml; what a person has to fill in stands there as a remark."""
    lines = ["[adapter]", *(f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in settings.items())]
    lines += [f"# {key} =     # {text}" for key, text in open_settings.items()]
    return "\n".join([*lines, ""])


def _judge_given(kind: Kind[Any], given: Mapping[str, str]) -> dict[str, Json]:
    """Convert the settings of a command line: numbers and truths as such, paths whole."""
    known = kind.settings.model_fields
    values: dict[str, Json] = {}
    for key, text in given.items():
        if key not in known:
            raise RefusedError(
                Code.INVALID, f"{key} is no setting of {kind.name}; nothing was made", hint=f"it has {', '.join(known)}"
            )
        wanted = known[key]
        try:
            typed: Any = Annotated[(wanted.annotation, None, *wanted.metadata)]  # None: it needs one word at least
            value: Any = TypeAdapter(typed).validate_python(text)
        except ValidationError as exc:
            fault = exc.errors(include_input=False, include_context=False, include_url=False)[0]["msg"]
            raise RefusedError(Code.INVALID, f"{key} is not right; nothing was made", hint=fault.lower()) from None
        values[key] = str(value.absolute()) if isinstance(value, Path) else value
    return values


async def check_settings(path: Path) -> list[Need]:
    """Look after the adapter whose settings stand under `[adapter]` of a file: settings, mapping files, case system.

    Raises:
        RefusedError: the file cannot be read, or has no such section.
    """
    section = _read_section(path)
    try:
        found = case_system.read(section, path.parent if path.name == "node.toml" else None)
    except RefusedError as exc:
        told = [missing(f.place, f.rule, f.hint) for f in exc.findings]
        return told or [missing("settings", str(exc.code), f"{exc.what}. {exc.hint}".rstrip(". "))]
    needs = [met("settings"), *_check_mappings(found.mappings.items())]
    adapter = found.adapter()
    if isinstance(adapter, TellsNeeds):
        return [*needs, *await adapter.needs()]
    try:
        return [*needs, *needs_of(["case system"], await adapter.check())]
    except GatewayError as exc:
        return [*needs, missing("case system", str(exc.code), exc.hint or exc.what)]


def is_met(needs: Sequence[Need]) -> bool:
    """Whether nothing is missing."""
    return all(need.state is not State.MISSING for need in needs)


def _check_mappings(mappings: Iterable[tuple[str, RecordMapping]]) -> list[Need]:
    needs: list[Need] = []
    for name, mapping in mappings:
        place = f"mapping {name}"
        found = check(mapping, vocabulary(mapping.body_type, language_names()))
        needs += [missing(f"{place}, {each.place}", each.rule, each.hint) for each in found] or [met(place)]
    return needs


def _read_section(path: Path) -> AdapterSection:
    """Read `[adapter]` of node.toml, or of a file that has nothing else."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as exc:
        raise RefusedError(Code.NOT_FOUND, f"{path} cannot be read", hint=(exc.strerror or "").lower()) from exc
    except (UnicodeDecodeError, tomllib.TOMLDecodeError):
        raise RefusedError(
            Code.MALFORMED, f"{path} is not TOML", hint="trm adapter prepare writes such a file"
        ) from None
    try:
        return AdapterSection.model_validate(document["adapter"])
    except (KeyError, ValidationError):
        raise RefusedError(
            Code.INVALID, f"{path} has no section [adapter] with a kind", hint="trm adapter prepare writes one"
        ) from None
