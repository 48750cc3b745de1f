"""Whether what somebody said as the first of two people counts: only while they might say it now (nrm1 13.10).

Days can go by before a second person says the same. Whoever was kept out of the case since, lost the role, or is bound
to a unit that does not look after it, would be one of the two all the same, and the second one knows nothing of it. So
it is judged when the second one acts; where it counts no more, they are the first.
"""

from __future__ import annotations

from sqlalchemy import Connection

from gateway.access import people_store, rules
from gateway.access.people_store import roles_of
from gateway.cases.entries import cases_closed_to
from gateway.cases.subjects import cases_named
from gateway.cases.units import NOBODY, units_of
from gateway.database.content_sealer import ContentSealer
from gateway.operations.ids import Subject
from gateway.operations.roles import Caller


def still_counts(sealer: ContentSealer, connection: Connection, first: str, subject: Subject, id: str) -> bool:
    """Whether this person, by id, works here, may release, and is let in to what has this id: the case that it is of is
    not closed to them, and they are bound to no unit or to one that looks after it. To be asked in the transaction in
    which the second one acts, before `enrolment.check_two_people`.
    """
    row = people_store.find(connection, first)
    if row is None or row.ended is not None or not rules.releases(roles_of(row)):
        return False
    closed = cases_closed_to(sealer, connection, Caller(roles=roles_of(row), unit=row.unit, person=row.id))
    if cases_named(sealer, connection, subject, id) & closed:
        return False
    return row.unit is None or row.unit in (units_of(sealer, connection, subject, id) or NOBODY)
