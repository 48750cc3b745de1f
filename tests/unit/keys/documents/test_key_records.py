"""keys.documents.key_records: records of keys, with the halves, uses and times that each must have (nrm1 2.6)."""

from __future__ import annotations

from typing import Any

import pytest
from support.nodes import NOW, Seeds, record, refused

from gateway.errors import Code, RemoteError
from keys.documents.key_records import KeyRecord, Use
from keys.primitives.sign import SigningKey

RAND = Seeds("records")
HYBRID = SigningKey.generate(RAND, hybrid=True)
CLASSICAL = SigningKey.generate(RAND, hybrid=False)


def test_record_round_trip() -> None:
    """A record is read back as it was written."""
    for key, use in [(HYBRID, Use.ROOT), (HYBRID, Use.SIG), (CLASSICAL, Use.SIG), (CLASSICAL, Use.HTTP)]:
        assert KeyRecord.from_json(record(key, use).to_json()) == record(key, use)


@pytest.mark.parametrize(
    ("key", "use"), [(CLASSICAL, Use.ROOT), (HYBRID, Use.HTTP), (HYBRID, Use.LOG), (HYBRID, Use.WIT)]
)
def test_use_decides_the_halves(key: SigningKey, use: Use) -> None:
    """A root has both halves; http, log and wit have one (nrm1 2.6)."""
    with refused(Code.BAD_KEY, "halves"):
        record(key, use)


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
