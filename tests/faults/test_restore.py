"""Restore drill with both peers live: nothing sent twice, no replay accepted, an erased case stays erased (issue 3,
nrm1 5.8, 13.4).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from support.authenticator import ORIGIN, Authenticator
from support.ceremony import ADMINS
from support.drill import RECOVERY, Drill, drills, settled
from support.nodechild import CHEAP
from support.nodeproc import DAY, enquiry
from support.pair import PASSPHRASE, Party, Spoiler, Two

from gateway.administration.restore import restore, verify
from gateway.composition.doors import people_at
from gateway.database import content
from gateway.database.engine import Store
from gateway.database.kinds.sqlite_file import SqliteFile
from gateway.errors import Code, RefusedError, RemoteError
from gateway.peers.registry import address
from keys.backups.backup import Member, chain_member, seal_backup
from keys.backups.backup_header import Kind, RecoveryPublic
from keys.documents.envelope import parse_envelope
from keys.documents.link_reset import Reset, View
from keys.keystore.keystore import system_rand
from keys.offline.administrator_key import new_admin
from keys.offline.recovery_key import create_recovery, load_recovery, public_path
from keys.primitives.domains import RESET
from keys.primitives.hybrid_keys import SigningKey
from keys.primitives.sign import SignedDocument


@pytest_asyncio.fixture
async def drill(tmp_path: Path) -> AsyncIterator[Drill]:
    """Two nodes, paired and serving; FR knows the public half of a recovery key."""
    async with drills(tmp_path) as made:
        yield made


def ids_sent(wire: Spoiler) -> list[str]:
    """Ids of the envelopes that went over the wire."""
    return [parse_envelope(data).id for request in wire.envelopes() for data in request]


async def test_restore_drill(drill: Drill) -> None:
    """Backup, traffic both ways, an erased case, loss of the disk, restore, reset by people, traffic again."""
    two = drill.two
    before = [await two.fr.submit(f"before-{n}") for n in range(3)] + [await two.fr.submit("to be erased")]
    theirs = [await two.al.submit(f"theirs-{n}") for n in range(3)]
    await two.until(lambda: settled(two.fr, before), seconds=60)
    await two.until(lambda: settled(two.al, theirs), seconds=60)
    evidence = await two.fr.call("evidence.export", id=(await two.fr.show(before[0]))["conversation"])

    two.clock.advance(60)
    erased = await erase(two.fr, before[3])
    await two.fr.call("keys.rotate_epoch", by="admin")
    wire = Spoiler(two.fr)
    wire.deaf = True  # numbered and sealed before the backup, delivered after it
    limbo = [await two.fr.submit("limbo-1")]
    await two.until(lambda: settled(two.fr, limbo, "awaiting_receipt"), seconds=60)
    data, keystore = await drill.backup()
    two.clock.advance(60)
    wire.deaf = False
    two.fr.running.wakeups.peer_called(two.fr.peer().node)
    lost = [await two.fr.submit(f"lost-{n}") for n in range(2)]
    await two.until(lambda: settled(two.fr, [*limbo, *lost]), seconds=120)
    late = [await two.al.submit(f"late-{n}") for n in range(2)]
    await two.until(lambda: settled(two.al, late), seconds=60)
    recorded = wire.envelopes()
    handed_fr, handed_al = list(two.fr.notes()), list(two.al.notes())
    two.clock.advance(60)
    await drill.lose()
    waits = [await two.al.submit(f"waits-{n}") for n in range(2)]

    made = await drill.restore(data, keystore)
    assert (made.closed, made.peers) == (0, ("AL",))
    wire = Spoiler(two.fr)
    assert await two.fr.alarms() == ["admins.compare", "node.restored"]
    await two.until(lambda: has_alarm(two.al, "peer.link_reset_required"), seconds=200)
    assert await settled(two.fr, limbo, "voiding")
    new = [await two.fr.submit("after-0")]
    await two.calm()
    assert wire.asked == []  # nothing is numbered or sent before people agreed
    await drill.reset()

    await two.until(lambda: settled(two.fr, [*limbo, *new]), seconds=200, what="what arrived counts as arrived")
    await two.until(lambda: settled(two.al, waits), seconds=200)
    again = [await two.fr.submit("after-1")]
    await two.until(lambda: settled(two.fr, again), seconds=60)
    # 0 re-sent: on the wire only what is new, in the case systems each thing once
    assert sorted(ids_sent(wire)) == sorted([*new, *again])
    assert two.al.notes() == [*handed_al, "after-0", "after-1"]
    assert sorted(two.fr.notes()) == sorted([*handed_fr, "waits-0", "waits-1"])
    assert len({item.key for item in two.al.deliveries()}) == len(two.al.deliveries())
    assert len(recorded) >= 2
    await replay(two.fr, recorded)
    await two.calm()
    assert two.al.notes() == [*handed_al, "after-0", "after-1"]
    for party in two:  # every number of the new epoch was used: nothing waits for a missing one
        assert await party.rows("select count(*) from link_gap") == [(0,)]
        assert await party.rows("select distinct epoch from link") == [(2,)]
    # the erased case
    assert "content" not in await two.fr.show(before[3])
    assert await two.fr.running.store.read(lambda c: content.get(c, [erased])) == {}
    # evidence of before
    again_told = await two.fr.call("evidence.export", id=(await two.fr.show(before[0]))["conversation"])
    assert again_told["messages"] == evidence["messages"]


async def erase(party: Party, id: str) -> int:
    """Erase the content of a message as the store allows it; its local number."""
    ((ref,),) = await party.rows(f"select ref from message where id = '{id}'")
    await party.running.store.move(lambda c: content.erase(c, ref))
    return int(ref)


async def has_alarm(party: Party, kind: str) -> bool:
    """Whether an alarm is open."""
    return kind in await party.alarms()


async def replay(party: Party, recorded: list[Any]) -> list[bytes]:
    """Send recorded envelopes once more, in requests that only their sender can sign; the answers."""
    where = address(party.peer().descriptor)
    answers = [await party.running.client.post_messages(where, request) for request in recorded]
    return [answer.body for answer in answers]


async def test_old_numbers_of_the_peer_are_refused_for_ever(drill: Drill) -> None:
    """What AL sent and FR lost is not accepted again from a recording: neither before nor after the reset."""
    two = drill.two
    data, keystore = await drill.backup()
    two.clock.advance(5)
    wire = Spoiler(two.al)
    lost = await two.al.submit("lost with the disk")
    await two.until(lambda: settled(two.al, [lost]), seconds=60)
    recorded = wire.envelopes()
    await drill.lose()
    await drill.restore(data, keystore)
    assert await replay(two.al, recorded) == [b'{"code":"link_reset_required"}']
    await drill.reset()
    (answer,) = await replay(two.al, recorded)
    assert b'"receipts":null' in answer
    assert b'"code":"unknown_recipient_key"' in answer  # its key is in no backup
    assert two.fr.notes() == ["lost with the disk"]  # once, by the node before
    assert await two.fr.rows("select count(*) from message where direction = 'in'") == [(0,)]
    assert "message.forgotten" in await two.al.alarms()  # a person at AL is told what FR has no memory of


async def test_old_numbers_under_new_keys_are_refused_too(drill: Drill) -> None:
    """A message that AL seals for the restored node under an old number is a rollback and is handed to nobody."""
    two = drill.two
    await drill.lose_all_but(*await drill.backup())
    await drill.reset()
    epoch = "update link set epoch = 1, high = 0 where direction = 'out'"  # AL's own memory of the reset is lost
    await two.al.running.store.move(lambda c: c.exec_driver_sql(epoch) and None)
    await two.al.submit("under an old number")
    await two.until(lambda: has_alarm(two.fr, "peer.rollback"), seconds=60)
    assert two.fr.notes() == []


async def test_what_never_arrived_comes_back_as_restored(drill: Drill) -> None:
    """A message that waited when the backup was made, and never left, fails with a code; a person submits it again."""
    two = drill.two
    wire = Spoiler(two.fr)
    wire.away = True
    waits = await two.fr.submit("never left")
    await drill.lose_all_but(*await drill.backup())
    await drill.reset()
    await two.until(lambda: settled(two.fr, [waits], "failed"), seconds=200)
    assert (await two.fr.show(waits))["reason"] == "restored"
    await two.fr.submit("never left")
    await two.until(lambda: two.al.notes() == ["never left"], seconds=60)


async def test_an_answer_that_was_lost_is_given_again_and_its_number_used(drill: Drill) -> None:
    """AL never got the answer to a message that the backup knows: it asks in the new epoch, under the same id."""
    two = drill.two
    wire = Spoiler(two.al)
    wire.lose = 1_000
    Spoiler(two.fr).away = True  # its receipts do not come by another way
    asked = await two.al.submit("answered before the backup")
    await two.until(lambda: two.fr.notes() == ["answered before the backup"], seconds=60)
    wire.away = True
    wire.lose = 0
    await two.until(lambda: settled(two.al, [asked], "awaiting_receipt"), seconds=60)
    data, keystore = await drill.backup()
    await drill.lose_all_but(data, keystore)
    wire.away = False
    await drill.reset()
    next_one = await two.al.submit("after it")
    await two.until(lambda: settled(two.al, [asked, next_one]), seconds=200)
    assert two.fr.notes() == ["answered before the backup", "after it"]
    assert await two.fr.rows("select count(*) from link_gap") == [(0,)]


async def test_what_the_lost_node_took_and_did_not_hand_over_goes_again(drill: Drill) -> None:
    """Accepted after the backup and lost before the case system had it: it is delivered once, by the restored node."""
    two = drill.two
    data, keystore = await drill.backup()
    two.clock.advance(5)
    two.fr.system.busy = 1_000_000
    taken = await two.al.submit("taken and lost")
    await two.until(lambda: settled(two.al, [taken], "awaiting_handover"), seconds=60)
    await drill.lose_all_but(data, keystore)
    two.fr.system.busy = 0
    await drill.reset()
    await two.until(lambda: settled(two.al, [taken]), seconds=200)
    assert two.fr.notes() == ["taken and lost"]


async def test_an_old_backup_does_not_revive_what_was_erased(drill: Drill) -> None:
    """Rows of an ended epoch open neither with the live keystore nor with a backup of it made after that epoch."""
    two = drill.two
    kept, gone = await two.fr.submit("kept"), await two.fr.submit("erased")
    await two.until(lambda: settled(two.fr, [kept, gone]), seconds=60)
    old_data, old_keystore = await drill.backup()
    ref = await erase(two.fr, gone)
    await two.fr.call("keys.rotate_epoch", by="admin")
    two.clock.advance(1)
    again = await two.fr.call("backup.make", folder=str(old_data.parent))
    assert again["overdue"] == [old_keystore.name]  # while it is there, the horizon is longer: it is named
    apart = drill.base / "apart"
    made = await restore(
        old_data, Path(again["keystore"]), drill.key, apart, PASSPHRASE, ledger=None, clock=two.clock, cost=CHEAP
    )
    assert made.opened == 0 < made.closed
    store = Store(SqliteFile(apart / "node.db"))
    try:
        row = (await store.read(lambda c: content.get(c, [ref])))[ref]
    finally:
        store.close()
    with pytest.raises(RefusedError, match="undecryptable"):
        two.fr.running.sealer.open(row)
    party = Party("FR", apart, two.clock)
    await two.fr.stop()
    await party.open()
    try:
        with pytest.raises(RefusedError, match="undecryptable"):
            party.running.sealer.open(row)
    finally:
        await party.stop()


async def test_an_old_backup_opens_no_session(drill: Drill) -> None:
    """Who came in when it was made does not afterwards, whatever was ended since: by session, passkey, personal token,
    token of a program or invitation. The person is there, comes in by a new code, and is vouched for anew (threat 144).
    """
    fr, device = drill.two.fr, Authenticator()
    made = await fr.call("person.add", name="Eva", roles=["auditor"])

    async def invite() -> Any:
        return await fr.call("person.invite", id=made["id"])

    people = people_at(fr.running, ORIGIN)
    _, ceremony = await people.invited(made["code"])
    session = await people.enrol(made["code"], ceremony.id, device.create(ceremony.options))
    shell = (await fr.call("login.enrol", code=(await invite())["code"], label="a shell"))["token"]
    program = (await fr.call("token.new", role="adapter", label="case system"))["token"]
    code = (await invite())["code"]
    assert await people.admit(session) is not None
    assert fr.running.tokens.admit(shell).person == made["id"]
    await drill.lose_all_but(*await drill.backup())
    people = people_at(fr.running, ORIGIN)
    assert await people.admit(session) is None
    with pytest.raises(RefusedError):
        await people.invited(code)
    for token in (shell, program):
        with pytest.raises(RefusedError, match="revoked"):
            fr.running.tokens.admit(token)
    ceremony = await people.begin()
    with pytest.raises(RefusedError):
        await people.sign_in(ceremony.id, device.get(ceremony.options))
    (row,) = [one for one in (await fr.call("person.list"))["people"] if one["id"] == made["id"]]
    assert (row["passkeys"], row["vouched"]) == ([], [])
    code = (await invite())["code"]
    _, ceremony = await people.invited(code)
    assert await people.admit(await people.enrol(code, ceremony.id, Authenticator().create(ceremony.options)))


async def test_no_rule_erases_before_people_have_placed_holds_again(drill: Drill) -> None:
    """What may be kept no longer stays until the first link is begun anew, since a hold of after the backup is not
    here; then it goes (threat 149).
    """
    two = drill.two
    asked = enquiry("kept until today", "FR")
    asked["header"]["handling"]["retain_until"] = datetime.fromtimestamp(two.clock.now(), UTC).date().isoformat()
    id = str((await two.al.call("message.submit", **asked))["id"])
    await two.until(lambda: settled(two.al, [id]), seconds=60)
    await drill.lose_all_but(*await drill.backup())
    two.clock.advance(2 * DAY)
    await two.until(two.fr.running.time.is_confirmed, seconds=60)
    await two.fr.running.erasure.follow_rules()
    assert "content" in await two.fr.show(id)
    await drill.reset()
    await two.until(two.fr.running.time.is_confirmed, seconds=60)
    await two.fr.running.erasure.follow_rules()
    assert "content" not in await two.fr.show(id)


async def test_the_log_goes_on_and_is_witnessed_again(drill: Drill) -> None:
    """AL holds a longer log: it is no rollback once a person there accepted the reset; both heads stay as evidence."""
    two = drill.two
    data, keystore = await drill.backup()
    for _ in range(3):
        await two.fr.call("keys.rotate_epoch", by="admin")
    longer = await witnessed(two)
    await drill.lose_all_but(data, keystore)
    await two.fr.running.log.checkpoint()
    for _ in range(40):  # time enough to ask AL for a cosignature, which must not happen yet
        two.clock.advance(1)
        await asyncio.sleep(0.01)
    assert two.fr.running.log.halted is None
    assert await two.al.rows("select size from witnessed") == [(longer,)]
    await drill.reset()
    await witnessed(two)
    assert "log.restarted" in await two.al.alarms()
    ((proof,),) = await two.al.rows("select proof from alarm where kind = 'log.restarted'")
    assert f"\n{longer}\n".encode() in proof
    assert (await two.fr.call("audit.verify"))["ok"] is True
    await two.fr.stop()
    await two.fr.start()


async def witnessed(two: Two) -> int:
    """Sign FR's log as it is and wait until AL has cosigned it; the size."""
    row = await two.fr.running.log.checkpoint()

    async def seen() -> bool:
        return await two.fr.rows(f"select count(*) from cosignature where size >= {row.size}") != [(0,)]

    await two.until(seen, seconds=200)
    ((size,),) = await two.al.rows("select size from witnessed")
    return int(size)


