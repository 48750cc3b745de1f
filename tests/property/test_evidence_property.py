"""Any one-byte change of an evidence bundle is refused, before and after the content was erased (threat 50), by the
gateway and by the verifier for strangers.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.drawn_bundles import draw
from support.endpoints import Endpoint, flipped
from support.exhibits import A, B, at, base64_fields, conversation, exhibit, tiny, with_text
from support.stranger import verified, verify

from gateway.errors import RemoteError
from gateway.evidence.build import build

ANCHORS = tiny().anchors
BUNDLES = {"content": tiny().build(), "erased": tiny().erased().build()}
PIECES = 32
FEWEST, SHORT, LONG = 24, 64, 2_000
"""Bundles drawn in the short form, until each verdict was given, and in a round of the long one."""
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def refused(data: bytes) -> bool:
    """Whether both verifiers refuse a bundle; two verdicts, or any other error, fail the test."""
    return not verified(data, ANCHORS)


@pytest.mark.parametrize("kind", BUNDLES)
def test_the_bundle_is_true(kind: str) -> None:
    """What is spoiled below verifies as it stands."""
    assert not refused(BUNDLES[kind])


@pytest.mark.parametrize("kind", BUNDLES)
@pytest.mark.parametrize("part", ["first", "last"])
def test_bytes_at_both_ends(kind: str, part: str) -> None:
    """Every seventh of the first and of the last 200 bytes: one bit of each, or another letter in its place."""
    data, rng = BUNDLES[kind], random.Random(7)
    for place in range(0, 200, 7) if part == "first" else range(len(data) - 200, len(data), 7):
        letter = rng.choice([item for item in ALPHABET.encode() if item != data[place]])
        spoiled = data[:place] + bytes([letter]) + data[place + 1 :]
        assert refused(flipped(data, place, rng.randrange(8)) if place % 2 else spoiled)


def test_letters_of_a_checkpoint() -> None:
    """The note is text inside of the bundle: every 151st letter of it, changed or dropped, spoils it."""
    data = BUNDLES["erased"]
    path = ("log", "checkpoints", 0, "note")
    note = at(json.loads(data), path)
    for place in range(0, len(note), 151):
        other = "" if place % 2 else "A" if note[place] != "A" else "B"
        assert refused(with_text(data, path, note[:place] + other + note[place + 1 :]))


@pytest.mark.deep
@pytest.mark.parametrize("piece", range(PIECES))
@pytest.mark.parametrize("kind", BUNDLES)
def test_every_byte(kind: str, piece: int, run_seed: int, record_property: Callable[[str, object], None]) -> None:
    """Every byte of the bundle: one bit of it, or another letter in its place."""
    data, rng = BUNDLES[kind], random.Random(f"{run_seed} {piece}")
    places = range(piece, len(data), PIECES)
    record_property("examples", len(places))
    for place in places:
        letter = rng.choice([item for item in ALPHABET.encode() if item != data[place]])
        spoiled = data[:place] + bytes([letter]) + data[place + 1 :]
        assert refused(flipped(data, place, rng.randrange(8)) if rng.random() < 0.5 else spoiled)


def judged_alike(rng: random.Random) -> set[str]:
    """Which verdicts both verifiers give on a drawn bundle, what it shows, and whether they warn, or that they refuse
    it; a difference fails the test.
    """
    drawn = draw(rng)
    try:
        report = verify(drawn.data, drawn.anchors)
    except RemoteError as error:
        return {str(error.code)}
    found = {str(signature.verdict) for message in report.messages for signature in message.signatures}
    found |= {"in part" for message in report.messages if message.fields}
    found |= {"whole" for message in report.messages if message.disclosed}
    found |= {f"batch of {batch['count']}" for batch in json.loads(drawn.data)["batches"]}
    return found | {"two contents" for _ in report.warnings}


def test_both_verifiers_say_the_same() -> None:
    """Of each bundle that is drawn they refuse it both, or give each signature one verdict and the same caveats."""
    wanted = {"proven", "in doubt", "disputed", "revoked_key", "unknown_key", "bad_commitment"}
    wanted |= {"in part", "whole", "two contents", "batch of 1", "batch of 8", "batch of 128"}
    found = set[str]()
    for seed in range(SHORT):
        found |= judged_alike(random.Random(seed))
        if seed >= FEWEST and found >= wanted:
            break
    assert found >= wanted


@pytest.mark.deep
@pytest.mark.parametrize("piece", range(PIECES))
def test_both_verifiers_always_say_the_same(
    piece: int, run_seed: int, record_property: Callable[[str, object], None]
) -> None:
    """The same of 2 000 bundles for each seed, and of every tenth one with one bit changed, which both refuse."""
    seeds = range(piece, LONG, PIECES)
    record_property("examples", len(seeds))
    for seed in seeds:
        rng = random.Random(f"{run_seed} {seed}")
        judged_alike(rng)
        if seed % 10 == 0:
            drawn = draw(rng)
            spoiled = flipped(drawn.data, rng.randrange(len(drawn.data)), rng.randrange(8))
            assert not verified(spoiled, drawn.anchors)


@pytest.mark.parametrize("kind", BUNDLES)
def test_every_base64_field(kind: str) -> None:
    """One letter of each: the first, the last with its trailing bits, and one between; and one letter more or less."""
    data, rng = BUNDLES[kind], random.Random(11)
    value = json.loads(data)
    fields = base64_fields(value)
    assert len(fields) > 20
    for path in fields:
        text = at(value, path)
        for place in {0, rng.randrange(len(text)), len(text) - 1}:
            other = ALPHABET[ALPHABET.index(text[place]) ^ 1]
            assert refused(with_text(data, path, text[:place] + other + text[place + 1 :]))
        assert refused(with_text(data, path, text[:-1]))
        assert refused(with_text(data, path, text + "A"))
        assert refused(with_text(data, path, text + "="))


@settings(max_examples=60)
@given(kind=st.sampled_from(sorted(BUNDLES)), part=st.floats(0, 1, exclude_max=True), byte=st.integers(1, 255))
def test_any_byte_anywhere(kind: str, part: float, byte: int) -> None:
    """Any other byte at any place."""
    data = BUNDLES[kind]
    place = int(part * len(data))
    assert refused(data[:place] + bytes([data[place] ^ byte]) + data[place + 1 :])


@settings(max_examples=40)
@given(part=st.floats(0, 1, exclude_max=True), piece=st.binary(max_size=2), cut=st.integers(0, 2))
def test_any_splice(part: float, piece: bytes, cut: int) -> None:
    """Bytes put in or taken out."""
    data = BUNDLES["content"]
    place = int(part * len(data))
    spoiled = data[:place] + piece + data[place + cut :]
    assert spoiled == data or refused(spoiled)


@settings(max_examples=40)
@given(data=st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_noise(data: bytes) -> None:
    """What is no bundle is refused, never another error."""
    assert refused(data)


@settings(max_examples=10)
@given(order=st.randoms(use_true_random=False), erased=st.lists(st.booleans(), min_size=2, max_size=2))
def test_the_order_of_the_parts_does_not_matter(order: random.Random, erased: list[bool]) -> None:
    """A bundle has one spelling, whichever content is still there."""
    case = conversation()
    exhibits = [
        case.erased().exhibits[place] if gone else shown
        for place, (shown, gone) in enumerate(zip(case.exhibits, erased, strict=True))
    ]
    true = build(case.chains, exhibits, case.batches, case.extract)
    shuffled = [list(part) for part in (case.chains, exhibits, case.batches)]
    for part in shuffled:
        order.shuffle(part)
    assert build(*shuffled, case.extract) == true  # type: ignore[arg-type]
    assert [message.disclosed for message in verify(true, case.anchors).messages] == [not gone for gone in erased]


@settings(max_examples=8)
@given(count=st.integers(1, 5), heard=st.integers(0, 5))
def test_what_endpoints_keep_always_verifies(count: int, heard: int) -> None:
    """Whatever of a conversation was answered, what was signed about it makes a bundle."""
    a, b = Endpoint.pair(A, B)
    exhibits = []
    for place in range(count):
        message = a.submit(a.draft("referral.request.1/valid-minimal"))
        sealed = a.send(message)
        exhibits.append(exhibit(sealed, message.body))
        if place < heard:
            a.hear(b.answer([sealed.data]), [sealed.id])
    chains = ((a.own,), (b.own,))
    report = verify(build(chains, exhibits, a.documents), {chain[0].fingerprint for chain in chains})
    assert [message.n for message in report.messages] == list(range(1, count + 1))
    assert [len(message.statuses) for message in report.messages] == [int(place < heard) for place in range(count)]
    assert report.warnings == ()
