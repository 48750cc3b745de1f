"""A mapping file to start from, made of the fields that a case system says it has. Pure: values in, text out.

Nothing is guessed. A field is mapped where its name means one thing in this kind of system, or where its label is that
of one member in a language and its sort fits. A value of a list is mapped where it is a code, or the label of one
code. Whatever else there is stands in the file by its name, for a person; `trm mapping check` names each open value.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import yaml

from adapters.kit.setup.plan import Configured, Meant, SystemField, plain_name
from gateway.mapping.check import Names, Vocabulary, vocabulary
from gateway.mapping.file_format import parse
from gateway.mapping.labels import country_names, language_names
from gateway.mapping.to_message import map_record
from gateway.mapping.types import compared
from gateway.messages.draft_form import schema_faults
from gateway.ports import Json, LocalRecord
from schemas.labels import load_labels, load_languages

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,99}")
_SORTS = {
    "text": "text",
    "date": "date",
    "code": "choice",
    "codes": "choice",
    "country": "choice",
    "language": "choice",
}
"""The sort of field that a rule of each type reads."""
_CONSTANTS: Mapping[str, Json] = {
    "purpose": "referral",
    "header.sender_unit": "focal-point",
    "header.sender_role": "national_focal_point",
    "header.legal_basis[]": ["6_1_e", "9_2_g"],
    "header.language": "en",
}
_HEAD = """# Made of the configuration of the case system. Look at every line before it is used: the constants are those
# of an invented office, and what could not be told for certain is listed at the end and by `trm mapping check`.

