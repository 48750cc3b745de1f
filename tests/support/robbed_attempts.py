"""What a thief tries with what it copied: each attempt checks what came of it, and counts it for the table."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import suppress

import pytest
from support.endpoints import Endpoint
from support.nodes import Seeds
from support.robbed_forge import Lie, answer, dated, forge, tell
from support.robbed_signatures import end_node, fork, make_version, sign_by_half, vouch
from support.robbed_stand_ins import done
from support.robbed_table import (
    ANSWERED,
    ASKS,
    BEGINS,
    CARRIES,
    HEARD,
    HEARD_AFTER,
    HEARD_UNTIL,
    LISTED,
    OPENS,
    READS,
    READS_ELSE,
    RESETS,
    SWAPS,
    TOLD,
    Loot,
)
from support.robbed_thief import Thief
from support.robbed_wire import Speaker, admit, believe, post, reply

from gateway.delivery.inbound import steps
from gateway.errors import Code, RefusedError, RemoteError
from gateway.messages import answers
from gateway.messages.types import LinkPosition
from gateway.trust.link_reset.decisions import positions, view_of
from keys.documents.envelope import Receipt, Status, cek_info
from keys.documents.key_records import Use
from keys.documents.keyset import EncKey, accept_keyset, build_keyset
from keys.documents.link_reset import Reset
from keys.keystore.destructible.file import secret_file_of
from keys.primitives.domains import KEYSET, RESET
from keys.primitives.encoding import DAY
from keys.primitives.seal import open_cek
from keys.primitives.sign import sign_document


def try_all(thief: Thief, other: int, shift: int) -> None:
    """Try everything that the loot is for; who speaks as the node still reads what is sealed to it."""
    acts: dict[Loot, tuple[Callable[[Thief, int, int], None], ...]] = {
        Loot.SIG: (state, confirm, list_keys),
        Loot.HALF: (sign_by_half,),
        Loot.HTTP: (ask, carry_again, state, confirm, fork),
        Loot.LOG: (fork,),
        Loot.WIT: (vouch,),
        Loot.SEED: (state,),
        Loot.FILE: (open_copy,),
        Loot.DISK: (state, confirm, list_keys, ask, ask_for_reset, carry_again, fork, vouch),
        Loot.ROOT: (make_version, end_node),
    }
    assert thief.loot is not None
    for act in (read, *acts[thief.loot]):
        act(thief, other, shift)


def _end(thief: Thief, to: str) -> Endpoint:
    """The node as the thief plays it."""
    line = thief.world.line("a", to)
    end = Endpoint(node=thief.owner.founded, own=line.own, peer=line.peer, keyset=thief.world.listed(to), now=line.now)
    end.rand = Seeds(f"the thief writes {len(thief.lies[to])} to {to}")
    return end


def _http(thief: Thief) -> Speaker:
    """By whom its requests are signed: as the node where it has that key, else as the liar."""
    if Use.HTTP in thief.keys:
        return Speaker.with_key(thief.owner.node, thief.keys[Use.HTTP])
    return Speaker.with_key(thief.world.id_of("c"), thief.world.c.http)


def state(thief: Thief, other: int, shift: int) -> None:
    """A statement of its own, at a new number or at a used one, dated at will, brought to the node it is for."""
    to = "bc"[other % 2]
    line, now = thief.world.line("a", to), thief.world.clock.at
    used = [sealed.position for sealed in line.sealings]
    position = used[other % len(used)] if used and other % 3 else LinkPosition(epoch=line.epoch, n=1, prev=None)
    if other % 3 == 0 and line.position is not None:
        position = LinkPosition(epoch=line.epoch, n=line.position.n + 1, prev=line._last_link)
    key = thief.keys.get(Use.SIG, thief.world.c.sig)
    lie = forge(_end(thief, to), key, position, **dated(now + shift))
    if Use.SIG in thief.keys:
        thief.lies[to].append(lie)
        if to == "c":  # the two work together
            thief.world.liar_book.received(lie.sealed)
    if to == "b":
        _bring(thief, lie)


def _bring(thief: Thief, lie: Lie) -> None:
    line, known = thief.world.line("b", "a"), thief.known_by("b")
    before = len(line.accepted)
    brought = post(_http(thief), line.own, lie.sealed.data, now=thief.world.clock.at)
    with suppress(RemoteError):  # who has no key of the node is another node, or nobody
        thief.world.deliver(brought)
    heard = len(line.accepted) > before
    if thief.speaks and not known:
        thief.tried(*[HEARD_UNTIL] * heard)
        return
    assert not heard, "a thief was heard as the node that it robbed"
    thief.tried(HEARD_AFTER if thief.speaks else HEARD)


def confirm(thief: Thief, other: int, shift: int) -> None:
    """A receipt as the node: for what its honest peer has sent, brought as an answer; or for what the liar says."""
    now, key = thief.world.clock.at, thief.keys.get(Use.SIG, thief.world.c.sig)
    waiting = [sealed for id, sealed in thief.world.line("b", "a").sent.items()]
    if not waiting:
        return
    sealed = waiting[other % len(waiting)]
    receipt = Receipt(
        of=sealed.statement_hash,
        msg=sealed.id,
        from_=thief.owner.node,
        from_desc=thief.world.line("b", "a").peer.version,
        to=thief.world.b.node,
        n=sealed.position.n,
        status=Status.DELIVERED,
        at=now + shift,
    )
    told = tell(key, receipt)
    if Use.SIG in thief.keys:
        thief.told.append(told)
    if thief.speaks:
        return
    asked = post(Speaker.of(thief.world.b), thief.owner.descriptor, sealed.data, now=now)
    line, came = thief.world.line("b", "a"), reply(_http(thief), asked, answer([sealed.id], told), now=now)
    with pytest.raises(RemoteError):
        answers.read_answers(
            believe(thief.world.b, asked, came), asked=[sealed.id], issuer=line.peer, me=line.own.node, now=now
        )
    thief.tried(TOLD)


def list_keys(thief: Thief, other: int, shift: int) -> None:
    """A list of keys to seal to, with one of its own; who speaks as the node gets it taken."""
    now, line = thief.world.clock.at, thief.world.line("b", "a")
    payload = build_keyset(
        node=thief.owner.node,
        version=1_000 + other,
        desc_version=line.peer.version,
        desc_hash=line.peer.hash,
        issued=now,
        expires=now + DAY,
        enc=[EncKey(kid=thief.own_seed.kid, unit="gateway", pub=thief.own_seed.public, from_=now, until=now + 3 * DAY)],
    )
    document = sign_document(KEYSET, payload, [thief.keys[Use.SIG]])
    try:
        accept_keyset(line.peer, None, document, now)
        thief.tried(LISTED)
        if thief.speaks:
            line.take_keyset(document)
            thief.tried(SWAPS)
    except RemoteError as error:
        assert thief.known_by("b") or error.code in (Code.ROLLBACK, Code.UNKNOWN_KEY)


def carry_again(thief: Thief, other: int, shift: int) -> None:
    """A request that was recorded, signed anew as the node."""
    recorded = [sent for sent in thief.world.posts if sent.to == thief.world.b.node]
    if not recorded:
        return
    line, sent = thief.world.line("b", "a"), recorded[other % len(recorded)]
    before = len(line.accepted), dict(line.final)
    again = post(_http(thief), line.own, *sent.envelopes, now=thief.world.clock.at)
    with suppress(RemoteError):
        thief.world.deliver(again)
        thief.tried(CARRIES)
    told = {id: line.final[id] for id in before[1]}
    assert told == before[1], "a message has two answers"
    thief.tried(ANSWERED)


def read(thief: Thief, other: int, shift: int) -> None:
    """Open what passed: by the seeds it has, whatever the envelope names."""
    held = {seed.kid for seed in (*thief.seeds, thief.own_seed)}
    envelopes = [steps.read_envelope(data) for sent in thief.world.posts for data in sent.envelopes]
    for envelope in envelopes[-4:]:
        for recipient in envelope.rcp:
            info = cek_info(recipient.kid, envelope.hdr)
            for seed in (*thief.seeds, thief.own_seed):
                try:
                    cek = open_cek(seed, recipient.enc, info)
                except RemoteError:
                    assert recipient.kid != seed.kid
                    thief.tried(READS_ELSE)
                    continue
                assert recipient.kid in held, "a seed opens what was sealed to another"
                assert len(cek) == 32
                thief.tried(*[READS] * (recipient.kid != thief.own_seed.kid))


def open_copy(thief: Thief, other: int, shift: int) -> None:
    """The copied file by itself; and with the secret that its owner has when keys have changed next."""
    secret = secret_file_of(thief.path)
    secret.unlink(missing_ok=True)
    with pytest.raises(RefusedError) as alone:
        thief.open_copy()
    while thief.owner.keys.gen == thief.gen:
        thief.world.pass_time(DAY // 2)
    shutil.copy(secret_file_of(thief.owner.path), secret)
    with pytest.raises(RefusedError) as later:
        thief.open_copy()
    assert alone.value.code is Code.UNDECRYPTABLE
    assert later.value.code in (Code.UNDECRYPTABLE, Code.WRONG_PASSPHRASE)  # destroyed, or of a later generation
    thief.tried(OPENS)


def ask(thief: Thief, other: int, shift: int) -> None:
    """Ask a peer, as the node, what it holds of the link."""
    line, world = thief.world.line("b", "a"), thief.world
    asked = post(_http(thief), line.own, b"{}", now=world.clock.at)
    with suppress(RemoteError):
        assert admit(world.b, asked) == thief.owner.node
        done(world.b.resets.record(thief.owner.node))
        thief.tried(ASKS)


def ask_for_reset(thief: Thief, other: int, shift: int) -> None:
    """Ask, as the node, that the link begins anew: it is laid before people, who hear nothing of it from the owner."""
    if other % 3 != 2:
        return  # its peer numbers nothing for the node any more, until people have looked
    home, owner, now = thief.world.b, thief.owner, thief.world.clock.at
    view = view_of(home.store.connection, owner.node)
    payload = Reset(
        from_=owner.node,
        to=home.node,
        view=view,
        epoch=view.epoch + 1,
        backup=now - DAY,
        change="A" * 43,
        created=now,
    ).encode()
    data = sign_document(RESET, payload, [thief.keys[Use.SIG]]).encode()
    before = positions(home.store.connection, owner.node)
    with suppress(RemoteError):
        done(home.resets.take_offer(home.peer(owner.node), data))
        thief.tried(RESETS)
    assert positions(home.store.connection, owner.node) == before
    thief.tried(BEGINS)
