"""News about records of the case system come in order for each record, whatever fails between (nrm1 12.8)."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from support.connected import begin_with
from support.memory_adapter import MemoryAdapter, MemorySystem
from support.pair import example, two_nodes
from support.running import CHEAP, PASSPHRASE, make

from adapters.kit.contract import Trouble
from adapters.kit.kind import find
from adapters.primero.bench import PrimeroBench
from adapters.primero.setup import first_mapping
from gateway.app import open_node
from gateway.database import content, journal
from gateway.errors import Code, RefusedError
from gateway.messages.store import local
from gateway.ports import Delivery, Notice


class Picky(MemoryAdapter):
    """Refuses news about the records in `unwanted`."""

    unwanted: frozenset[str] = frozenset()

    async def push(self, item: Delivery | Notice) -> str:
        """Take it, or not."""
        if isinstance(item, Notice) and item.ref in self.unwanted:
            raise RefusedError(Code.ADAPTER_REFUSED, "no such record")
        return await super().push(item)


async def owing(base: Path, adapter: MemoryAdapter):
    """A node, not served, that owes news about two records: two of "a", then one of "b"."""
    await make(base, "FR", endpoint=1, listen=1)
    node, closing = await open_node(base / "FR", PASSPHRASE, at_least=CHEAP, adapter=adapter)
    rows = {name: node.sealer.seal(node.store.new_ref(), name.encode()) for name in "ab"}

    def move(connection) -> None:
        content.put(connection, rows.values())
        for name, kind in (("a", "queued"), ("a", "received"), ("b", "queued")):
            local.add_notice(connection, kind=kind, origin=rows[name].ref, at=1)

    await node.store.move(move)
    return node, closing


def told(system: MemorySystem) -> list[tuple[str, str]]:
    """What the case system was told, in order."""
    return [(item.ref, str(item.kind)) for item in system.items.values() if isinstance(item, Notice)]


async def test_news_keeps_its_order_when_the_system_is_busy(tmp_path: Path):
    """The first news failed and has to wait: the second one about the same record does not overtake it."""
    system = MemorySystem(busy=1)
    node, closing = await owing(tmp_path, MemoryAdapter(system))
    async with closing:
        handover = node.handover
        await handover.once()
        assert told(system) == []
        await handover.once()
        assert told(system) == [("b", "queued")]
        await node.store.move(lambda c: local.postpone_notice(c, 1, attempts=1, refusals=0, next_try=0))
        await handover.once()
        assert told(system) == [("b", "queued"), ("a", "queued"), ("a", "received")]


async def test_a_busy_system_is_not_asked_again_and_again(tmp_path: Path):
    """One attempt shows that it is busy; what else is owed is not postponed for it."""
    system = MemorySystem(busy=1_000)
    node, closing = await owing(tmp_path, MemoryAdapter(system))
    async with closing:
        assert await node.handover.once() is False
        assert len(system.pushes) == 1


async def test_one_refused_record_holds_up_no_other(tmp_path: Path):
    """News about other records goes on in the same round."""
    system = MemorySystem()
    adapter = Picky(system)
    adapter.unwanted = frozenset({"a"})
    node, closing = await owing(tmp_path, adapter)
    async with closing:
        await node.handover.once()
        assert told(system) == [("b", "queued")]


async def test_refused_news_is_told_once(tmp_path: Path):
    """At the third refusal a person is told, once, also where the alarm is dismissed; other failures do not count."""
    system = MemorySystem(busy=1)
    adapter = Picky(system)
    node, closing = await owing(tmp_path, adapter)
    async with closing:
        handover, store = (
            node.handover,
            node.store,
        )

        async def again() -> list[str]:
            await handover.once()
            await store.move(lambda c: c.exec_driver_sql("update notice set next_try = 0"))
            return [alarm.kind for alarm in await store.read(journal.open_alarms)]

        assert await again() == []
        adapter.unwanted = frozenset({"a"})
        assert [await again() for _ in range(3)] == [[], [], ["news.refused"]]
        await store.move(lambda c: journal.dismiss_alarm(c, 1, at=1))
        assert [await again() for _ in range(3)] == [[], [], []]
        adapter.unwanted = frozenset()
        await again()
        assert told(system)[-2:] == [("a", "queued"), ("a", "received")]


async def test_an_answer_waits_until_the_case_system_knows_its_record(tmp_path: Path):
    """A Primero that is away from the release of a draft until the peer has answered gets the news of its referral
    first, and then the answer beside it; no person is asked to take the answer at the desk.
    """
    async with find("primero").stand_in(tmp_path) as new, two_nodes(tmp_path) as two:
        bench = new()
        assert isinstance(bench, PrimeroBench)
        mapping = tmp_path / "first.yaml"
        mapping.write_text(first_mapping("AL", date(2027, 1, 15)), encoding="utf-8")
        settings = {**bench.settings(), "kind": "primero", "mapping": str(mapping)}
        await begin_with(two.fr, {name: value for name, value in settings.items() if name not in {"worker", "sends"}})
        bench.case(notes="try")
        drafts: list[dict[str, Any]] = []

        async def drafted() -> bool:
            drafts[:] = (await two.fr.call("draft.list"))["drafts"]
            return bool(drafts)

        await two.until(drafted, seconds=30, what="no draft was made of the referral")
        with bench.trouble(Trouble.FAILING):
            await two.fr.call("draft.release", id=drafts[0]["id"], by="w-1")
            await two.until(lambda: bool(two.al.deliveries()), seconds=60, what="the enquiry did not arrive")
            (asked,) = two.al.deliveries()
            reply = {"conversation": asked.conversation, "in_reply_to": asked.message_id}
            await two.al.call("message.submit", **example("enquiry.reply/1", "FR") | reply)

            async def waits() -> bool:
                return ((await two.fr.rows("SELECT max(attempts) FROM inbox"))[0][0] or 0) > 1

            await two.until(waits, seconds=60, what="the answer did not come to the node")
        await two.until(lambda: len(bench.received()) == 1, seconds=120, what="the answer is not in its case")
        assert bench.noticed()[:2] == ["drafted", "queued"]
        assert await two.fr.alarms() == []


async def test_no_answer_waits_for_a_hand_over_that_has_ended(tmp_path: Path):
    """Where another worker hands over by now, answers to the peer go at once."""
    async with two_nodes(tmp_path) as two:
        answering = two.al.running.answering
        assert answering.attended
        await two.al.rest()
        assert not answering.attended
