"""Field groups: every field in exactly one or closed, nothing taken along by accident."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from support.awaited import FIELDS, TYPES
from support.tables import table

from gateway.errors import RefusedError
from schemas import list_fields, load_catalogue, resources
from schemas.groups import field_groups, read_groups, unheld_fields

BODIES = [entry.body_type for entry in load_catalogue().types if "properties" in entry.document]

#: The revision of the groups and the hash of the file. A change of the file needs a new revision, so that a policy that
#: was approved for the old one is looked at again; change both here, on purpose.
RELEASED = (4, "688473357c21c5975fadf19bd499ba2ad18daf01333740098f1a2531f954bd48")


def changed(change: Callable[[dict[str, Any]], object]) -> bytes:
    """The groups file with one change."""
    value = json.loads(resources.read_bytes("groups.json"))
    change(value)
    return json.dumps(value).encode()


@table("body_type", BODIES)
def test_every_field_is_in_one_group_or_closed(body_type: str) -> None:
    """No field of the catalogue has been forgotten, and a group name that a rule gives is a group."""
    groups = field_groups()
    rules = groups.of(body_type)
    closed = {field.path for field in groups.closed(body_type)}
    assert {field.path for field in list_fields(body_type)} == set(rules) | closed
    assert not set(rules) & closed
    for rule in rules.values():
        assert rule.by_category or rule.group({}) in groups.groups
    assert closed == set(), "put each new field in a group and raise the revision, or say here why it never leaves"


def test_groups_name_what_the_catalogue_has() -> None:
    """No group speaks of a field that no schema has: a misspelt path would stay closed for ever."""
    unheld = {finding.place for finding in unheld_fields(field_groups())}
    assert {place for place in unheld if place.partition("/")[0] not in TYPES} <= FIELDS


def test_a_changed_file_has_a_new_revision() -> None:
    """Who changes the groups raises the revision, or policies would open more than was approved."""
    digest = hashlib.sha256(resources.read_bytes("groups.json")).hexdigest()
    assert (field_groups().revision, digest) == RELEASED


def test_a_new_field_is_closed() -> None:
    """A field that no group names is in none, also beside others of the same object."""
    groups = read_groups(changed(lambda v: v["groups"]["person_name"]["fields"]["*"].remove("@person/name_middle")))
    closed = [field.path for field in groups.closed("referral.request/1")]
    assert closed == ["/content/person/name_middle", "/content/person/unknown/name_middle"]


def test_absence_follows_its_field() -> None:
    """To say that a grouped field is unknown is in the group of absences, whatever group the field is in."""
    rules = field_groups().of("referral.request/1")
    assert rules["/content/person/unknown/name_given"].name == "absence"
    assert rules["/content/unknown/immediate_risk"].name == "absence"


def test_an_answer_belongs_to_its_category() -> None:
    """The group of a free answer is that of the data category it names; an unknown one is no group at all."""
    rule = field_groups().of("info.reply/1")["/content/answers/*/value"]
    assert rule.group({"data_category": "risk"}) == "answer_risk"
    assert rule.group({"data_category": "weather"}) not in field_groups().groups
    assert rule.group({}) not in field_groups().groups


WRONG: dict[str, tuple[Callable[[dict[str, Any]], object], str, str]] = {
    "unknown key": (lambda v: v.update(colour="red"), "#/colour", "unknown_key"),
    "field in two groups": (
        lambda v: v["groups"]["summary"]["fields"]["referral.request/1"].append("/content/thb_status"),
        "#/groups/summary/fields/referral.request/1/1",
        "twice",
    ),
    "field of all in one of some": (
        lambda v: v["groups"]["summary"]["fields"]["referral.request/1"].append("/header/priority"),
        "#/groups/summary/fields/referral.request/1/1",
        "twice",
    ),
    "unknown place": (
        lambda v: v["groups"]["summary"]["fields"].update({"*": ["@house/roof"]}),
        "#/groups/summary/fields/*/0",
        "path",
    ),
    "no absences": (lambda v: v["groups"].pop("absence"), "#/groups", "absences"),
    "title without English": (
        lambda v: v["groups"]["summary"].update(title={"fr": "x"}),
        "#/groups/summary/title/en",
        "required",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_one_fault_is_named_with_its_place(name: str) -> None:
    """A wrong file is refused with the place of each fault."""
    change, place, rule = WRONG[name]
    with pytest.raises(RefusedError) as caught:
        read_groups(changed(change))
    assert [(f"groups.json{place}", rule)] == [(found.place, found.rule) for found in caught.value.findings]


def test_a_misspelt_path_is_told() -> None:
    """What no schema has is named by the check that the tests ask."""
    groups = read_groups(changed(lambda v: v["groups"]["summary"]["fields"]["referral.request/1"].append("/content/x")))
    assert "referral.request/1/content/x" in [found.place for found in unheld_fields(groups)]


def test_a_policy_of_before_holds_where_fields_were_only_added() -> None:
    """Under the older revision the new fields stay closed; without a list of what came, it does not hold any more."""
    groups = read_groups(resources.read_bytes("groups.json"))
    added = {path for (name, path), revision in groups.additions.items() if name == "return.proposal/1"}
    assert (min(groups.readable), max(groups.readable)) == (2, groups.revision)
    assert set(groups.of("return.proposal/1")) - set(groups.of("return.proposal/1", 2)) == added
    assert groups.of("consent.record/1", 2) == groups.of("consent.record/1")
    later = read_groups(changed(lambda value: value.update(revision=groups.revision + 1)))
    assert list(later.readable) == [groups.revision + 1]
    alone = read_groups(changed(lambda value: value.pop("additions")))
    assert list(alone.readable) == [groups.revision]


def test_an_addition_names_its_revision() -> None:
    """What came with no revision is a fault of the file."""
    with pytest.raises(RefusedError) as refused:
        read_groups(changed(lambda value: value.update(additions={"third": {}})))
    assert [finding.rule for finding in refused.value.findings] == ["form"]
