"""docs/messages/ and docs/codes.md, printed from the catalogue: a page for each message type, and every code list."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from schemas import CodeEntry, CodeList, MessageType, code_list, code_lists, list_fields, load_catalogue, resources
from schemas.describing.members import ALWAYS, ANSWERED, FREE, SAYABLE, Row, describe_members
from schemas.describing.rules import Rule, describe_rules
from schemas.publishing.compose import PERSONAL_HEADER

MESSAGES, CODES = "messages", "codes.md"
PRINTED = "Printed from `schemas/` by `./dev docs`; do not edit."
ABOUT_A_PERSON = "referral.request/1"
"""The type whose header is shown: it may have every member."""

INDEX = f"""# Messages

{PRINTED}
One page for each message type, [the header](header.md) that all of them have, and the [code lists](../{CODES}).

A message is `{{"header": {{...}}, "content": {{...}}}}`. A member that its page does not name is refused, and so is a
code that its list does not have.

- **Needed**: `{ALWAYS}`; `{ANSWERED}`: a value, or in the member `unknown` of the same object the reason why there is
  none (`unknown`, `refused`, `not_yet`); `{SAYABLE}`: may be left out, and the reason may be given; `{FREE}`.
- **Class**: how sensitive it is, from `public` over `operational`, `pseudonymous`, `identifying` and `special` to
  `locating`. **Category**: what the consent has to cover.
- **Answer**: what the receiver owes, and by which clock. Where no message is named, it is the signed receipt `opened`:
  a person has seen it.
