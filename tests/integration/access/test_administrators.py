"""Administrators who approve changes of trust with a passkey (nrm1 13.10; threats 37 to 39, 144)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support.authenticator import Authenticator
from support.ceremony import ADMINS, aplay, change
from support.enrolled import approving
from support.people import House, Signer, ask, enrolled, refused, wanted
from support.tables import table

from gateway.access.enrolment import check_two_people
from gateway.administration.put_back import void_credentials
from gateway.changes.rules import DAY
from gateway.errors import Code, RefusedError
from gateway.node.rows import ROWS
from gateway.operations.ports import Person
from gateway.operations.registry import may
from gateway.operations.roles import OWNER, Role
from keys.documents.change import Change
from keys.primitives.encoding import b64u, canon
from keys.primitives.passkey import CHALLENGE_LIFE


async def test_of_a_node_that_was_put_back_only_administrators_come_in(house: House):
    """Their passkeys stay, so that somebody can let people in; all others end, with every session, and what one person
    had begun is given up (threat 144).
    """
    ana = await enrolled(house, "Ana")
    _, device, session = await house.worker("Eva")
    said = await ana.propose(await wanted(house))
    now = house.clock.now()
    await house.node.store.move(lambda c: void_credentials(c, at=now))
    assert await house.people.admit(session) is None and await house.people.admit(ana.session) is None
    with pytest.raises(RefusedError):
        await house.sign_in(device)
    ana.session = await house.sign_in(ana.device)
    assert await ana.person()
    assert (await ask(house, "change.show", id=said["id"]))["state"] == "withdrawn"


async def test_the_passkey_that_was_shown_last_goes_on_a_card(house: House):
    """Of several that a person has; one that was never shown counts from when it was made."""
    id, first, session = await house.worker("Ben", Role.TRUST_ADMIN)
    second = Authenticator()
    house.clock.advance(60)
    await house.enrol((await house.do("person.invite", id=id))["code"], second)
    for device in (None, first):
        house.clock.advance(60)
        if device is not None:
            session = await house.sign_in(device)
        person = await Signer(house, id, first, session).person()
        options: Any = (await house.people.offer(person)).options
        assert [allowed["id"] for allowed in options["allowCredentials"]] == [b64u((device or second).id)]


async def test_a_code_of_no_shell_is_counted_under_who_typed_it(house: House):
    """And logged with their id."""
    id, _, session = await house.worker()
    person = await Signer(house, id, Authenticator(), session).person()
    await refused(house.people.shell(person, "aaaa-bbbb"))
    await refused(house.people.sign_shell_in(person, "aaaa-bbbb", session=session))
    assert [leaf["id"] for leaf in await house.leaves("sign_in.refused")] == [id, id]


async def test_an_administrator_with_a_passkey(house: House):
    """Offered, enrolled by two key files, listed; then two of them trust a country, after a day; history verifies."""
    ana = await enrolled(house, "Ana")
    ben = Signer(house, *(await house.worker("Ben", Role.TRUST_ADMIN)))
    await ben.offer()
    listed = await ask(house, "admin.list")
    assert [one["kind"] for one in listed["admins"]] == ["file", "file", "passkey"]
    assert [(one["label"], one["card"]) for one in listed["offered"]] == [("Ben", ben.card)]
    prepared = await ask(house, "change.prepare", action="admin.enrol", subject="admins", admin=ben.card)
    assert any(line.startswith("administrator: Ben, pseudonym ") for line in prepared["words"])
    enrol = prepared["change"]
    pending = await ana.propose(enrol)
    assert (await ben.person()).admin is None
    by_file = ADMINS[0].approve(Change.parse(canon(enrol)), at=house.clock.now()).document.to_json()
    assert (await ask(house, "change.approve", id=pending["id"], approval=by_file))["state"] == "done"
    assert (await ben.person()).admin == ben.card["card"]["pseudonym"]
    trust = await wanted(house)
    shown = await ana.propose(trust)
    assert (shown["state"], shown["peer"]["state"]) == ("pending", "verified")
    done = await ben.approve(shown["id"], trust)
    assert (done["state"], done["effective"]) == ("waiting", house.clock.now() + DAY)
    assert [one["label"] for one in done["approvals"]] == ["Ana", "Ben"]
    peer = await ask(house, "peer.show", id="AL")
    assert (peer["faults"], len(peer["history"])) == ([], 1)


async def test_an_emergency_is_signed(house: House):
    """Both have to ask the browser for it; nobody makes an approval one afterwards."""
    ana, ben = await enrolled(house, "Ana"), await enrolled(house, "Ben")
    trust = await wanted(house)
    shown = await ana.propose(trust, emergency=True)
    plain = await ben.sign(trust)
    await refused(
        ask(house, "change.approve", id=shown["id"], assertion=plain, emergency=True), Code.CONFLICT, "something else"
    )
    done = await ben.approve(shown["id"], trust, emergency=True)
    assert (done["state"], done["effective"]) == ("done", house.clock.now())


async def test_row_37_a_scope_changed_after_the_approval(house: House):
    """What Ben signed for the narrow scope approves no wider one."""
    ana, ben = await enrolled(house, "Ana"), await enrolled(house, "Ben")
    everything = await ask(house, "peer.scope", id="AL")
    narrow = await wanted(house, scope=everything | {"types": ["enquiry.capacity"]})
    said = await ben.sign(narrow)
    wide = await wanted(house)
    shown = await ana.propose(wide)
    await refused(ask(house, "change.approve", id=shown["id"], assertion=said), Code.CONFLICT, "something else")
    await refused(ask(house, "change.propose", change=wide | {"at": wide["at"] - 1}, assertion=said), Code.CONFLICT)
    assert len((await ask(house, "change.show", id=shown["id"]))["approvals"]) == 1


async def test_row_37_the_same_person_twice(house: House):
    """Neither again, nor by the same bytes, nor with a second passkey, nor on a second card."""
    ana = await enrolled(house, "Ana")
    trust = await wanted(house)
    said = await ana.sign(trust)
    shown = await ask(house, "change.propose", change=trust, assertion=said)
    await refused(ask(house, "change.approve", id=shown["id"], assertion=said), Code.ROLLBACK)
    await refused(ana.approve(shown["id"], trust), Code.CONFLICT, "same person")
    second = Authenticator()
    ana.session = await house.enrol((await house.ask("person.invite", id=ana.id))["code"], second)
    await refused(ana.approve(shown["id"], trust, device=second), Code.NOT_FOUND, "no administrator")
    await refused(ana.offer(second), Code.CONFLICT, "counts once")
    assert (await ask(house, "change.show", id=shown["id"]))["state"] == "pending"


async def test_row_37_a_device_that_does_not_count_is_not_played_again(house: House):
    """Without a counter the same bytes verify again; the person is there already."""
    ana = await enrolled(house, "Ana", Authenticator(counter=0))
    trust = await wanted(house)
    said = await ana.sign(trust)
    shown = await ask(house, "change.propose", change=trust, assertion=said)
    await refused(ask(house, "change.approve", id=shown["id"], assertion=said), Code.CONFLICT, "same person")


APPROVING: dict[str, tuple[dict[str, Any], Code]] = {
    "nobody verified": ({"verified": False}, Code.UNAUTHORISED),
    "a page that imitates ours": ({"origin": "https://desk.example.com"}, Code.MISDIRECTED),
    "another site": ({"rp": "example.com"}, Code.MISDIRECTED),
    "the counter went back": ({"counter": 1}, Code.ROLLBACK),
    "synced": ({"synced": True}, Code.BAD_KEY),
    "signed for a sign-in": ({"challenge": bytes(32)}, Code.CONFLICT),
    "another passkey": ({"id": b"other"}, Code.NOT_FOUND),
}


@table(("fault", "code"), APPROVING.values(), ids=APPROVING)
async def test_row_38_an_approval_with_one_fault(house: House, fault: dict[str, Any], code: Code):
    """Each is refused with its code, and nothing is stored."""
    ((name, value),) = fault.items()
    ana = await enrolled(house, f"Ana {name} {code}")
    trust = await wanted(house)
    setattr(ana.device, name, value)
    await refused(ana.propose(trust), code)
    assert (await ask(house, "change.list", state="pending"))["changes"] == []


async def test_row_38_the_other_administrators_key(house: House):
    """Ben's signature under the id of Ana's passkey."""
    ana, ben = await enrolled(house, "Ana"), await enrolled(house, "Ben")
    trust = await wanted(house)
    ana.device.key = ben.device.key
    await refused(ana.propose(trust), Code.BAD_SIGNATURE)


async def test_row_39_a_session_alone_changes_no_trust(house: House):
    """Whoever has the session and not the passkey: no approval, no card, and the words of a browser are not enough."""
    ana = await enrolled(house, "Ana")
    trust = await wanted(house)
    assert may((await ana.person()).caller, ROWS["change.propose"])
    for words in ({}, {"assertion": {}}, {"assertion": (await house.people.begin()).options}):
        await refused(ask(house, "change.propose", change=trust, **words), Code.INVALID)
    signed = ADMINS[0].approve(Change.parse(canon(trust)), at=house.clock.now()).document.to_json()
    both = {"approval": signed, "assertion": await ana.sign(trust)}
    await refused(ask(house, "change.propose", change=trust, **both), Code.INVALID)
    eva = Signer(house, *(await house.worker("Eva", Role.TRUST_ADMIN)))
    await refused(eva.sign(trust), words="no administrator")
    thief = Authenticator(id=eva.device.id)
    await refused(eva.offer(thief))
    assert (await ask(house, "admin.list"))["offered"] == []


async def test_who_can_not_offer(house: House):
    """Without the role, with a synced passkey, with a ceremony that is old or made up."""
    eva = Signer(house, *(await house.worker("Eva")))
    await refused(eva.offer(), Code.FORBIDDEN)
    ben = Signer(house, *(await house.worker("Ben", Role.TRUST_ADMIN)))
    person = await ben.person()
    ceremony = await house.people.offer(person)
    said = ben.device.get(ceremony.options)
    now, who = house.clock.now(), ceremony.id.partition(".")[2]
    for id in ("", "x", ceremony.id[:-1], f"0{ceremony.id}x", f"{now + 9}.{who}", f"soon.{who}", f"{now:016}.{who}"):
        await refused(house.people.offered(person, id, said))
    house.clock.advance(CHALLENGE_LIFE)
    await refused(house.people.offered(person, ceremony.id, said))
    id, code = await house.add("Sam", Role.AUDITOR)
    synced = Authenticator(synced=True)
    sam = Signer(house, id, synced, await house.enrol(code, synced))
    await house.ask("person.change", id=id, roles=["trust_admin"])
    with pytest.raises(RefusedError, match="stays on its device"):
        await house.people.offer(Person(id=sam.id, name="Sam", caller=OWNER))


async def test_an_administrator_with_a_new_passkey_lets_nobody_in_to_release_with(house: House):
    """They are who they were: they vouched for Eva, so the two are not two, and another one has to vouch for her; nor
    are two others two whom they let in under one card and under the next. That is so for whoever offers twice.
    """
    pia = await enrolled(house, "Pia", roles=(Role.TRUST_ADMIN, Role.FOCAL_POINT))
    eva = await let_in(house, pia, await house.ask("person.add", name="Eva", roles=["case_worker"]))
    await apart(house, pia.id, eva)

    retired = change(ADMINS, "admin.retire", "admins", pseudonym=pia.card["card"]["pseudonym"])
    await aplay(retired, house.ask)
    pia.device = Authenticator()
    new = await house.ask("person.invite", id=pia.id, instead=True)
    pia.session = await house.enrol((await aplay(approving(new, admin=ADMINS[1]), house.ask))["code"], pia.device)
    for _ in range(2):
        await pia.offer()
        await apart(house, pia.id, eva)
        assert (await house.one(eva))["vouched"] == ["Pia"]

    await aplay(change(ADMINS, "admin.enrol", "admins", admin=pia.card), house.ask)
    await apart(house, pia.id, eva)
    tom = await let_in(house, pia, await house.ask("person.add", name="Tom", roles=["case_worker"]))
    await apart(house, eva, tom)
    await let_in(house, pia, await house.ask("person.vouch", id=eva))
    await apart(house, eva, tom)
    assert (await house.one(eva))["vouched"] == ["Pia"]
    await aplay(approving(await house.ask("person.vouch", id=eva)), house.ask)
    await house.node.store.read(lambda c: check_two_people(c, pia.id, eva))


async def let_in(house: House, admin: Signer, asked: Any) -> str:
    """An administrator approves with the passkey what waits about a person; the person's id."""
    said = await admin.sign(asked["waits"]["change"])
    return str((await house.ask("person.approve", id=asked["waits"]["id"], assertion=said))["id"])


