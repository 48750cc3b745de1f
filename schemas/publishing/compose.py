"""Compose a self-contained JSON Schema 2020-12 from the compact source notation. Pure: values in, values out.

The notation (README.md has it as a table). A *field* says one of

    is: NAME         a leaf type of fragments/types.json, or an object fragment (person, header, receipt)
    code: LIST       one code of a list           codes: LIST   several different codes (min, max)
    text: N          free text of 1 to N characters             int: [LO, HI]
    flag: true       a boolean                    true: true    a statement that can only be true
    const: VALUE     exactly this                 scalar: N     free text of 1 to N characters, an integer or a boolean
    list: FIELD      an array (min, max, unique)  object: {name: FIELD}   a closed object (rules, says_unknown, most)
    list: FIELD, each: NAME    an array of objects, one for each code that their member NAME can have

and may add ``class``, ``category``, ``nullable``, ``unknowable: false`` and ``note``. Class and category are inherited
downwards. A member name ends in ``?`` when optional and in ``~`` when it has to be answered: by a value or, in
``unknown``, by the reason why there is none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from schemas.clocks import load_clocks
from schemas.publishing.compose_rules import NEVER, Schema, SourceError, Spec, all_of, compose_rule, forbid_both

DIALECT = "https://json-schema.org/draft/2020-12/schema"
BASIS = ("legal_basis", "transfer_basis")
PERSONAL_HEADER = (
    *(*BASIS, "transfer_instrument"),
    *("case_ref_sender", "case_ref_recipient", "consent_ref", "vital_interest"),
)
"""Header members that only make sense with a person behind them; see IMPERSONAL."""

METADATA = (
    *("body_type", "revision", "kind", "stage", "tier", "reply_to", "senders", "receivers", "answers"),
    *("never_blocked", "personal"),
)

ANY_ROLE = "any"
"""Stands in a source for every role of the list `role`; what is published names them."""

KINDS = ("enquiry", "referral", "standing", "probe", "any")
"""The kinds of conversation (domain 4.1), the test of a link, and what belongs to whatever it is about."""

IMPERSONAL = ("enquiry", "standing", "probe")
"""Kinds of conversation in which nothing may point to a person; PERSONAL_HEADER is refused there (gate G1)."""

MOST = 2**53 - 1
"""The largest integer that every parser of JSON keeps (nrm1 1.2)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Library:
    """Everything that a source may refer to: code lists and fragments as read from their files, by name."""

    codes: Mapping[str, Spec]
    types: Mapping[str, Spec]
    fragments: Mapping[str, Spec]


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """The marks that a field inherits: its sensitivity class and the category of personal data it belongs to."""

    sensitivity: str | None = None
    category: str | Spec | None = None

    def of(self, spec: Spec) -> Marks:
        """Return these marks overridden by those of `spec`; ``category: null`` removes the category."""
        return replace(
            self,
            sensitivity=spec.get("class", self.sensitivity),
            category=spec.get("category", self.category),
        )


def compose_schema(source: Spec, library: Library) -> Schema:
    """Compose the published schema of one source file. Raises SourceError, or KeyError for a name that the library
    lacks.
    """
    composer = _Composer(library=library, editions=read_editions(source, library))
    about = _about(source, composer) if "body_type" in source else {}
    body = _document(source, composer) if "document" in source else _body(source, composer)
    return {
        "$schema": DIALECT,
        "title": source["title"],
        **({"x-message": about} if about else {"x-object": source["object_type"], "x-revision": source["revision"]}),
        **body,
        "$defs": {name: composer.defs[name] for name in sorted(composer.defs)},
    }


def read_editions(source: Spec, library: Library) -> Mapping[str, int]:
    """Read which edition of a code list the source has; of one that it does not name, the first. Raises SourceError
    for an edition that no code of the list came with.
    """
    editions: Mapping[str, int] = source.get("editions", {})
    for name, edition in editions.items():
        if edition not in {code.get("since", 1) for code in library.codes[name]["codes"]}:
            raise SourceError(f"no code of the list {name} came with edition {edition}")
    return editions


