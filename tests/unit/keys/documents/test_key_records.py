"""keys.documents.key_records: records of keys, with the halves, uses and times that each must have (nrm1 2.6)."""

from __future__ import annotations

from typing import Any

import pytest
from support.nodes import NOW, Seeds, record, refused

from gateway.errors import Code, RemoteError
from keys.documents.key_records import KeyRecord, Use, generate_key
from keys.primitives.hybrid_keys import SigningKey

RAND = Seeds("records")
HYBRID = SigningKey.generate(RAND, hybrid=True)
CLASSICAL = SigningKey.generate(RAND, hybrid=False)
NOTES = SigningKey.generate_for_notes(RAND)


def test_record_round_trip() -> None:
    """A record is read back as it was written; one of the first form may lack its other half."""
    for key, use in [(HYBRID, Use.ROOT), (HYBRID, Use.SIG), (NOTES, Use.LOG), (NOTES, Use.WIT), (CLASSICAL, Use.HTTP)]:
        assert KeyRecord.from_json(record(key, use).to_json()) == record(key, use)
    for use in (Use.SIG, Use.LOG, Use.WIT, Use.HTTP):
        value = {**record(CLASSICAL, use).to_json(), "mldsa65": None}
        value.pop("mldsa44", None)
        assert KeyRecord.from_json(value, first_form=True) == record(CLASSICAL, use)


@pytest.mark.parametrize(
    ("key", "use"),
    [
        (CLASSICAL, Use.ROOT),
        (NOTES, Use.ROOT),
        (NOTES, Use.SIG),
        (HYBRID, Use.HTTP),
        (NOTES, Use.HTTP),
        (HYBRID, Use.LOG),
        (HYBRID, Use.WIT),
    ],
)
def test_use_decides_the_halves(key: SigningKey, use: Use) -> None:
    """ML-DSA-65 for roots and documents, ML-DSA-44 for notes, none for HTTP (nrm1 2.6)."""
    with refused(Code.BAD_KEY, "halves"):
        record(key, use)


@pytest.mark.parametrize("use", [Use.SIG, Use.LOG, Use.WIT])
def test_what_is_listed_today_has_both_halves(use: Use) -> None:
    """null is for records of the first form alone."""
    with refused(Code.BAD_KEY, "halves"):
        KeyRecord.from_json(record(CLASSICAL, use).to_json())


def test_generated_keys_fit_their_use() -> None:
    """Each use gets the halves that it demands."""
    for use in Use:
        assert record(generate_key(use, RAND), use).is_whole


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"kid": "A" * 22}, Code.BAD_KEY),
        ({"use": "enc"}, Code.MALFORMED),
        ({"until": NOW - 86_400}, Code.MALFORMED),
        ({"from": -1}, Code.MALFORMED),
        ({"alg": "ed25519"}, Code.MALFORMED),
        ({"ed25519": "A" * 43}, Code.BAD_KEY),
        ({"mldsa65": "AA"}, Code.MALFORMED),
    ],
    ids=str,
)
def test_bad_record(change: dict[str, Any], code: Code) -> None:
    """One fault in a record refuses it with the code of that fault."""
    value = record(CLASSICAL, Use.HTTP).to_json()
    assert isinstance(value, dict)
    with refused(code):
        KeyRecord.from_json({**value, **change})


def test_validity_is_half_open() -> None:
    """A key is valid from its first second until before its last, and longer by the skew that is allowed."""
    held = record(CLASSICAL, Use.HTTP, start=100, until=200)
    assert [held.valid_at(at) for at in (99, 100, 199, 200)] == [False, True, True, False]
    assert [held.valid_at(at, skew=5) for at in (94, 95, 204, 205)] == [False, True, True, False]


def test_record_of_a_bad_point_is_a_remote_error() -> None:
    """A record never holds a key that was not checked."""
    with pytest.raises(RemoteError):
        KeyRecord.from_json({**record(CLASSICAL, Use.LOG).to_json(), "ed25519": "A" * 42 + "E"})  # type: ignore[dict-item]
