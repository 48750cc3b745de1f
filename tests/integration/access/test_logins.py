"""Personal tokens at real nodes: how a shell comes to one, what it is worth at each door, and how it ends (nrm1 13.10;
threats 115 and 116).
"""

from __future__ import annotations

import asyncio
import http.client
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from support import desks
from support.authenticator import ORIGIN
from support.ceremony import play
from support.desks import Desk, served
from support.enrolled import Enrolled, Known, enrol, enrolling
from support.nodechild import CHEAP, SteeredClock
from support.pair import PASSPHRASE, START, make_party
from support.patience import PATIENCE
from support.ports import free_port

from gateway.access import people_store
from gateway.access.attempts import ATTEMPTS
from gateway.access.logins import MOST
from gateway.access.people_store import SessionRow
from gateway.access.rules import LOGIN_WAITS
from gateway.api.routes import PREFIX
from gateway.app import open_node
from gateway.cli.connection import SocketConnection, credential
from gateway.composition.doors import people_at
from gateway.composition.node import Node
from gateway.errors import Code, GatewayError, RefusedError, TransientError
from gateway.operations.ports import Person
from gateway.operations.roles import OWNER, Caller, Role
from keys.primitives.encoding import b64u, sha256_hex


@dataclass
class House:
    """One opened node, its console, and a clock."""

    node: Node
    clock: SteeredClock

    async def ask(self, operation: str, *, caller: Caller = OWNER, **arguments: Any) -> Any:
        """One operation of the desk."""
        return (await self.node.desk.call(operation, arguments, caller=caller)).value

    async def confirm(self, one: Known, code: str) -> None:
        """Somebody who is signed in at the console says there that a shell is theirs."""
        secret, now = b64u(self.node.rand(32)), self.clock.now()
        session = SessionRow(hash=sha256_hex(secret.encode()), person=one.id, made=now, seen=now)
        await self.node.store.move(lambda c: people_store.begin(c, session))
        await people_at(self.node, ORIGIN).sign_shell_in(self.at_console(one), code, session=secret)

    def at_console(self, one: Known) -> Person:
        """Somebody as a session shows them."""
        return Person(id=one.id, name=one.name, caller=Caller(roles=one.caller.roles, person=one.id))

    async def events(self) -> list[tuple[str, str | None]]:
        """What the audit log has of ways in: event and reason."""
        read = await self.node.store.read(lambda c: c.exec_driver_sql("select leaf from audit").scalars().all())
        return [
            (one["ev"], one.get("reason"))
            for one in map(json.loads, read)
            if one["ev"].startswith(("login.", "sign_in."))
        ]


@pytest_asyncio.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """A node with a console, opened and not served."""
    clock = SteeredClock(START)
    party = await make_party(tmp_path, "FR", clock)
    with (party.folder / "node.toml").open("a") as settings:
        settings.write(f'\n[local]\nlisten = "127.0.0.1:{free_port()}"\n')
    node, stack = await open_node(party.folder, PASSPHRASE, at_least=CHEAP, clock=clock)
    async with stack:
        yield House(node, clock)


def refused(tokens: Any, text: str) -> GatewayError:
    """Why a token is not let in."""
    with pytest.raises(GatewayError) as caught:
        tokens.admit(text)
    return caught.value


# --- the way in ---------------------------------------------------------------------------------------------------


async def test_a_shell_is_confirmed_at_the_console(house: House):
    """The person sees which shell asks and for how long; the shell gets the token once, and it is theirs."""
    eva = await enrol(house.node, "Eva M.", Role.CASE_WORKER)
    console = people_at(house.node, ORIGIN)
    begun = await house.ask("login.begin", label="eva at desk-3", hours=8)
    taking = asyncio.create_task(house.ask("login.take", secret=begun["secret"]))
    shell = await console.shell(house.at_console(eva), begun["code"].upper().replace("-", " "))
    assert (shell.label, shell.seconds) == ("eva at desk-3", 8 * 3_600)
    await house.confirm(eva, begun["code"])
    taken = await taking
    assert (taken["state"], taken["name"], taken["expires"]) == ("done", "Eva M.", START + 8 * 3_600)
    caller = house.node.tokens.admit(taken["token"])
    assert (caller.person, caller.roles) == (eva.id, {Role.CASE_WORKER})
    with pytest.raises(RefusedError) as caught:
        await house.ask("login.take", secret=begun["secret"])
    assert caught.value.code is Code.NOT_FOUND
    with pytest.raises(RefusedError):
        await house.confirm(eva, begun["code"])
    assert ("login.made", "console") in await house.events()