def _about(source: Spec, composer: _Composer) -> Schema:
    """Build the entry of a message type for the catalogue, and check that it is complete and that roles and clock
    exist.
    """
    if missing := [name for name in METADATA if name not in source]:
        raise SourceError(f"a message source without {', '.join(missing)}")
    if source["kind"] not in KINDS:
        raise SourceError(f"a kind of conversation that is none of {', '.join(KINDS)}")
    roles = composer.list_codes("role")
    sides = {side: roles if source[side] == ANY_ROLE else source[side] for side in ("senders", "receivers")}
    if not all(listed and set(listed) <= set(roles) for listed in sides.values()):
        raise SourceError("senders and receivers are codes of the list role, or any")
    answers = source["answers"]
    if answers is not None and (set(answers) != {"types", "clock"} or answers["clock"] not in load_clocks()):
        raise SourceError("answers is null, or types and one of the known clocks")
    return {name: source[name] for name in METADATA} | sides


def _document(source: Spec, composer: _Composer) -> Schema:
    return composer.field(source["document"], Marks())


def _body(source: Spec, composer: _Composer) -> Schema:
    header: Schema = composer.field({"is": "header"}, Marks())
    if source["personal"] and not source["never_blocked"]:
        header |= {"required": list(BASIS)}
    if source["kind"] in IMPERSONAL:
        header |= {"properties": dict.fromkeys(PERSONAL_HEADER, NEVER)}
    body: Schema = {
        "type": "object",
        "properties": {"header": header, "content": composer.field(source["content"], Marks())},
        "required": ["header", "content"],
        "additionalProperties": False,
    }
    return body | all_of(compose_rule(rule, frozenset()) for rule in source.get("rules", ()))


@dataclass(slots=True, kw_only=True)
class _Composer:
    library: Library
    editions: Mapping[str, int]
    defs: dict[str, Schema] = field(default_factory=dict)

    def field(self, spec: Spec, inherited: Marks) -> Schema:
        marks = inherited.of(spec)
        schema = self._kind(spec, marks)
        if spec.get("nullable"):
            schema = {"anyOf": [{"type": "null"}, schema], **{k: v for k, v in schema.items() if k.startswith("x-")}}
        return schema | ({"description": spec["note"]} if "note" in spec else {})

    def _kind(self, spec: Spec, marks: Marks) -> Schema:
        match spec:
            case {"is": name}:
                return self._named(name, spec, marks)
            case {"code": name}:
                return self._code(name, marks)
            case {"codes": name}:
                return self._list(self._code(name, marks), {**spec, "unique": True})
            case {"list": item}:
                return self._list(self.field(item, marks), spec)
            case {"object": members}:
                return self._object(members, spec, marks)
            case {"text": longest}:
                return {"type": "string", "minLength": 1, "maxLength": longest, "x-text": True} | _leaf(marks)
            case {"int": [low, high]}:
                return {"type": "integer", "minimum": low, "maximum": high} | _leaf(marks)
            case {"flag": True}:
                return {"type": "boolean"} | _leaf(marks)
            case {"true": True}:
                return {"const": True} | _leaf(marks)
            case {"const": value}:
                return {"const": value} | _leaf(marks)
            case {"scalar": longest}:
                return {"type": ["string", "integer", "boolean"], **_any_value(longest), "x-text": True} | _leaf(marks)
            case _:
                raise SourceError(f"a field of no known kind: {sorted(spec)}")

    def _named(self, name: str, spec: Spec, marks: Marks) -> Schema:
        if name in self.library.types:
            self.defs[name] = dict(self.library.types[name])
            return {"$ref": f"#/$defs/{name}"} | _leaf(marks)
        fragment = self.library.fragments[name]
        if "only_required" in spec:
            name, fragment = f"{name}.partial", _partial(fragment, spec["only_required"])
        if name not in self.defs:
            self.defs[name] = self.field(fragment, Marks())
        return {"$ref": f"#/$defs/{name}"}

    def list_codes(self, name: str) -> list[str]:
        """List the codes of `name` that a message may have."""
        return [code["code"] for code in self._codes(name)]

    def _codes(self, name: str) -> list[Spec]:
        """A code that came with a later edition is in none of the schemas of before: those are released."""
        upto = self.editions.get(name, 1)
        codes = self.library.codes[name]["codes"]
        return [code for code in codes if not code.get("retired") and code.get("since", 1) <= upto]

    def _code(self, name: str, marks: Marks) -> Schema:
        self.defs[f"code.{name}"] = {"type": "string", "enum": self.list_codes(name), "x-codes": name}
        own = {code["code"]: code["category"] for code in self._codes(name) if "category" in code}
        special = {"x-category-codes": own} if own and marks.category else {}
        return {"$ref": f"#/$defs/code.{name}"} | _leaf(marks) | {"x-codes": name} | special

    def _list(self, items: Schema, spec: Spec) -> Schema:
        if "each" in spec:
            return self._one_for_each(items, spec["each"])
        bounds = {"minItems": spec.get("min", 1), "maxItems": spec["max"]}
        return {"type": "array", **bounds, **({"uniqueItems": True} if spec.get("unique") else {}), "items": items}

    def _one_for_each(self, items: Schema, name: str) -> Schema:
        """Require as many items as there are codes, and one with each of them: so none comes twice."""
        codes = self.defs[items["properties"][name]["$ref"].removeprefix("#/$defs/")]["enum"]
        wanted = [{"contains": {"properties": {name: {"const": code}}, "required": [name]}} for code in codes]
        bounds = {"minItems": len(codes), "maxItems": len(codes)}
        return {"type": "array", **bounds, "x-each": name, "items": items, "allOf": wanted}

    def _object(self, members: Spec, spec: Spec, marks: Marks) -> Schema:
        modes = {key.rstrip("?~"): key[-1] if key[-1] in "?~" else "" for key in members}
        properties = {key.rstrip("?~"): self.field(member, marks) for key, member in members.items()}
        unknowable = _unknowable(members, properties) if spec.get("says_unknown") else ()
        if any(mode == "~" and name not in unknowable for name, mode in modes.items()):
            raise SourceError("a member to be answered needs a category and says_unknown")
        rules = [forbid_both(name, needed=modes[name] == "~") for name in unknowable]
        rules += [compose_rule(rule, frozenset(unknowable)) for rule in spec.get("rules", ())]
        if unknowable:
            properties["unknown"] = self._unknown({name: properties[name] for name in unknowable})
        return {
            "type": "object",
            "properties": properties,
            "required": [name for name, mode in modes.items() if not mode],
            "additionalProperties": False,
            **({"maxProperties": spec["most"]} if "most" in spec else {}),
        } | all_of(rules)

    def _unknown(self, properties: Mapping[str, Schema]) -> Schema:
        """Build `unknown`: the reason why a value is missing. It has the class of the value and no category, since a
        refusal discloses no data.
        """
        reasons = {
            name: self._code("absence", Marks(sensitivity=next(find_values("x-class", schema))))
            for name, schema in properties.items()
        }
        return {"type": "object", "minProperties": 1, "properties": reasons, "additionalProperties": False}


