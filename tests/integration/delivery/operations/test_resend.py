"""Many messages again at once: those of ours that failed go as new ones, once; held ones are offered again."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from support.drill import drills
from support.nodeproc import UNIT
from support.pair import Party, Spoiler, Two, example, two_nodes
from support.persons import consented
from support.persons import referral as about

from gateway.attachments.library import AttachmentLibrary
from gateway.delivery.operations import resend
from gateway.errors import Code, RefusedError
from gateway.operations.roles import Caller, Role
from keys.primitives.encoding import b64u

DAY = 86_400
CONSENT = b64u(b"consent consent."[:16])
OPERATOR = Caller(roles=frozenset({Role.OPERATOR}))


@pytest_asyncio.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    """FR and AL, paired."""
    async with two_nodes(tmp_path) as found:
        yield found


async def again(party: Party, **arguments: Any) -> Any:
    """What an operator is answered."""
    done = await party.running.desk.call("message.resend_many", arguments, caller=OPERATOR)
    return done.value


async def in_state(two: Two, id: str, state: str) -> bool:
    """Whether a message of FR is there by now."""
    return await two.fr.state(id) == state


async def test_what_expired_while_a_peer_was_away_goes_as_new_messages(two: Two) -> None:
    """Counted first, then sent anew and delivered; a second time nothing is left, and what a person took back stays."""
    wire = Spoiler(two.fr)
    wire.deaf = True
    taken_back = await two.fr.submit("taken back")
    await two.until(lambda: bool(wire.asked))
    await two.fr.call("message.cancel", id=taken_back, by="w-1")
    wire.deaf = False
    await two.until(lambda: in_state(two, taken_back, "failed"), seconds=60)
    await two.calm()  # what is submitted while a request is unanswered is numbered, wherever the peer is
    wire.away = True
    first, second = await two.fr.submit("first"), await two.fr.submit("second")
    two.clock.advance(15 * DAY)
    for id in (first, second):
        await two.until(lambda id=id: in_state(two, id, "failed"), seconds=90)
    assert (await two.fr.show(first))["reason"] == "expired"
    nothing = {"again": 0, "refused": [], "more": False}
    assert await again(two.fr, state="failed", dry_run=True) == nothing | {"matched": 2}
    assert await again(two.fr, state="failed", reason="schema", dry_run=True) == nothing | {"matched": 0}
    assert await again(two.fr, state="failed", before=two.clock.now() - 16 * DAY) == nothing | {"matched": 0}
    wire.away = False
    told = await again(two.fr, state="failed", peer="AL", message=first)
    assert told == nothing | {"matched": 1, "again": 1}
    assert await again(two.fr, state="failed", reason="expired") == nothing | {"matched": 1, "again": 1}
    await two.until(lambda: two.al.notes() == ["first", "second"], seconds=120)
    assert await again(two.fr, state="failed") == nothing | {"matched": 0}
    assert [await two.fr.state(id) for id in (first, second, taken_back)] == ["failed"] * 3
    entries = (await two.fr.call("audit.list", event="message.again"))["entries"]
    assert [entry["facts"]["id"] for entry in entries] == [second, first]
    assert "Ola" not in json.dumps(entries)


async def test_what_may_not_go_now_is_told_and_stays(two: Two) -> None:
    """Judged by what holds now: without an active peer it is refused by id and code, and its alarm stays."""
    wire = Spoiler(two.fr)
    wire.away = True
    id = await two.fr.submit("later")
    two.clock.advance(15 * DAY)
    await two.until(lambda: in_state(two, id, "failed"), seconds=90)
    await two.fr.changes("peer.suspend")
    told = await again(two.fr, state="failed")
    assert told == {"matched": 1, "again": 0, "refused": [{"id": id, "code": "not_active"}], "more": False}
    assert "message.failed" in await two.fr.alarms()
    with pytest.raises(RefusedError) as refused:
        await again(two.fr, state="rejected")
    assert refused.value.code is Code.INVALID


async def test_what_is_erased_meanwhile_goes_to_nobody(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the look at what it said and the new message: it would be here again, and with the peer."""
    wire = Spoiler(two.fr)
    wire.away = True
    id = await two.fr.submit("later")
    two.clock.advance(15 * DAY)
    await two.until(lambda: in_state(two, id, "failed"), seconds=90)
    copied = AttachmentLibrary.copied

    async def erase_meanwhile(*given: Any) -> bool:
        await two.fr.call("message.erase", id=id, by="adm", reason="not_needed")
        return await copied(*given)

    monkeypatch.setattr(AttachmentLibrary, "copied", erase_meanwhile)
    assert (await again(two.fr, state="failed"))["refused"] == [{"id": id, "code": "conflict"}]
    assert await two.fr.rows("select count(*) from message") == [(1,)]


