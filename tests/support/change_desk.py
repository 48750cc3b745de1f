"""People of a node that has met two peers, who are asked about changes of trust."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from support.ceremony import ADMINS
from support.nodes import NOW
from support.trust_council import Council
from support.trust_homes import SCOPE, first_of

from gateway.ports import OperationResult
from gateway.trust.change_text import words
from gateway.trust.link_reset.protocol import LinkReset
from gateway.trust.operations.changes import ChangeOperations
from gateway.trust.operations.models import (
    ApproveChange,
    OneChange,
    PrepareChange,
    ProposeChange,
)
from keys.documents.change import Change
from keys.documents.descriptor import Descriptor
from keys.documents.fingerprint import Party, pair_code
from keys.documents.link_reset import View
from keys.offline.administrator_key import Admin, new_admin
from keys.primitives.encoding import canon

US, PEER, OTHER = first_of("a"), first_of("b"), first_of("d")
ANA, BEN = ADMINS
EVA = new_admin(label="Eva D.", now=NOW)
LESS = SCOPE.to_json() | {"types": []}
UNUSED = View(epoch=1, high=0, hash=None)


class Desk:
    """What is asked about changes at a node that has met two peers."""

    def __init__(self, council: Council) -> None:
        home = council.home
        self.council, self.home, self.connection = council, home, home.connection
        clock: Any = home.clock
        config: Any = SimpleNamespace(units=[SimpleNamespace(id="desk")])
        around: Any = None
        self.operations = ChangeOperations(
            store=home.store,
            own=home.own,
            link=home.link,
            link_reset=LinkReset(
                store=home.store,
                identity=home.identity,
                link=home.link,
                taken_lists=around,
                workers=around,
                wakeups=home.wakeups,
                events=around,
                clock=clock,
            ),
            trust_changes=council.changes,
            sync=home.sync,
            policies=council.policies,
            time=home.time,
            config=config,
            wakeups=home.wakeups,
            clock=clock,
        )

    async def prepare(self, action: str, subject: str = PEER.node, **wanted: Any) -> Change:
        """What is written down to be signed."""
        asked = PrepareChange(action=action, subject=subject, **wanted)
        told: Any = (await self.operations.prepare(asked)).value
        made = Change.parse(canon(told["change"]))
        assert told == {
            "change": made.to_json(),
            "hash": made.hash,
            "digits": made.digits,
            "words": words(made.to_json()),
        }
        return made

    async def activation(self, **wanted: Any) -> Change:
        """The same, where people have compared the digits with the first peer."""
        return await self.prepare("peer.activate", **{"digits": digits(PEER), "channel": "video"} | wanted)

    async def propose(self, change: Change, by: Admin = ANA) -> OperationResult:
        """One administrator signs it, in an emergency."""
        approval = by.approve(change, at=self.home.clock.at, emergency=True).document.to_json()
        return await self.operations.propose(ProposeChange(change=change.to_json(), approval=approval))

    async def approve(self, change: Change, by: Admin = BEN) -> OperationResult:
        """Another one does."""
        approval = by.approve(change, at=self.home.clock.at, emergency=True).document.to_json()
        return await self.operations.approve(ApproveChange(id=change.hash, approval=approval))

    async def trust(self) -> None:
        """Two people have trusted the first peer."""
        self.council.activate(PEER)
        await self.home.registry.refresh()

    async def shown(self, change: Change) -> Any:
        """How it is shown."""
        return (await self.operations.show(OneChange(id=change.hash))).value


def digits(of: Descriptor, version: int = 1, *, by: Descriptor = US) -> str:
    """What is read out: of the node that shows it and one that it holds up to this version."""
    return pair_code(Party(by.fingerprint, 1), Party(of.fingerprint, version))
