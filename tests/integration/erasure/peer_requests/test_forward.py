"""Three nodes A, B and C. B passed a person's data on to C; the person withdraws at A and wants them erased.

A ends up with two certificates that verify offline, the one of B and, vouched for by B, the one of C. On the disks of B
and C, and in yesterday's backup of the data, made while they worked and opened with its recovery key, nothing can be
opened any more with all keys that are left. The marks are planted in everything that is said about the person, and
every stored row is really tried.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from support.canary import Scanner
from support.nodechild import CHEAP, SteeredClock
from support.nodeproc import UNIT
from support.pair import PASSPHRASE, START, Party, Spoiler, Two, example, introduce, make_party
from support.persons import case_of, stands

from gateway.administration.backup import DATABASE
from gateway.administration.restore import restore
from gateway.administration.restore import verify as verify_backup
from gateway.consent.operations.withdrawing import Withdrawer
from gateway.database.content import SealedRow
from gateway.errors import Code, RefusedError
from gateway.evidence.build import verify
from keys.backups.backup import Opening
from keys.offline.recovery_key import create_recovery, load_recovery, public_path
from keys.primitives.encoding import b64u, canon
from keys.primitives.seal import EncPrivateKey

DAY = 86_400
CONSENT = b64u(b"consent consent."[:16])
MARKS = {"first": "Canary-alpha-7c1f", "passed on": "Canary-beta-93d2", "answer": "Canary-gamma-5e08"}
RECOVERY = "recovery"
CATEGORIES = ["identity", "contact", "exploitation", "needs", "immigration", "risk", "documents"]


@dataclass
class Three:
    """A chain of nodes: A and B are peers, B and C are, A and C are not."""

    a: Party
    b: Party
    c: Party
    clock: SteeredClock
    recovery: EncPrivateKey

    async def until(self, condition: Any, **more: Any) -> None:
        """As `Two.until`."""
        await Two(self.a, self.b, self.clock).until(condition, **more)


@pytest_asyncio.fixture
async def three(tmp_path: Path) -> AsyncIterator[Three]:
    """Three nodes, serving, each with its neighbours' keysets, and each with the public half of one recovery key."""
    clock, file = SteeredClock(START), tmp_path / "recovery.key"
    create_recovery(file, RECOVERY, now=0, cost=CHEAP)
    parties = [await make_party(tmp_path, name, clock) for name in ("FR", "AL", "IT")]
    for party in parties:
        with (party.folder / "node.toml").open("a", encoding="utf-8") as settings:
            settings.write(f'\n[backup]\nrecovery_key = "{public_path(file)}"\n')
    chain = Three(*parties, clock=clock, recovery=load_recovery(file, RECOVERY, at_least=CHEAP))
    try:
        for party in parties:
            await party.start()
        for near, far in pairwise(parties):
            await introduce(near, far)
        await chain.until(lambda: all(_known(near, far) for near, far in pairwise(parties)), seconds=400)
        yield chain
    finally:
        for party in parties:
            await party.stop()


def _known(near: Party, far: Party) -> bool:
    return all(
        here.running.peers.find(there.name).keyset is not None and here.agreed(there.name)
        for here, there in ((near, far), (far, near))
    )


def unit_of(party: Party) -> str:
    """The unit of a party as a consent names it."""
    return f"{party.running.own.node}/{UNIT}"


def referral(to: Party, mark: str, **handling: Any) -> dict[str, Any]:
    """A referral in which a mark is planted wherever people write."""
    request = example("referral.request/1", to.name, consent_ref=CONSENT, transfer_instrument=f"Arrangement {mark}")
    request["header"]["handling"] |= handling
    request["content"]["person"]["pseudonym"] = mark
    return request | {"purpose": "referral"}


