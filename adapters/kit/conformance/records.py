"""Cases about erasing a record that the local system gave, for adapters that can be asked to (`RecordEraser`)."""

from __future__ import annotations

from adapters.kit.contract import Bench, Trouble, a_notice, require
from adapters.kit.trial import Trial, is_transient, outcome_of, transient_or_done
from gateway.errors import Code, RefusedError
from gateway.ports import Erasure, LocalRecord, NoticeKind, RecordEraser

STAYS, GOES = "Stays-4713", "Xanthippe-4714"
"""What two records hold, and with some local systems their names."""


async def erased_record_is_gone(trial: Trial) -> None:
    """Check that what is called erased is nowhere: not in the local system, and not in what the adapter keeps."""
    bench = trial.bench
    ref = await _read(bench, STAYS, GOES)
    adapter = _eraser(bench)
    if adapter is None:
        return
    answer = await adapter.erase_record(ref)
    require(isinstance(answer, Erasure), "erase_record answers something else than an Erasure")
    if answer is Erasure.ERASED:
        require(not bench.holds(GOES), "it says erased, and the record can be found")
        require(bench.holds(STAYS), "erasing one record damages another")
        for again in (adapter, _eraser(bench)):
            require(again is not None and await _is_not_found(again, ref), "what is gone is not called not_found")
    else:
        later = _eraser(bench)
        require(later is not None and await later.erase_record(ref) is answer, "another answer after a restart")


async def erased_record_stays_away(trial: Trial) -> None:
    """A record that was erased, or that a person has to erase, is not offered for sending again."""
    ref = await _read(trial.bench, STAYS, GOES)
    adapter = _eraser(trial.bench)
    if adapter is None:
        return
    await adapter.erase_record(ref)
    for puller in (adapter, trial.bench.adapter()):
        require(not list(await puller.pull()), "a record comes again after it was asked to be erased")


async def unknown_record_is_refused(trial: Trial) -> None:
    """A ref that was never given is refused, above all one that is a path or a statement."""
    adapter = _eraser(trial.bench)
    if adapter is None:
        return
    for unknown in ("", "nothing", "../../etc/passwd", "x' OR '1' = '1", "incoming/\n#a"):
        require(await _is_not_found(adapter, unknown), "a ref that was never given is not refused")


async def erase_record_fails_and_goes_on(trial: Trial, *, trouble: Trouble) -> None:
    """While the local system is in trouble nothing is said of a record; afterwards it is erased as ever."""
    ref = await _read(trial.bench, STAYS, GOES)
    with trial.bench.trouble(trouble):
        adapter = _eraser(trial.bench)
        if adapter is None:
            return
        await is_transient(adapter.erase_record(ref), "erase_record")
    later = _eraser(trial.bench)
    require(later is not None and isinstance(await later.erase_record(ref), Erasure), "it is not erased afterwards")


async def cut_erase_record_is_told(trial: Trial) -> None:
    """When erasing a record was cut off, the repeat finds what is left of it, or nothing."""
    ref = await _read(trial.bench, STAYS, GOES)
    with trial.bench.trouble(Trouble.CUT):
        adapter = _eraser(trial.bench)
        if adapter is None:
            return
        await transient_or_done(adapter.erase_record(ref), "erase_record")
    later = _eraser(trial.bench)
    require(later is not None, "an adapter that can be asked is another after a restart")
    if later is not None and await _is_not_found(later, ref):
        require(not trial.bench.holds(GOES), "it says not_found, and the record can be found")


async def _read(bench: Bench, *names: str) -> str:
    """Offer records of these names one after another, and have them become drafts; returns the ref of the last one."""
    adapter, found = bench.adapter(), list[LocalRecord]()
    for number, name in enumerate(names):
        bench.offer(name)
        found = [*await adapter.pull()]
        for record in found:
            await adapter.settle(record, a_notice(record.ref, NoticeKind.DRAFTED, key=f"drafted-{number}"))
            await adapter.push(a_notice(record.ref, NoticeKind.RECEIVED, key=f"received-{number}"))
    require(len(found) == 1, "a record that was offered does not come alone")
    return found[0].ref


def _eraser(bench: Bench) -> RecordEraser | None:
    adapter = bench.adapter()
    return adapter if isinstance(adapter, RecordEraser) else None


async def _is_not_found(adapter: RecordEraser, ref: str) -> bool:
    error = await outcome_of(adapter.erase_record(ref), "erase_record")
    return isinstance(error, RefusedError) and error.code is Code.NOT_FOUND
