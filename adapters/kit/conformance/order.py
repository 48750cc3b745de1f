"""Cases without faults: the everyday calls of an adapter, and odd content in them."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from adapters.kit import silence
from adapters.kit.contract import MARKER, a_delivery, a_notice, require
from adapters.kit.trial import TOLD, Trial, all_come, an_item
from gateway.errors import RefusedError
from gateway.ports import Delivery, Erasure, Json, Notice, NoticeKind


async def empty_gives_nothing(trial: Trial) -> None:
    """An empty local system gives no record."""
    require(not list(await trial.bench.adapter().pull()), "a record comes out of an empty system")


async def many_are_pulled_once(trial: Trial) -> None:
    """Many records come, each once, however many batches it takes."""
    await all_come(trial.bench)


async def check_changes_nothing(trial: Trial) -> None:
    """Looking after the local system takes nothing from it and puts nothing there."""
    trial.bench.offer("one")
    adapter = trial.bench.adapter()
    before = [record.ref for record in await adapter.pull()]
    await adapter.check()
    require([record.ref for record in await adapter.pull()] == before, "check changes what is pulled")
    require(not trial.bench.received() and not trial.bench.noticed(), "check puts something into the system")


async def pull_settles_nothing(trial: Trial) -> None:
    """A record that was pulled and never settled, as when the node is stopped, comes to the next adapter."""
    trial.bench.offer("one")
    (first,) = await trial.bench.adapter().pull()
    (second,) = await trial.bench.adapter().pull()
    require(first.ref == second.ref, "the next adapter does not see the record, or under another ref")


async def drafted_is_told(trial: Trial) -> None:
    """The office sees that its record has become a draft."""
    trial.bench.offer("one")
    adapter = trial.bench.adapter()
    (record,) = await adapter.pull()
    await adapter.settle(record, a_notice(record.ref, NoticeKind.DRAFTED))
    await adapter.push(a_notice(record.ref, NoticeKind.QUEUED, key="notice-2"))
    require("queued" in trial.bench.noticed(), "news about a record is not shown")


async def every_kind_of_news(trial: Trial) -> None:
    """Every outcome of a record can be shown to the office."""
    trial.bench.offer("one")
    adapter = trial.bench.adapter()
    (record,) = await adapter.pull()
    await adapter.settle(record, a_notice(record.ref, NoticeKind.DRAFTED))
    told = [kind for kind in NoticeKind if kind not in (NoticeKind.DRAFTED, NoticeKind.REFUSED)]
    for number, kind in enumerate(told):
        at = 1_750_000_200 + number
        await adapter.push(a_notice(record.ref, kind, key=f"notice-{number + 2}", at=at))


async def every_type_of_message(trial: Trial) -> None:
    """A message of any type is taken, or put before a person: an acceptance, a withdrawal, an alert out of order."""
    adapter = trial.bench.adapter()
    types = ("referral.accept/1", "consent.withdrawal/1", "safety.alert/1")
    taken = []
    for number, body_type in enumerate(types):
        item = replace(an_item(number), type=body_type, purpose=None, in_reply_to="D" * 22, out_of_order=True)
        try:
            await adapter.push(item)
        except RefusedError:  # it belongs to nothing that the local system has, and a person looks at it
            continue
        taken.append(item.message_id)
    require(sorted(trial.bench.received()) == sorted(taken), "what was taken is not what is shown")


async def odd_content(trial: Trial) -> None:
    """Nothing in a message is too odd: empty, nested, null, long, in any script."""
    content: dict[str, Json] = {
        "empty": {},
        "list": [],
        "nothing": None,
        "deep": {"a": [{"b": [{"c": "\u202eabc\u202c"}]}]},
        "odd": "'; DROP TABLE cases; -- \" ` $(x) %s {0} <b> \\",
        "emoji": "\U0001f468\u200d\U0001f469\u200d\U0001f467 \ufeff",
        "long": "x" * 40_000,
        "number": 2**53 - 1,
    }
    item = replace(a_delivery(), content=content)
    await trial.bench.adapter().push(item)
    require(trial.bench.received() == [item.message_id], "it is not shown")


async def one_key_also_for_news(trial: Trial) -> None:
    """News and messages that come together disturb each other in nothing."""
    trial.bench.offer("one")
    adapter = trial.bench.adapter()
    (record,) = await adapter.pull()
    await adapter.settle(record, a_notice(record.ref, NoticeKind.DRAFTED))
    news = [a_notice(record.ref, kind, key=f"n-{kind}") for kind in (NoticeKind.RECEIVED, NoticeKind.DELIVERED)]
    items: list[Delivery | Notice] = [*news, *(an_item(number) for number in range(3))]
    ids = await asyncio.gather(*(adapter.push(item) for item in [*items, *items]))
    require(ids[: len(items)] == ids[len(items) :], "one key has two local ids")
    require(len(trial.bench.received()) == 3, "a message is missing or doubled")


async def erasing_is_honest(trial: Trial) -> None:
    """An answer is never better than the truth: what is `erased` cannot be found."""
    item = a_delivery(text=TOLD)
    adapter = trial.bench.adapter()
    answer = await adapter.erase(await adapter.push(item))
    require(isinstance(answer, Erasure), "erase answers something else than an Erasure")
    if answer is Erasure.ERASED:
        require(not trial.bench.shows(TOLD), "it says erased, and the content can be found")


async def erasing_takes_one(trial: Trial) -> None:
    """Erasing one of many, at the same time as others come, takes that one."""
    adapter = trial.bench.adapter()
    ids = [await adapter.push(an_item(number)) for number in range(3)]
    answers = await asyncio.gather(adapter.erase(ids[1]), adapter.push(an_item(4)))
    require(answers[0] is adapter.describe().erasure, "erasing answers unlike the description")
    if answers[0] is Erasure.ERASED:
        left = sorted(an_item(number).message_id for number in (0, 2, 4))
        require(sorted(trial.bench.received()) == left, "another item than the erased one is gone, or it is there")


async def cancelled_anywhere(trial: Trial) -> None:
    """A push that is cancelled at any of its steps can be repeated, and makes one item."""
    item, adapter = a_delivery(), trial.bench.adapter()
    for steps in (1, 2, 3, 5, 8, 13, 30):
        pushing = asyncio.ensure_future(adapter.push(item))
        for _ in range(steps):
            await asyncio.sleep(0)
        pushing.cancel()
        await asyncio.gather(pushing, return_exceptions=True)
    await adapter.push(item)
    require(trial.bench.received() == [item.message_id], "a cancelled push leaves two items, or none")


async def says_nothing(trial: Trial) -> None:
    """No log line, no output and no warning of a whole working day holds content."""
    bench = trial.bench
    with silence.heard() as words:
        bench.offer("good")
        bench.offer_bad("bad")
        adapter = bench.adapter()
        for record in await adapter.pull():
            kind = NoticeKind.REFUSED if record.faults else NoticeKind.DRAFTED
            await adapter.settle(record, a_notice(record.ref, kind, findings=record.faults))
        local_id = await adapter.push(a_delivery(text=TOLD))
        await adapter.status(local_id)
        await adapter.check()
        await adapter.erase(local_id)
    for secret in (MARKER, TOLD):
        require(secret not in words(), "content is logged or printed")


async def description_says_nothing(trial: Trial) -> None:
    """The description of the adapter holds no password: it is shown to operators."""
    described = trial.bench.adapter().describe()
    require("://" not in described.target or "@" not in described.target, "the target names a user or a password")
    if trial.kind is not None:
        require(described.kind == trial.kind, "the description names another kind than the one that is registered")
