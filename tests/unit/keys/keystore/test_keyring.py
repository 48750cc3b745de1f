"""keys.keystore.keyring: the life of keys, without a file (nrm1 2.23, 13.2)."""

from __future__ import annotations

import pickle

import pytest
from support.nodes import NOW, Node, Seeds, refused

from gateway.errors import Code, RefusedError
from gateway.identity.own_identity import KEYSET_LIFE
from keys.documents.key_records import Use
from keys.documents.keyset import MOST_KEYS, EncKey
from keys.keystore.keyring import Keyring
from keys.primitives.encoding import DAY, canon, parse

NODE = Node("a").first().node
HOUR = 3600


def ring() -> Keyring:
    """A new keyring, the same at each call."""
    return Keyring.new(NODE, NOW, Seeds("keyring"))


def test_new_keyring_covers_the_first_descriptor() -> None:
    """One key for signing, log and witness, http keys for the whole life of a descriptor, two pins, one epoch."""
    new = ring()
    assert [len(new.of(use)) for use in (Use.SIG, Use.HTTP, Use.LOG, Use.WIT)] == [1, 5, 1, 1]
    assert (len(new.tls), len(new.enc), [epoch.n for epoch in new.epochs]) == (2, 0, [1])
    records = new.first_records(NOW)
    http = [record for record in records if record.use is Use.HTTP]
    assert [record.from_ for record in http[1:]] == [record.until for record in http[:-1]]
    assert http[-1].until >= NOW + 400 * DAY
    assert {record.kid for record in records} == {held.kid for held in new.keys}


def test_round_trip() -> None:
    """What is written is read back, and a keyring with an unknown member is not read."""
    full = ring().renew_enc(["gateway"], NOW, Seeds("more")).begin_epoch(NOW, Seeds("more"))
    again = Keyring.parse(full.encode())
    assert again.encode() == full.encode()
    assert again.enc[0].key.kid == full.enc[0].key.kid
    value = parse(full.encode(), limit=100_000)
    assert isinstance(value, dict)
    with refused(Code.MALFORMED):
        Keyring.parse(canon({**value, "more": 1}))


def test_secrets_do_not_print() -> None:
    """A keyring and all in it print as <redacted>, and it can not be pickled."""
    full = ring().renew_enc(["gateway"], NOW, Seeds("more"))
    assert f"{full}{full.epochs[0]}{full.enc[0].key}{full.keys[0].key}" == "<redacted>" * 4
    assert repr(full.index) not in f"{full.keys}{full.enc}{full.epochs}"
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(full)


def test_encryption_key_every_12_hours() -> None:
    """nrm1 2.23: a new key when the newest is 12 hours old, and nothing before."""
    rand = Seeds("enc")
    one = ring().renew_enc(["gateway"], NOW, rand)
    assert one.renew_enc(["gateway"], NOW + 12 * HOUR - 1, rand) is one
    two = one.renew_enc(["gateway"], NOW + 12 * HOUR, rand)
    assert [held.made for held in two.enc] == [NOW, NOW + 12 * HOUR]


def test_each_unit_has_its_own_key() -> None:
    """A unit that is new gets its key at once."""
    one = ring().renew_enc(["gateway"], NOW, Seeds("enc"))
    two = one.renew_enc(["gateway", "shelter-3"], NOW + 1, Seeds("unit"))
    assert [held.unit for held in two.enc] == ["gateway", "shelter-3"]


def test_listed_72_hours_and_destroyed_within_the_hour() -> None:
    """nrm1 2.23: senders may use a key for 72 hours; its seed goes half an hour later."""
    one = ring().renew_enc(["gateway"], NOW, Seeds("enc"))
    (listed,) = one.listed_enc(NOW + 72 * HOUR - 1)
    assert (listed.from_, listed.until, listed.pub) == (NOW, NOW + 72 * HOUR, one.enc[0].key.public)
    assert one.listed_enc(NOW + 72 * HOUR) == ()
    assert one.expired_enc(NOW + 72 * HOUR + 1_799) == ()
    assert one.expired_enc(NOW + 72 * HOUR + 1_800) == (listed.kid,)
    assert one.without_enc([listed.kid]).enc == ()
    assert one.without_enc([]) is one


def test_the_lives_of_encryption_keys_fit_together() -> None:
    """nrm1 2.23, as a node keeps house for ten days: at each hour a keyset that is as old as one may be still names a
    key to seal to; no key is listed for more than 72 hours, no seed outlives its key by an hour, and however many units
    a node has, their keys fit into a keyset.
    """
    held, rand, units = ring(), Seeds("enc"), ["gateway", *(f"unit-{number}" for number in range(39))]
    until: dict[str, int] = {}
    issued: tuple[EncKey, ...] = ()
    for hour in range(10 * 24):
        now = NOW + hour * HOUR
        assert not hour or all(_usable(issued, unit, now) for unit in units)
        if hour % 12 == 0:
            held = held.renew_enc(units, now, rand)
            issued = held.listed_enc(now)
        held = held.without_enc(held.expired_enc(now))
        until |= {key.kid: key.until for key in issued}
        assert len(issued) <= MOST_KEYS
        assert all(key.until - key.from_ <= 72 * HOUR for key in issued)
        assert all(now < until[seed.key.kid] + HOUR for seed in held.enc)
    for hour in range(KEYSET_LIFE // HOUR):  # the node stops: its last keyset serves to its end
        assert all(_usable(issued, unit, now + hour * HOUR) for unit in units)


def _usable(keys: tuple[EncKey, ...], unit: str, now: int) -> bool:
    return any(key.unit == unit and key.from_ <= now < key.until for key in keys)


def test_rotation_of_the_epoch_restarts_anywhere() -> None:
    """nrm1 13.2: each step may be done again and then changes nothing; the epoch in use is never dropped."""
    one, rand = ring(), Seeds("epoch")
    both = one.begin_epoch(NOW + DAY, rand)
    assert [epoch.n for epoch in both.epochs] == [1, 2]
    assert both.begin_epoch(NOW + 2 * DAY, rand) is both
    new = both.finish_epoch(1)
    assert [epoch.n for epoch in new.epochs] == [2]
    assert new.finish_epoch(1) is new
    for n in (2, 3):
        with pytest.raises(RefusedError, match="newest storage epoch stays"):
            new.finish_epoch(n)


def test_signing_keys_come_and_go() -> None:
    """A key is added and removed, but never the last one of its use, and never a root."""
    one, rand = ring(), Seeds("keys")
    two = one.with_key(Use.SIG, NOW, rand)
    first, second = two.of(Use.SIG)
    assert second.key.public.mldsa65 is not None
    assert one.with_key(Use.HTTP, NOW, rand).of(Use.HTTP)[-1].key.public.mldsa65 is None
    assert two.without_key(first.kid).of(Use.SIG) == (second,)
    with pytest.raises(RefusedError, match="last sig key"):
        one.without_key(first.kid)
    with pytest.raises(RefusedError, match="no such key"):
        one.without_key("A" * 22)
    with pytest.raises(RuntimeError, match="no root"):
        one.with_key(Use.ROOT, NOW, rand)
