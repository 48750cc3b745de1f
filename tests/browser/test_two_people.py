"""Two people and three countries at their consoles: who is told what when one of them takes everything back, and what
has to be looked at before anything goes again after a disk was lost without the ledger.

France has person P, with a conversation with Albania and one with Morocco, and person Q, with one with Albania.
"""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser
from support.browser import Seat
from support.ceremony import ADMINS, aplay
from support.enrolled import approving
from support.nodechild import CHEAP, SteeredClock
from support.nodeproc import UNIT
from support.offices import Office, enrol
from support.pair import PASSPHRASE, START, Party, Two, example, introduce, make_party
from support.ports import free_port
from support.writing import fill, release

from gateway.administration.restore import restore
from gateway.console.forms.consent import USUAL
from gateway.console.pages.consent import TOLD
from keys.offline.administrator_key import Admin
from keys.offline.recovery_key import create_recovery, load_recovery, public_path

pytestmark = pytest.mark.asyncio(loop_scope="session")

SECRET = "secret of the recovery key"
CALLED = {"P": "Tulpe-7391", "Q": "Erle-2046"}
TAKEN = {
    "/content/given_by": "person",
    "/content/form": "written",
    "/content/taken_on": datetime.fromtimestamp(START, UTC).date().isoformat(),
    "/content/interpreter": "true",
    "/content/onward_sharing": "false",
}
"""What a form of consent asks besides what is told and what is answered."""


@dataclass(frozen=True)
class Three:
    """Three nodes with their consoles; France is paired with both others."""

    fr: Party
    al: Party
    ma: Party
    clock: SteeredClock
    base: Path

    async def until(self, condition: Any, what: str) -> None:
        """As `Two.until`."""
        await Two(self.fr, self.al, self.clock).until(condition, seconds=400, what=what)

    def office(self, party: Party) -> Office:
        """A node as its people see it."""
        origin = party.running.config.console_origin
        assert origin is not None
        return Office(node=party.running, origin=origin)

    async def lose_the_disk(self, data: Path, keystore: Path) -> None:
        """France is restored from a backup; there is no ledger."""
        await self.fr.stop()
        shutil.rmtree(self.fr.folder)
        key = load_recovery(self.base / "recovery.key", SECRET, at_least=CHEAP)
        await restore(data, keystore, key, self.fr.folder, PASSPHRASE, ledger=None, clock=self.clock, cost=CHEAP)
        await self.fr.start()


@asynccontextmanager
async def countries(base: Path) -> AsyncIterator[Three]:
    """The three, serving."""
    clock = SteeredClock(START)
    create_recovery(base / "recovery.key", SECRET, now=0, cost=CHEAP)
    found = [await make_party(base, name, clock) for name in ("FR", "AL", "MA")]
    three = Three(*found, clock=clock, base=base)
    try:
        for party in found:
            with (party.folder / "node.toml").open("a") as settings:
                settings.write(f'\n[local]\nlisten = "127.0.0.1:{free_port()}"\n')
                settings.write(f'\n[backup]\nrecovery_key = "{public_path(base / "recovery.key")}"\n')
            await party.start()
        for other in (three.al, three.ma):
            await introduce(three.fr, other)
        await three.until(lambda: all(_known(three.fr, other) for other in (three.al, three.ma)), "the keysets")
        yield three
    finally:
        for party in found:
            await party.stop()


def _known(near: Party, far: Party) -> bool:
    return all(
        here.running.peers.find(there.name).keyset is not None and here.agreed(there.name)
        for here, there in ((near, far), (far, near))
    )


async def begin_case(seat: Seat, label: str) -> str:
    """Begin a case at the console; its id."""
    await seat.open("/cases/new")
    await seat.page.locator("[name=label]").fill(label)
    await seat.submit('main form[action="/cases/new"]')
    return seat.page.url.rpartition("/")[2]


async def written(fr: Party, case: str, to: str, called: str) -> str:
    """A referral that relies on no consent yet, as a draft; its id."""
    request = example("referral.request/1", to) | {"purpose": "referral", "case": case}
    for filled_in in ("author_ref", "case_ref_sender", "consent_ref"):
        request["header"].pop(filled_in)
    request["content"]["person"]["pseudonym"] = called
    return str((await fr.call("draft.save", draft=request))["id"])


