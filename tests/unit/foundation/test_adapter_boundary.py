"""A fault of an adapter is a case system that can not be reached now, and nothing of its text is told."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from support.memory_adapter import MemoryAdapter, MemorySystem

from adapters.kit.contract import a_delivery, a_notice
from gateway.errors import Code, RefusedError, TransientError
from gateway.foundation import adapter_boundary as border
from gateway.foundation import logs
from gateway.foundation.adapter_boundary import guarded
from gateway.ports import Attachment, BulkAdapter, BulkSettler, Delivery, LocalFile, LocalRecord, Notice, NoticeKind

SECRET = "Xanthippe 4711"


class Broken(MemoryAdapter):
    """Raises whatever its library raises, with what it handled in the text."""

    error: type[Exception] = ConnectionError

    async def check(self) -> Any:
        """Not a finding."""
        raise self.error(SECRET)

    async def pull(self) -> Any:
        """No list."""
        raise self.error(SECRET)

    async def settle(self, record: LocalRecord, notice: Notice) -> None:
        """No end."""
        raise self.error(SECRET)

    async def settle_all(self, outcomes: Sequence[tuple[LocalRecord, Notice]]) -> None:
        """No end either."""
        raise self.error(SECRET)

    async def push(self, item: Delivery | Notice) -> str:
        """No id."""
        raise self.error(SECRET)

    async def push_all(self, items: Sequence[Delivery | Notice]) -> Any:
        """No ids."""
        raise self.error(SECRET)

    async def erase(self, local_id: str) -> Any:
        """No answer."""
        raise self.error(SECRET)


@pytest.fixture
def said() -> io.StringIO:
    """What is logged."""
    stream = io.StringIO()
    logs.configure("debug", stream)
    return stream


@pytest.mark.parametrize("error", [ConnectionError, KeyError, RuntimeError, ExceptionGroup])
async def test_a_fault_is_a_thing_of_the_moment(error: type[Exception], said: io.StringIO) -> None:
    """Each call of the port; the log has the type and the place, and no text."""
    adapter = Broken(MemorySystem())
    adapter.error = error if error is not ExceptionGroup else lambda text: ExceptionGroup(text, [ValueError(text)])  # type: ignore[assignment,return-value]
    node = guarded(adapter)
    notice = a_notice("a", NoticeKind.DRAFTED)
    calls = [
        node.pull(),
        node.settle(LocalRecord(ref="a", fields={}), notice),
        node.settle_all([(LocalRecord(ref="a", fields={}), notice)]),
        node.push(a_delivery()),
        node.erase("a"),
    ]
    for call in calls:
        with pytest.raises(TransientError, match="the adapter is at fault") as caught:
            await call
        assert SECRET not in f"{caught.value} {caught.value.hint}"
    assert [finding.rule for finding in await node.check()] == ["adapter_busy"]
    assert isinstance(node, BulkAdapter)
    (told,) = await node.push_all([a_delivery(), a_delivery(key="key-2")])
    assert isinstance(told, TransientError)
    assert said.getvalue().count('"event": "adapter.broken"') == 7
    assert SECRET not in said.getvalue()


async def test_what_the_port_allows_goes_through() -> None:
    """Answers and errors of the contract as they are; only one that takes many has push_all, and one that settles one
    at a time is told one after the other.
    """
    system = MemorySystem()
    node = guarded(MemoryAdapter(system))
    assert isinstance(node, BulkSettler)
    outcomes = [(LocalRecord(ref=ref, fields={}), a_notice(ref, NoticeKind.DRAFTED)) for ref in ("b", "a")]
    for record, _ in outcomes:
        system.offer(record)
    await node.settle_all(outcomes)
    assert list(system.settled) == ["b", "a"]
    assert not isinstance(node, BulkAdapter)
    local_id = await node.push(a_delivery())
    assert await node.status(local_id) == "stored"
    with pytest.raises(RefusedError) as refused:
        await node.status("nothing")
    assert refused.value.code is Code.NOT_FOUND
    system.busy = 1
    with pytest.raises(TransientError, match="the local system is away"):
        await node.push(a_delivery())


async def test_a_silent_adapter_does_not_keep_the_node(monkeypatch: pytest.MonkeyPatch, said: io.StringIO) -> None:
    """After its time it is one that can not be reached."""

    class Silent(MemoryAdapter):
        async def push(self, item: Delivery | Notice) -> str:
            """For ever."""
            await asyncio.Event().wait()
            raise AssertionError

    monkeypatch.setattr(border, "LONGEST", 0.01)
    with pytest.raises(TransientError, match="does not answer"):
        await guarded(Silent(MemorySystem())).push(a_delivery())
    assert "adapter.silent" in said.getvalue()


@pytest.mark.parametrize("error", [ConnectionError, KeyError])
async def test_a_file_is_read_under_the_same_guard(error: type[Exception], said: io.StringIO) -> None:
    """What breaks while it comes can be tried again; its text, which may hold a file's name, is told nowhere."""

    async def read() -> AsyncIterator[bytes]:
        yield b"%PDF"
        raise error(SECRET)

    system = MemorySystem()
    system.offer(LocalRecord(ref="a", fields={}, files=(LocalFile(place="file 0", size=9, read=read),)))
    ((file,),) = [one.files for one in await guarded(MemoryAdapter(system)).pull()]
    chunks = file.read()
    assert await anext(chunks) == b"%PDF"
    with pytest.raises(TransientError, match="the adapter is at fault"):
        await anext(chunks)
    assert "adapter.broken" in said.getvalue() and SECRET not in said.getvalue()


async def test_a_hand_over_has_time_for_its_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seconds by their size: a large file over a slow line is no silent adapter."""

    async def never() -> AsyncIterator[bytes]:
        raise AssertionError
        yield b""

    class Slow(MemoryAdapter):
        async def push(self, item: Delivery | Notice) -> str:
            """After the time of a message without files."""
            await asyncio.sleep(0.05)
            return await super().push(item)

    monkeypatch.setattr(border, "LONGEST", 0.01)
    adapter = guarded(Slow(MemorySystem()))
    large = Attachment(part=0, name="0.pdf", media_type="application/pdf", size=1 << 30, sha256="", read=never)
    assert await adapter.push(replace(a_delivery(), attachments=(large,)))
    with pytest.raises(TransientError):
        await adapter.push(a_delivery(key="key-2"))