async def began(three: Three) -> str:
    """FR has referred a person to AL, who may pass the data on to IT; the conversation."""
    a, b, c = three.a, three.b, three.c
    record = example("consent.record/1", "AL")["content"] | {"consent_id": CONSENT, "onward_sharing": True}
    record["grants"] = [
        {
            "purpose": "referral",
            "recipient_units": [unit_of(party) for party in (a, b, c)],
            "data_categories": CATEGORIES,
            "until": "2027-11-30",
        }
    ]
    await a.call("consent.record", by="w-1", number="fr-7f3a", content=record)
    wanted = referral(b, MARKS["first"], onward_sharing="named_units", onward_units=[unit_of(c)])
    first = await a.call("message.submit", **wanted)
    await three.until(lambda: has(b, "referral.request/1"), seconds=60)
    return str(first["conversation"])


async def pass_on(three: Three, first: str) -> str:
    """AL passes the data on to IT; the conversation."""
    case = await case_of(three.b, first)
    done = await three.b.call("message.submit", **referral(three.c, MARKS["passed on"]), case=case)
    return str(done["conversation"])


async def shared(three: Three) -> tuple[str, str]:
    """FR has referred a person to AL, and AL, within the grant, to IT, which has asked back; both conversations."""
    b, c = three.b, three.c
    first = await began(three)
    second = await pass_on(three, first)
    await three.until(lambda: has(c, "referral.request/1"), seconds=60)
    question = example("info.request/1", "AL", consent_ref=CONSENT) | {"purpose": "referral"}
    question["content"]["items"][0]["why_needed"] = MARKS["answer"]
    await c.call("message.submit", **question | {"conversation": second})
    await three.until(lambda: has(b, "info.request/1"), seconds=60)
    return first, second


def has(party: Party, body_type: str) -> bool:
    """Whether the case system of a party was given a message of this type."""
    return body_type in [item.type for item in party.deliveries()]


def rows(database: Path) -> list[SealedRow]:
    """Every sealed row of a database file."""
    with sqlite3.connect(database) as connection:
        query = "select d.ref, d.epoch, d.wrapped, s.data, s.form from datakey d join sealed s on s.ref = d.ref"
        found = [SealedRow(ref=r, epoch=e, wrapped=w, data=d, form=f) for r, e, w, d, f in connection.execute(query)]
    connection.close()
    return found


def opened(party: Party, database: Path) -> Iterator[bytes]:
    """Whatever of a database opens with all keys that the node has now."""
    for plain in party.running.sealer.open_each(rows(database)):
        if not isinstance(plain, RefusedError):
            yield plain


def marks_in(party: Party, database: Path) -> list[str]:
    """Every mark that can be read in a database: in its bytes, and in what opens."""
    scanner = Scanner.of(MARKS)
    found = list(scanner.data("the file", database.read_bytes()))
    for plain in opened(party, database):
        found += scanner.data("a row", plain)
    return found


async def backed_up(party: Party) -> Path:
    """Yesterday's data backup, made while the node works."""
    made = await party.call("backup.make", folder=str(party.folder.parent / f"{party.name}-yesterday"))
    return Path(made["data"])


def unpacked(backup: Path, key: EncPrivateKey) -> Path:
    """The folder with the files of a data backup that opens to its end and is signed by its node."""
    assert verify_backup(backup, key).header.size > 0
    folder = backup.with_suffix(".opened")
    folder.mkdir()
    with backup.open("rb") as file:
        opening = Opening(file.read, key)
        while (named := opening.member()) is not None:
            (folder / named[0]).write_bytes(b"".join(opening.chunks(named[1])))
    return folder


async def confirmations(party: Party) -> list[dict[str, Any]]:
    """The confirmations that a party was sent, oldest first."""
    listed = (await party.call("message.list", direction="in"))["messages"]
    ids = [item["id"] for item in reversed(listed) if item["type"] == "erasure.confirmation/1"]
    return [await party.show(id) for id in ids]


