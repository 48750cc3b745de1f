"""Who is told of a withdrawal when the conversation was erased here before the person withdrew, between real nodes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest
import pytest_asyncio
from support.keycost import CHEAP
from support.nodeproc import UNIT
from support.pair import Party, Spoiler, Two, two_nodes
from support.persons import ANA, agreed, damage, referral, referred, stands
from support.tables import table

from gateway.consent.operations.withdrawing import TRIES, Withdrawer
from gateway.errors import RefusedError
from gateway.operations.roles import Caller, Role
from keys.documents.succession import sign_descriptor
from keys.offline.roots import load_root
from keys.primitives.domains import DESCRIPTOR
from keys.primitives.encoding import b64u, canon
from keys.primitives.sign import SignedDocument

CONSENT = b64u(b"consent of her..")
ERASED, LEFT = b64u(b"conversation one"), b64u(b"conversation two")
EVIDENCE = "select evidence from statement where message in (select message from erasure)"


@pytest_asyncio.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    """One person whose consent two conversations rely on, of which one was erased in France."""
    async with two_nodes(tmp_path) as made:
        await agreed(made.fr, "F-1", CONSENT)
        for talk in (ERASED, LEFT):
            await referred(made, "F-1", CONSENT, conversation=talk)
        await erase(made.fr, ERASED)
        yield made


async def erase(party: Party, conversation: str) -> None:
    """A person erases a conversation."""
    await party.call("conversation.erase", id=conversation, by=ANA, reason="not_needed")


async def with_units(party: Party, base: Path, units: list[str]) -> SignedDocument:
    """The next descriptor of a node, in which it has other units, signed by its root."""
    (path,) = (base / f"{party.name}-roots").iterdir()
    root = await asyncio.to_thread(load_root, path, "roots", at_least=CHEAP)
    own = party.running.own.descriptor
    ((document,),) = await party.rows("select document from own_descriptor")
    last = orjson.loads(SignedDocument.decode(document, DESCRIPTOR).payload)
    listed = [{"id": unit, "name": unit, "kind": "ngo", "roles": ["shelter_provider"]} for unit in units]
    following = {"version": 2, "prev": own.hash, "issued": party.running.clock.now(), "units": listed}
    return sign_descriptor(canon(last | following), [root.key])


async def withdraw(party: Party, **more: Any) -> list[str]:
    """The person takes the consent back; the ids of the messages that tell it."""
    done = await party.call("consent.withdraw", id=CONSENT, by=ANA, **more)
    return [told["message"] for told in done["told"]]


async def test_an_erased_conversation_is_told_too(two: Two):
    """Albania still has what was erased here: both conversations stand still there, by what was signed."""
    told = await withdraw(two.fr, erase_wanted=True)
    assert len(told) == 2
    await two.until(lambda: set(told) <= {d.message_id for d in two.al.deliveries()}, seconds=60, what="it is told")
    for talk in (ERASED, LEFT):
        assert "consent_withdrawn" in (await stands(two.al, talk))["overlays"]
    assert "consent.untold" not in await two.fr.alarms()


async def test_a_part_is_told_there_too(two: Two):
    """What was taken back in part is told wherever it was relied on."""
    told = await withdraw(two.fr, grants=[0])
    await two.until(lambda: set(told) <= {d.message_id for d in two.al.deliveries()}, seconds=60, what="it is told")
    shown = [await two.fr.show(id) for id in told]
    assert sorted(one["conversation"] for one in shown) == sorted((ERASED, LEFT))


@pytest.mark.parametrize("grants", [[], [30], [0, 0]], ids=["none", "one that no record has", "one twice"])
async def test_grants_that_no_message_can_name_are_told_as_they_count(two: Two, grants: list[int]):
    """However a list is written that takes back all of it here, the other country is told in words that it takes in."""
    told = await withdraw(two.fr, grants=grants)
    assert len(told) == 2
    await two.until(lambda: set(told) <= {d.message_id for d in two.al.deliveries()}, seconds=60, what="it is told")
    assert [(await party.call("consent.show", id=CONSENT))["state"] for party in (two.fr, two.al)] == ["withdrawn"] * 2


async def test_nobody_hears_of_what_never_left(two: Two):
    """A conversation that was erased before its first message departed is known to nobody else."""
    silent = b64u(b"conversation 3..")
    Spoiler(two.fr).away = True
    waits = await two.fr.call("message.submit", **referral("F-1", CONSENT, conversation=silent))
    assert await two.fr.state(waits["id"]) == "queued"
    await erase(two.fr, silent)
    told = await withdraw(two.fr)
    assert silent not in {(await two.fr.show(id))["conversation"] for id in told}
    assert (len(told), "consent.untold" in await two.fr.alarms()) == (2, False)


async def test_whom_nothing_says_how_to_tell_is_for_the_telephone(two: Two):
    """Nothing that was signed opens either: the withdrawal counts, and an alarm names the country."""
    await damage(two.fr, EVIDENCE)
    assert [(await two.fr.show(id))["conversation"] for id in await withdraw(two.fr)] == [LEFT]
    assert (await two.fr.call("consent.show", id=CONSENT))["state"] == "withdrawn"
    (alarm,) = [one for one in (await two.fr.call("alarm.list"))["alarms"] if one["kind"] == "consent.untold"]
    assert (alarm["peer"], alarm["message"] is not None) == ("AL", True)


async def test_what_goes_meanwhile_each_time_is_for_the_telephone(two: Two, monkeypatch: pytest.MonkeyPatch):
    """However often somebody gets to know the consent while its withdrawal is made ready, it counts in the end; who
    came last is named in an alarm, and nobody else.
    """
    tell, came = Withdrawer._tell, list[str]()

    async def tell_slowly(*given: Any) -> Any:
        made = await tell(*given)
        came.append(str((await referred(two, "F-1", CONSENT))["id"]))
        return made

    monkeypatch.setattr(Withdrawer, "_tell", tell_slowly)
    told = await withdraw(two.fr)
    assert (len(came), len(told)) == (TRIES, 2 + TRIES - 1)
    assert (await two.fr.call("consent.show", id=CONSENT))["state"] == "withdrawn"
    alarms = (await two.fr.call("alarm.list"))["alarms"]
    assert [(one["peer"], one["message"]) for one in alarms if one["kind"] == "consent.untold"] == [("AL", came[-1])]


@pytest.mark.parametrize("attested", [False, True], ids=["by a person", "attested by a case system"])
async def test_the_log_tells_of_each_withdrawal(two: Two, attested: bool):
    """By whom, as a keyed hash, and whether a case system says so."""
    adapter = Caller(roles=frozenset({Role.ADAPTER}), token="t")
    if attested:
        said = {"id": CONSENT, "attested": {"by": "w-9"}}
        await two.fr.running.desk.call("consent.withdraw", said, caller=adapter)
    else:
        await withdraw(two.fr)
    leaves = [orjson.loads(leaf) for (leaf,) in await two.fr.rows("select leaf from audit order by seq")]
    (told,) = [leaf for leaf in leaves if leaf["ev"] == "consent.withdraw"]
    assert (told["attested"], bool(told["actor"]), told["at"]) == (attested, True, two.clock.now())
    assert "w-9" not in str(leaves)


async def test_what_is_taken_back_is_shown_before(two: Two):
    """Each conversation that relies on it, with its country and how it stands, and who is told; an erased one too."""
    shown = await two.fr.call("consent.show", id=CONSENT)
    assert shown["tells"] == ["AL"]
    relied_on = {one["conversation"]: one for one in shown["relied_on"]}
    left = relied_on.pop(LEFT)
    assert (left["peer"], left["country"], left["stops"], left["of_case"]["name"]) == ("AL", "AL", 0, "F-1")
    assert left["state"] is not None
    ((conversation, erased),) = relied_on.items()
    assert (conversation, erased["peer"], erased["stops"]) == (None, "AL", 0)


async def test_nothing_of_it_is_left_and_it_is_told(two: Two):
    """Every conversation and so the record was erased here, and Albania still acts on the consent: it can be taken back
    by its id, also by somebody of one unit, and is told.
    """
    await erase(two.fr, LEFT)
    assert await two.fr.rows("select count(*) from consent") == [(0,)]
    caller = Caller(roles=frozenset({Role.CASE_WORKER}), unit=UNIT, token="t")
    done = await two.fr.running.desk.call("consent.withdraw", {"id": CONSENT}, caller=caller)
    told = {one["message"] for one in done.value["told"]}
    assert (done.value["state"], len(told)) == ("withdrawn", 2)
    await two.until(lambda: told <= {d.message_id for d in two.al.deliveries()}, seconds=60, what="it is told")
    for talk in (ERASED, LEFT):
        assert "consent_withdrawn" in (await stands(two.al, talk))["overlays"]
    assert (await two.al.call("consent.show", id=CONSENT))["state"] == "withdrawn"


async def test_a_part_of_what_is_left_nowhere_here(two: Two):
    """A grant of a consent whose record was erased: the answer says that a part was taken back."""
    await erase(two.fr, LEFT)
    assert (await two.fr.call("consent.withdraw", id=CONSENT, by=ANA, grants=[0]))["state"] == "withdrawn_in_part"


@table("caller", [Caller(roles=frozenset({Role.CASE_WORKER}), unit=unit, token="t") for unit in (None, UNIT)])
async def test_what_nobody_knows_is_not_there(two: Two, caller: Caller):
    """An id that no consent has is refused in the same words, whoever asks."""
    with pytest.raises(RefusedError, match="no such consent"):
        await two.fr.running.desk.call("consent.withdraw", {"id": b64u(b"nobody's consent")}, caller=caller)


@pytest.mark.parametrize(("units", "told"), [(["shelter"], 2), (["police", "shelter"], 0)])
async def test_a_unit_that_is_gone_holds_nothing_up(two: Two, tmp_path: Path, units: list[str], told: int):
    """Albania lists no longer the unit that was written to: its only unit is told, else a person telephones; the
    withdrawal counts either way.
    """
    await two.fr.running.sync.take_chain(two.fr.peer(), [await with_units(two.al, tmp_path, units)])
    done = await withdraw(two.fr)
    assert (await two.fr.call("consent.show", id=CONSENT))["state"] == "withdrawn"
    assert len(done) == told
    assert ("consent.untold" in await two.fr.alarms()) is (told == 0)
