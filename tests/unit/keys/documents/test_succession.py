"""keys.documents.succession: who follows whom in the next descriptor (nrm1 2.23, 2.27)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.nodes import NOW, Node, Seeds, signed

from gateway.errors import Code, RefusedError
from keys.documents.descriptor import Descriptor, Revocation
from keys.documents.descriptor_chain import accept_descriptor
from keys.documents.key_records import KeyRecord, Use, generate_key
from keys.documents.succession import OVERLAP, USES, Change, count_needed_keys, is_retired, next_descriptor
from keys.keystore.keyring import Keyring
from keys.primitives.encoding import DAY

A = Node("a")
BACK = 1000
START = NOW - BACK


def first() -> Descriptor:
    """Version 1 with the keys of a new keyring."""
    node = A.first().node
    keys = Keyring.new(node, START, Seeds("ring")).first_records(START)
    return accept_descriptor(None, A.document(keys=keys), NOW)


def after(last: Descriptor, change: Change, now: int) -> Descriptor:
    """The accepted next version, with new keys as it needs them."""
    rand = Seeds(f"new/{last.version}/{now}")
    new = {
        use: [generate_key(use, rand).public for _ in range(count)]
        for use, count in count_needed_keys(last, change, now).items()
    }
    return accept_descriptor(last, signed(next_descriptor(last, change, new, now), A.roots[:2]), now)


def of(descriptor: Descriptor, use: Use) -> list[KeyRecord]:
    """The records of one use, in the order of their beginning."""
    return sorted((record for record in descriptor.keys if record.use is use), key=lambda record: record.from_)


def in_use(descriptor: Descriptor, use: Use, at: int) -> str:
    """The kid that a node signs with: of those that are valid the one that began last."""
    return descriptor.keys_of(use, at)[-1].kid


@pytest.mark.parametrize("use", [Use.SIG, Use.LOG, Use.WIT, Use.HTTP])
def test_routine_rotation_overlaps(use: Use) -> None:
    """The new key is listed 14 days before it is used, the old one 14 days after; the other uses stay as they are."""
    old, now = first(), NOW + 100 * DAY
    new = after(old, Change(rotate=frozenset({use})), now)
    before = in_use(old, use, now)
    assert in_use(new, use, now) == in_use(new, use, now + OVERLAP - 1) == before
    follower = in_use(new, use, now + OVERLAP)
    assert follower != before
    retired = next(record for record in new.keys if record.kid == in_use(old, use, now))
    assert retired.until <= now + 2 * OVERLAP
    assert of(new, use)[-1].until >= new.expires


@pytest.mark.parametrize("use", USES)
def test_every_descriptor_covers_its_own_life(use: Use) -> None:
    """At each moment of a descriptor's 400 days it lists a key of each use, whatever was changed and when."""
    last = first()
    changes = [Change(), Change(rotate=frozenset({Use.SIG})), Change(rotate=frozenset(USES), at_once=True), Change()]
    for number, change in enumerate(changes):
        last = after(last, change, NOW + (number + 1) * 300 * DAY)
        for at in range(last.issued, last.expires, DAY):
            assert last.keys_of(use, at), (number, (at - last.issued) // DAY)


def test_first_descriptor_covers_its_own_life() -> None:
    """What `trm init` lists lasts for 400 days, so that root holders meet once a year."""
    new = first()
    for use in USES:
        assert max(record.until for record in of(new, use)) >= new.expires


def test_http_keys_go_on_by_date() -> None:
    """A renewal keeps the http keys that are listed and adds those that the new life needs, 90 days each."""
    old, now = first(), NOW + 350 * DAY
    new = after(old, Change(), now)
    kept = [record for record in of(old, Use.HTTP) if record.until > now]
    assert of(new, Use.HTTP)[: len(kept)] == kept
    listed = of(new, Use.HTTP)
    assert [record.from_ for record in listed[1:]] == [record.until for record in listed[:-1]]
    assert all(record.until - record.from_ == 90 * DAY for record in listed)


def test_at_once_leaves_out_the_wait() -> None:
    """`--now`: the new key may be used as soon as peers hold it; the old one stays listed for 14 days."""
    old, now = first(), NOW + DAY
    new = after(old, Change(rotate=frozenset({Use.SIG}), at_once=True), now)
    assert in_use(new, Use.SIG, now) != in_use(old, Use.SIG, now)
    assert of(new, Use.SIG)[0].until == now + OVERLAP


def test_a_change_between_two_meetings_does_not_move_the_next() -> None:
    """A descriptor ends with the keys that stay; what ends within 100 days is renewed with it."""
    old = first()
    between = after(old, Change(rotate=frozenset({Use.HTTP})), NOW + 100 * DAY)
    assert between.expires == old.expires
    assert of(between, Use.SIG) == of(old, Use.SIG)
    yearly = after(between, Change(), NOW + 320 * DAY)
    assert len(of(yearly, Use.SIG)) == 2
    assert yearly.expires == NOW + 720 * DAY


@pytest.mark.parametrize("use", USES)
def test_revoked_key_goes_and_its_successor_begins_now(use: Use) -> None:
    """A revoked key is in no list of keys any more, another one is valid at once, the rest stays."""
    old, now = first(), NOW + 10 * DAY
    kid = in_use(old, use, now)
    revocation = Revocation(kid=kid, at=now, since=now - DAY, reason="stolen_laptop")
    new = after(old, Change(revoke=(revocation,)), now)
    assert new.revoked == (revocation,)
    assert kid not in {record.kid for record in new.keys}
    assert in_use(new, use, now)
    others = [record for record in old.keys if record.use is not use]
    assert [record for record in new.keys if record.use is not use and record in others] == others


@pytest.mark.parametrize("use", [Use.SIG, Use.LOG, Use.WIT])
def test_a_retired_key_does_not_sign_again(use: Use) -> None:
    """A key that was changed at once stays listed, and when its successor is revoked the next one begins now."""
    old, now = first(), NOW + 10 * DAY
    retired = in_use(old, use, now)
    rotated = after(old, Change(rotate=frozenset({use}), at_once=True), now)
    stolen, night = in_use(rotated, use, now), now + DAY
    assert [record.kid for record in of(rotated, use) if is_retired(record, rotated.keys, night)] == [retired]
    revocation = Revocation(kid=stolen, at=night, since=now, reason="stolen")
    new = after(rotated, Change(revoke=(revocation,)), night)
    assert in_use(new, use, night) not in (retired, stolen)
    assert retired in {record.kid for record in of(new, use)}


def test_a_successor_that_never_began_retires_nothing() -> None:
    """A key that is listed for later and revoked before its time leaves the one in use where it is."""
    old, now = first(), NOW + 10 * DAY
    listed = after(old, Change(rotate=frozenset({Use.SIG})), now)
    later = of(listed, Use.SIG)[-1]
    new = after(listed, Change(revoke=(Revocation(kid=later.kid, at=now, since=now, reason="stolen"),)), now + DAY)
    assert in_use(new, Use.SIG, now + DAY) == in_use(old, Use.SIG, now)


@pytest.mark.parametrize("change", [Change(), Change(rotate=frozenset({Use.SIG}))], ids=["any", "another use"])
@pytest.mark.parametrize("use", USES)
def test_a_lost_key_is_followed_at_once(use: Use, change: Change) -> None:
    """Whatever a request asks for: others take the place of keys that the key store has no more, now and on each day.
    Those that have begun stay listed, for what they have signed.
    """
    old, now = first(), NOW + 10 * DAY
    present = old.keys_of(use, now)[-1]
    lost = frozenset(record.kid for record in of(old, use)[:-1]) | {present.kid}
    new = after(old, replace(change, lost=lost), now)
    assert lost & {record.kid for record in of(new, use)} == {present.kid}
    held = [record for record in of(new, use) if record.kid not in lost]
    for at in range(now, new.expires, DAY):
        assert any(record.from_ <= at < record.until for record in held), (at - now) // DAY


def test_ended_keys_are_no_longer_listed() -> None:
    """A descriptor lists what is valid or will be."""
    new = after(first(), Change(), NOW + 200 * DAY)
    assert all(record.until > new.issued for record in new.keys)


def test_roots_change_with_their_threshold() -> None:
    """A new list of roots takes the place of the old one; old and new sign."""
    old, rest = first(), Node("b").roots[0]
    roots = (*(root.record for root in A.roots[:2]), rest.record)
    change = Change(roots=(roots, 2))
    new = after(old, change, NOW + DAY)
    assert new.roots == roots


def test_clock_before_the_last_descriptor() -> None:
    """Nothing can be dated before what is published."""
    with pytest.RaisesExc(RefusedError, check=lambda error: error.code is Code.CLOCK):
        next_descriptor(first(), Change(), {}, START - 1)


def test_what_peers_would_refuse_is_not_made() -> None:
    """A threshold above the number of roots is refused before anybody is asked to sign."""
    old = first()
    with pytest.RaisesExc(RefusedError, check=lambda error: error.code is Code.INVALID):
        next_descriptor(old, Change(roots=(old.roots, 4)), {}, NOW)


def test_an_ended_key_is_followed_at_once() -> None:
    """A node that was asleep for longer than its descriptor gets keys that are valid now, not in 14 days."""
    old = first()
    sleepy = replace(old)
    new = after(sleepy, Change(), NOW + 500 * DAY)
    for use in (Use.SIG, Use.HTTP):
        assert new.keys_of(use, NOW + 500 * DAY)
