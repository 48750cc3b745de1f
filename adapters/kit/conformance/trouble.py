"""Cases with faults: a process that is killed, a system that is away, slow, full or confused."""

from __future__ import annotations

from collections.abc import Mapping

from adapters.kit import victim
from adapters.kit.contract import BrokenContractError, Trouble, a_delivery, a_notice, require
from adapters.kit.trial import (
    LOOKS,
    TOLD,
    Trial,
    all_come,
    an_item,
    error_or_done,
    is_an_error,
    is_transient,
    node_of,
    says_nothing_of,
    settle_all,
    transient_or_done,
    where,
    within,
)
from gateway.ports import NoticeKind


async def killed_before_acknowledged(trial: Trial) -> None:
    """kill -9 between the push and its acknowledgement: the repeat finds the item and makes no second one."""
    item = a_delivery()
    first = await victim.killed_after(where(trial), item)
    require(await trial.bench.adapter().push(item) == first, "the repeat gets another local id")
    require(trial.bench.received() == [item.message_id], "the repeat makes a second item, or there is none")


async def killed_while_pushing(trial: Trial) -> None:
    """kill -9 at some moment of the push: the repeat makes one item out of whatever is there."""
    for number, seconds in enumerate((0.002, 0.02)):
        item = an_item(number)
        await victim.killed_while(where(trial), item, seconds)
        await trial.bench.adapter().push(item)
        require(trial.bench.received().count(item.message_id) == 1, "a killed push leaves two items, or none")


async def push_fails_and_goes_on(trial: Trial, *, trouble: Trouble) -> None:
    """A hand-over that fails for now is tried again and then made once."""
    item = a_delivery(text=TOLD)
    with trial.bench.trouble(trouble):
        await is_transient(trial.bench.adapter().push(item), "push")
    await trial.bench.adapter().push(item)
    require(trial.bench.received() == [item.message_id], "afterwards it is there twice, or not at all")


async def pull_fails_and_goes_on(trial: Trial, *, trouble: Trouble) -> None:
    """A system that cannot be read now is not an empty one, and loses nothing."""
    trial.bench.offer("one")
    with trial.bench.trouble(trouble):
        await is_transient(trial.bench.adapter().pull(), "pull")
    require(len(await trial.bench.adapter().pull()) == 1, "afterwards the record does not come")


async def trouble_is_found(trial: Trial, *, trouble: Trouble) -> None:
    """`check` reports the fault to an operator and does not fail itself."""
    adapter = trial.bench.adapter()
    with trial.bench.trouble(trouble):
        found = await within(adapter.check(), "check")
        require(bool(found), "check finds nothing wrong")
        says_nothing_of(found)
    require(not await trial.bench.adapter().check(), "check finds something after it is over")


async def cut_push_is_one(trial: Trial) -> None:
    """The system took the item and the connection ended before it said so."""
    item = a_delivery()
    with trial.bench.trouble(Trouble.CUT):
        await transient_or_done(trial.bench.adapter().push(item), "push")
    await trial.bench.adapter().push(item)
    require(trial.bench.received() == [item.message_id], "the repeat makes a second item")


async def cut_settle_is_one(trial: Trial) -> None:
    """A record whose settling was cut off is settled again when it comes again, and then does not come again."""
    trial.bench.offer("one")
    adapter = trial.bench.adapter()
    (record,) = await adapter.pull()
    notice = a_notice(record.ref, NoticeKind.DRAFTED)
    with trial.bench.trouble(Trouble.CUT):
        await transient_or_done(adapter.settle(record, notice), "settle")
    later = trial.bench.adapter()
    for again in await later.pull():
        require(again.ref == record.ref, "another record comes")
        await later.settle(again, notice)
    require(not await trial.bench.adapter().pull(), "a settled record comes again")


async def cut_erase_is_told(trial: Trial) -> None:
    """When erasing was cut off, the repeat answers as the first time would have."""
    adapter = trial.bench.adapter()
    local_id = await adapter.push(a_delivery())
    with trial.bench.trouble(Trouble.CUT):
        await transient_or_done(adapter.erase(local_id), "erase")
    answer = await trial.bench.adapter().erase(local_id)
    require(answer is adapter.describe().erasure, "the repeat answers unlike the description")


