"""Two corridor policies compared: what lets more leave, and what changes, in sentences."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.policies import policy
from support.tables import table

from gateway.errors import Code, RefusedError
from gateway.policy.comparison import check_next, diff, rules_in_words, widens
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
    words = rules_in_words(replace(POLICY, attested=Attested(first=BOTH, second=ASK)))
    assert {f"{ONE_LINE}: enquiry.capacity, referral.request", f"{TWO_LINE}: enquiry.capacity"} <= {*words}
