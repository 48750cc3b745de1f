"""What people decided that the judgement of a message rests on and that no state of the message shows. It is looked up
again where what was judged is written (nrm1 12.18).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy import Connection

from gateway.cases import questions
from gateway.cases import store as cases
from gateway.consent.unconfirmed_store import unconfirmed
from gateway.foundation.ids import CaseId
from gateway.messages.store import local
from gateway.messages.store.local import ConsentRow
from gateway.policy import store


@dataclass(frozen=True, slots=True, kw_only=True)
class Acts:
    """What is held of consents and what was taken back of them, by index; which consents nobody confirmed yet; over
    what an asylum hold lies, and the numbers of these holds, since one that names a further State gets another; of
    which case conversations, consents and holds are, None for those that are of none; and on which case a question
    about a linked one is open, by its number.
    """

    consents: Mapping[bytes, tuple[ConsentRow, ...]]
    taken_back: Mapping[bytes, int]
    doubted: frozenset[bytes]
    holds: frozenset[bytes]
    cases: Mapping[bytes, CaseId | None]
    questions: Mapping[int, CaseId] = field(default_factory=dict)
    hold_refs: frozenset[int] = frozenset()

    def about(self, conversations: Collection[bytes], consents: Collection[bytes]) -> Acts:
        """What of it is about these conversations and consents, all of which it knows."""
        return replace(
            self,
            consents={index: self.consents[index] for index in consents},
            taken_back={index: self.taken_back[index] for index in consents if index in self.taken_back},
            cases={key: self.cases[key] for key in (*conversations, *consents, *self.holds)},
        )

    def stands(self, connection: Connection) -> bool:
        """Whether all of it is as it was."""
        return load_acts(connection, conversations=self.cases.keys(), consents=self.consents.keys()) == self


def load_acts(connection: Connection, *, conversations: Collection[bytes], consents: Collection[bytes]) -> Acts:
    """What people decided about these conversations and consents."""
    holds = store.labels(connection)
    keys = {*conversations, *consents, *holds}
    of = cases.cases_of(connection, keys)
    return Acts(
        consents=local.consents_of(connection, consents),
        taken_back=local.withdrawals(connection, consents),
        doubted=unconfirmed(connection),
        holds=holds,
        cases={key: of.get(key) for key in keys},
        questions=questions.places(connection),
        hold_refs=store.refs(connection),
    )


def join_acts(parts: Sequence[Acts]) -> Acts | None:
    """What several messages rest on; None where two parts do not say the same of one thing."""
    whole = replace(
        parts[0],
        consents={index: rows for one in parts for index, rows in one.consents.items()},
        taken_back={index: ref for one in parts for index, ref in one.taken_back.items()},
        cases={key: case for one in parts for key, case in one.cases.items()},
    )
    agree = (
        one.holds == whole.holds and one.hold_refs == whole.hold_refs and whole.about(one.cases, one.consents) == one
        for one in parts
    )
    return whole if all(agree) else None