"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """The text of the mapping file, an invented record that its rules read, what nothing reads, by name, and the
    members that a message needs and no field gives.
    """

    text: str
    sample: Mapping[str, Json]
    unread: Sequence[str]
    lacking: Sequence[str]


def propose(configured: Configured, recipient: str, today: date) -> Proposal:
    """Make the mapping file of a case system with these fields."""
    words = vocabulary(configured.body_type, language_names())
    by_name = {each.name: each for each in configured.fields}
    read = _match_fields(configured)
    rules: dict[str, Json] = {}
    open_values: list[str] = []
    sample: dict[str, Json] = {}
    for meant in read:
        own = by_name.get(meant.name)
        names = _names_of(meant, words)
        codes, left = _match_values(own, meant, names)
        if names and not codes:  # a list of which no value is sure: a rule for it would refuse each record
            continue
        rules[meant.path] = _rule(meant, own, codes)
        open_values += [f"{meant.name}: {value}" for value in left if _is_plain(value)]
        sample[meant.name] = next(iter(codes), _example(meant.type, today))
    fields = [each for each in configured.fields if each.name not in sample and _is_plain(each.name)]
    unread = [f"{each.name} ({each.sort}, {each.where})" for each in fields]
    document: dict[str, Json] = {
        "format": "trm-mapping/1",
        "name": configured.name,
        "title": configured.title,
        "body_type": configured.body_type,
        "constants": {"to": plain_name(recipient), **_CONSTANTS},
        "fields": rules,
    }
    lacking = _lacking_members(document, sample)
    text = _HEAD + yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=110)
    text += _remarks("Fields that nothing here reads", unread) + _remarks("Values without a code", open_values)
    text += _remarks("Members that the message needs and no field gives; records are refused until rules do", lacking)
    return Proposal(text=text, sample=sample, unread=(*unread, *open_values), lacking=lacking)


def _lacking_members(document: Mapping[str, Json], sample: Mapping[str, Json]) -> list[str]:
    """List what the message type needs and the rules do not give, by the draft that they make of the sample."""
    mapping = parse(document)
    draft = map_record(mapping, LocalRecord(ref="sample", fields=sample, mapping=mapping.name))
    if isinstance(draft, tuple):
        raise RuntimeError("the rules of a proposal do not read its sample")
    header, content = draft.get("header"), draft.get("content")
    if not isinstance(header, dict) or not isinstance(content, dict):
        return ["content"]
    found = schema_faults(mapping.body_type, header, content)
    return [fault.place.lstrip("/").replace("/", ".") for fault in found if fault.rule in {"required", "anyOf"}]


def _match_fields(configured: Configured) -> list[Meant]:
    """Find what each member is read from: names that are certain first, then labels that are those of one member."""
    by_name = {each.name: each for each in configured.fields}
    found = [
        meant
        for meant in configured.meant
        if meant.always or ((own := by_name.get(meant.name)) is not None and own.sort == _SORTS[meant.type])
    ]
    taken = {meant.path for meant in found}
    named = {meant.name for meant in found}
    labelled: dict[str, list[SystemField]] = {}
    members = _member_labels(configured)
    for own in configured.fields:
        paths = {path for text in own.texts.values() for path in members.get(compared(text), ())}
        if own.name not in named and len(paths) == 1:
            labelled.setdefault(paths.pop(), []).append(own)
    for wanted in configured.meant:
        fits = [own for own in labelled.get(wanted.path, ()) if own.sort == _SORTS[wanted.type]]
        if wanted.path not in taken and len(fits) == 1:  # two that read alike: which one is meant is for a person
            taken.add(wanted.path)
            found.append(
                Meant(
                    name=fits[0].name,
                    path=wanted.path,
                    type=wanted.type,
                    code_list=wanted.code_list,
                    codes=wanted.codes,
                    many=wanted.many,
                )
            )
    return found


def _member_labels(configured: Configured) -> Mapping[str, set[str]]:
    """Map each label, in every language, to the paths of the members that it names."""
    found: dict[str, set[str]] = {}
    for spoken in map(load_labels, load_languages()):
        for meant in configured.meant:
            pointer = "/" + meant.path.replace("[]", "/*").replace(".", "/")
            text = spoken.field(configured.body_type, pointer).text
            if text:
                found.setdefault(compared(text), set()).add(meant.path)
    return found


def _names_of(meant: Meant, words: Vocabulary) -> Names:
    match meant.type:
        case "country":
            return country_names()
        case "language":
            return language_names()
        case "code" | "codes" if meant.code_list is not None:
            return words.lists[meant.code_list]
        case _:
            return {}


def _match_values(own: SystemField | None, meant: Meant, names: Names) -> tuple[dict[str, str], list[str]]:
    """Match the values of a list with codes; return those that mean one code, and those that stay open."""
    read_as: dict[str, set[str]] = {}
    for code, texts in names.items():
        for text in {code, *texts}:
            read_as.setdefault(compared(text), set()).add(code)
    codes: dict[str, str] = {}
    for option in own.options if own is not None else ():
        certain = meant.codes.get(option.id)
        texts = (option.id, *option.texts.values())
        meanings = {code for text in texts for code in read_as.get(compared(text), ())}
        if certain is not None or len(meanings) == 1:
            codes[option.id] = certain or meanings.pop()
    # Two values of one code would be one afterwards: which distinction may be lost is for a person.
    twice = {code for code in codes.values() if [*codes.values()].count(code) > 1}
    codes = {value: code for value, code in codes.items() if code not in twice}
    return codes, [option.id for option in own.options if option.id not in codes] if own is not None else []


def _rule(meant: Meant, own: SystemField | None, codes: Mapping[str, str]) -> Json:
    rule: dict[str, Json] = {"from": meant.name, "type": meant.type}
    if meant.required:
        rule["required"] = True
    if meant.code_list is not None:
        rule["list"] = meant.code_list
    if meant.many:
        rule["split"] = ";"
    if own is not None and own.options:
        rule["values"] = {option.id: _shown(option.texts) or option.id for option in own.options}
        rule["codes"] = dict(codes)
    return rule


def _shown(texts: Mapping[str, str]) -> str:
    return texts.get("en") or next((text for text in texts.values() if text), "")


def _example(type: str, today: date) -> Json:
    return today.replace(year=today.year - 30, day=1).isoformat() if type == "date" else "sample"


def _is_plain(name: str) -> bool:
    """Whether a name of another system may stand in a remark."""
    return _NAME.fullmatch(name) is not None


def _remarks(heading: str, names: Iterable[str]) -> str:
    lines = [f"#   {name}" for name in names]
    return "\n".join(["", f"# {heading}: {'none' if not lines else ''}".rstrip(), *lines, ""])