async def refer(ana: Seat, ben: Seat, fr: Party, case: str, consent: str, to: str, called: str) -> str:
    """Ana chooses the consent among those of the person and releases the referral, Ben releases it too; the address of
    its conversation.
    """
    draft = await written(fr, case, to, called)
    await choose_consent(ana, draft, consent)
    assert called in await ana.text()
    await release(ana)
    await ben.open(f"/drafts/{draft}/preview")
    await release(ben)
    assert "/conversations/" in ben.page.url, await ben.text()
    return ben.page.url.removeprefix(ben.origin)


async def agrees(seat: Seat, case: str, to: Party) -> str:
    """The person of a case, asked in Albanian, says yes to all that a referral to another country needs; the consent's
    id.
    """
    await seat.open(f"/consents/new?case={case}")
    unit = f"{to.running.own.node}/{UNIT}"
    await fill(seat, {"with": ("sq",), "for_purpose": ("referral",), "for_unit": (unit,)})
    await seat.submit_by('button[name=act][value="begin"]')
    until = await seat.page.locator("[name=until] option").last.get_attribute("value")
    said = dict.fromkeys((f"ask:{kind}" for kind in USUAL["referral"]), "true") | {"until": str(until)}
    told = dict.fromkeys((f"/content/told/{name}" for name in TOLD), "true")
    await fill(seat, {name: (value,) for name, value in (said | told | TAKEN).items()})
    await seat.press("Record it")
    assert "/consents/new" not in seat.page.url, await seat.text()
    return seat.page.url.rpartition("/")[2]


async def offered(seat: Seat, fr: Party, case: str) -> set[str]:
    """The consents that the form of a referral of this case offers."""
    draft = await written(fr, case, "AL", CALLED["P"])
    await seat.open(f"/drafts/{draft}/step/consent")
    options = seat.page.locator('[name="/header/consent_ref"] option')
    found = {await one.get_attribute("value") for one in await options.all()} - {""}
    await fr.call("draft.discard", id=draft)
    return {str(one) for one in found}


async def stands(seat: Seat, talk: str) -> str:
    """The heading that says where a conversation stands with its country."""
    await seat.open(talk)
    return await seat.page.locator("main section h2").first.inner_text()


