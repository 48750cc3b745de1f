"""Recorded traffic and a thief who comes later (nrm1 2.23; threat 48)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from support.keystores import copy_keystore, read_ring
from support.pair import PASSPHRASE, START, Party, Spoiler, Two, two_nodes

from gateway.delivery.inbound import steps
from gateway.errors import Code, RemoteError
from keys.primitives.encoding import DAY
from keys.primitives.seal import open_cek

OpenCek = Callable[[str, bytes, bytes], bytes]


async def test_four_days_later_nothing_opens(tmp_path: Path) -> None:
    """Four days after they went, envelopes from the line stay closed to who has all of the receiver: disk, key store
    and passphrase. The key store of the first day opens them, so it is the destroyed seeds that protect.
    """
    async with two_nodes(tmp_path) as two:
        wire = Spoiler(two.fr)
        sent = [await two.fr.submit(f"case {number}") for number in range(20)]
        await two.until(lambda: len(two.al.notes()) == len(sent), seconds=60)
        recorded = [data for request in wire.envelopes() for data in request]
        assert len(recorded) >= len(sent)
        early = tmp_path / "copied on the first day"
        copy_keystore(two.al.folder / "keystore", early)
        await days(two, 4)
        await two.until(lambda: seeds(two.al.folder / "keystore").isdisjoint(seeds(early)), seconds=120)
        later = everything(two.al.folder / "keystore")
        assert {opens(data, two.al, everything(early)) for data in recorded} == {None}
        assert {opens(data, two.al, later) for data in recorded} == {Code.UNDECRYPTABLE}


async def test_three_days_is_what_it_says(tmp_path: Path) -> None:
    """On the third day the seed is still there, for what was sealed to it while it was listed."""
    async with two_nodes(tmp_path) as two:
        first = seeds(two.al.folder / "keystore")
        await days(two, 2)
        assert first <= seeds(two.al.folder / "keystore")


async def days(two: Two, count: int) -> None:
    """Let time pass, half a day at a time, so that the nodes keep house."""
    while two.clock.now() < START + count * DAY:
        two.clock.advance(DAY / 2)
        await two.calm()


def seeds(keystore: Path) -> set[str]:
    """The kids of the encryption keys whose seed is in the file."""
    return {held.key.kid for held in read_ring(keystore, PASSPHRASE).enc}


def everything(keystore: Path) -> OpenCek:
    """Tries each seed of the file on a closed key, whatever key id stands beside it."""
    held = [item.key for item in read_ring(keystore, PASSPHRASE).enc]

    def attempt(kid: str, enc: bytes, info: bytes) -> bytes:
        for key in held:
            try:
                return open_cek(key, enc, info)
            except RemoteError:
                continue
        raise RemoteError(Code.UNDECRYPTABLE, "no seed opens it")

    return attempt


def opens(data: bytes, receiver: Party, opener: OpenCek) -> Code | None:
    """None for an envelope that opens, else how it failed; judged at the time when it was sent."""
    own = receiver.running.own.descriptor
    signer = receiver.peer().node
    try:
        steps.open_envelope(steps.read_envelope(data), own=own, signer=signer, open_cek=opener, now=START + 60)
    except RemoteError as error:
        return error.code
    return None
