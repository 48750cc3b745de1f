"""Statistics between two real nodes: counted once from the node's own cases, released by a person, and nothing else.

What leaves is judged as a stranger would who knows every published number (`support.solver`), and by the peer's gate.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from support.nodeproc import UNIT
from support.pair import Party, Spoiler, Two, example, two_nodes
from support.solver import values

from gateway.errors import Code, RefusedError
from gateway.statistics.protection import SPREAD
from keys.primitives.encoding import b64u

CONSENT = b64u(b"consent consent."[:16])
YEAR = "2026-01-01/2026-12-31"
LAST_YEAR = 60 * 86_400
"""Before the first second of a test, which is in January 2027."""

PEOPLE = [("Feminine", "ForcedLabour", 40), ("Feminine", "SexualExploitation", 3), ("Masculine", "ForcedLabour", 25)]
PEOPLE += [("Masculine", "SexualExploitation", 30)]
"""Sex, form of exploitation, and how many adults: three of them would be known by a small count."""


OF_CASE: dict[str, str] = {}
"""The case of the consent that all referrals rely on: they are counted by the number that they name."""


@pytest_asyncio.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    """FR and AL; FR has the consent that its referrals rely on."""
    async with two_nodes(tmp_path) as made:
        record = example("consent.record/1", "AL")["content"] | {"consent_id": CONSENT}
        categories = ["identity", "contact", "exploitation", "needs", "immigration", "risk"]
        record["grants"] = [
            {
                "purpose": "referral",
                "recipient_units": [f"{name}/{UNIT}" for name in ("AL", "FR")],
                "data_categories": categories,
                "until": "2027-11-30",
            }
        ]
        await made.fr.call("consent.record", by="w-1", number="fr-7f3a", content=record)
        OF_CASE["case"] = (await made.fr.call("consent.show", id=CONSENT))["of_case"]["id"]
        yield made


def referral(n: int, sex: str = "Feminine", form: str = "ForcedLabour", **header: Any) -> dict[str, Any]:
    """The referral of one person, in a conversation of its own."""
    request = example("referral.request/1", "AL", consent_ref=CONSENT)
    del request["header"]["case_ref_sender"]
    request["header"] |= header
    request["content"]["person"] |= {"gender": sex, "age_group": "adult", "nationalities": ["AL"]}
    request["content"] |= {"exploitation": [form], "thb_status": "presumed"}
    return request | OF_CASE | {"purpose": "referral", "conversation": b64u(n.to_bytes(16, "big"))}


async def refer_everybody(fr: Party) -> None:
    """All people of the list, last year; they wait for a wire that is cut."""
    Spoiler(fr).away = True
    people = [(sex, form) for sex, form, number in PEOPLE for _ in range(number)]
    for n, (sex, form) in enumerate(people, 1):
        await fr.call("message.submit", **referral(n, sex, form, case_ref_sender=f"c-{n}"))
    await last_year(fr)


async def last_year(fr: Party) -> None:
    """What waits was written last year."""
    query = f"update message set at = at - {LAST_YEAR} where direction = 'out' and kind = 'referral'"
    await fr.running.store.move(lambda c: c.exec_driver_sql(query) and None)


def cells(found: Any, table: str = "victims") -> dict[tuple[str | None, ...], int | None]:
    """A released table by its cells."""
    return {tuple(cell["key"]): cell["n"] for cell in found["tables"][table]}


async def refused(party: Party, code: Code, operation: str, **arguments: Any) -> None:
    """The operation is refused with this code."""
    with pytest.raises(RefusedError) as caught:
        await party.call(operation, **arguments)
    assert caught.value.code is code


async def test_small_counts_can_not_be_worked_out_from_what_leaves(two: Two) -> None:
    """The table that AL gets says how many there are, hides the three, and leaves five values for each hidden count."""
    await refer_everybody(two.fr)
    made = await two.fr.call("statistics.make", period="2026", by="w-1")
    assert (made["total"], made["new"]) == (98, True)
    table = cells(made)
    assert table["woman", "adult", "sexual"] is None
    assert (table["woman", None, None], table["man", "adult", "labour"]) == (43, None)
    hidden = [cell for cell, n in table.items() if n is None]
    assert hidden and all(len(values(table, cell, enough=SPREAD)) == SPREAD for cell in hidden)
    assert not [n for n in table.values() if n is not None and 0 < n < 10]


async def test_a_person_more_changes_no_answer(two: Two) -> None:
    """Two requests with one person in between get the same table; days that would show a person are refused."""
    await refer_everybody(two.fr)
    first = await two.fr.call("statistics.make", period="2026", by="w-1")
    await two.fr.call("message.submit", **referral(500, "Feminine", "SexualExploitation"))
    await last_year(two.fr)
    again = await two.fr.call("statistics.make", period="2026", by="w-2")
    assert again == first | {"new": False}
    assert (await two.fr.call("statistics.show", id="2026"))["tables"] == first["tables"]
    assert [item["period"] for item in (await two.fr.call("statistics.list"))["releases"]] == ["2026"]
    leaves = await two.fr.rows("select leaf from audit where instr(leaf, 'statistics.released')")
    assert len(leaves) == 1
    for period in ("2026-Q4", "2027", "2026-11"):
        code = Code.INVALID if period == "2026-11" else Code.GATE_G12
        await refused(two.fr, code, "statistics.make", period=period, by="w-1")


async def ask(two: Two, **content: str) -> str:
    """AL asks FR for a table, and FR has the request; its id."""
    request = example("stats.request/1", "FR")
    request["content"] |= {"table_id": "victims", "period": YEAR} | content
    id = str((await two.al.call("message.submit", **request))["id"])
    await two.until(lambda: there(two.fr, id), seconds=30)
    return id


async def there(party: Party, id: str) -> bool:
    """Whether the case system of a party has a message."""
    rows = await party.rows(f"select state from message where direction = 'in' and id = '{id}'")
    return rows == [("handed_over",)]


async def test_an_answer_is_a_draft_that_a_person_releases(two: Two) -> None:
    """AL asks for the year and gets the stored table once somebody released it; other days and tables are refused."""
    for n in range(12):
        await two.fr.call("message.submit", **referral(n, case_ref_sender=f"c-{n}"))
    await last_year(two.fr)
    asked, day_less, other = (
        await ask(two),
        await ask(two, period="2026-01-01/2026-12-30"),
        await ask(two, table_id="victims_of_march"),
    )
    await refused(two.fr, Code.NOT_FOUND, "statistics.draft", id=asked)  # not counted yet
    made = await two.fr.call("statistics.make", period="2026", by="w-1")
    await refused(two.fr, Code.GATE_G12, "statistics.draft", id=day_less)
    await refused(two.fr, Code.GATE_G12, "statistics.draft", id=other)
    await refused(two.fr, Code.NOT_FOUND, "statistics.draft", id=b64u(b"nobody asked so."[:16]))
    draft = await two.fr.call("statistics.draft", id=asked)
    assert await two.fr.rows("select count(*) from message where kind = 'standing' and direction = 'out'") == [(0,)]
    assert [item["id"] for item in (await two.fr.call("draft.list"))["drafts"]] == [draft["draft"]]
    sent = (await two.fr.call("draft.release", id=draft["draft"], by="w-2"))["id"]
    await two.until(lambda: there(two.al, sent), seconds=60)
    shown = await two.al.show(sent)
    assert (shown["type"], shown["in_reply_to"]) == ("stats.submission/1", asked)
    told = {str(sorted(cell["key"].items())): cell.get("n") for cell in shown["content"]["cells"]}
    assert len(told) == len(made["tables"]["victims"])
    assert (told["[]"], told["[('sex', 'Feminine')]"], told["[('sex', 'Masculine')]"]) == (12, 12, 0)


async def test_each_person_counts_once_and_nobody_who_was_refused(two: Two) -> None:
    """The same own reference is one person; what was taken back is none; what was erased is there and not stated."""
    Spoiler(two.fr).away = True
    for n in range(12):
        await two.fr.call("message.submit", **referral(n, case_ref_sender=f"c-{n}"))
    await two.fr.call("message.submit", **referral(20, "Masculine", case_ref_sender="c-1"))
    taken = (await two.fr.call("message.submit", **referral(21, case_ref_sender="c-21")))["id"]
    await two.fr.call("message.cancel", id=taken, by="w-1")
    await last_year(two.fr)
    tenth = "select ref from message where direction = 'out' order by ref limit 1 offset 10"
    gone = f"delete from datakey where ref = ({tenth})"
    await two.fr.running.store.move(lambda c: c.exec_driver_sql(gone) and None)
    made = await two.fr.call("statistics.make", period="2026", by="w-1")
    assert (made["total"], made["erased"]) == (12, 1)


async def test_what_retention_erases_was_counted_before(two: Two) -> None:
    """Two declined cases are gone after 30 days, and are in the count of their year: as sums, sealed, and once."""
    asked = [(await two.fr.call("message.submit", **referral(n, case_ref_sender=f"c-{n}")))["id"] for n in range(12)]
    await two.until(lambda: all_there(two.al, 12), seconds=60)
    for id in asked[:2]:
        conversation = (await two.al.show(id))["conversation"]
        answer = example("referral.decline/1", "FR", consent_ref=CONSENT)
        await two.al.call(
            "message.submit", **answer | {"purpose": "referral", "conversation": conversation, "in_reply_to": id}
        )
    await two.until(lambda: all_there(two.fr, 2), seconds=60)
    await last_year(two.fr)
    two.clock.advance(31 * 86_400)
    for _ in range(2):
        await two.fr.call("retention.run", by="dpo")
    assert [(await two.fr.show(id))["type"] for id in asked[:3]] == [None, None, "referral.request/1"]
    assert await two.fr.rows("select period from tally") == [("2026",)]
    assert await two.fr.rows("select count(*) from counted") == [(2,)]
    kept = await two.fr.rows("select sealed.data from sealed join tally on tally.ref = sealed.ref")
    assert b"labour" not in kept[0][0]
    made = await two.fr.call("statistics.make", period="2026", by="w-1")
    assert (made["total"], made["erased"]) == (12, 0)
    assert cells(made)["woman", "adult", "labour"] == 12
    assert await two.fr.rows("select 1 from tally") == []
    await two.fr.call("retention.run", by="dpo")
    assert await two.fr.rows("select 1 from tally") == []


async def test_a_damaged_tally_stops_the_count_and_no_erasure(two: Two) -> None:
    """A release would be wrong for ever, so it is refused; retention goes on with a new tally and raises an alarm."""
    asked = [(await two.fr.call("message.submit", **referral(n, case_ref_sender=f"c-{n}")))["id"] for n in range(2)]
    await two.until(lambda: all_there(two.al, 2), seconds=60)
    await last_year(two.fr)
    node = two.fr.running
    refs = await two.fr.rows("select ref, id from message where direction = 'out' order by ref")
    first, second = ([ref for ref, id in refs if id == wanted] for wanted in asked)
    await node.releases.count_first(first)
    spoilt = "update sealed set data = zeroblob(length(data)) where ref = (select ref from tally)"
    await node.store.move(lambda c: c.exec_driver_sql(spoilt) and None)
    await refused(two.fr, Code.UNDECRYPTABLE, "statistics.make", period="2026", by="w-1")
    assert await two.fr.rows("select 1 from release") == []
    await node.releases.count_first(second)
    assert "content.damaged" in await two.fr.alarms()
    assert await two.fr.rows("select count(*) from counted") == [(2,)]


async def all_there(party: Party, number: int) -> bool:
    """Whether the case system of a party has so many messages that are no consent."""
    rows = await party.rows("select count(*) from message where direction = 'in' and state = 'handed_over'")
    return bool(rows[0][0] >= number)


async def test_too_few_cases_tell_nothing(two: Two) -> None:
    """With nine cases not even their number is shown, and a request gets no answer."""
    Spoiler(two.fr).away = True
    for n in range(9):
        await two.fr.call("message.submit", **referral(n, case_ref_sender=f"c-{n}"))
    await last_year(two.fr)
    asked = await ask(two)
    made = await two.fr.call("statistics.make", period="2026", by="w-1")
    assert (made["total"], set(made["tables"].values())) == (None, {None})
    await refused(two.fr, Code.GATE_G12, "statistics.draft", id=asked)


# --- what was submitted limits what may be ------------------------------------------------------------------------


def by_hand(period: str, women: int, *, to: str = "AL", dimension: str = "sex") -> dict[str, Any]:
    """A table that somebody wrote: women and men, each count large enough."""
    one, other = ("Feminine", "Masculine") if dimension == "sex" else ("adult", "child")
    request = example("stats.submission/1", to)
    request["content"] |= {
        "period": period,
        "dimensions": [dimension],
        "cells": [
            {"key": {dimension: one}, "n": women},
            {"key": {dimension: other}, "n": 30},
            {"key": {}, "n": women + 30},
        ],
        "method": {"threshold": 10, "secondary": True},
    }
    return request


async def test_three_tables_a_day_apart_reveal_nobody(two: Two) -> None:
    """Each alone shows no small count, and their differences show single persons: days that are no period are refused,
    and so is a second count of the same one, also by a quarter of it.
    """
    for last in ("2025-12-29", "2025-12-30"):
        await refused(two.fr, Code.GATE_G12, "message.submit", **by_hand(f"2025-01-01/{last}", 20))
    year = by_hand("2025-01-01/2025-12-31", 21)
    await two.fr.call("message.submit", **year)
    await two.fr.call("message.submit", **year)
    await two.fr.call("message.submit", **by_hand("2025-01-01/2025-12-31", 21, dimension="age_group"))
    await two.fr.call("message.submit", **by_hand("2024-01-01/2024-12-31", 20))
    for period, women in (("2025-01-01/2025-12-31", 22), ("2025-01-01/2025-03-31", 20), ("2024-10-01/2024-12-31", 20)):
        await refused(two.fr, Code.GATE_G12, "message.submit", **by_hand(period, women))
    assert len(await two.fr.rows("select 1 from submitted where by = ''")) == 3


async def test_drafts_released_together_are_compared(two: Two) -> None:
    """Two counts of one time, submitted at the same moment: one leaves."""
    counts = [by_hand("2025-01-01/2025-12-31", women) for women in (20, 21)]
    answers = await asyncio.gather(
        *(two.fr.call("message.submit", **request) for request in counts), return_exceptions=True
    )
    assert sorted(isinstance(answer, RefusedError) and answer.code is Code.GATE_G12 for answer in answers) == [
        False,
        True,
    ]


async def test_the_receiver_compares_too(two: Two) -> None:
    """A sender that forgot what it submitted is refused by whoever has it."""
    first = await two.fr.call("message.submit", **by_hand("2025-01-01/2025-12-31", 20))
    await two.until(lambda: there(two.al, str(first["id"])), seconds=30)
    await two.fr.running.store.move(lambda c: c.exec_driver_sql("delete from submitted") and None)
    second = await two.fr.call("message.submit", **by_hand("2025-01-01/2025-12-31", 21))

    async def answered() -> bool:
        return (await two.fr.call("message.show", id=second["id"]))["reason"] is not None

    await two.until(answered, seconds=30)
    shown = await two.fr.call("message.show", id=second["id"])
    assert (shown["state"], shown["reason"]) == ("rejected", "gate_g12")
    assert len(await two.al.rows("select 1 from submitted")) == 1
