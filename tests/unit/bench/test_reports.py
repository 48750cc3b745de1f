"""What the bench makes of what it measured: sums by activity, ratios, verdicts, the page and its picture."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from support.tables import table

from bench import profile, rounds, soak
from bench.pyas2_peer import Load as PeerLoad
from bench.reports import publish

SIGN = "/x/keys/primitives/hybrid_keys.py:sign;/x/gateway/delivery/outbound/sender.py:run"
SELECT = "/x/sqlalchemy/engine.py:execute;/x/gateway/peers/store.py:get"
IDLE = "/x/concurrent/futures/thread.py:_worker;/x/threading.py:run"


def peer_load(per_second: float, failed: int = 0) -> PeerLoad:
    """A load of the peer system."""
    return PeerLoad(
        concurrency=8,
        seconds=1,
        messages=int(per_second),
        failed=failed,
        per_second=per_second,
        p50_ms=1,
        p99_ms=1,
        memory_a_mib=1,
        memory_b_mib=1,
    )


def minute(number: int, memory: float, files: int = 50) -> soak.Minute:
    """A line of a soak."""
    both = {"FR": memory, "AL": 100.0}
    return soak.Minute(
        number=number,
        per_second=50,
        p50_ms=1,
        p99_ms=1,
        pages=240,
        page_p50_ms=1,
        page_p99_ms=1,
        memory=both,
        files={"FR": files, "AL": 50},
        disk=both,
    )


def test_what_a_pool_used_counts_where_it_was_found_at_work() -> None:
    """A thread that waits again has worked: its CPU goes to what the pools of its process do; none is lost."""
    found = profile.add_up([f"1 2.0 {SELECT}\n0 1.0 {SIGN}\n0 3.0 {IDLE}", f"1 0.5 {SELECT}"])
    assert found == {"SQL: statements, rows, commits": 2.5, "signatures: ML-DSA, Ed25519, batches": 4.0}


@table(
    ("place", "activity"),
    [
        (SIGN, "signatures: ML-DSA, Ed25519, batches"),
        (SELECT, "SQL: statements, rows, commits"),
        ("/x/re.py:sub;/x/gateway/policy/corridor.py:minimise", "judging: conversations, policy, consents, cases"),
        ("/x/re.py:sub", profile.OTHER),
    ],
)
def test_the_innermost_known_frame_names_the_activity(place: str, activity: str) -> None:
    """Of what is done for something else, the work itself."""
    assert profile.name_activity(place) == activity


def test_a_ratio_says_that_the_peer_collapsed() -> None:
    """A round with failed requests, or far below the best one, is told, and so is the ratio to the best round."""
    sound = rounds.compare([200, 210, 190], [peer_load(20), peer_load(19), peer_load(21)])
    assert (sound.collapsed, sound.middle) == (0, 10.0)
    fallen = rounds.compare([200, 210, 190], [peer_load(20), peer_load(5), peer_load(19, failed=3)])
    assert (fallen.collapsed, fallen.at_its_best) == (2, 10.0)
    assert fallen.middle > fallen.at_its_best


@table(
    ("memory", "files", "grown"),
    [(200.0, 50, 0), (219.0, 50, 0), (221.0, 50, 1), (200.0, 55, 0), (200.0, 56, 1)],
    ids=str,
)
def test_a_soak_is_judged_by_its_first_minutes(memory: float, files: int, grown: int) -> None:
    """More than a tenth above minute 5 is growth of memory; of open files the fewest of five minutes count."""
    lines = [minute(1, 100.0), minute(2, 100.0, 90), *(minute(number, 100.0, 60) for number in (3, 4))]
    last = [minute(number, 500.0, 99) for number in range(6, 10)]
    assert soak.conclude([*lines, minute(5, 200.0, 60), *last, minute(10, memory, files)]) == grown


def test_a_report_takes_its_place_on_the_page() -> None:
    """What stood between the marks goes, what stood around them stays; a page without a place is refused."""
    around = "before\n<!-- the last run -->\n{}<!-- end of the last run -->\nafter\n"
    filled = publish.fill(around.format("old\n"), publish.RUN, ["one", "", "two"])
    assert filled == around.format("\n    one\n\n    two\n\n")
    assert publish.fill(filled, publish.RUN, ["one", "", "two"]) == filled
    with pytest.raises(ValueError, match="no place"):
        publish.fill(filled, publish.PROFILE, ["one"])


def test_a_picture_has_a_bar_for_every_figure() -> None:
    """Of each load its rates and times, and those of the peer where it was loaded; it is well-formed."""
    load = {"per_second": 90.0, "p50_ms": 80.0, "p99_ms": 120.0}
    one = {"delivered": {"1": load, "8": load}, "received": {"8": load}, "peer": {"8": {"per_second": 9.0}}}
    drawn = publish.draw({"report": ["a day & a machine"], "found": {"rounds": [one]}})
    words = [text.text for text in ElementTree.fromstring(drawn).iter("{http://www.w3.org/2000/svg}text")]
    assert [words.count(figure) for figure in ("90", "9", "80", "120")] == [3, 1, 2, 2]
    assert words[-1] == "by clients at once; a day & a machine"
