"""What a case system and a desk rely on: the inbox, drafts that several change, acts that are done once, pages."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from support.acting import signed_in
from support.local import Answer, Caller, socket_caller
from support.running import UNIT, consent, enquiry, pair, running

from gateway.api.routes import PREFIX

MESSAGES, INBOX, DRAFTS, CONSENTS = (f"{PREFIX}/{word}" for word in ("messages", "inbox", "drafts", "consents"))


def door(base: Path, name: str) -> Any:
    """A caller on the socket of a node."""
    return socket_caller(base / name / "run" / "api.sock")


async def send(caller: Caller, key: str) -> str:
    """The id of an enquiry that was taken."""
    answer = await caller.ask("POST", MESSAGES, enquiry("AL"), Idempotency_Key=key)
    assert answer.status == 201, answer.text
    return str(answer.value["id"])


async def test_the_inbox_waits_and_is_read_on(tmp_path: Path):
    """A question that waits is answered by what comes; a position reads on; what was taken is not there any more."""
    async with running(tmp_path, {"FR": None, "AL": None}, desk_only={"AL"}) as nodes:
        await pair(nodes["FR"], nodes["AL"])
        async with door(tmp_path, "FR") as shell, door(tmp_path, "AL") as al:
            fr = await signed_in(shell, nodes["FR"])
            assert (await al.ask("GET", INBOX)).value == {"messages": [], "next": None}
            waiting = asyncio.create_task(al.ask("GET", f"{INBOX}?wait=30"))
            first = await send(fr, "one")
            came = (await asyncio.wait_for(waiting, 29)).value  # after 30 it would look by itself
            assert [message["id"] for message in came["messages"]] == [first]
            second = await send(fr, "two")
            behind = (await al.ask("GET", f"{INBOX}?wait=30&after={came['next']}")).value
            assert [message["id"] for message in behind["messages"]] == [second]
            await al.ask("POST", f"{MESSAGES}/{first}/ack", {})
            left = (await al.ask("GET", INBOX)).value
            assert [message["id"] for message in left["messages"]] == [second]


async def test_nobody_overwrites_what_another_person_changed(tmp_path: Path):
    """A draft is changed by who has seen its newest version; who has not is told so, and nothing is lost."""
    async with running(tmp_path, {"FR": None, "AL": None}) as nodes:
        await pair(nodes["FR"], nodes["AL"])
        async with door(tmp_path, "FR") as shell:
            fr = await signed_in(shell, nodes["FR"])
            unfinished = {"type": "enquiry.capacity/1", "to": "AL", "header": {"sender_unit": UNIT}, "content": {}}
            saved = await fr.ask("POST", DRAFTS, {"draft": unfinished})
            assert saved.status == 201
            assert "/content/services" in [finding["place"] for finding in saved.value["findings"]]
            place, seen = f"{DRAFTS}/{saved.value['id']}", f'"{saved.value["version"]}"'
            whole = {"draft": enquiry("AL")}
            for wrong in ({}, {"If_Match": "*"}, {"If_Match": saved.value["version"]}):
                assert (await fr.ask("PUT", place, whole, **wrong)).status == 400
            changed = await fr.ask("PUT", place, whole, If_Match=seen)
            assert (changed.status, changed.value["findings"]) == (200, [])
            late = await fr.ask("PUT", place, {"draft": unfinished}, If_Match=seen)
            assert (late.status, late.value["code"]) == (412, "changed_meanwhile")
            assert (await fr.ask("GET", place)).value["draft"] == enquiry("AL")
            released = await fr.ask("POST", f"{place}/release", {})
            assert released.status == 201, released.text
            gone = await fr.ask("PUT", place, whole, If_Match=f'"{changed.value["version"]}"')
            assert (gone.status, gone.value["code"]) == (409, "conflict")


async def test_nobody_releases_what_they_have_not_seen(tmp_path: Path):
    """The second of two people says which version they read; where the first one has made another, nothing goes."""
    async with running(tmp_path, {"FR": None, "AL": None}) as nodes:
        await pair(nodes["FR"], nodes["AL"])
        async with door(tmp_path, "FR") as shell:
            ana, ben = [await signed_in(shell, nodes["FR"], name) for name in ("Ana B.", "Ben C.")]
            saved = (await ana.ask("POST", DRAFTS, {"draft": enquiry("AL")})).value
            place, two = f"{DRAFTS}/{saved['id']}", {"two_people": True}
            assert (await ana.ask("POST", f"{place}/release", two)).value["state"] == "waiting_second"
            read = (await ben.ask("GET", place)).value
            urgent = {**read["draft"], "header": {**read["draft"]["header"], "priority": "urgent"}}
            assert (await ana.ask("PUT", place, {"draft": urgent}, If_Match=f'"{read["version"]}"')).status == 200
            assert (await ana.ask("POST", f"{place}/release", two)).value["state"] == "waiting_second"
            late = await ben.ask("POST", f"{place}/release", {}, If_Match=f'"{read["version"]}"')
            assert (late.status, late.value["code"]) == (412, "changed_meanwhile")
            assert (await ben.ask("GET", MESSAGES)).value["messages"] == []
            assert (await ben.ask("POST", f"{place}/release", {}, If_Match=read["version"])).status == 400
            now = (await ben.ask("GET", place)).value["version"]
            assert (await ben.ask("POST", f"{place}/release", {}, If_Match=f'"{now}"')).status == 201


async def headers(caller: Caller, place: str) -> Mapping[str, str]:
    """The headers of an answer."""
    async with caller.session.get(caller.base + place) as response:
        return response.headers


async def test_pages_name_the_next_one(tmp_path: Path):
    """Link leads through all pages of each list, and each thing is on one of them; a draft has its entity tag."""
    async with running(tmp_path, {"FR": None, "AL": None}) as nodes:
        await pair(nodes["FR"], nodes["AL"])
        unit = f"{nodes['AL'].own.node}/{UNIT}"
        async with door(tmp_path, "FR") as shell:
            fr = await signed_in(shell, nodes["FR"])
            for n in range(3):
                await send(fr, f"k{n}")
                saved = await fr.ask("POST", DRAFTS, {"draft": enquiry("AL")})
                given = {"number": f"2026/{n}", "content": consent(unit)}
                assert (await fr.ask("POST", CONSENTS, given)).status == 201
            for path, name in (
                (MESSAGES, "messages"),
                (DRAFTS, "drafts"),
                (CONSENTS, "consents"),
                (f"{PREFIX}/cases", "cases"),
                (f"{PREFIX}/conversations", "conversations"),
            ):
                pages = await walked(fr, f"{path}?limit=2", name)
                assert [len(page) for page in pages] == [2, 1], path
                ids = [item.get("id") or item["conversation"] for page in pages for item in page]
                assert len(set(ids)) == 3, path
            assert (await headers(fr, f"{DRAFTS}/{saved.value['id']}"))["ETag"] == f'"{saved.value["version"]}"'


async def walked(caller: Caller, place: str, name: str) -> list[list[Any]]:
    """All pages, by the links between them."""
    pages: list[list[Any]] = []
    while place:
        pages.append((await caller.ask("GET", place)).value[name])
        place = (await headers(caller, place)).get("Link", "").partition(">")[0].removeprefix("<")
    return pages


async def test_an_act_under_a_key_is_done_once(tmp_path: Path):
    """The same key and body get the same answer, another body is a conflict, and what was refused may come again."""
    async with running(tmp_path, {"FR": None}) as nodes, door(tmp_path, "FR") as shell:
        fr = await signed_in(shell, nodes["FR"])
        draft = {"draft": {"type": "enquiry.capacity/1"}}
        first = await fr.ask("POST", DRAFTS, draft, Idempotency_Key="one")
        again = await fr.ask("POST", DRAFTS, draft, Idempotency_Key="one")
        assert (first.status, again.status) == (201, 200)
        assert first.value == again.value
        other = await fr.ask("POST", DRAFTS, {"draft": {}}, Idempotency_Key="one")
        assert (other.status, other.value["code"]) == (409, "conflict")
        elsewhere = await fr.ask("POST", f"{PREFIX}/cases", {"label": "Blue 7"}, Idempotency_Key="one")
        assert (elsewhere.status, elsewhere.value["code"]) == (409, "conflict")
        assert len((await fr.ask("GET", DRAFTS)).value["drafts"]) == 1
        discard = f"{DRAFTS}/{first.value['id']}/discard"
        refused = await fr.ask("POST", discard, {"by": "Ana Doe"}, Idempotency_Key="two")
        assert refused.status == 400
        assert (await shell.ask("POST", discard, {}, Idempotency_Key="two")).status == 403
        assert (await fr.ask("POST", discard, {}, Idempotency_Key="two")).status == 200
        await token_is_shown_once(fr)
        assert nodes["FR"].config.node.name == "FR"


async def token_is_shown_once(caller: Caller) -> None:
    """The text of a token is kept nowhere: repeating its key makes no second one and does not show it again."""
    wanted = {"role": "adapter", "label": "case system"}
    made: Answer = await caller.ask("POST", f"{PREFIX}/tokens", wanted, Idempotency_Key="three")
    again = await caller.ask("POST", f"{PREFIX}/tokens", wanted, Idempotency_Key="three")
    assert (made.status, again.status, again.value["code"]) == (201, 409, "conflict")
    listed = (await caller.ask("GET", f"{PREFIX}/tokens")).value["tokens"]
    assert [token["id"] for token in listed].count(made.value["id"]) == 1


async def test_codes_and_units_are_looked_up(tmp_path: Path):
    """Every code with its label in the asked language; who can be asked in a country."""
    async with running(tmp_path, {"FR": None, "AL": None}) as nodes:
        await pair(nodes["FR"], nodes["AL"])
        async with door(tmp_path, "FR") as shell:
            fr = await signed_in(shell, nodes["FR"])
            lists = (await fr.ask("GET", f"{PREFIX}/codes")).value["lists"]
            assert {"purpose", "role"} <= {one["id"] for one in lists}
            shown = (await fr.ask("GET", f"{PREFIX}/codes/role?language=ar")).value
            known = next(one["codes"] for one in lists if one["id"] == "role")
            assert (shown["direction"], len(shown["codes"])) == ("rtl", known)
            assert (await fr.ask("GET", f"{PREFIX}/codes/role?language=xx")).status == 404
            assert (await fr.ask("GET", f"{PREFIX}/codes/nothing")).status == 404
            units = (await fr.ask("GET", f"{PREFIX}/directory?country=AL&role=national_focal_point")).value["units"]
            assert [(unit["peer"], unit["unit"]) for unit in units] == [("AL", UNIT)]
            assert (await fr.ask("GET", f"{PREFIX}/directory?country=XX")).value["units"] == []
