"""Whatever a wire does with the messages of a link, each number is accepted once and hand-over keeps its order."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import Code
from gateway.messages.machines.numbering import (
    GAP_PATIENCE,
    Entry,
    Gap,
    LinkView,
    New,
    Refuse,
    Repeat,
    apply,
    judge,
    out_of_order,
    ready,
)


def link_hash(n: int, id: str, prev: str | None) -> str:
    """Stands for H("link", ...): equal only for equal input, which is all that the rules use."""
    return f"{n}/{id}/{prev}"


def chain(length: int) -> dict[int, Entry]:
    """The true numbers 1..length of a sender."""
    entries: dict[int, Entry] = {}
    prev = None
    for n in range(1, length + 1):
        entries[n] = Entry(id=f"id{n}", prev=prev, link_hash=link_hash(n, f"id{n}", prev))
        prev = entries[n].link_hash
    return entries


class Link:
    """A receiving end: the smallest shell around the pure rules, which looks up only what a view must hold."""

    def __init__(self) -> None:
        self.high = 0
        self.gaps: tuple[Gap, ...] = ()
        self.used: dict[int, Entry] = {}

    def receive(self, n: int, entry: Entry) -> New | Repeat | Refuse:
        """Judge and, where it is new, consume."""
        near = {k: self.used[k] for k in (n - 1, n, n + 1) if k in self.used}
        same = {k: used for k, used in self.used.items() if used.id == entry.id}
        view = LinkView(epoch=1, high=self.high, known=near | same, gaps=self.gaps)
        found = judge(view, epoch=1, n=n, id=entry.id, prev=entry.prev, link_hash=entry.link_hash)
        if isinstance(found, New):
            self.high, self.gaps = apply(view, n)
            self.used[n] = entry
        return found


@st.composite
def arrivals(draw: st.DrawFn) -> tuple[int, list[int]]:
    """How many messages there are, and an order of arrival in which each occurs at least once."""
    length = draw(st.integers(1, 40))
    extra = draw(st.lists(st.integers(1, length), max_size=40))
    return length, draw(st.permutations([*range(1, length + 1), *extra]))


@given(arrivals())
def test_every_number_is_accepted_once(case):
    """Any order with any duplicates ends with no gap, the highest number, and each number new exactly once."""
    length, order = case
    link, true = Link(), chain(length)
    verdicts = [(n, link.receive(n, true[n])) for n in order]
    assert length == link.high
    assert link.gaps == ()
    assert sorted(n for n, found in verdicts if isinstance(found, New)) == list(range(1, length + 1))
    assert all(isinstance(found, New | Repeat) for _, found in verdicts)


@given(arrivals())
def test_gaps_are_exactly_what_is_missing(case):
    """After each arrival the gaps are the missing numbers below the highest, as sorted ranges that do not touch."""
    length, order = case
    link, true = Link(), chain(length)
    for n in order:
        before = {number for number in range(1, length + 1) if number not in link.used}
        found = link.receive(n, true[n])
        missing = [number for number in range(1, link.high + 1) if number not in link.used]
        assert missing == [number for gap in link.gaps for number in range(gap.first, gap.last + 1)]
        assert all(a.last + 1 < b.first for a, b in zip(link.gaps, link.gaps[1:], strict=False))
        if isinstance(found, New):
            assert found.fills_gap == (n in before and n < link.high)
            assert found.behind_gap == any(number < n for number in missing)


@given(arrivals(), st.data())
def test_a_forged_link_is_never_accepted(case, data):
    """One number with another id, prev or chain is refused in any order, and the true one still fits."""
    length, order = case
    link, true = Link(), chain(length)
    target = data.draw(st.integers(1, length))
    kind = data.draw(st.sampled_from(["id", "prev"]))
    forged_id = "forged" if kind == "id" else true[target].id
    forged_prev = "forged" if kind == "prev" and target > 1 else true[target].prev
    forged = Entry(id=forged_id, prev=forged_prev, link_hash=link_hash(target, forged_id, forged_prev))
    accepted_neighbours = set(order[: order.index(target)])
    for n in order:
        if n == target and target not in link.used and {target - 1, target + 1} <= accepted_neighbours | {0}:
            found = link.receive(n, forged)
            same = forged == true[target]
            assert isinstance(found, New if same else Refuse)
        link.receive(n, true[n])
    found = link.receive(target, forged)
    if kind == "id":
        assert found == Refuse(Code.EQUIVOCATION, "the number is used by another id")
    elif forged == true[target]:
        assert found == Repeat()
    else:
        assert found == Refuse(Code.EQUIVOCATION, "the number is used with another content")
    assert length == link.high
    assert link.gaps == ()


@given(arrivals(), st.lists(st.integers(0, 300), min_size=80, max_size=80))
def test_hand_over_follows_the_numbers(case, pauses):
    """What is handed over before its turn is flagged, and only after ten minutes; all else goes in order."""
    length, order = case
    link, true = Link(), chain(length)
    now, waiting, handed, seen = 0, set(), [], {}
    for n, pause in zip(order, pauses, strict=False):
        now += pause
        if isinstance(link.receive(n, true[n]), New):
            waiting.add(n)
        seen = {number: seen.get(number, now) for gap in link.gaps for number in range(gap.first, gap.last + 1)}
        for candidate in sorted(waiting):
            first_seen = min(seen.values(), default=None)
            if ready(candidate, link.gaps, first_seen, now):
                late = out_of_order(candidate, link.gaps)
                assert not late or (first_seen is not None and now - first_seen >= GAP_PATIENCE)
                waiting.discard(candidate)
                handed.append((candidate, late))
    assert waiting == set()
    assert sorted(n for n, _ in handed) == list(range(1, length + 1))
    for index, (n, late) in enumerate(handed):
        assert late or set(range(1, n)) <= {other for other, _ in handed[:index]}
