"""The effective scope of any two scopes: the same from both sides, never wider than either (threat 40)."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from gateway.peers.scope import Agreed, Direction, Scope, ScopeFacts, contains, intersect, permits
from keys.documents.trust_record import is_scope

TYPES = ("referral.request", "info.reply", "enquiry.capacity")
WORDS = ("a", "b", "c")
CORRIDORS = (("FR", "AL"), ("AL", "FR"), ("FR", "UA"))


def some(words):
    """Any of these words."""
    return st.frozensets(st.sampled_from(words))


SCOPES = st.builds(
    Scope,
    types=some(TYPES),
    directions=some(tuple(Direction)),
    corridors=some(CORRIDORS),
    units=some(WORDS),
    roles=some(WORDS),
    purposes=some(WORDS),
    max_bytes=st.integers(0, 4),
    max_file_bytes=st.integers(0, 4),
)
HEADERS = st.fixed_dictionaries(
    {name: st.sampled_from(WORDS) for name in ("sender_unit", "sender_role", "recipient_unit", "recipient_role")}
)
FACTS = st.builds(
    ScopeFacts,
    body_type=st.sampled_from([f"{name}/1" for name in TYPES]),
    direction=st.sampled_from(Direction),
    corridor=st.sampled_from(CORRIDORS),
    purpose=st.sampled_from((None, *WORDS)),
    size=st.integers(0, 4),
    header=HEADERS,
    largest_file=st.none() | st.integers(0, 4),
)


def mirror(agreed: Agreed) -> Agreed:
    """The same agreement as the other side sees it."""
    other = {Direction.SEND: Direction.RECEIVE, Direction.RECEIVE: Direction.SEND}
    return replace(
        agreed,
        directions=frozenset(other[direction] for direction in agreed.directions),
        units=agreed.peer_units,
        peer_units=agreed.units,
    )


@given(SCOPES, SCOPES)
def test_both_sides_compute_the_same_agreement(mine, theirs):
    """Intersecting is commutative under mirroring."""
    assert mirror(intersect(mine, theirs)) == intersect(theirs, mine)
    assert mirror(mirror(intersect(mine, theirs))) == intersect(mine, theirs)


@given(SCOPES, SCOPES, FACTS)
def test_what_one_side_sends_the_other_takes(mine, theirs, facts):
    """A message that may go here may arrive there, and the other way round: no message is sent to be refused."""
    other = Direction.RECEIVE if facts.direction is Direction.SEND else Direction.SEND
    arriving = ScopeFacts(
        body_type=facts.body_type,
        direction=other,
        corridor=facts.corridor,
        purpose=facts.purpose,
        size=facts.size,
        header=facts.header,
        largest_file=facts.largest_file,
    )
    assert permits(intersect(mine, theirs), facts) == permits(intersect(theirs, mine), arriving)


@given(SCOPES, SCOPES, SCOPES, FACTS)
def test_agreeing_never_widens(mine, theirs, other, facts):
    """What is agreed is permitted by each side alone, and narrowing one side never lets more pass."""
    if not permits(intersect(mine, theirs), facts):
        return
    assert facts.body_type.partition("/")[0] in mine.types & theirs.types
    assert facts.direction in mine.directions
    assert facts.corridor in mine.corridors & theirs.corridors
    if contains(other, mine):
        assert permits(intersect(other, theirs), facts)


@given(SCOPES)
def test_a_scope_has_one_spelling(scope):
    """It survives its JSON, which is a scope in the exact form of the wire."""
    assert is_scope(scope.to_json())
    assert Scope.from_json(scope.to_json()) == scope