# --- backup files --------------------------------------------------------------------------------------------------


async def test_verify_says_what_a_backup_is(drill: Drill) -> None:
    """Both files open wholly with the offline key; the data one holds a whole database."""
    assert (await drill.two.fr.call("node.status"))["backup"] is None
    data, keystore = await drill.backup()
    assert (await drill.two.fr.call("node.status"))["backup"] == drill.two.clock.now()
    found = verify(data, drill.key)
    assert (found.header.kind, found.header.node) == (Kind.DATA, drill.two.fr.running.own.node)
    assert found.counts["peer"] == 1
    assert verify(keystore, drill.key).counts["epochs"] == 1
    assert data.stat().st_mode & 0o777 == keystore.stat().st_mode & 0o777 == 0o600


async def test_no_encryption_seed_is_in_a_backup(drill: Drill) -> None:
    """The restored node has no encryption key until it makes a new one; its keyset goes on above the one peers hold."""
    two = drill.two
    data, keystore = await drill.backup()
    old = {key.kid for key in two.fr.running.keys.enc_public(two.clock.now())}
    held = two.al.peer().keyset
    await drill.lose_all_but(data, keystore)
    new = {key.kid for key in two.fr.running.keys.enc_public(two.clock.now())}
    assert old and new and not old & new
    await two.until(lambda: two.al.peer().keyset != held, seconds=60)


