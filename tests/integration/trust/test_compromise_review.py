"""A key of a node is compromised (nrm1 2.27): what its peer refuses, from which message on, and what people see."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from support.holders import signed
from support.logs import stranger
from support.nodechild import CHEAP
from support.pair import Party, Spoiler, Two, two_nodes
from support.tables import table

from gateway.errors import Code, RefusedError, RemoteError
from gateway.peers.registry import address
from gateway.peers.scope import PeerState
from gateway.trust.compromise_review import CompromiseReview
from keys.documents.key_records import Use
from keys.documents.keyset import build_keyset
from keys.documents.succession import sign_descriptor
from keys.documents.trust_record import TrustState
from keys.offline.roots import load_root
from keys.primitives.batch import Batch
from keys.primitives.domains import KEYSET, TRUST
from keys.primitives.encoding import canon, parse
from keys.primitives.sign import SignedDocument


@pytest_asyncio.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    """Two nodes, paired and serving."""
    async with two_nodes(tmp_path) as made:
        yield made


async def revoke(party: Party, kid: str, *, since: int | None = None) -> Any:
    """The whole way of an emergency revocation."""
    wanted = {"kids": [kid], "since": party.clock.now() if since is None else since, "reason": "stolen_laptop"}
    asked = await party.call("keys.request", revoke=wanted, by="admin")
    document = signed(party.folder.parent, party.name, asked["request"])
    return await party.call("keys.publish", document=document, by="admin")


def codes(body: bytes) -> list[str | None]:
    """The codes of an answer to envelopes."""
    value: Any = parse(body, limit=4_000_000)
    return [answer["code"] for answer in value["answers"]]


async def test_the_very_next_message_is_refused(two: Two) -> None:
    """An envelope sealed under the old key is refused with `revoked_key`; the same message goes, sealed anew."""
    client = two.fr.running.client
    post = client.post_messages
    wire = Spoiler(two.fr)
    wire.deaf = True
    ids = [await two.fr.submit(f"q-{number}") for number in range(3)]
    await two.until(lambda: bool(wire.envelopes()), seconds=30, what="it tried")
    old = wire.envelopes()[0]
    kid = two.fr.running.keys.sig_kid
    answer = await revoke(two.fr, kid)
    assert answer["took"] == {"AL": True}
    assert two.fr.running.keys.sig_kid != kid
    assert two.al.peer().keyset is not None
    answered = await post(address(two.fr.peer().descriptor), old)
    assert set(codes(answered.body)) == {"revoked_key"}
    assert two.al.notes() == []
    wire.deaf = False

    async def arrived() -> bool:
        return {await two.fr.state(id) for id in ids} == {"awaiting_opening"}

    await two.until(arrived, seconds=120, what="sealed anew")
    assert sorted(two.al.notes()) == ["q-0", "q-1", "q-2"]
    assert [party.peer().state for party in two] == [PeerState.ACTIVE] * 2


async def test_the_revoked_key_is_destroyed(two: Two) -> None:
    """Nothing of it stays on the node, and it can not be listed again."""
    keys = two.fr.running.keys
    kid = keys.sig_kid
    await revoke(two.fr, kid)
    assert kid not in {key.kid for key in keys.public(Use.SIG)}
    with pytest.raises(RefusedError) as caught:
        await two.fr.call("keys.request", revoke={"kids": [kid], "since": 0}, by="admin")
    assert caught.value.code is Code.NOT_FOUND


async def test_what_came_since_is_looked_at_again(two: Two) -> None:
    """Messages that arrived at `since` or later under the key go on a list, with their count; older ones do not."""
    early = await two.fr.submit("early")
    await two.until(lambda: two.al.notes() == ["early"])
    two.clock.advance(60)
    since = two.clock.now()
    late = [await two.fr.submit(f"late-{number}") for number in range(2)]
    await two.until(lambda: len(two.al.notes()) == 3, seconds=60)
    await revoke(two.fr, two.fr.running.keys.sig_kid, since=since)
    listed = (await two.al.call("review.list"))["reviews"]
    assert {item["message"] for item in listed} == {*late}  # two requests may be in flight at a time
    assert early not in {item["message"] for item in listed}
    (alarm,) = (await two.al.call("alarm.list"))["alarms"]
    assert (alarm["kind"], alarm["peer"], alarm["count"]) == ("peer.review", "FR", 2)
    case = (await two.al.call("case.open", label="Blue 7", by="Besa K."))["id"]
    talk = (await two.al.show(late[0]))["conversation"]
    await two.al.call("case.join", id=case, conversation=talk, by="Besa K.")
    named = {item["message"]: item["of_case"] for item in (await two.al.call("review.list"))["reviews"]}
    wanted = {late[0]: {"id": case, "name": "Blue 7"}, late[1]: None}
    assert named == wanted, "whom to call about is told with the list"
    await two.al.call("review.settle", id=late[0], by="Besa K.")
    assert [item["message"] for item in (await two.al.call("review.list"))["reviews"]] == late[1:]
    with pytest.raises(RefusedError, match="no such message on the list"):
        await two.al.call("review.settle", id=late[0], by="Besa K.")
    node = two.al.running
    doubted = "select count(*) from audit where instr(leaf, 'messages.doubted')"
    entries = await two.al.rows(doubted)
    assert entries == [(1,)]
    await node.review.catch_up()
    assert await two.al.rows(doubted) == entries, "what is known already is no news"


async def test_the_list_is_made_after_a_stop(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    """A node that stopped between keeping the descriptor and making its list makes it when it runs again."""
    since = two.clock.now()
    message = await two.fr.submit("signed by the thief or not")
    await two.until(lambda: len(two.al.notes()) == 1, seconds=60)

    async def stopped(*_: object) -> int:
        return 0

    with monkeypatch.context() as patch:
        patch.setattr(CompromiseReview, "doubt", stopped)
        await revoke(two.fr, two.fr.running.keys.sig_kid, since=since)
    assert (await two.al.call("review.list"))["reviews"] == []
    await two.al.running.review.catch_up()
    assert [item["message"] for item in (await two.al.call("review.list"))["reviews"]] == [message]


async def test_receipts_are_signed_anew(two: Two) -> None:
    """A stored answer under the revoked key is worth nothing: the repeat of the question gets a new one."""
    wire, other = Spoiler(two.fr), Spoiler(two.al)
    wire.lose, other.away = 1_000, True
    id = await two.fr.submit("answer lost")
    await two.until(lambda: two.al.notes() == ["answer lost"] and wire.lose < 1_000)
    kid = two.al.running.keys.sig_kid
    assert await two.al.rows("select count(*) from receipt_batch") != [(0,)]
    wire.away = True
    await two.calm()
    other.away = False
    await revoke(two.al, kid)
    wire.away, wire.lose = False, 0

    async def arrived() -> bool:
        return await two.fr.state(id) == "awaiting_opening"

    await two.until(arrived, seconds=120, what="the receipt came")
    rows = await two.fr.rows("select document from receipt_batch")
    signers = {Batch.unpack(row[0]).signature.kid for row in rows}
    assert kid not in signers
    assert two.al.notes() == ["answer lost"]


async def test_http_key_revoked(two: Two) -> None:
    """The thief of an `http` key is out at once, the node goes on with a new one."""
    keys = two.fr.running.keys
    kid, base = keys.http_kid, b"base"
    signature = keys.sign_http(base)
    assert await two.al.running.signatures.signed_by(two.fr.running.own.node, kid, base, signature)
    await revoke(two.fr, kid)
    assert keys.http_kid != kid

    async def is_out() -> bool:  # the push is judged behind its answer
        return not await two.al.running.signatures.signed_by(two.fr.running.own.node, kid, base, signature)

    await two.until(is_out, seconds=10)
    id = await two.fr.submit("goes on")

    async def arrived() -> bool:
        return await two.fr.state(id) == "awaiting_opening"

    await two.until(arrived, seconds=60)


async def test_fast_forward_is_undone(two: Two) -> None:
    """A thief of `sig` pushes the counter of keysets to its end; a descriptor of the roots undoes that."""
    node, client = two.fr.running, two.fr.running.client
    held = node.own.keyset
    payload = build_keyset(
        node=node.own.node,
        version=2**53 - 1,
        desc_version=1,
        desc_hash=node.own.descriptor.hash,
        issued=held.issued,
        expires=held.expires,
        enc=held.enc,
    )
    forged = SignedDocument(payload=payload, payload_type=KEYSET, signatures=(node.keys.sign(KEYSET, payload),))
    where = address(two.fr.peer().descriptor)
    await client.push_keyset(where, forged.encode())
    honest = await node.own.issue_keyset()
    await client.push_keyset(where, honest.document.encode())
    await client.get_held(where)  # it waits for what was pushed
    taken = two.al.peer().keyset
    assert taken is not None
    assert taken.version == 2**53 - 1
    await revoke(two.fr, node.keys.sig_kid)
    taken = two.al.peer().keyset
    assert taken is not None
    assert taken.pair == node.own.keyset.pair
    id = await two.fr.submit("after")

    async def arrived() -> bool:
        return await two.fr.state(id) == "awaiting_opening"

    await two.until(arrived, seconds=60)


async def test_a_stopped_peer_hears_of_it_too(two: Two) -> None:
    """A revocation is told to every peer that is not revoked, also to one with which nothing is exchanged."""
    await two.fr.running.sync.suspend_for_cause(two.al.running.own.node, Code.BAD_CHAIN, None)
    kid = two.fr.running.keys.sig_kid
    await revoke(two.fr, kid)
    await two.until(lambda: {revocation.kid for revocation in two.al.peer().descriptor.revoked} == {kid})


async def test_a_peer_that_was_away_learns_it_when_it_is_back(two: Two) -> None:
    """The revocation waits for the peer; its next question or push brings it before anything of the old key counts."""
    wire = Spoiler(two.fr)
    wire.away = True
    kid = two.fr.running.keys.sig_kid
    assert (await revoke(two.fr, kid))["took"] == {"AL": False}
    wire.away = False
    await two.until(lambda: two.al.peer().descriptor.version == 2, seconds=1800, what="it was told")


async def test_a_witness_whose_key_was_revoked_counts_for_nothing(two: Two, tmp_path: Path) -> None:
    """What AL cosigned by a key that it revoked since: our verdict and the stranger's name it as no witness, and the
    log itself holds.
    """
    fr, al = two.fr.running, two.al.running
    await fr.log.checkpoint()
    await fr.checkpointer.ask(al.own.node)
    assert (await two.fr.call("audit.verify"))["witnessed"]["by"][0]["peer"] == "AL"

    Spoiler(two.fr).away = True  # AL can not be asked again, by its new key
    gone = next(record.kid for record in al.own.descriptor.keys if record.use is Use.WIT)
    await revoke(two.al, gone)
    await two.until(lambda: two.fr.peer().descriptor.version == 2)

    ours = await two.fr.call("audit.verify")
    assert (ours["findings"], ours["witnessed"]) == ([], None)
    file = tmp_path / "log.jsonl"
    file.write_text("".join(f"{line}\n" for line in await exported(two.fr)), encoding="utf-8")
    digits = [re.sub(r"\s", "", party.own.descriptor.fingerprint) for party in (fr, al)]
    code, lines = await asyncio.to_thread(stranger, file, *digits)
    assert (code, lines[1:]) == (0, ["unwitnessed by the nodes whose fingerprints you gave"])


async def exported(party: Party) -> list[str]:
    """The lines of the export of a running node."""
    page = await party.call("audit.export")
    lines = [*page["lines"]]
    while page["next"] is not None:
        page = await party.call("audit.export", after=page["next"], upto=page["upto"])
        lines += page["lines"]
    return lines


@table(
    ("wanted", "code"),
    [
        ({"kids": ["A" * 22], "since": 0}, Code.NOT_FOUND),
        ({"kids": [], "since": 0}, Code.NOT_FOUND),
        ({"kids": ["sig", "sig"], "since": 0}, Code.NOT_FOUND),
        ({"kids": ["root"], "since": 0}, Code.INVALID),
        ({"kids": ["sig"], "since": 2**40}, Code.INVALID),
        ({"kids": ["sig"], "since": 0, "reason": "It was stolen"}, Code.INVALID),
        ({"kids": ["sig"], "since": 0, "more": 1}, Code.INVALID),
    ],
)
async def test_a_wrong_request_makes_nothing(two: Two, wanted: dict[str, Any], code: Code) -> None:
    """An unknown key, a root, a time to come, a reason in words, an unknown member: refused, and no key was made."""
    own = two.fr.running.own.descriptor
    names = {"root": own.roots[0].kid, "sig": two.fr.running.keys.sig_kid}
    held = two.fr.running.keys.listing()
    kids = [names.get(kid, kid) for kid in wanted["kids"]]
    with pytest.raises(RefusedError) as caught:
        await two.fr.call("keys.request", revoke={**wanted, "kids": kids}, by="a")
    assert caught.value.code is code
    assert ("is in the future" in caught.value.what) == (wanted["since"] > 0)
    assert two.fr.running.keys.listing() == held


async def test_what_a_thief_said_of_the_trust_does_not_stay(two: Two) -> None:
    """A record that a thief of `sig` and `http` signed ends nothing for ever: the node says its own again, by its new
    key, and goes on from there.
    """
    fr, al = two.fr.running, two.al.running
    mine = two.fr.peer().trust.mine
    assert mine is not None
    payload = replace(mine, state=TrustState.REVOKED, prev=mine.hash).encode()
    forged = SignedDocument(payload=payload, payload_type=TRUST, signatures=(fr.keys.sign(TRUST, payload),))
    await al.record_exchange.take(two.al.peer(), forged.encode())
    assert two.al.peer().trust.missing(two.clock.now()) == "their side has revoked it"
    await revoke(two.fr, fr.keys.sig_kid)
    await two.until(lambda: two.fr.agreed() and two.al.agreed(), seconds=60)
    theirs = two.al.peer().trust.theirs
    assert theirs is not None
    assert (theirs.state, theirs.prev) == (TrustState.ACTIVE, mine.hash)
    id = await two.fr.submit("after")
    await two.until(lambda: "after" in two.al.notes(), seconds=60)
    assert await two.fr.state(id) != "failed"
    with pytest.raises(RemoteError, match="revoked"):
        await al.record_exchange.take(two.al.peer(), forged.encode())
    for party in two:
        assert (await party.call("peer.show", id=party.peer().name))["faults"] == []


async def test_what_an_intact_key_said_is_final(two: Two) -> None:
    """Another record in the place of one that is held is refused while no key was revoked and nobody was restored."""
    fr, al = two.fr.running, two.al.running
    mine = two.fr.peer().trust.mine
    assert mine is not None
    for most in (1, 2):
        payload = replace(mine, scope=mine.scope | {"max_bytes": most}, prev=mine.hash).encode()
        other = SignedDocument(payload=payload, payload_type=TRUST, signatures=(fr.keys.sign(TRUST, payload),))
        if most == 1:
            await al.record_exchange.take(two.al.peer(), other.encode())
            continue
        with pytest.raises(RemoteError, match="does not extend"):
            await al.record_exchange.take(two.al.peer(), other.encode())


async def test_a_peer_that_lost_all_of_it_is_told_by_a_key_of_today(two: Two) -> None:
    """The records of years, whose keys have ended or were revoked, are signed anew for who has to be told again."""
    await two.fr.changes("peer.suspend")
    await two.fr.changes("peer.resume")
    await revoke(two.fr, two.fr.running.keys.sig_kid)
    await two.until(lambda: two.al.agreed(), seconds=60)
    await two.al.running.store.move(lambda c: c.exec_driver_sql("delete from trust_record where direction = 'in'"))
    await two.al.running.peers.refresh()
    await two.fr.changes("peer.renew")
    await two.until(lambda: two.al.agreed(), seconds=60)
    assert (await two.al.call("peer.show", id="FR"))["faults"] == []


async def test_a_peer_without_a_usable_address_stops_no_revocation(two: Two, tmp_path: Path) -> None:
    """Its newest descriptor has an endpoint without port, which nobody reaches (nrm1 2.12): who took the revocation is
    answered all the same.
    """
    own = two.al.running.own.descriptor
    member = json.loads(own.document.payload) | {"version": 2, "prev": own.hash, "endpoints": ["https://127.0.0.1"]}
    (path,) = (tmp_path / "AL-roots").iterdir()
    root = await asyncio.to_thread(load_root, path, "roots", at_least=CHEAP)
    await two.fr.running.sync.take_chain(two.fr.peer(), [sign_descriptor(canon(member), [root.key])])
    kid = two.fr.running.keys.sig_kid
    answer = await revoke(two.fr, kid)
    assert (answer["version"], answer["took"]) == (2, {"AL": False})
    assert two.fr.running.keys.sig_kid != kid
