"""The promises of an adapter as checks that run: on ours, on yours, on a fake.

Each check gets a fresh, empty `Bench`:

    for name, check in CHECKS.items():
        await check(MyBench())
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from adapters.kit.contract import MARKER, Bench, BrokenContractError, a_delivery, a_notice, require
from gateway.errors import Code, Finding, GatewayError, RefusedError
from gateway.ports import BulkAdapter, BulkSettler, Erasure, LocalRecord, NoticeKind

Check = Callable[[Bench], Awaitable[None]]


async def is_described(bench: Bench) -> None:
    """An adapter says what it is, and says the same after a restart."""
    description = bench.adapter().describe()
    require(bool(description.kind and description.version and description.target), "description has an empty member")
    require(description == bench.adapter().describe(), "description changes with a restart")


async def is_healthy(bench: Bench) -> None:
    """A local system in order gives no finding, and an empty one gives no record."""
    bench.offer("one")
    require(not await bench.adapter().check(), "check finds something in a system that is in order")


async def pulls_until_settled(bench: Bench) -> None:
    """A record comes again, the same each time and after a restart, until it is settled; then never."""
    bench.offer("one")
    bench.offer("two")
    first = await bench.adapter().pull()
    require(len(first) == 2 and not any(record.faults for record in first), "two good records were not pulled")
    adapter = bench.adapter()
    again = await adapter.pull()
    require(_said(again) == _said(first), "a record changes between two pulls")
    await adapter.settle(again[0], a_notice(again[0].ref, NoticeKind.DRAFTED))
    for either in (adapter, bench.adapter()):
        left = [record.ref for record in await either.pull()]
        require(left == [again[1].ref], "a settled record is pulled again, or another one is not")


async def settles_once(bench: Bench) -> None:
    """Settling twice, and after a restart, is settling once."""
    bench.offer("one")
    adapter = bench.adapter()
    (record,) = await adapter.pull()
    notice = a_notice(record.ref, NoticeKind.DRAFTED)
    await adapter.settle(record, notice)
    await adapter.settle(record, notice)
    await bench.adapter().settle(record, notice)
    require(not await bench.adapter().pull(), "a settled record is pulled again")


async def refused_is_told(bench: Bench) -> None:
    """A refused record is not pulled again while it stays as it is, and the local system shows the rule."""
    bench.offer("one")
    adapter = bench.adapter()
    (record,) = await adapter.pull()
    finding = Finding(place="/content/person", rule="rule_of_the_check")
    await adapter.settle(record, a_notice(record.ref, NoticeKind.REFUSED, findings=(finding,)))
    require(not await bench.adapter().pull(), "a refused record is pulled again")
    require(bench.shows("rule_of_the_check"), "the reason of a refusal is not shown")


async def faults_name_places(bench: Bench) -> None:
    """A record that cannot be read comes with its faults, which repeat no value; a good one beside it comes as well."""
    bench.offer("good")
    bench.offer_bad("bad")
    records = await bench.adapter().pull()
    bad = [record for record in records if record.faults]
    require(len(records) == 2 and len(bad) == 1, "one faulty and one good record were not pulled")
    for finding in bad[0].faults:
        require(bool(finding.rule), "a fault has no rule")
        require(MARKER not in f"{finding.place}{finding.rule}{finding.hint}", "a fault repeats a value")
    require(MARKER not in bad[0].ref, "a ref repeats a value")


async def one_key_once(bench: Bench) -> None:
    """One key makes one item and one local id: repeated, after a restart, and at the same time."""
    adapter = bench.adapter()
    item = a_delivery()
    ids = {await adapter.push(item), await adapter.push(item), await bench.adapter().push(item)}
    ids |= set(await asyncio.gather(*(adapter.push(item) for _ in range(8))))
    require(len(ids) == 1, "one key has more than one local id")
    require(bench.received() == [item.message_id], "one key is shown more than once, or not at all")


async def two_keys_twice(bench: Bench) -> None:
    """Different keys are different items, also when they arrive together."""
    adapter = bench.adapter()
    items = [a_delivery(key=f"key-{number}", message_id=f"{number:022d}") for number in range(10)]
    ids = await asyncio.gather(*(adapter.push(item) for item in items))
    require(len(set(ids)) == len(items), "two keys share a local id")
    require(sorted(bench.received()) == sorted(item.message_id for item in items), "an item is missing or doubled")


async def many_at_once(bench: Bench) -> None:
    """An adapter that takes several items at once makes of each what `push` makes of it, once for each key."""
    adapter, later = bench.adapter(), bench.adapter()
    if not (isinstance(adapter, BulkAdapter) and isinstance(later, BulkAdapter)):
        return
    items = [a_delivery(key=f"key-{number}", message_id=f"{number:022d}") for number in range(5)]
    first = await adapter.push(items[1])
    ids = list(await adapter.push_all([*items, items[0]]))
    require(not any(isinstance(outcome, GatewayError) for outcome in ids), "an item was not taken")
    require(ids[1] == first and ids[5] == ids[0], "one key has more than one local id")
    require(len(set(map(str, ids))) == len(items), "two keys share a local id")
    require(list(await later.push_all(items)) == ids[:5], "a repeat has other local ids")
    require(sorted(bench.received()) == sorted(item.message_id for item in items), "an item is missing or doubled")


async def many_settled_at_once(bench: Bench) -> None:
    """An adapter that settles several records at once settles each of them, and no other one."""
    adapter = bench.adapter()
    if not isinstance(adapter, BulkSettler):
        return
    for number in range(4):
        bench.offer(f"record-{number}")
    records = list(await adapter.pull())
    require(len(records) == 4, "a record that is ready is not pulled")
    outcomes = [
        (record, a_notice(record.ref, NoticeKind.DRAFTED, key=f"settled-{record.ref}")) for record in records[1:]
    ]
    await adapter.settle_all(outcomes)
    await adapter.settle_all(outcomes)
    for either in (adapter, bench.adapter()):
        left = [record.ref for record in await either.pull()]
        require(left == [records[0].ref], "a settled record is pulled again, or another one is not")


async def content_arrives(bench: Bench) -> None:
    """The local system shows the content of a message, in every script, with signs that a spreadsheet would run."""
    text = "=HYPERLINK(1) Ça va? Здрастуйте مرحبا"
    await bench.adapter().push(a_delivery(text=text))
    require(bench.shows(text), "the text of a message is not shown as it was sent")


async def notices_once(bench: Bench) -> None:
    """News is shown once for each key."""
    bench.offer("one")
    adapter = bench.adapter()
    (record,) = await adapter.pull()
    await adapter.settle(record, a_notice(record.ref, NoticeKind.DRAFTED))
    notice = a_notice(record.ref, NoticeKind.RECEIVED, key="notice-2", at=1_750_000_200)
    ids = {await adapter.push(notice), await adapter.push(notice), await bench.adapter().push(notice)}
    require(len(ids) == 1, "one key has more than one local id")
    require(bench.noticed().count("received") == 1, "a notice is shown more than once, or not at all")


async def status_is_known(bench: Bench) -> None:
    """An item that was handed over has a status, also after a restart; any id that was never given is refused."""
    local_id = await bench.adapter().push(a_delivery())
    require(bool(await bench.adapter().status(local_id)), "an item has no status")
    for unknown in ("", "nothing", "../../etc/passwd", local_id + "x", "incoming/\n#a"):
        await _is_not_found(bench.adapter().status(unknown))
        await _is_not_found(bench.adapter().erase(unknown))


async def erased_is_gone(bench: Bench) -> None:
    """Erasing takes the item away, says the same when repeated, and no repeat of the key brings it back."""
    adapter = bench.adapter()
    kept, gone = a_delivery(text="stays here"), a_delivery(key="key-2", message_id="C" * 22, text=MARKER)
    await adapter.push(kept)
    local_id = await adapter.push(gone)
    answers = {await adapter.erase(local_id), await adapter.erase(local_id), await bench.adapter().erase(local_id)}
    require(answers == {adapter.describe().erasure}, "erasing answers unlike the description, or changes its answer")
    if Erasure.ERASED in answers:
        require(await bench.adapter().push(gone) == local_id, "a key has another local id after erasing")
        require(bench.received() == [kept.message_id], "an erased item is shown, or another one is gone")
        require(not bench.shows(MARKER), "an erased value can still be found")
        require(bench.shows("stays here"), "erasing one item damages another")


async def erased_by_its_key(bench: Bench) -> None:
    """An item of which the node heard no answer is erased by its key, as by its local id."""
    item = a_delivery(text=MARKER)
    local_id = await bench.adapter().push(item)
    adapter = bench.adapter()
    answers = {await adapter.erase(item.key), await adapter.erase(local_id)}
    require(answers == {adapter.describe().erasure}, "erasing by the key answers unlike erasing by the local id")
    require(Erasure.ERASED not in answers or not bench.shows(MARKER), "an erased value can still be found")


CHECKS: Mapping[str, Check] = {
    check.__name__: check
    for check in (
        is_described,
        is_healthy,
        pulls_until_settled,
        settles_once,
        refused_is_told,
        faults_name_places,
        one_key_once,
        two_keys_twice,
        many_at_once,
        many_settled_at_once,
        content_arrives,
        notices_once,
        status_is_known,
        erased_is_gone,
        erased_by_its_key,
    )
}


def _said(records: object) -> object:
    if not isinstance(records, list | tuple):
        raise BrokenContractError("a pull is not a sequence")
    return [_content(record) for record in records]


def _content(record: LocalRecord) -> object:
    return record.ref, dict(record.fields), record.mapping, dict(record.places), record.faults


async def _is_not_found(answer: Awaitable[object]) -> None:
    try:
        await answer
    except RefusedError as exc:
        require(exc.code is Code.NOT_FOUND, "an unknown local id is refused with another code than not_found")
    except GatewayError as exc:
        raise BrokenContractError("an unknown local id is not refused") from exc
    else:
        raise BrokenContractError("an unknown local id is accepted")