- **From** and **to**: the [roles](../{CODES}#role) whose units send it and get it.
"""

HEADER = f"""# The header

{PRINTED}
Every message has it. What the signed statement says (ids, parties, conversation, times, purpose, number, schema) is not
repeated here.
"""

CODE_PAGE = f"""# Code lists

{PRINTED}
A code never changes its meaning; a label may be reworded. A label is a draft until a native speaker has reviewed it.
"""


def documents(examples: Path) -> dict[str, str]:
    """Every page by its path below docs/; `examples` is the folder with the examples of the messages."""
    pages = {f"{MESSAGES}/{page_of(entry)}": _page(entry, examples) for entry in load_catalogue().types}
    return {
        f"{MESSAGES}/README.md": _index(),
        f"{MESSAGES}/header.md": _header(examples),
        **pages,
        CODES: "\n".join([CODE_PAGE, *(line for name in code_lists() for line in _codes(code_list(name)))]),
    }


def page_of(entry: MessageType) -> str:
    """`referral.request/1` is on the page referral.request.1.md."""
    return f"{entry.body_type.replace('/', '.')}.md"


# --- the index ----------------------------------------------------------------------------------------------------


def _index() -> str:
    listed = [
        (_link(e.body_type), e.title, _words(e.stage), _codes_of(e.senders), _codes_of(e.receivers), _owed(e))
        for e in load_catalogue().types
    ]
    table = _table(("message", "title", "stage", "from", "to", "answer"), listed)
    return "\n".join([INDEX, *table, "", *_kinds(), ""])


def _kinds() -> Iterator[str]:
    """The types of fragments/types.json, to which the pages refer by name."""
    types: Mapping[str, Any] = resources.read_json("fragments/types.json")
    yield from ("## Kinds of value", "")
    yield from _table(("kind", "what"), [(f"`{name}`", type_["description"]) for name, type_ in types.items()])


# --- one message --------------------------------------------------------------------------------------------------


def _page(entry: MessageType, examples: Path) -> str:
    own = [rule for rule in describe_rules(entry.body_type) if not rule.place.startswith("/header")]
    lines = [f"# {entry.title}", "", f"`{entry.body_type}`. {PRINTED}", "", *_about(entry), "", "## Content", ""]
    lines += _members(describe_members(entry.body_type), "/content")
    if own:
        lines += ["", "## Rules", "", *(_rule(rule, "/content") for rule in own)]
    return "\n".join([*lines, "", *_example(entry, examples, "content"), ""])


def _about(entry: MessageType) -> list[str]:
    asked = ", ".join(map(_link, entry.reply_to)) or "nothing; it begins on its own"
    facts = {
        "from": _roles(entry.senders),
        "to": _roles(entry.receivers),
        "stage": _words(entry.stage),
        "conversation": _words(entry.kind),
        "answers": asked,
        "owed for it": _owed(entry),
        "about a person": _person(entry),
    }
    if entry.never_blocked:
        facts["gates"] = "passes every gate (G10)"
    return _table(("", ""), [(f"**{name}**", value) for name, value in facts.items()])


def _person(entry: MessageType) -> str:
    if not entry.personal:
        return "no"
    return "yes" if entry.never_blocked else "yes; the [header](header.md) needs `legal_basis` and `transfer_basis`"


def _members(listed: Sequence[Row], half: str) -> list[str]:
    return _table(
        ("member", "needed", "kind", "class", "category", "meaning"),
        [
            (f"`{row.place.removeprefix(half)}`", row.need, _kind(row), row.sensitivity, row.category, row.meaning)
            for row in listed
            if row.place.startswith(half)
        ],
    )


def _kind(row: Row) -> str:
    return row.kind.replace(row.codes, f"[{row.codes}](../{CODES}#{row.codes})", 1) if row.codes else row.kind


def _rule(rule: Rule, half: str) -> str:
    place = rule.place.removeprefix(half)
    return f"- {f'In `{place}`: ' if place else ''}{rule.text}"


def _example(entry: MessageType, examples: Path, half: str) -> Iterator[str]:
    """One half of the valid example that says most."""
    folder = examples / entry.body_type.replace("/", ".")
    path = max(sorted(folder.glob("valid-*.json")), key=lambda path: len(path.read_bytes()))
    shown = json.loads(path.read_bytes())[half]
    link = f"[{path.name}](../../schemas/examples/{folder.name}/{path.name})"
    yield from ("## Example", "", f"The {half} of {link}.", "")
    yield from ("```json", json.dumps(shown, ensure_ascii=False, indent=2), "```")


# --- the header ---------------------------------------------------------------------------------------------------


def _header(examples: Path) -> str:
    lines = [HEADER, *_members(describe_members(ABOUT_A_PERSON), "/header"), "", "## Rules", ""]
    lines += [_rule(rule, "/header") for rule in describe_rules(ABOUT_A_PERSON) if rule.place.startswith("/header")]
    lines += [
        "- `legal_basis` and `transfer_basis` may be left out of messages that pass every gate, and of those that are"
        " about no person.",
        f"- Enquiries and probes are refused with any of {_listed(PERSONAL_HEADER)}.",
    ]
    return "\n".join([*lines, "", *_example(load_catalogue().get(ABOUT_A_PERSON), examples, "header"), ""])


# --- code lists ---------------------------------------------------------------------------------------------------


def _codes(listed: CodeList) -> Iterator[str]:
    users = [e for e in load_catalogue().types if any(field.codes == listed.name for field in list_fields(e.body_type))]
    everywhere = len(users) == len(load_catalogue().types)
    used = "every message" if everywhere else ", ".join(_link(e.body_type, MESSAGES + "/") for e in users)
    yield from (f"## {listed.name}", "", f"{listed.title['en']}. Source: {listed.source}.")
    status = ", ".join(f"{language} ({state})" for language, state in listed.label_status.items())
    yield from (f"Labels: {status}. Used by {used or 'receipts'}.", "")
    yield from _table(("code", "label", "note"), [(f"`{e.code}`", e.labels["en"], _note(e)) for e in listed.codes])
    yield ""


def _note(entry: CodeEntry) -> str:
    category = f"category `{entry.category}`" if entry.category else ""
    retired = "retired: no longer offered" if entry.retired else ""
    edition = f"since edition {entry.since}" if entry.since > 1 else ""
    within = f"part of `{entry.within}`" if entry.within else ""
    return "; ".join(part for part in (entry.note, edition, within, category, retired) if part)


# --- words --------------------------------------------------------------------------------------------------------


def _owed(entry: MessageType) -> str:
    if entry.answers is None:
        return "nothing"
    named = " or ".join(map(_link, entry.answers.types)) or "the receipt `opened`"
    return f"{named}; clock `{entry.answers.clock}`"


def _link(body_type: str, folder: str = "") -> str:
    """A link where the type is held; its name where it is not."""
    return (
        f"[{body_type}]({folder}{page_of(load_catalogue().get(body_type))})"
        if body_type in load_catalogue()
        else f"`{body_type}`"
    )


def _roles(roles: Sequence[str]) -> str:
    listed = code_list("role")
    return "any unit" if listed.is_whole(roles) else "; ".join(map(listed.label, roles))


def _codes_of(roles: Sequence[str]) -> str:
    return "any unit" if code_list("role").is_whole(roles) else _listed(roles)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _words(code: str) -> str:
    return code.replace("_", " ")


def _table(columns: Sequence[str], listed: Iterable[Sequence[str | None]]) -> list[str]:
    body = [f"| {' | '.join((cell or '').replace('|', '&#124;') for cell in row)} |" for row in listed]
    return [f"| {' | '.join(columns)} |", "|" + "---|" * len(columns), *body]
