"""Under what the ledger names a case and what is of it, and what of that is here."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection, select

from gateway.cases.rules import LinkKind
from gateway.database.content_sealer import ContentSealer
from gateway.database.tables import case_link, cases, message
from gateway.foundation.ids import CaseId
from gateway.ledger.rules import named_case, named_case_of, named_link


@dataclass(frozen=True, slots=True, kw_only=True)
class Here:
    """What is here, by the keyed hash that the ledger has of it: what is linked to a case, by the key of its link, with
    every conversation; cases by one of their conversations; and cases by their id.
    """

    links: Mapping[bytes, bytes]
    cases_of: Mapping[bytes, bytes]
    cases: Mapping[bytes, CaseId] = field(default_factory=dict)

    @property
    def names(self) -> frozenset[bytes]:
        """All of them."""
        return frozenset(self.links) | frozenset(self.cases_of) | frozenset(self.cases)


def names_of_case(sealer: ContentSealer, connection: Connection, case: CaseId) -> list[bytes]:
    """The keyed hashes of a case: of its id, and of each conversation that is of it now."""
    of_it = (case_link.c.case_id == case, case_link.c.kind == LinkKind.CONVERSATION)
    keys = connection.scalars(select(case_link.c.key).where(*of_it))
    return sealer.hashes([named_case(case), *map(named_case_of, keys)])


def find_here(sealer: ContentSealer, connection: Connection) -> Here:
    """Everything that is here and that the ledger can name of cases."""
    talks = list(connection.scalars(select(message.c.conversation).distinct()))
    linked = select(case_link.c.key).where(case_link.c.kind != LinkKind.CONVERSATION)
    keys, ids = [*talks, *connection.scalars(linked)], list(connection.scalars(select(cases.c.id)))
    return Here(
        links=dict(zip(sealer.hashes([*map(named_link, keys)]), keys, strict=True)),
        cases_of=dict(zip(sealer.hashes([*map(named_case_of, talks)]), talks, strict=True)),
        cases=dict(zip(sealer.hashes([*map(named_case, ids)]), map(CaseId, ids), strict=True)),
    )


def find_talks(sealer: ContentSealer, conversations: Collection[bytes]) -> Here:
    """Find the same of these conversations alone."""
    return Here(
        links=dict(zip(sealer.hashes([*map(named_link, conversations)]), conversations, strict=True)),
        cases_of=dict(zip(sealer.hashes([*map(named_case_of, conversations)]), conversations, strict=True)),
    )