async def test_withdrawal_erases_along_the_chain(three: Three) -> None:
    """The whole story, with C away for a day; see the module text."""
    a, b, c = three.a, three.b, three.c
    case, _ = await shared(three)
    old = {party.name: await backed_up(party) for party in (b, c)}
    yesterday = {name: unpacked(backup, three.recovery) for name, backup in old.items()}
    for party in (b, c):  # what is looked for can be found
        assert marks_in(party, yesterday[party.name] / DATABASE)
    wire = Spoiler(b)
    wire.away = True
    done = await a.call("consent.withdraw", id=CONSENT, by="w-1", erase_wanted=True)
    assert [told["peer"] for told in done["told"]] == ["AL"]
    await three.until(lambda: has(b, "consent.withdrawal/1"), seconds=60)
    three.clock.advance(DAY + 60)

    async def gone() -> bool:
        return await b.rows("select state from request") == [("followed",)]

    await three.until(gone, seconds=90)
    assert await confirmations(a) == []  # who had it from B has not said anything yet
    wire.away = False
    await three.until(lambda: has(c, "consent.withdrawal/1"), seconds=90)
    three.clock.advance(DAY + 60)

    async def answered() -> bool:
        return bool(await confirmations(a))

    await three.until(answered, seconds=120)
    await nothing_is_left(three, yesterday)
    await two_certificates(three, case)


async def nothing_is_left(three: Three, yesterday: dict[str, Path]) -> None:
    """No file, and no row of today or yesterday, says anything of what was planted; the case systems are empty."""
    for party in (three.b, three.c):
        await party.running.store.checkpoint(truncate=True)
        assert list(Scanner.of(MARKS).folders([party.folder])) == []
        assert marks_in(party, party.folder / "node.db") == []
        assert list(Scanner.of(MARKS).folders([yesterday[party.name]])) == []
        assert marks_in(party, yesterday[party.name] / DATABASE) == []
        assert not has(party, "referral.request/1")
        assert await party.rows("select count(*) from consent") == [(0,)]


async def two_certificates(three: Three, case: str) -> None:
    """A verifies both without B and C: the receipts of B in the bundle, and what B forwards of C."""
    a, b, c = three.a, three.b, three.c
    (said,) = await confirmations(a)
    assert said["content"]["result"] == "erased"
    assert said["content"]["told_onward"] == [unit_of(c)]
    assert {"place": "recipient", "done": "erased"} in said["content"]["places"]
    (onward,) = said["onward"]
    assert (onward["node"], onward["verified"], onward["vouched_by"]) == (c.running.own.node, True, "AL")
    assert onward["erased"] >= 1
    exported = canon(await a.call("evidence.export", id=case, disclose=True, by="w-1"))
    report = verify(exported, {p.running.own.descriptor.fingerprint for p in (a, b)})
    erased = [line for message in report.messages for line in message.proven if "erased the content" in line]
    assert len(erased) >= 2  # consent record and referral
    assert any(c.running.own.node in line for message in report.messages for line in message.proven)
    assert not [kind for kind in await a.alarms() if kind.startswith("erasure.")]


async def test_who_was_away_erases_on_return(three: Three) -> None:
    """B was down when the person withdrew; it erases and tells on as soon as it is back, and C after it."""
    a, b, c = three.a, three.b, three.c
    await shared(three)
    await b.stop()
    await a.call("consent.withdraw", id=CONSENT, by="w-1", erase_wanted=True)
    three.clock.advance(DAY)
    await b.start()
    await three.until(lambda: has(b, "consent.withdrawal/1"), seconds=200)
    await three.until(lambda: has(c, "consent.withdrawal/1"), seconds=200)
    three.clock.advance(DAY + 60)
    for party in (b, c):

        async def gone(party: Party = party) -> bool:
            return not has(party, "referral.request/1")

        await three.until(gone, seconds=120)
        assert marks_in(party, party.folder / "node.db") == []


