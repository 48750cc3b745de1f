"""Runs the chores of a node, each at its pace."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from gateway.errors import GatewayError
from gateway.foundation.chores import Chore
from gateway.foundation.logs import logger
from gateway.ports import Clock


class Scheduler:
    """The chores of one node; each is one step that can be repeated after a crash at any point."""

    def __init__(self, chores: Sequence[Chore], clock: Clock) -> None:
        self._chores = chores
        self._clock = clock
        self._log = logger()

    async def run(self) -> None:
        """Do every chore at its pace until cancelled."""
        async with asyncio.TaskGroup() as group:
            for chore in self._chores:
                group.create_task(self._repeat(chore), name=chore.name)

    async def _repeat(self, chore: Chore) -> None:
        """Run a chore, wait, run it again; a refusal or a failure of the world waits for the next time."""
        while True:
            try:
                await chore.run()
            except GatewayError as error:
                self._log.info("chore.postponed", code=str(error.code))
            await self._clock.sleep(chore.every)
