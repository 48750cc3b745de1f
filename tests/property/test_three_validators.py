"""Three validators in three languages, one verdict: on the published examples and on generated bodies (issue 4, A).

Bodies come in pairs: one valid, one with a change, so that nearly half are refused. Each is made from its type and its
number alone, and a failure names both: `document("referral.request/1", 7)` is that body again.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from itertools import product
from typing import Any

import pytest
from support.ajv import Ajv
from support.changes import AIMS, changed
from support.generate import bodies, mutated
from support.judges import Judge, Opinion, by_jsonschema, by_jsonschema_rs, judges
from support.shared import ROOT
from support.tables import table

from schemas import load_catalogue
from schemas.catalogue import MessageType

TYPES = load_catalogue().types
EXAMPLES = ROOT / "schemas" / "examples"
SHORT, LONG = 16, 1_000
"""Bodies per type in `./dev test` and in a round of `./dev deep validators`."""

BY_SCHEMA = {"not_json": "type"}
"""What a schema says of that which the product refuses before it asks the schema: a fraction is no integer."""


def document(body_type: str, number: int) -> tuple[Any, str]:
    """Body `number` of a type and what was done to it: nothing to even ones, a blind change to every eighth."""
    rng = random.Random(f"{body_type} {number}")
    share = rng.random()
    if number % 2 == 0:
        return bodies(body_type, rng, share), "valid"
    if number % 8 == 1:
        return mutated(bodies(body_type, rng, share), rng), "blind"
    return changed(body_type, rng, share)


def compared(asked: Mapping[str, Judge], entry: MessageType, numbers: range) -> tuple[Counter[str], list[str]]:
    """How many bodies were refused, by what was done to them, and each body on which verdicts or rules differ."""
    refused, differences = Counter[str](), list[str]()
    for number in numbers:
        body, done = document(entry.body_type, number)
        told = {name: judge(entry, body) for name, judge in asked.items()}
        refused[done] += not told["jsonschema"].valid
        if not agreed(told.values()):
            each = {name: sorted(opinion.rules) or opinion.valid for name, opinion in told.items()}
            differences.append(f"document({entry.body_type!r}, {number}), {done}: {each}")
    return refused, differences


def agreed(opinions: Iterable[Opinion]) -> bool:
    """Whether all have the same verdict, and those that say why the same rules at the same places."""
    all_of_them = list(opinions)
    reasons = {opinion.rules for opinion in all_of_them if opinion.valid or opinion.rules}
    return len({opinion.valid for opinion in all_of_them}) == 1 and len(reasons) <= 1


def judged_alike(entry: MessageType, numbers: range, ajv: Ajv) -> None:
    """All three accept each valid body, and refuse the same changed ones for the same rules at the same places."""
    refused, differences = compared(judges(ajv), entry, numbers)
    assert differences == []
    assert refused["valid"] == 0
    assert refused.total() > 0.3 * len(numbers)


@table("entry", TYPES, ids=lambda entry: entry.body_type)
def test_generated_bodies_get_one_verdict(entry: MessageType, ajv: Ajv) -> None:
    """A few bodies of each type."""
    judged_alike(entry, range(SHORT), ajv)


@pytest.mark.deep
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("entry", TYPES, ids=lambda entry: entry.body_type)
def test_many_generated_bodies_get_one_verdict(
    entry: MessageType, ajv: Ajv, run_seed: int, record_property: Callable[[str, object], None]
) -> None:
    """Many of each type, others for each seed."""
    record_property("examples", LONG)
    judged_alike(entry, range(run_seed * LONG, (run_seed + 1) * LONG), ajv)


@table("entry", TYPES, ids=lambda entry: entry.body_type)
def test_examples_get_one_verdict(entry: MessageType, ajv: Ajv) -> None:
    """All three accept each valid example and refuse each invalid one for the one rule that its name says."""
    for path in sorted((EXAMPLES / entry.body_type.replace("/", ".")).glob("*.json")):
        kind, rule = path.stem.split("-")[:2]
        for name, judge in judges(ajv).items():
            opinion = judge(entry, json.loads(path.read_bytes()))
            assert opinion.valid == (kind == "valid"), (name, path.name)
            broken = [BY_SCHEMA.get(rule, rule)] if kind == "invalid" else []
            assert [found for _, found in opinion.rules] == broken, (name, path.name)


def test_every_aim_is_hit() -> None:
    """The short form has bodies with each kind of change."""
    wanted = {"valid", "blind", *AIMS}
    for number, entry in product(range(SHORT), TYPES):
        wanted.discard(document(entry.body_type, number)[1])
        if not wanted:
            return
    assert wanted == set()


def test_a_document_repeats_itself() -> None:
    """What a failure names can be made again."""
    first, again = ([document("referral.request/1", number) for number in range(20)] for _ in range(2))
    assert first == again


PLANTED = {
    "accepts everything": Opinion(valid=True, rules=frozenset()),
    "gives up on everything": Opinion(valid=False, rules=frozenset()),
    "names another rule": Opinion(valid=False, rules=frozenset({("", "depth")})),
}


@pytest.mark.parametrize("mind", PLANTED)
def test_a_validator_of_another_mind_is_found(mind: str) -> None:
    """One that is always of the same opinion differs on exactly the bodies that it is wrong about."""
    three = {"jsonschema": by_jsonschema, "jsonschema-rs": by_jsonschema_rs, "planted": lambda *_: PLANTED[mind]}
    refused, differences = compared(three, load_catalogue().get("referral.accept/1"), range(20))
    wrong = {"accepts everything": refused.total(), "gives up on everything": 20 - refused.total()}
    assert len(differences) == wrong.get(mind, 20)


@pytest.mark.parametrize("name", ["toString", "valueOf"])
def test_a_member_that_ajv_trips_over_is_refused(name: str, ajv: Ajv) -> None:
    """Two alike items with a member that every object of JavaScript has: ajv throws, which is no acceptance."""
    entry = load_catalogue().get("bid.report/1")
    body = bodies("bid.report/1", random.Random(1), 1.0)
    body["content"]["panel"] = [body["content"]["panel"][0] | {name: True}] * 2
    told = [judge(entry, body) for judge in judges(ajv).values()]
    assert agreed(told)
    assert [opinion.valid for opinion in told] == [False] * 3
    assert [bool(opinion.rules) for opinion in told] == [True, True, False]