async def test_nobody_else_can_take_what_was_confirmed(house: House, monkeypatch: pytest.MonkeyPatch):
    """The code that is shown is worth nothing to a shell, and the secret nothing at the console."""
    monkeypatch.setattr("gateway.access.logins.PATIENCE", 0.01)
    eva = await enrol(house.node, "Eva M.", Role.CASE_WORKER)
    begun = await house.ask("login.begin", label="eva at desk-3")
    with pytest.raises(RefusedError):
        await house.ask("login.take", secret=begun["code"])
    with pytest.raises(RefusedError):
        await house.confirm(eva, begun["secret"])
    with pytest.raises(RefusedError, match="no such"):
        await house.node.logins.take("\ud800")  # half a character
    assert (await house.ask("login.take", secret=begun["secret"]))["state"] == "waiting"


async def test_a_shell_waits_ten_minutes(house: House):
    """At its last second it can be confirmed; then it is nothing any more, confirmed or not."""
    eva = await enrol(house.node, "Eva M.", Role.CASE_WORKER)
    console, late = people_at(house.node, ORIGIN), await house.ask("login.begin", label="late")
    begun = await house.ask("login.begin", label="in time")
    house.clock.advance(LOGIN_WAITS - 1)
    await house.confirm(eva, begun["code"])
    house.clock.advance(1)
    for secret in (begun["secret"], late["secret"]):
        with pytest.raises(RefusedError) as caught:
            await house.ask("login.take", secret=secret)
        assert caught.value.code is Code.NOT_FOUND
    with pytest.raises(RefusedError):
        await console.shell(house.at_console(eva), late["code"])


async def test_few_shells_wait_at_once(house: House):
    """One more is told to wait, and those that wait are not pushed out."""
    begun = [await house.ask("login.begin", label="x") for _ in range(MOST)]
    with pytest.raises(TransientError):
        await house.ask("login.begin", label="x")
    eva = await enrol(house.node, "Eva M.", Role.CASE_WORKER)
    assert (await people_at(house.node, ORIGIN).shell(house.at_console(eva), begun[0]["code"])).label == "x"
    house.clock.advance(LOGIN_WAITS)
    await house.ask("login.begin", label="x")


async def test_wrong_codes_are_counted(house: House):
    """As wrong passkeys are: ten are answered and logged, then they are slowed, for this person alone."""
    eva, ben = [await enrol(house.node, name, Role.CASE_WORKER) for name in ("Eva M.", "Ben")]
    console, begun = people_at(house.node, ORIGIN), await house.ask("login.begin", label="x")
    for _ in range(ATTEMPTS):
        with pytest.raises(RefusedError):
            await console.shell(house.at_console(eva), "aaaa-aaaa")
    with pytest.raises(TransientError):
        await console.shell(house.at_console(eva), "aaaa-aaaa")
    assert (await console.shell(house.at_console(ben), begun["code"])).label == "x"
    assert [event for event, _ in await house.events()].count("sign_in.refused") == ATTEMPTS


async def test_an_invitation_becomes_one_token(house: House):
    """It is used up, also for a passkey; a wrong code is a wrong attempt."""
    made = await house.ask("person.add", name="Tom", roles=["auditor"])
    taken = await house.ask("login.enrol", code=made["code"], label="x")
    assert house.node.tokens.admit(taken["token"]).person == made["id"]
    for code in (made["code"], "aaaa-aaaa", "x"):
        with pytest.raises(RefusedError) as caught:
            await house.ask("login.enrol", code=code, label="x")
        assert (caught.value.code, caught.value.what) == (Code.UNAUTHORISED, "sign-in was refused")
    with pytest.raises(RefusedError):
        await people_at(house.node, ORIGIN).invited(made["code"])


# --- how it ends --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("operation", "arguments", "reason"),
    [
        ("person.sign_out", {}, "signed_out"),
        ("person.end", {}, "ended"),
        ("person.change", {"roles": ["operator"]}, "changed"),
        ("person.invite", {"instead": True}, "invited"),
    ],
)
async def test_a_token_ends_with_what_its_person_may(
    house: House, operation: str, arguments: dict[str, Any], reason: str
):
    """And with it a shell that was confirmed and has not come back; the tokens of others go on."""
    tom, ada = [await enrol(house.node, name, Role.AUDITOR) for name in ("Tom", "Ada")]
    begun = await house.ask("login.begin", label="x")
    await house.confirm(tom, begun["code"])
    await house.ask(operation, id=tom.id, **arguments)
    assert refused(house.node.tokens, tom.token).what == "the token was revoked"
    with pytest.raises(RefusedError):
        await house.ask("login.take", secret=begun["secret"])
    assert house.node.tokens.admit(ada.token).person == ada.id
    assert ("login.ended", reason) in await house.events()