FAULTS = {
    "a byte of the content": lambda data: flip(data, -100),
    "a byte of the header": lambda data: flip(data, 40),
    "cut short": lambda data: data[:-1],
    "cut at a chunk": lambda data: data[: len(data) // 2],
    "longer": lambda data: data + b"x",
    "no backup": lambda data: b"SQLite format 3" + data,
    "nothing": lambda data: b"",
}


def flip(data: bytes, place: int) -> bytes:
    """One bit is another one."""
    changed = bytearray(data)
    changed[place] ^= 1
    return bytes(changed)


async def test_a_damaged_backup_makes_nothing(drill: Drill) -> None:
    """Whatever is wrong with one of the two files: a refusal that names it, and no folder, whole or half."""
    data, keystore = await drill.backup()
    to = drill.base / "new"
    for fault in FAULTS.values():
        for good in (data, keystore):
            bad = drill.base / "bad"
            bad.write_bytes(fault(good.read_bytes()))
            with pytest.raises(RefusedError):
                verify(bad, drill.key)
            pair = (bad, keystore) if good is data else (data, bad)
            with pytest.raises(RefusedError):
                await restore(*pair, drill.key, to, PASSPHRASE, ledger=None, clock=drill.two.clock, cost=CHEAP)
    assert [path.name for path in drill.base.iterdir() if "new" in path.name] == []


async def test_restore_refuses_what_does_not_belong_together(drill: Drill) -> None:
    """Files in the wrong places, another key, a folder that is there, a clock before the backup: nothing is made."""
    data, keystore = await drill.backup()
    other = drill.base / "other.key"
    create_recovery(other, RECOVERY, now=0, cost=CHEAP)
    stranger = load_recovery(other, RECOVERY, at_least=CHEAP)
    early = type(drill.two.clock)(drill.two.clock.now() - 3_600)
    new, there = drill.base / "new", drill.two.fr.folder
    for pair, key, to, clock, code in (
        ((keystore, data), drill.key, new, drill.two.clock, Code.INVALID),
        ((data, keystore), stranger, new, drill.two.clock, Code.UNKNOWN_RECIPIENT_KEY),
        ((data, keystore), drill.key, there, drill.two.clock, Code.EXISTS),
        ((data, keystore), drill.key, new, early, Code.CLOCK),
    ):
        with pytest.raises(RefusedError) as refused:
            await restore(*pair, key, to, PASSPHRASE, ledger=None, clock=clock, cost=CHEAP)
        assert refused.value.code is code
    assert not new.exists()


async def test_a_backup_that_somebody_else_made_is_refused(drill: Drill) -> None:
    """The public half is enough to close a file, so that only the signature of the node makes it a backup of it."""
    two = drill.two
    data, keystore = await drill.backup()
    stranger = SigningKey.generate(system_rand, hybrid=True)
    node = two.fr.running
    _, pieces = seal_backup(
        [chain_member(node.own.chain_from(1)), Member.of("node.toml", b""), Member.of("node.db", b"")],
        RecoveryPublic.parse(public_path(drill.base / "recovery.key").read_bytes()),
        node=node.own.node,
        at=two.clock.now(),
        kind=Kind.DATA,
        gen=1,
        epoch=1,
        sign=stranger.sign,
        rand=system_rand,
    )
    data.write_bytes(b"".join(pieces))
    with pytest.raises(RefusedError, match="unknown_key"):
        await restore(
            data, keystore, drill.key, drill.base / "new", PASSPHRASE, ledger=None, clock=two.clock, cost=CHEAP
        )


async def test_backup_needs_a_key_that_only_the_owner_can_change(drill: Drill) -> None:
    """No setting, a file that others may write, a folder inside the node: nothing is written."""
    two = drill.two
    public = public_path(drill.base / "recovery.key")
    with pytest.raises(RefusedError, match="inside the node folder"):
        await two.fr.call("backup.make", folder=str(two.fr.folder / "backups"))
    public.chmod(0o666)
    with pytest.raises(RefusedError, match="changed by others"):
        await drill.backup()
    with pytest.raises(RefusedError, match="no recovery key"):
        await two.al.call("backup.make", folder=str(drill.base / "al"))
    assert not (drill.base / "al").exists()


# --- the reset -----------------------------------------------------------------------------------------------------


async def test_one_person_does_not_reset_a_link(drill: Drill) -> None:
    """One approval at the restored node, or the same person twice, changes nothing; nor does the other side alone."""
    two = drill.two
    await drill.lose_all_but(*await drill.backup())
    with pytest.raises(RefusedError, match="same person"):
        await two.fr.changes("link.reset", people=(ADMINS[0], ADMINS[0]))
    with pytest.raises(RefusedError, match="does not ask"):
        await two.al.changes("link.accept_reset")
    assert not two.fr.running.peers.hears(two.fr.peer().node)
    with pytest.raises(RefusedError, match="needs no reset"):
        await two.al.changes("link.reset")


async def test_old_and_foreign_requests_for_a_reset_are_refused(drill: Drill) -> None:
    """A request is good once, from its own node, about the link as it is; a repeat changes nothing."""
    two = drill.two
    await drill.lose_all_but(*await drill.backup())
    await drill.reset()
    ((ours,),) = await two.fr.rows("select accepted from link_reset")
    peer = two.al.peer()
    assert (await two.al.running.link_reset.take_offer(peer, ours)).epoch == 2  # the same again: answered, no new offer
    node = two.fr.running
    old = Reset.parse(SignedDocument.decode(ours, RESET).payload)
    al = two.al.running

    def signed(reset: Reset) -> bytes:
        payload = reset.encode()
        return SignedDocument(
            payload=payload, payload_type=RESET, signatures=(node.keys.sign(RESET, payload),)
        ).encode()

    for reset, code in (
        (replace(old, created=old.created + 1), Code.ROLLBACK),
        (replace(old, epoch=500), Code.MALFORMED),
        (replace(old, epoch=3, view=View(epoch=2, high=9, hash=old.change)), Code.BAD_CHAIN),
        (replace(old, epoch=3, to=node.own.node), Code.MISDIRECTED),
        (replace(old, epoch=3, created=two.clock.now() + 4_000), Code.NOT_YET_VALID),
    ):
        with pytest.raises(RemoteError) as refused:
            await al.link_reset.take_offer(peer, signed(reset))
        assert refused.value.code is code
    assert await two.al.rows("select offer from link_reset") == [(None,)]


# --- trust ---------------------------------------------------------------------------------------------------------


async def said(party: Party) -> bool:
    """The peer has taken everything that this node says of it."""
    return await party.rows("select count(*) from trust_record where direction = 'out' and acked is null") == [(0,)]


async def test_what_was_said_after_the_backup_does_not_end_the_trust(drill: Drill) -> None:
    """Trust records of both sides from after the backup: the restored node gets its peer's back, and what it decides
    next is taken in place of what it no longer knows.
    """
    two = drill.two
    kept = await drill.backup()
    two.clock.advance(60)
    for party, most in ((two.fr, 999_000), (two.al, 888_000)):
        scope = await party.call("peer.scope", id=party.peer().name)
        await party.changes("peer.narrow", scope=scope | {"max_bytes": most})
    for party in two:
        await two.until(partial(said, party), seconds=60)
    two.clock.advance(60)
    await drill.lose_all_but(*kept)
    scope = await two.fr.call("peer.scope", id="AL")
    assert scope["max_bytes"] > 999_000  # its own narrowing is forgotten
    await two.fr.changes("peer.narrow", scope=scope | {"max_bytes": 777_000})
    await two.calm()
    theirs = two.al.peer().trust.theirs
    assert theirs is not None
    assert theirs.scope["max_bytes"] == 999_000  # nobody at AL has accepted the restore yet
    await drill.reset()
    await two.until(lambda: said(two.fr), seconds=1_000, what="its next record is taken")
    await two.until(lambda: two.fr.peer().trust.agreed.max_bytes == 777_000, seconds=60)
    held = [party.peer().trust for party in two]
    assert [(t.mine.scope["max_bytes"], t.theirs.scope["max_bytes"]) for t in held if t.mine and t.theirs] == [
        (777_000, 888_000),
        (888_000, 777_000),
    ]
    for party in two:
        assert (await party.call("peer.show", id=party.peer().name))["faults"] == []


async def test_a_retired_administrator_is_to_be_compared(drill: Drill) -> None:
    """Whoever was retired after the backup is one again; an alarm says so before anybody is let in (threat 163)."""
    two = drill.two
    (ana, ben), eva = ADMINS, new_admin(label="Eva D.", now=two.clock.now())
    await two.fr.changes("admin.enrol", "admins", admin=eva.card.document.to_json())
    data, keystore = await drill.backup()
    await two.fr.changes("admin.retire", "admins", people=[ana, eva], pseudonym=ben.card.pseudonym)
    await drill.lose_all_but(data, keystore, drill.ledger)
    assert len((await two.fr.call("admin.list"))["admins"]) == 3
    assert "admins.compare" in await two.fr.alarms()