async def test_who_passed_data_on_tells_both_ways(three: Three) -> None:
    """The person withdraws at B: who recorded the consent is told, and who had the data from B."""
    await shared(three)
    done = await three.b.call("consent.withdraw", id=CONSENT, by="w-2")
    assert {told["peer"] for told in done["told"]} == {"FR", "IT"}
    for party in (three.a, three.c):
        await three.until(lambda party=party: has(party, "consent.withdrawal/1"), seconds=60)


async def test_who_gets_the_data_during_a_withdrawal_is_told(three: Three, monkeypatch: pytest.MonkeyPatch) -> None:
    """The person withdraws at B, and while that is made ready a colleague passes the data on to C, which takes them: C
    hears of the withdrawal as well.
    """
    first, prepare = await began(three), Withdrawer._prepare

    async def prepare_slowly(*given: Any) -> Any:
        if not has(three.c, "referral.request/1"):
            await pass_on(three, first)
            await three.until(lambda: has(three.c, "referral.request/1"), seconds=60)
        return await prepare(*given)

    monkeypatch.setattr(Withdrawer, "_prepare", prepare_slowly)
    done = await three.b.call("consent.withdraw", id=CONSENT, by="w-2")
    assert sorted(told["peer"] for told in done["told"]) == ["FR", "IT"]
    await three.until(lambda: has(three.c, "consent.withdrawal/1"), seconds=60)
    assert "consent.untold" not in await three.b.alarms()


async def test_who_may_have_the_data_since_a_restore_is_told(three: Three) -> None:
    """B lost its disk when it had passed the data on to C, and its backup is of the moment before: it can only ask
    whether C has them. The person withdraws at B before the links begin anew, and C is told.
    """
    b, c = three.b, three.c
    first, wire = await began(three), Spoiler(b)
    wire.away = True
    await pass_on(three, first)
    made = await b.call("backup.make", folder=str(b.folder.parent / "before"))
    wire.away = False
    await three.until(lambda: has(c, "referral.request/1"), seconds=200)
    await b.stop()
    shutil.rmtree(b.folder)
    backups = (Path(made["data"]), Path(made["keystore"]))
    await restore(*backups, three.recovery, b.folder, PASSPHRASE, ledger=None, clock=three.clock, cost=CHEAP)
    await b.start()
    done = await b.call("consent.withdraw", id=CONSENT, by="w-2")
    assert sorted(told["peer"] for told in done["told"]) == ["FR", "IT"]


async def test_who_never_had_the_record_keeps_from_its_case_system_what_was_taken_back(three: Three) -> None:
    """The case system of C is away when B passes the data on and the person withdraws at A. B tells C, which knows the
    consent by its name alone: the referral is held for a person, and the case system is told of the withdrawal.
    """
    c = three.c
    c.system.busy = 1_000_000
    await pass_on(three, await began(three))

    async def came(count: int) -> bool:
        return await c.rows("select count(*) from message where direction = 'in'") == [(count,)]

    await three.until(lambda: came(1), seconds=60)
    await three.a.call("consent.withdraw", id=CONSENT, by="w-1")
    await three.until(lambda: came(2), seconds=60)
    assert await c.rows("select count(*) from consent") == [(0,)]
    c.system.busy = 0
    await three.until(lambda: has(c, "consent.withdrawal/1"), seconds=60)

    async def held() -> bool:
        return "message.held" in await c.alarms()

    await three.until(held, seconds=60)
    assert await c.rows("select reason from message where state = 'held'") == [("gate_g7",)]
    assert not has(c, "referral.request/1")


async def test_who_recorded_it_hears_what_was_said_to_somebody_it_does_not_know(three: Three) -> None:
    """The person withdraws at C, which has the data from B and knows nothing of A: B tells A, whose consent it is, and
    A's conversation stands still (domain 7.9).
    """
    first, _ = await shared(three)
    done = await three.c.call("consent.withdraw", id=CONSENT, by="w-3")
    assert [told["peer"] for told in done["told"]] == ["AL"]
    await three.until(lambda: has(three.a, "consent.withdrawal/1"), seconds=60)
    assert (await three.a.call("consent.show", id=CONSENT))["state"] == "withdrawn"
    assert "consent_withdrawn" in (await stands(three.a, first))["overlays"]
    await three.until(lambda: has(three.b, "consent.withdrawal/1"), seconds=60)
    three.clock.advance(DAY + 60)
    assert await confirmations(three.b) == []  # nobody was asked to erase anything


