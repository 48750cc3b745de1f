"""Taking content away for good: what any other part of a node may have to ask for."""

from __future__ import annotations

from gateway.access.enrolment import check_two_people
from gateway.administration.cases_again import CasesAgain
from gateway.administration.taken_again import TakenAgain
from gateway.cases.changes import CaseChanges
from gateway.composition.ground import Ground, OpenedFolder
from gateway.erasure.case_system import CaseSystemEraser
from gateway.erasure.erase import Eraser
from gateway.foundation.ids import UnitId
from gateway.policy.asylum_holds import HoldsOnCases


class ErasingPart(Ground):
    """The ground, and what erases."""

    def __init__(self, opened: OpenedFolder) -> None:
        super().__init__(opened)
        self.case_system_eraser = CaseSystemEraser(content=self.content, adapter=self.adapter, clock=self.clock)
        self.eraser = Eraser(
            content=self.content,
            case_register=self.cases,
            identity=self.identity,
            attachments=self.attachments,
            forget=self.forget_content,
            linked_holds=self.linked_holds,
            status_updates=self.status_updates,
            time=self.time,
            case_system=self.case_system_eraser,
            wakeups=self.wakeups,
            events=self.events,
            clock=self.clock,
        )
        self.taken_again = TakenAgain(
            content=self.content,
            cases=CasesAgain(
                content=self.content,
                cases=self.cases,
                changes=CaseChanges(
                    self.content,
                    self.cases,
                    check_two=check_two_people,
                    holds=HoldsOnCases(self.content, self.cases.new_id),
                    settle=self.linked_holds.settle_case,
                ),
                units=[UnitId(unit.id) for unit in self.config.units],
            ),
            eraser=self.eraser,
            linked_holds=self.linked_holds,
            keys=self.keys,
            clock=self.clock,
        )