async def test_what_one_person_takes_back_is_told_where_it_was_told(browser: Browser, tmp_path: Path) -> None:
    """Recorded, released by two, withdrawn in one step, erased, and confirmed after a restore: Q's referral stands."""
    async with AsyncExitStack() as stack:
        three = await stack.enter_async_context(countries(tmp_path))
        fr, al, ma = three.fr, three.al, three.ma
        ana, ben, drita, malika = [
            await stack.enter_async_context(three.office(party).worker(browser, name, role, admin=admin))
            for party, name, role, admin in (
                (fr, "Ana Doe", "case_worker", ADMINS[0]),
                (fr, "Ben Roe", "focal_point", ADMINS[1]),
                (al, "Drita Lule", "focal_point", ADMINS[0]),
                (ma, "Malika S.", "focal_point", ADMINS[0]),
            )
        ]
        for seat in (ana, ben, drita, malika):
            await seat.scripts(allowed=False)

        # a case for each; a referral offers the consents of its person and no other
        p, q = [await begin_case(ana, label) for label in ("Blue 7", "Green 2")]
        to_al, to_ma, hers = [await agrees(ana, case, to) for case, to in ((p, al), (p, ma), (q, al))]
        assert (await offered(ana, fr, p), await offered(ana, fr, q)) == ({to_al, to_ma}, {hers})
        of_p = await refer(ana, ben, fr, p, to_al, "AL", CALLED["P"])
        of_p_there = await refer(ana, ben, fr, p, to_ma, "MA", CALLED["P"])
        of_q = await refer(ana, ben, fr, q, hers, "AL", CALLED["Q"])

        # Albania hears of two people, Morocco of one
        for seat, talks in ((drita, (of_p, of_q)), (malika, (of_p_there,))):
            for talk in talks:
                await three.until(partial(there, seat, talk), "the referral is there")
            await seat.open("/cases")
            names = {name: name in await seat.text() for name in CALLED.values()}
            assert names == {CALLED["P"]: True, CALLED["Q"]: seat is drita}
        stood = await stands(drita, of_q)

        # one step: whose they are and who will be told before it, and where everything stands after it
        backup = await fr.call("backup.make", folder=str(tmp_path / "backups"))
        await ben.open(f"/cases/{p}/withdraw")
        said = await ben.text()
        assert all(word in said for word in ("Blue 7", "Albania", "Morocco")) and "Green 2" not in said
        await ben.page.locator("[name=erase]").check()
        await ben.press("Withdraw every consent of Blue 7 in 2 countries")
        assert "Consent withdrawn: Blue 7" in await ben.text()
        for seat, talk in ((drita, of_p), (malika, of_p_there), (ben, of_p), (ben, of_p_there)):
            await three.until(partial(is_said, seat, talk, "Consent withdrawal"), "it is told")
        assert await stands(drita, of_q) == stood

        # who was told erases and signs it; then France does
        for seat, talk in ((drita, of_p), (malika, of_p_there)):
            await seat.open("/records/erasures")
            said = await seat.text()
            assert CALLED["P"] in said and CALLED["Q"] not in said
            await seat.submit_by('form[action$="/follow"] button')
            assert await is_said(seat, talk, "Message without content")
        await ben.open(f"/cases/{p}/erase")
        await ben.page.locator("[name=reason]").select_option("consent_withdrawn")
        await ben.press("Erase")
        for seat, talk, gone in ((ben, of_p, True), (ben, of_p_there, True), (ben, of_q, False), (drita, of_q, False)):
            assert await is_said(seat, talk, "Message without content") is gone

        # the disk is lost: the desk says what waits, and nothing goes
        await three.lose_the_disk(Path(backup["data"]), Path(backup["keystore"]))
        for seat, name, admin in ((ana, "Ana Doe", ADMINS[0]), (ben, "Ben Roe", ADMINS[1])):
            await come_in_anew(seat, three.office(fr), name, admin)
        assert await is_said(ana, "/cases", "3 consents wait to be confirmed")
        again = await written(fr, q, "AL", CALLED["Q"])
        await choose_consent(ana, again, hers)
        assert "It cannot be sent yet" in await ana.text() and "G2" in await ana.text()

        # two people here and one there begin each link anew; the countries say what was taken back
        for other in (al, ma):
            await fr.changes("link.reset", other.name)
            await three.until(partial(asks_anew, other, fr), "the request")
            await other.changes("link.accept_reset", "FR")
            await three.until(partial(fr.running.peers.speaks, other.running.own.node), "the link")
        for taken in (to_al, to_ma):
            await three.until(partial(is_said, ben, f"/consents/{taken}", "taken back"), "the withdrawal")

        # a worker looks at the case of Q, and confirms; then it goes, and nothing of P does
        await ana.open("/consents/unconfirmed")
        await ana.submit_by(f'a[href="/cases/{q}/confirm"]')
        said = await ana.text()
        assert "Green 2" in said and "Ask the person" in said and "Albania" in said and "Morocco" not in said
        await ana.press("I have looked: they still hold")
        assert "No consent of this case waits to be confirmed." in await ana.text()
        await choose_consent(ana, again, hers)
        await release(ana)
        await ben.open(f"/drafts/{again}/preview")
        await release(ben)
        anew = ben.page.url.removeprefix(ben.origin)
        await three.until(lambda: there(drita, anew), "the referral of Q")
        assert await offered(ana, fr, p) == set()
        assert await stands(drita, of_q) == stood
        for seat in (ana, ben, drita, malika):
            assert seat.asked == {seat.origin.removeprefix("http://")}


async def choose_consent(seat: Seat, draft: str, chosen: str) -> None:
    """Choose the consent on which a draft relies, and look at what would leave."""
    await seat.open(f"/drafts/{draft}/step/consent")
    await seat.page.locator('[name="/header/consent_ref"]').select_option(chosen)
    await seat.submit_by('button[name=act][value="leave"]')
    await seat.open(f"/drafts/{draft}/preview")


async def come_in_anew(seat: Seat, office: Office, name: str, admin: Admin) -> None:
    """By a new code, for which an administrator vouches: no passkey and no session survives a restore."""
    (person,) = [one for one in (await office.ask("person.list"))["people"] if one["name"] == name]
    invited = approving(await office.ask("person.invite", id=person["id"]), admin=admin)
    code = (await aplay(invited, office.ask))["code"]
    await seat.scripts(allowed=True)
    await enrol(seat, code)
    assert seat.page.url.endswith("/cases"), await seat.text()
    await seat.scripts(allowed=False)


def asks_anew(other: Party, restored: Party) -> bool:
    """Whether the request to begin the link anew has come."""
    return other.running.peers.reset(restored.running.own.node) is not None


async def is_said(seat: Seat, path: str, words: str) -> bool:
    """Whether a page says this."""
    await seat.open(path)
    return words in await seat.text()


async def there(seat: Seat, talk: str) -> bool:
    """Whether this country has the conversation by now."""
    answer = await seat.page.goto(seat.origin + talk)
    return answer is not None and answer.status == 200