async def test_whom_no_word_of_it_goes_to_gets_no_record(three: Three) -> None:
    """The person takes a part back at A while the record of B waits for C, which B suspended for a cause: once people
    resume C, it gets nothing of it.
    """
    a, b, c = three.a, three.b, three.c
    record = example("consent.record/1", "FR")["content"] | {"consent_id": CONSENT}
    grant = {"recipient_units": [unit_of(a), unit_of(c)], "data_categories": CATEGORIES, "until": "2027-11-30"}
    record["grants"] = [grant | {"purpose": purpose} for purpose in ("referral", "monitoring")]
    case = (await b.call("case.open", label="Blue 7", by="w-2"))["id"]
    await b.call("consent.record", by="w-2", case=case, content=record)
    await b.call("message.submit", **referral(a, MARKS["first"]), case=case)
    await three.until(lambda: has(a, "referral.request/1"), seconds=60)
    wire = Spoiler(b)
    wire.away = True
    await b.call("message.submit", **referral(c, MARKS["passed on"]), case=case)
    await b.running.sync.suspend_for_cause(c.running.own.node, Code.EQUIVOCATION, None)
    wire.away = False
    await a.call("consent.withdraw", id=CONSENT, by="w-1", grants=[1])

    async def told() -> bool:
        return "consent.untold" in await b.alarms()

    await three.until(told, seconds=120)
    await b.changes("peer.resume", peer=c.name)

    async def decided() -> bool:
        left = await b.rows("select 1 from message where direction = 'out' and state in ('queued', 'awaiting_receipt')")
        return not left

    await three.until(decided, seconds=120)
    assert c.deliveries() == []


async def test_who_had_what_was_erased_here_is_told(three: Three) -> None:
    """B erased all it said to C, and then the person withdraws at A and wants everything erased: C hears it from B,
    where their conversation was, erases what B passed on, and nobody has to telephone (threat 58).
    """
    a, b, c = three.a, three.b, three.c
    _, second = await shared(three)
    await b.call("conversation.erase", id=second, by="w-2", reason="not_needed")
    await a.call("consent.withdraw", id=CONSENT, by="w-1", erase_wanted=True)
    await three.until(lambda: has(c, "consent.withdrawal/1"), seconds=60)
    assert "consent_withdrawn" in (await stands(c, second))["overlays"]
    assert "erasure.untold" not in await b.alarms()
    three.clock.advance(DAY + 60)

    async def gone() -> bool:
        return not has(c, "referral.request/1")

    await three.until(gone, seconds=120)
    assert marks_in(c, c.folder / "node.db") == []


async def test_a_request_to_erase_names_what_was_erased_here(three: Three) -> None:
    """A asks B to erase the conversation, of which B erased what it passed on to C: C is asked for that by its id."""
    a, b, c = three.a, three.b, three.c
    first, second = await shared(three)
    passed_on = (await b.call("conversation.show", id=second))["messages"]
    await b.call("conversation.erase", id=second, by="w-2", reason="not_needed")
    request = example("erasure.request/1", "AL") | {"conversation": first}
    request["content"] = {"scope": "conversation", "ground": "not_needed"}
    await a.call("message.submit", **request)
    await three.until(lambda: has(c, "erasure.request/1"), seconds=60)
    (asked,) = [item for item in c.deliveries() if item.type == "erasure.request/1"]
    sent = {one["id"] for one in passed_on if one["direction"] == "out" and one["type"] != "info.request/1"}
    assert set((await c.show(asked.message_id))["content"]["targets"]) == sent
