"""The corridor policy file: one spelling, closed by default, every fault with its place."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from gateway.errors import RefusedError
from schemas.region_pack.policies import FORMAT_1, canonical_bytes, format_policy, read_policy
from schemas.region_pack.regions import load_region

POLICY = load_region("tact").policies["two-step"]


def spelled(change: Callable[[dict[str, Any]], object]) -> bytes:
    """The default policy with one change, in the one spelling."""
    value = json.loads(format_policy(POLICY))
    change(value)
    return (json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True) + "\n").encode()


def test_read_and_written_is_the_same() -> None:
    """Reading what was written gives the policy and the bytes back."""
    assert read_policy(canonical_bytes(POLICY)) == POLICY
    assert format_policy(read_policy(format_policy(POLICY).encode())) == format_policy(POLICY)


def test_format_1_is_read_as_nothing_attested() -> None:
    """A file of before keeps its bytes and its meaning: it says nothing of attestations."""
    old = spelled(lambda value: (value.pop("attested"), value.update(format=FORMAT_1)))
    assert read_policy(old) == replace(POLICY, attested=None)
    assert canonical_bytes(read_policy(old)) == old


def test_one_line_for_one_group() -> None:
    """Opening one group more in a list changes one line, so two versions compare with any tool."""

    def open_one(value: dict[str, Any]) -> None:
        (referral,) = [rule for rule in value["rules"] if rule["purpose"] == "referral"]
        referral["after_acceptance"] = sorted([*referral["after_acceptance"], "answer_criminal"])

    changed = read_policy(spelled(open_one))
    lines = list(difflib.ndiff(format_policy(POLICY).splitlines(), format_policy(changed).splitlines()))
    assert [line for line in lines if line[0] in "+-"] == ['+         "answer_criminal",']


@pytest.mark.parametrize("wide", [lambda d: d.replace(b"  ", b" "), lambda d: d.rstrip(b"\n"), lambda d: d + b"\n"])
def test_another_spelling_is_refused(wide: Callable[[bytes], bytes]) -> None:
    """What people sign has one spelling only."""
    with pytest.raises(RefusedError) as caught:
        read_policy(wide(format_policy(POLICY).encode()))
    assert [found.rule for found in caught.value.findings] == ["spelling"]


WRONG: dict[str, tuple[Callable[[dict[str, Any]], object], str, str]] = {
    "unknown key": (lambda v: v.update(colour="red"), "/colour", "unknown_key"),
    "unknown group": (lambda v: v["always"].append("weather"), f"/always/{len(POLICY.always)}", "unknown_group"),
    "unknown purpose": (lambda v: v["rules"][0].update(purpose="sport"), "/rules/0/purpose", "unknown_code"),
    "unknown set": (lambda v: v["rules"][0].update(corridors=["north"]), "/rules/0/corridors/0", "unknown_corridors"),
    "no corridor": (lambda v: v["rules"][0].update(corridors=[]), "/rules/0/corridors", "list"),
    "group named twice": (
        lambda v: v["rules"][0]["after_acceptance"].append("routing"),
        "/rules/0",
        "twice",
    ),
    "no form of a corridor": (lambda v: v["corridors"].update(x=["FR-AL"]), "/corridors/x/0", "form"),
    "corridor onto itself": (lambda v: v["corridors"].update(x=["FR>FR"]), "/corridors/x/0", "form"),
    "two rules for one case": (lambda v: v["rules"].insert(1, v["rules"][0]), "/rules/1", "two_rules"),
    "other field groups": (lambda v: v.update(field_groups=9999), "/field_groups", "field_groups"),
    "version zero": (lambda v: v.update(version=0), "/version", "number"),
    "version in words": (lambda v: v.update(version=True), "/version", "number"),
    "unknown format": (lambda v: v.update(format="trm-corridor-policy/3"), "/format", "const"),
    "attested is missing": (lambda v: v.pop("attested"), "/attested", "required"),
    "attested in format 1": (lambda v: v.update(format=FORMAT_1), "/attested", "unknown_key"),
    "attested is a list": (lambda v: v.update(attested=[]), "/attested", "object"),
    "attested without second": (lambda v: v["attested"].pop("second"), "/attested/second", "required"),
    "attested with a third": (lambda v: v["attested"].update(third=[]), "/attested/third", "unknown_key"),
    "unknown type": (lambda v: v["attested"].update(first=["referral.wish"]), "/attested/first/0", "unknown_type"),
    "type with its version": (
        lambda v: v["attested"].update(first=["referral.request/1"]),
        "/attested/first/0",
        "unknown_type",
    ),
    "type that nothing blocks": (
        lambda v: v["attested"].update(first=["safety.alert"]),
        "/attested/first/0",
        "unknown_type",
    ),
    "type twice": (
        lambda v: v["attested"].update(first=["reminder.due", "reminder.due"]),
        "/attested/first",
        "twice",
    ),
    "both where not one": (
        lambda v: v["attested"].update(second=["referral.request"]),
        "/attested/second",
        "not_first",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_one_fault_is_named_with_its_place(name: str) -> None:
    """Each fault is found at its place and brings no second finding."""
    change, place, rule = WRONG[name]
    with pytest.raises(RefusedError) as caught:
        read_policy(spelled(change))
    assert [(f"policy#{place}", rule)] == [(found.place, found.rule) for found in caught.value.findings]


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"\xff", b'{"a": 1.5}', b'{"a": NaN}', b"[" * 100_000], ids=lambda data: repr(data[:8])
)
def test_anything_else_is_refused(data: bytes) -> None:
    """What is no policy at all is refused and no crash."""
    with pytest.raises(RefusedError):
        read_policy(data)