async def test_what_the_case_system_refused_is_offered_again(two: Two) -> None:
    """Held messages of a peer, all at once, when the case system takes them again."""
    two.al.system.refuses = True
    for note in ("one", "two"):
        await two.fr.submit(note)

    async def held() -> bool:
        return len((await two.al.call("message.list", state="held"))["messages"]) == 2

    await two.until(held, seconds=60)
    two.al.system.refuses = False
    told = await again(two.al, state="held", peer="FR")
    assert told == {"matched": 2, "again": 2, "refused": [], "more": False}
    await two.until(lambda: sorted(two.al.notes()) == ["one", "two"], seconds=60)


async def test_what_is_erased_meanwhile_is_not_offered_again(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is nothing left of it that the case system could take."""
    two.al.system.refuses = True
    id = await two.fr.submit("one")

    async def held() -> bool:
        return await two.al.rows("select state from message") == [("held",)]

    await two.until(held, seconds=60)
    is_urgent = resend._is_urgent

    async def erase_meanwhile(*given: Any) -> bool:
        await two.al.call("message.erase", id=id, by="adm", reason="not_needed")
        return await is_urgent(*given)

    monkeypatch.setattr(resend, "_is_urgent", erase_meanwhile)
    assert (await again(two.al, state="held"))["refused"] == [{"id": id, "code": "conflict"}]
    assert await two.al.rows("select * from inbox") == []


async def test_a_withdrawal_reaches_the_peer_and_what_it_stopped_stays(two: Two) -> None:
    """Of what failed while the peer was away the withdrawal goes anew; the referral that it stopped is judged again."""
    content = example("consent.record/1", "AL")["content"] | {"consent_id": CONSENT}
    categories = ["identity", "contact", "exploitation", "needs", "immigration", "risk"]
    grant = {"purpose": "referral", "recipient_units": [f"AL/{UNIT}"], "data_categories": categories}
    content["grants"] = [grant | {"until": "2027-11-30"}]
    await two.fr.call("consent.record", by="w-1", number="fr-7f3a", content=content)
    referral = example("referral.request/1", "AL", consent_ref=CONSENT) | {"purpose": "referral"}
    await two.fr.call("message.submit", **referral)
    await two.until(lambda: len(two.al.deliveries()) == 2, seconds=60)
    await two.calm()  # what is submitted while a request is unanswered is numbered, wherever the peer is
    wire = Spoiler(two.fr)
    wire.away = True
    stopped = (await two.fr.call("message.submit", **referral))["id"]
    told = (await two.fr.call("consent.withdraw", id=CONSENT, by="w-1"))["told"]
    two.clock.advance(15 * DAY)
    await two.until(lambda: in_state(two, told[0]["message"], "failed"), seconds=90)
    wire.away = False
    done = await again(two.fr, state="failed")
    assert (done["matched"], done["again"], done["refused"]) == (2, 1, [{"id": stopped, "code": "gate_g7"}])

    async def withdrawn() -> bool:
        return bool((await two.al.call("consent.show", id=CONSENT))["state"] == "withdrawn")

    await two.until(withdrawn, seconds=120)


async def test_a_case_without_a_number_keeps_its_reference(two: Two) -> None:
    """The new message names the case to the peer as the failed one did, and not by a reference of that reference."""
    case = (await two.fr.call("case.open", label="Blue 7", by="w-1"))["id"]
    await consented(two.fr, case, CONSENT)
    wire = Spoiler(two.fr)
    wire.away = True
    failed = (await two.fr.call("message.submit", **about(None, CONSENT, case=case)))["id"]
    two.clock.advance(15 * DAY)
    await two.until(lambda: in_state(two, failed, "failed"), seconds=90)
    wire.away = False
    assert (await again(two.fr, state="failed"))["again"] == 2
    await two.until(lambda: any(one.type == "referral.request/1" for one in two.al.deliveries()), seconds=120)
    named = (await two.fr.show(failed))["header"]["case_ref_sender"]
    assert {one.header["case_ref_sender"] for one in two.al.deliveries()} == {named}


async def test_what_a_restore_brought_back_goes_by_its_id_alone(tmp_path: Path) -> None:
    """Somebody took it back after the backup, of which the restored node knows nothing: with the others it stays."""
    async with drills(tmp_path) as drill:
        two = drill.two
        Spoiler(two.fr).away = True
        taken_back = await two.fr.submit("taken back")
        data, keystore = await drill.backup()
        await two.fr.call("message.cancel", id=taken_back, by="w-1")
        await drill.lose_all_but(data, keystore)
        await drill.reset()
        await two.until(lambda: in_state(two, taken_back, "failed"), seconds=200)
        for reason in (None, "restored"):
            assert (await again(two.fr, state="failed", reason=reason))["matched"] == 0
        assert (await again(two.fr, state="failed", message=taken_back))["again"] == 1
