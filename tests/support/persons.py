"""Two persons of France, each with a case, a consent and referrals to Albania, for tests of what is kept apart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from support.nodeproc import UNIT
from support.pair import Party, Two, example

import schemas
from gateway.operations.roles import Caller, Role

ALL = [code.code for code in schemas.code_list("data_category").codes]
ANA, BEN = "Ana B.", "Ben C."
"""Two people who release, and who change cases."""
WORKS = frozenset({Role.CASE_WORKER, Role.FOCAL_POINT})


async def agreed(party: Party, number: str, consent: str, **members: Any) -> str:
    """The person of the case with this number agrees that both focal points are told everything for a referral; the
    consent's id.
    """
    return await _recorded(party, {"number": number}, consent, members)


async def consented(party: Party, case: str, consent: str, **members: Any) -> str:
    """The same of a case by its id."""
    return await _recorded(party, {"case": case}, consent, members)


async def _recorded(party: Party, whose: Mapping[str, str], consent: str, members: Mapping[str, Any]) -> str:
    record = example("consent.record/1", "AL")["content"] | {"consent_id": consent} | members
    units = [f"{name}/{UNIT}" for name in ("AL", "FR")]
    record["grants"] = [
        {"purpose": "referral", "recipient_units": units, "data_categories": ALL, "until": "2027-11-30"}
    ]
    return str((await party.call("consent.record", by=ANA, **whose, content=record))["id"])


def referral(number: str | None, consent: str | None, **members: Any) -> dict[str, Any]:
    """A referral from France to Albania of the case with this number, relying on this consent."""
    request = example("referral.request/1", "AL")
    given = {"case_ref_sender": number, "consent_ref": consent}
    header = {name: value for name, value in (request["header"] | given).items() if value is not None}
    return request | {"header": header, "purpose": "referral"} | members


async def referred(two: Two, number: str, consent: str, **members: Any) -> dict[str, Any]:
    """Submit a referral and wait until Albania's case system has it and France knows; its id and its conversation."""
    done: dict[str, Any] = await two.fr.call("message.submit", **referral(number, consent, **members))

    async def known() -> bool:
        return await two.fr.state(done["id"]) == "awaiting_opening"

    await two.until(lambda: any(d.message_id == done["id"] for d in two.al.deliveries()), seconds=60, what="it arrives")
    await two.until(known, seconds=60, what="its receipts")
    return done


async def referred_each(two: Two, said: Iterable[tuple[str, str, str]]) -> None:
    """Refer persons to Albania, each by the number of the case, a consent of its own and the conversation."""
    for number, consent, conversation in said:
        await agreed(two.fr, number, consent)
        await referred(two, number, consent, conversation=conversation)


async def case_of(party: Party, conversation: str) -> str:
    """The case that a conversation is of here."""
    return str((await party.call("conversation.show", id=conversation))["of_case"]["id"])


async def stands(party: Party, conversation: str) -> dict[str, Any]:
    """Where a conversation stands here."""
    (standing,) = (await party.call("conversation.show", id=conversation))["standing"]
    return dict(standing)


async def changed(party: Party, operation: str, **arguments: Any) -> dict[str, Any]:
    """Two people change cases; the answer to the first."""
    wanted: dict[str, Any] = await party.call(operation, by=ANA, reason="the person says so", **arguments)
    await party.call("case.confirm", id=wanted["change"], by=BEN)
    return wanted


async def employed(party: Party, name: str) -> Caller:
    """Somebody who works at the console."""
    made = await party.call("person.add", name=name, roles=["case_worker", "focal_point"], by=ANA)
    return Caller(roles=WORKS, person=made["id"])


async def asked(party: Party, caller: Caller, operation: str, arguments: Mapping[str, Any]) -> Any:
    """One operation by a caller."""
    return (await party.running.desk.call(operation, arguments, caller=caller)).value


def damage(party: Party, where: str) -> Any:
    """Overwrite sealed rows in a party's database."""
    query = f"update sealed set data = zeroblob(length(data)) where ref in ({where})"
    return party.running.store.move(lambda c: c.exec_driver_sql(query))
