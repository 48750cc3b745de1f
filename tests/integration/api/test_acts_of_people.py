"""Acts that only a person does, asked for from outside by who is none: a token of a program, and the node's owner."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from support.acting import ask, pseudonym_of, signed_in
from support.enrolled import enrol
from support.local import Caller, socket_caller
from support.pair import example
from support.running import UNIT, consent, enquiry, pair, running, settled

from gateway.api.routes import PREFIX
from gateway.composition.node import Node
from gateway.errors import RefusedError
from gateway.operations.roles import Role
from keys.primitives.encoding import canon

MESSAGES, DRAFTS, HOLDS = (f"{PREFIX}/{word}" for word in ("messages", "drafts", "asylum-holds"))
UNSEEN = "Ana\u3164B."
"""A name that is read as another one."""


@pytest_asyncio.fixture
async def nodes(tmp_path: Path) -> AsyncIterator[dict[str, Node]]:
    """Two nodes that trust each other."""
    async with running(tmp_path, {"FR": None, "AL": None}) as made:
        await pair(made["FR"], made["AL"])
        yield made


@pytest_asyncio.fixture
async def program(nodes: dict[str, Node], tmp_path: Path) -> AsyncIterator[Caller]:
    """Whoever holds the token of a program with the role of a case worker at France."""
    made = await ask(nodes["FR"], "token.new", {"role": "case_worker", "label": "copied"})
    async with socket_caller(tmp_path / "FR" / "run" / "api.sock") as caller:
        caller.headers["Authorization"] = f"Bearer {made['token']}"
        yield caller


async def consented(node: Node) -> str:
    """A person of France agreed to be referred to Albania; the id of the consent."""
    given = {"number": "fr-7f3a", "content": consent(f"AL/{UNIT}")}
    return str((await ask(node, "consent.record", given))["id"])


async def count(node: Node, table: str) -> int:
    """How many rows a table has."""
    (found,) = await node.store.read(lambda c: [row[0] for row in c.exec_driver_sql(f"select count(*) from {table}")])
    return int(found)


def referral(consent: str) -> dict[str, Any]:
    """A referral to Albania that relies on this consent."""
    return example("referral.request/1", "AL", consent_ref=consent) | {"purpose": "referral"}


def in_danger() -> dict[str, Any]:
    """A referral without consent, because a life is in danger."""
    request = referral("")
    del request["header"]["consent_ref"]
    request["header"] |= {
        "vital_interest": {"ground": "medical_emergency"},
        "legal_basis": ["6_1_d", "9_2_c"],
        "transfer_basis": "vital_interest_49_1_f",
    }
    return request


async def test_row_120_one_token_is_no_two_people(nodes: dict[str, Node], program: Caller):
    """It names whom it likes, as people or as users of a case system: nothing goes and nothing waits."""
    named = {"by": "Ana B.", "second_by": "Ghost"}
    typed = await program.ask("POST", MESSAGES, in_danger() | named, Idempotency_Key="one")
    assert (typed.status, {one["place"] for one in typed.value["findings"]}) == (400, {"/attested"})
    attested = await program.ask("POST", MESSAGES, in_danger() | {"attested": named}, Idempotency_Key="two")
    assert (attested.status, attested.value["code"]) == (403, "forbidden")
    assert {one["place"] for one in attested.value["findings"]} == {"/type", "/header/vital_interest"}
    assert (await count(nodes["FR"], "message"), await count(nodes["FR"], "draft")) == (0, 0)


async def test_row_120_a_token_lifts_no_hold(nodes: dict[str, Node], program: Caller):
    """Nor does the owner of the node; two people do."""
    fr = nodes["FR"]
    sent = await ask(fr, "message.submit", referral(await consented(fr)))
    hold = f"{HOLDS}/{sent['conversation']}"
    await ask(fr, "asylum.hold", {"id": sent["conversation"]})
    owner = Caller(session=program.session, base=program.base)
    for caller, by in ((program, "Ana B."), (program, "Ghost"), (owner, "Ana B."), (owner, "Ghost")):
        for body in ({"by": by}, {}):
            assert (await caller.ask("POST", f"{hold}/lift", body)).status == 403
    assert await count(fr, "asylum_hold") > 0
    assert (await ask(fr, "asylum.list", {}))["holds"][0]["lift_wanted"] is False
    first, second = [await signed_in(program, fr, name) for name in ("Ana B.", "Ben C.")]
    for caller, status, held in ((first, 200, True), (first, 409, None), (second, 200, False)):
        answer = await caller.ask("POST", f"{hold}/lift", {})
        assert (answer.status, answer.value.get("held")) == (status, held)


async def test_row_120_two_whom_one_administrator_let_in_are_no_two(nodes: dict[str, Node], program: Caller):
    """Whoever saw the codes of both could be both: they do not release, lift a hold or change a case together."""
    fr = nodes["FR"]
    taken = await consented(fr)
    sent = await ask(fr, "message.submit", referral(taken))
    await ask(fr, "asylum.hold", {"id": sent["conversation"], "states": ["MA"]})
    saved = await ask(fr, "draft.save", {"draft": referral(taken)})
    his = await ask(fr, "case.open", {"label": "Blue 7"})
    hers = (await ask(fr, "consent.show", {"id": taken}))["of_case"]["id"]
    ana, ben = [await enrol(fr, name, Role.CASE_WORKER) for name in ("Ana B.", "Ben C.")]
    wanted = {"source": hers, "into": his["id"], "consents": [taken], "reason": "it is his"}
    change = (await fr.desk.call("case.move", wanted, caller=ana.caller)).value
    assert isinstance(change, dict)
    acts = {
        "draft.release": {"id": saved["id"]},
        "asylum.lift": {"id": sent["conversation"]},
        "case.confirm": {"id": change["change"]},
    }
    for operation, arguments in acts.items():
        if operation != "case.confirm":
            await fr.desk.call(operation, arguments, caller=ana.caller)
        with pytest.raises(RefusedError, match="vouches that these are two different people"):
            await fr.desk.call(operation, arguments, caller=ben.caller)
    assert (await ask(fr, "draft.show", {"id": saved["id"]}))["state"] == "waiting_second"
    assert (await ask(fr, "asylum.list", {}))["holds"][0]["lift_wanted"] is True
    assert (await ask(fr, "consent.show", {"id": taken}))["of_case"]["id"] == hers


async def test_row_121_one_person_is_one_whatever_they_are_called(nodes: dict[str, Node], program: Caller):
    """A name that reads like another one made two people of one: now a person is who is signed in."""
    fr = nodes["FR"]
    request = referral(await consented(fr))
    saved = await ask(fr, "draft.save", {"draft": request})
    place = f"{DRAFTS}/{saved['id']}/release"
    for name in ("Ana B.", UNSEEN):
        assert (await program.ask("POST", place, {"by": name})).status == 403
    ana = await signed_in(program, fr, "Ana B.")
    assert (await ana.ask("POST", place, {})).value["state"] == "waiting_second"
    for body in ({}, {"by": UNSEEN}):
        assert (await ana.ask("POST", place, body)).status in (400, 409)
    assert await count(fr, "message") == 0
    ben = await signed_in(program, fr, "Ben C.")
    assert (await ben.ask("POST", place, {})).value["state"] == "queued"


async def test_row_122_no_name_leaves_as_the_author(nodes: dict[str, Node], program: Caller):
    """A colleague of one word looks like a reference. Whatever a draft says, Albania gets the pseudonym."""
    fr, al = nodes["FR"], nodes["AL"]
    besnik = await signed_in(program, fr, "Besnik")
    request = enquiry("AL")
    request["header"]["author_ref"] = "Besnik"
    sent = (await besnik.ask("POST", MESSAGES, request, Idempotency_Key="one")).value
    await settled(fr, "awaiting_opening")
    arrived = await ask(al, "message.show", {"id": sent["id"]})
    assert (
        arrived["header"]["author_ref"] == (await ask(fr, "message.show", {"id": sent["id"]}))["header"]["author_ref"]
    )
    assert len(arrived["header"]["author_ref"]) == len(pseudonym_of(fr, "anybody"))
    assert b"Besnik" not in canon(arrived)


async def test_row_123_what_a_case_system_attests_is_kept_as_that(nodes: dict[str, Node], program: Caller):
    """An enquiry goes where its user is named; the entry says that it is attested, and no person is another one."""
    fr = nodes["FR"]
    nobody = await program.ask("POST", MESSAGES, enquiry("AL"), Idempotency_Key="one")
    assert (nobody.status, [one["place"] for one in nobody.value["findings"]]) == (400, ["/attested"])
    body = enquiry("AL") | {"attested": {"by": "u-7"}}
    assert (await program.ask("POST", MESSAGES, body, Idempotency_Key="one")).status == 201
    ana = await signed_in(program, fr, "Ana B.")
    assert (await ana.ask("POST", MESSAGES, body, Idempotency_Key="two")).status == 400
    listed = (await ask(fr, "audit.list", {"event": "message.released"}))["entries"]
    assert [entry["facts"]["attested"] for entry in listed] == [True]
    assert "u-7" not in json.dumps(listed)


async def test_row_379_who_is_named_is_one_line(nodes: dict[str, Node], program: Caller):
    """Whom a program attests, first or second, and whom somebody makes a person: a name of several lines is refused at
    its place, the answer does not repeat it, and nothing is stored.
    """
    fr, people = nodes["FR"], f"{PREFIX}/people"
    owner = Caller(session=program.session, base=program.base)
    before = [await count(fr, table) for table in STORED]
    for name in ("Ana\nB.", "Ana\r", "Ana\r\nB.", "Ana\u2028B.", "Ana\u2029B.", "Ana\x85B."):
        for attested, place in (({"by": name}, "by"), ({"by": "u-7", "second_by": name}, "second_by")):
            body = enquiry("AL") | {"attested": attested}
            await refused_at(program, MESSAGES, body, f"/attested/{place}")
        await refused_at(owner, people, {"name": name, "roles": ["auditor"]}, "/name")
    assert [await count(fr, table) for table in STORED] == before


STORED = ("message", "draft", "person")
"""Tables to which nothing is added."""


async def refused_at(caller: Caller, path: str, body: dict[str, Any], place: str) -> None:
    """It is refused for this place alone, and the answer says nothing of what stood there."""
    answer = await caller.ask("POST", path, body, Idempotency_Key="one")
    assert (answer.status, answer.value.get("code")) == (400, "invalid")
    assert [(one["place"], one["rule"]) for one in answer.value["findings"]] == [(place, "pattern")]
    assert "Ana" not in answer.text


async def test_row_123_a_withdrawal_is_never_hindered(nodes: dict[str, Node], program: Caller):
    """A case system that names nobody withdraws all the same."""
    taken = await consented(nodes["FR"])
    done = await program.ask("POST", f"{PREFIX}/consents/{taken}/withdraw", {})
    assert (done.status, done.value["state"]) == (200, "withdrawn")


async def test_row_117_a_focal_point_gets_no_code_for_a_colleague(nodes: dict[str, Node], program: Caller):
    """Invited by one person, or by a token of that role, somebody who may release is asked for and has no code yet; a
    new code for a colleague is not given either.
    """
    fr = nodes["FR"]
    token = await ask(fr, "token.new", {"role": "focal_point", "label": "copied"})
    other = Caller(program.session, program.base, {"Authorization": f"Bearer {token['token']}"})
    for number, caller in enumerate((await signed_in(program, fr, "Ana B."), other)):
        made = await caller.ask("POST", f"{PREFIX}/people", {"name": f"Ghost {number}", "roles": ["case_worker"]})
        assert (made.value["state"], made.value["code"], made.value["address"]) == ("asked", None, None)
    ben = await enrol(fr, "Ben C.", Role.CASE_WORKER)
    again = await other.ask("POST", f"{PREFIX}/people/{ben.id}/invite", {"instead": True})
    assert (again.value["code"], again.value["waits"]["action"]) == (None, "person.invite")