async def session_is_renewed(trial: Trial) -> None:
    """A session that has ended is begun anew, without an error."""
    trial.bench.offer("one")
    adapter = trial.bench.adapter()
    await adapter.pull()
    with trial.bench.trouble(Trouble.EXPIRED):
        require(len(await adapter.pull()) == 1, "a pull after the session ended gets nothing")
    await adapter.push(a_delivery())
    with trial.bench.trouble(Trouble.EXPIRED):
        await adapter.push(an_item(2))
    require(len(trial.bench.received()) == 2, "a push after the session ended is lost or doubled")


async def locked_out_is_told(trial: Trial) -> None:
    """Refused credentials are an error and a finding that reveal no password; once they work, everything goes on."""
    item = a_delivery(text=TOLD)
    with trial.bench.trouble(Trouble.LOCKED_OUT):
        adapter = trial.bench.adapter()
        await is_an_error(adapter.push(item), "push")
        await is_an_error(adapter.pull(), "pull")
        found = await within(adapter.check(), "check")
        require(bool(found), "check finds nothing wrong")
        says_nothing_of(found)
    await trial.bench.adapter().push(item)
    require(trial.bench.received() == [item.message_id], "afterwards the item is there twice, or not at all")


async def garbled_is_an_error(trial: Trial) -> None:
    """An answer of another kind than was promised is an error, not an empty list, and loses nothing."""
    trial.bench.offer("one")
    with trial.bench.trouble(Trouble.GARBLED):
        await is_an_error(trial.bench.adapter().pull(), "pull")
    require(len(await trial.bench.adapter().pull()) == 1, "afterwards the record does not come")


async def garbled_push_is_one(trial: Trial) -> None:
    """After a hand-over with a garbled answer, the repeat makes one item."""
    item = a_delivery(text=TOLD)
    with trial.bench.trouble(Trouble.GARBLED):
        await error_or_done(trial.bench.adapter().push(item), "push")
    await trial.bench.adapter().push(item)
    require(trial.bench.received() == [item.message_id], "afterwards it is there twice, or not at all")


async def all_pages_are_read(trial: Trial) -> None:
    """A system that returns little at a time returns everything in the end."""
    with trial.bench.trouble(Trouble.SMALL_PAGES):
        await all_come(trial.bench)


async def equal_stamps_lose_nothing(trial: Trial) -> None:
    """Records that changed at one moment all come, also those that are written when the first of them are settled."""
    with trial.bench.trouble(Trouble.EQUAL_STAMPS):
        await all_come(trial.bench)


async def a_wrong_clock_loses_nothing(trial: Trial, *, trouble: Trouble) -> None:
    """A record stamped before the last one seen, or tomorrow, comes like any other, and so do those after it."""
    bench = trial.bench
    bench.offer("before")
    adapter = bench.adapter()
    await settle_all(adapter, 1)
    with bench.trouble(trouble):
        bench.offer("wrong")
        await settle_all(adapter, 1, looks=LOOKS)
    bench.offer("after")
    await settle_all(adapter, 1, looks=LOOKS)
    require(not await bench.adapter().pull(), "a settled record comes again")


async def unmapped_code_is_refused(trial: Trial) -> None:
    """A code that the mapping file does not know is a finding at its place; it never becomes another one."""
    node = node_of(trial)
    with trial.bench.trouble(Trouble.UNMAPPED_CODE):
        trial.bench.offer("one")
        (record,) = await trial.bench.adapter().pull()
    made = node.draft(record)
    require(not isinstance(made, Mapping), "the record becomes a draft: the code was changed or left out")
    if not isinstance(made, Mapping):
        rules = {finding.rule for finding in (*record.faults, *made)}
        require("unmapped_code" in rules, f"the findings do not say unmapped_code but {', '.join(sorted(rules))}")
        says_nothing_of(made)


async def mapping_is_clean(trial: Trial) -> None:
    """The mapping files pass `trm mapping check`."""
    faults = node_of(trial).mapping_faults()
    told = "; ".join(f"{finding.place}: {finding.rule}" for finding in faults[:3])
    require(not faults, f"{len(faults)} fault(s), such as {told}")


async def record_is_mapped(trial: Trial) -> None:
    """A good record has what the mapping file reads: it becomes a draft."""
    node = node_of(trial)
    trial.bench.offer("one")
    (record,) = await trial.bench.adapter().pull()
    made = node.draft(record)
    if not isinstance(made, Mapping):
        told = "; ".join(f"{finding.place}: {finding.rule}" for finding in made[:3])
        raise BrokenContractError(f"a good record becomes no draft: {told}")
