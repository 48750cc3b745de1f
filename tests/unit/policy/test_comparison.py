"""Two corridor policies compared: what lets more leave, and what changes, in sentences."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.policies import policy
from support.tables import table

from gateway.errors import Code, RefusedError
from gateway.policy.comparison import check_next, diff, rules_in_words, widens
from schemas.groups import field_groups
from schemas.region_pack.policies import Attested, CorridorPolicy
from schemas.region_pack.regions import load_region

POLICY = load_region("tact").policies["two-step"]
WAY = ("FR", "AL")


def narrow(*before: str, after: tuple[str, ...] = ()) -> CorridorPolicy:
    """A policy for referrals from France to Albania alone."""
    return policy(WAY, before=before, after=after, purposes=["referral"])


def test_equal_policies_do_not_differ() -> None:
    """A new version that lets the same pass has nothing to tell and widens nothing."""
    again = replace(POLICY, version=2, rules=tuple(reversed(POLICY.rules)))
    assert diff(POLICY, again) == () and not widens(POLICY, again)


def test_a_change_is_told_in_words() -> None:
    """Opening and closing are told with group, step, purpose and corridor; only opening widens."""
    old, new = narrow("routing", "summary"), narrow("routing", after=("summary",))
    assert diff(old, new) == ("closes “Summary in free text” (summary) before acceptance, purpose referral: FR>AL",)
    assert not widens(old, new)
    assert diff(new, old) == ("opens “Summary in free text” (summary) before acceptance, purpose referral: FR>AL",)
    assert widens(new, old)


def test_a_new_corridor_widens() -> None:
    """A corridor that was closed and is open now is told for each of its groups."""
    old = narrow("routing")
    new = replace(old, corridors={"ways": frozenset({WAY, ("GR", "AL")})})
    assert widens(old, new) and not widens(new, old)
    assert all("GR>AL" in line and "FR>AL" not in line for line in diff(old, new))


def test_other_field_groups_widen() -> None:
    """When the groups changed, the same names may stand for more, so people have to look again."""
    new = replace(POLICY, field_groups=POLICY.field_groups + 1)
    assert widens(POLICY, new)
    assert diff(POLICY, new) == ("the fields are grouped anew: read every group again",)


def test_each_change_is_told_once_for_all_its_ways() -> None:
    """By purpose and step, those without a purpose first; a group without a title has its name."""
    old = policy(("FR", "AL"), ("GR", "AL"), before=["routing"], purposes=[None, "referral"])
    new = replace(
        old,
        rules=tuple(replace(rule, before=frozenset({"summary"}), after=frozenset({"unheard"})) for rule in old.rules),
    )
    about = [line.partition(":")[0].partition("” ")[2] for line in diff(old, new)]
    assert about == [
        f"({group}) {step} acceptance, {purpose}"
        for purpose in ("no purpose", "purpose referral")
        for step, groups in (("after", ["summary", "unheard", "routing"]), ("before", ["summary", "routing"]))
        for group in groups
    ]
    assert {line.rpartition(": ")[2] for line in diff(old, new)} == {"FR>AL, GR>AL"}
    assert "opens “unheard” (unheard) after acceptance, no purpose: FR>AL, GR>AL" in diff(old, new)


def test_a_change_is_told_in_the_language_of_the_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    """In English where the field groups have no other title."""
    known = field_groups()
    group = replace(known.groups["routing"], title={"en": "Way", "fr": "Voie"})
    titled = replace(known, groups={**known.groups, "routing": group})
    monkeypatch.setattr("gateway.policy.comparison.field_groups", lambda: titled)
    told = [diff(narrow(), narrow("routing"), language=language)[0] for language in ("fr", "en", "xx")]
    assert [line.partition(" (routing)")[0] for line in told] == ["opens “Voie”", "opens “Way”", "opens “Way”"]


# --- what may follow -------------------------------------------------------------------------------------------------


@table(
    "earlier, fits",
    [
        ([], True),
        ([("open", 1), ("open", 2)], True),
        ([("open", 3)], False),
        ([("open", 4), ("open", 1)], False),
        ([("another", 9)], True),
    ],
    ids=["the first", "a higher one", "the same again", "a lower one", "of another name"],
)
def test_a_version_is_higher_than_each_before(earlier: list[tuple[str, int]], fits: bool) -> None:
    """A version that was approved once means what it meant then."""
    new = replace(narrow("routing"), version=3)
    if fits:
        check_next(new, held=None, earlier=earlier, narrowing=False)
        return
    with pytest.raises(RefusedError, match="version 3 of open is not higher") as refused:
        check_next(new, held=None, earlier=earlier, narrowing=False)
    assert refused.value.code is Code.CONFLICT
    assert refused.value.hint == "raise the version in the file; what was approved before stays what it was"


def test_one_administrator_only_narrows() -> None:
    """What lets the same pass or less; where none is in force any policy lets more."""
    wide, less = narrow("routing", "summary"), replace(narrow("routing"), version=2)
    check_next(less, held=wide, earlier=[("open", 1)], narrowing=True)
    for held in (None, narrow()):
        with pytest.raises(RefusedError, match="lets more leave") as refused:
            check_next(less, held=held, earlier=[], narrowing=True)
        assert (refused.value.code, refused.value.hint) == (
            Code.INVALID,
            "two administrators adopt what lets more leave",
        )


def test_all_that_a_policy_opens_in_words() -> None:
    """A line for each rule and step that opens something, and nothing left out."""
    made = policy(
        ("GR", "AL"), ("FR", "AL"), before=["summary", "routing"], always=["routing", "needs"], purposes=[None]
    )
    more = policy(WAY, after=["needs"], purposes=["referral"]).rules
    by = f"by field groups {made.field_groups}"
    assert rules_in_words(replace(made, rules=(*made.rules, *more))) == (
        "wherever a rule holds: needs, routing",
        "before acceptance, no purpose, FR>AL, GR>AL: routing, summary",
        "after acceptance, purpose referral, FR>AL, GR>AL: needs",
        f"{ONE_LINE}: nothing",
        by,
    )
    assert rules_in_words(policy()) == ("wherever a rule holds: nothing", f"{ONE_LINE}: nothing", by)


# --- what a case system attests --------------------------------------------------------------------------------------

ASK = frozenset({"enquiry.capacity"})
BOTH = frozenset({"enquiry.capacity", "referral.request"})
ONE_LINE, TWO_LINE = "on the attestation of a case system", "on the attestation of a case system for both of two people"


@table(
    "old, new, wider, told",
    [
        (None, Attested(), False, ()),
        (Attested(), None, False, ()),
        (None, Attested(first=ASK), True, (f"opens {ONE_LINE}: enquiry.capacity",)),
        (None, Attested(first=BOTH), True, (f"opens {ONE_LINE}: enquiry.capacity, referral.request",)),
        (Attested(first=ASK), None, False, (f"closes {ONE_LINE}: enquiry.capacity",)),
        (Attested(first=ASK), Attested(first=BOTH), True, (f"opens {ONE_LINE}: referral.request",)),
        (Attested(first=BOTH), Attested(first=ASK), False, (f"closes {ONE_LINE}: referral.request",)),
        (
            Attested(first=ASK),
            Attested(first=BOTH - ASK),
            True,
            (f"opens {ONE_LINE}: referral.request", f"closes {ONE_LINE}: enquiry.capacity"),
        ),
        (Attested(first=BOTH), Attested(first=BOTH, second=ASK), True, (f"opens {TWO_LINE}: enquiry.capacity",)),
        (Attested(first=BOTH, second=ASK), Attested(first=BOTH), False, (f"closes {TWO_LINE}: enquiry.capacity",)),
    ],
    ids=[
        "format 2 that attests nothing",
        "back to format 1 from nothing",
        "format 2 with a type",
        "format 2 with two types",
        "back to format 1",
        "one more type",
        "one type less",
        "another type",
        "both people",
        "both people no more",
    ],
)
def test_to_attest_more_widens(old: Attested | None, new: Attested | None, wider: bool, told: tuple[str, ...]) -> None:
    """More types, or both people instead of one, let more leave; fewer let less; format 1 attests nothing."""
    before, after = replace(POLICY, attested=old), replace(POLICY, attested=new)
    assert widens(before, after) is wider
    assert diff(before, after) == told


def test_a_narrowing_attests_no_more() -> None:
    """One administrator alone can not let a case system attest a further type."""
    held = replace(POLICY, attested=Attested(first=ASK))
    more = replace(held, version=held.version + 1, attested=Attested(first=BOTH))
    with pytest.raises(RefusedError, match="lets more leave") as refused:
        check_next(more, held=held, earlier=[], narrowing=True)
    assert refused.value.code is Code.INVALID
    check_next(more, held=held, earlier=[], narrowing=False)


def test_what_is_attested_is_read_before_signing() -> None:
    """The words of a policy say what a case system may attest, and that it is nothing in format 1."""
    assert f"{ONE_LINE}: nothing" in rules_in_words(replace(POLICY, attested=None))
    for second, both in ((ASK, "enquiry.capacity"), (BOTH, "enquiry.capacity, referral.request")):
        words = rules_in_words(replace(POLICY, attested=Attested(first=BOTH, second=second)))
        assert {f"{ONE_LINE}: enquiry.capacity, referral.request", f"{TWO_LINE}: {both}"} <= {*words}
