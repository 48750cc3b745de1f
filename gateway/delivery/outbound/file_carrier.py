"""A message with files on its way to one peer, beside the others: its envelope, its parts, and what the last of them
got for an answer (nrm1 12.4).
"""

from __future__ import annotations

import asyncio
from functools import partial

from gateway.attachments.sender import Uploader
from gateway.database.engine import Store
from gateway.delivery.outbound.departure import Departure, Ready
from gateway.delivery.outbound.exchange import Exchange, may_go, refuse
from gateway.delivery.outbound.reach import Reach
from gateway.errors import Code, RefusedError, TransientError
from gateway.peers.registry import Peer, address
from gateway.ports import Clock

JUDGED_FOR = 60.0
"""Seconds for which a judgement counts while files go: then the message is judged anew, by all that was said and agreed
since, and its files go on where they were."""


class FileCarrier:
    """Brings one message with files to one peer. `numbering` is held while numbers are looked up and used."""

    def __init__(
        self,
        *,
        store: Store,
        departure: Departure,
        uploader: Uploader,
        reach: Reach,
        exchange: Exchange,
        numbering: asyncio.Lock,
        clock: Clock,
    ) -> None:
        self._store = store
        self._departure = departure
        self._uploader = uploader
        self._reach = reach
        self._exchange = exchange
        self._numbering = numbering
        self._clock = clock

    async def carry_files(self, ref: int) -> bool:
        """A message with files to its end: it was answered, or it has to be judged anew. Returns False where it waits
        until people of both sides agree.
        """
        async with self._numbering:
            ready = await self._departure.depart(await self._reach.told(), [ref])
        if not ready:
            return self._reach.held() is None
        for item in ready:
            if item.void:
                await self._exchange.ask([item])
                continue
            for _ in range(2):  # the second time for what the peer has or had already
                if not await self._store.read(partial(may_go, items=[item])):
                    self._exchange.again = True
                    return True
                peer = self._reach.peer()
                answer = await self._exchange.get_answers(peer, [item])
                if answer.receipts or answer.answers[0].code is not None:
                    await self._exchange.apply_answers(peer, [item], answer)
                    return True
                if await self._uploaded(peer, item):
                    return True
            raise TransientError(Code.REJECTED, "the peer waits for files and does not accept them")
        return True

    async def _uploaded(self, peer: Peer, item: Ready) -> bool:
        """Bring the parts; whether that was the end of it."""
        now, begun = self._clock.now(), self._clock.monotonic()

        async def goes() -> bool:
            judged_lately = self._clock.monotonic() - begun < JUDGED_FOR
            return judged_lately and bool(await self._store.read(partial(may_go, items=[item])))

        try:
            answered = await self._uploader.upload(address(peer.descriptor), item.row, goes)
        except RefusedError as error:
            code = error.code
            await self._store.move(lambda c: refuse(c, [(item, code)], at=now))
            return True
        if answered is None:
            return not await goes()
        await self._exchange.apply_answers(peer, [item], await self._exchange.read_answers(peer, [item], answered))
        return True