async def apart(house: House, one: str, other: str) -> None:
    """These two are not two."""
    await refused(house.node.store.read(lambda c: check_two_people(c, one, other)), Code.CONFLICT)


async def test_an_administrator_who_has_left(house: House):
    """Their passkey approves nothing from that moment; what it approved before still verifies."""
    ana, ben = await enrolled(house, "Ana"), await enrolled(house, "Ben")
    trust = await wanted(house)
    said = await ben.sign(trust)
    shown = await ana.propose(trust)
    await house.ask("person.end", id=ben.id)
    await refused(ask(house, "change.approve", id=shown["id"], assertion=said), Code.NOT_FOUND, "is no longer valid")
    signed = ADMINS[0].approve(Change.parse(canon(trust)), at=house.clock.now()).document.to_json()
    await ask(house, "change.approve", id=shown["id"], approval=signed)
    await house.ask("person.end", id=ana.id)
    assert (await ask(house, "peer.show", id="AL"))["faults"] == []


ALTERED = {
    "signature": lambda d: {
        **d,
        "assertion": {**d["assertion"], "signature": d["assertion"]["signature"][:-6] + "AAAAAA"},
    },
    "emergency": lambda d: {**d, "emergency": True},
    "person": lambda d: {**d, "admin": "AAAAAAAAAAAAAAAAAAAAAA"},
    "another change": lambda d: {**d, "change": "A" * 43},
    "a member more": lambda d: {**d, "more": 1},
}


@pytest.mark.parametrize("alter", ALTERED.values(), ids=ALTERED)
async def test_row_37_an_altered_approval_is_named(house: House, alter: Any):
    """`trm peer show` verifies what was signed anew, from the bytes on the disk."""
    ana, ben = await enrolled(house, "Ana"), await enrolled(house, "Ben")
    trust = await wanted(house)
    await ben.approve((await ana.propose(trust))["id"], trust)
    assert (await ask(house, "peer.show", id="AL"))["faults"] == []
    store = house.node.store
    query = f"select rowid, document from approval where admin = '{ana.card['card']['pseudonym']}'"
    place, document = (await store.read(lambda c: c.exec_driver_sql(query).all()))[0]
    spoilt = canon(alter(json.loads(document)))
    update = "update approval set document = ? where rowid = ?"
    await store.move(lambda c: c.exec_driver_sql(update, (spoilt, place)) and None)
    assert (await ask(house, "peer.show", id="AL"))["faults"] != []