async def test_one_more_passkey_ends_no_token(house: House):
    """An invitation besides leaves what they have."""
    tom = await enrol(house.node, "Tom", Role.AUDITOR)
    await house.ask("person.invite", id=tom.id)
    assert house.node.tokens.admit(tom.token).person == tom.id


async def test_a_token_ends_itself_and_no_other(house: House):
    """`login.end` is of the token with which it is asked; the owner alone and a program have none."""
    tom = await enrol(house.node, "Tom", Role.AUDITOR)
    for caller in (OWNER, Caller(roles=frozenset({Role.AUDITOR}), token="a"), house.at_console(tom).caller):
        with pytest.raises(RefusedError) as caught:
            await house.ask("login.end", caller=caller)
        assert caught.value.code is Code.CONFLICT
    await house.ask("login.end", caller=tom.caller)
    assert refused(house.node.tokens, tom.token).what == "the token was revoked"


async def test_the_list_says_whose_it_is(house: House):
    """A person's has no role and a name; who looks after trust revokes it like another."""
    tom = await enrol(house.node, "Tom", Role.AUDITOR)
    (found,) = [one for one in (await house.ask("token.list"))["tokens"] if one["person"]]
    assert (found["name"], found["role"], found["person"], found["state"]) == ("Tom", None, tom.id, "valid")
    await house.ask("token.revoke", id=found["id"])
    assert refused(house.node.tokens, tom.token).what == "the token was revoked"
    (person,) = (await house.ask("person.list"))["people"]
    assert person["tokens"] == 0


async def test_who_asks_is_told(house: House):
    """The owner alone, the owner who is somebody, a session, and a program."""
    tom = await enrol(house.node, "Tom", Role.AUDITOR)
    asked = {
        name: await house.ask("login.show", caller=caller)
        for name, caller in {
            "socket": OWNER,
            "personal_token": tom.caller,
            "session": house.at_console(tom).caller,
            "token": Caller(roles=frozenset({Role.ADAPTER}), token="none"),
        }.items()
    }
    assert {name: one["credential"] for name, one in asked.items()} == {name: name for name in asked}
    assert {name: (one["owner"], one["name"], one["roles"]) for name, one in asked.items()} == {
        "socket": (True, None, []),
        "personal_token": (True, "Tom", ["auditor"]),
        "session": (False, "Tom", ["auditor"]),
        "token": (False, None, ["adapter"]),
    }


# --- at the doors -------------------------------------------------------------------------------------------------


@dataclass
class Door:
    """Both doors of one served node, and somebody who is signed in."""

    desk: Desk
    port: int
    tom: Enrolled

    def ask(self, token: str | None, path: str = "/logins/own", *, socket: bool) -> tuple[int, Any]:
        """Status and answer of one question, at the socket or on loopback."""
        connection = (
            SocketConnection(self.desk.folder / "run" / "api.sock")
            if socket
            else http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        )
        connection.request("GET", PREFIX + path, headers=credential(token))
        response = connection.getresponse()
        value = json.loads(response.read())
        connection.close()
        return response.status, value


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """One node for all questions."""
    desk, port = desks.make(tmp_path_factory.mktemp("doors"), "FR"), free_port()
    with (desk.folder / "node.toml").open("a") as settings:
        settings.write(f'\n[local]\nlisten = "127.0.0.1:{port}"\n')
    with served(desk):
        yield Door(desk, port, play(enrolling("Tom", Role.AUDITOR), desk.ask))


def test_a_person_on_the_socket_is_the_owner_besides(door: Door):
    """On loopback the person alone, without a token at the socket the owner alone."""
    asked = {
        "socket and token": door.ask(door.tom.token, socket=True),
        "socket": door.ask(None, socket=True),
        "loopback and token": door.ask(door.tom.token, socket=False),
    }
    assert {name: (status, one["owner"], one["name"]) for name, (status, one) in asked.items()} == {
        "socket and token": (200, True, "Tom"),
        "socket": (200, True, None),
        "loopback and token": (200, False, "Tom"),
    }
    assert door.ask(door.tom.token, "/keys", socket=True)[0] == 200  # an auditor may not, the owner may
    assert door.ask(door.tom.token, "/messages", socket=False)[0] == 403


@pytest.mark.parametrize("socket", [True, False], ids=["socket", "loopback"])
def test_a_bad_token_is_nobody(door: Door, socket: bool):
    """Not even the owner whom the kernel proves: who meant to act as a person never acts as the node."""
    for token in ("x", door.tom.token[:-1], "trm.0000000000000000.x"):
        status, value = door.ask(token, socket=socket)
        assert (status, value["code"]) == (401, "unauthorised")