def find_values(keyword: str, schema: object) -> Iterator[Any]:
    """Find every value of `keyword` in `schema`, references not followed."""
    if isinstance(schema, Mapping):
        if keyword in schema:
            yield schema[keyword]
        for value in schema.values():
            yield from find_values(keyword, value)
    elif isinstance(schema, list):
        for value in schema:
            yield from find_values(keyword, value)


def _any_value(longest: int) -> Schema:
    """Bound a value that may have any type; each bound applies to values of its own type only."""
    return {"minLength": 1, "maxLength": longest, "minimum": -MOST, "maximum": MOST}


def _leaf(marks: Marks) -> Schema:
    if marks.sensitivity is None:
        raise SourceError("a field without a class")
    if isinstance(marks.category, Mapping):
        return {"x-class": marks.sensitivity, "x-category-as": marks.category["as"]}
    return {"x-class": marks.sensitivity} | ({"x-category": marks.category} if marks.category else {})


def _unknowable(members: Spec, properties: Mapping[str, Schema]) -> tuple[str, ...]:
    """Find the members that are not required and hold personal data: a person may not know them or not tell them."""
    free = (key.rstrip("?~") for key, spec in members.items() if key[-1] in "?~" and spec.get("unknowable", True))
    return tuple(name for name in free if any(find_values("x-category", properties[name])))


def _partial(fragment: Spec, required: Sequence[str]) -> Spec:
    """Return the fragment with all members optional but `required`, and without rules that demand one of several
    members.
    """
    plain = {key.rstrip("?~"): member for key, member in fragment["object"].items()}
    members = {name if name in required else f"{name}?": member for name, member in plain.items()}
    return {**fragment, "object": members, "rules": [rule for rule in fragment["rules"] if "any_of" not in rule]}
