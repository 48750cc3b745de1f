"""Addresses and cells of adapters/sql: what is taken, what is refused, and that a refusal repeats nothing."""

from __future__ import annotations

import ssl
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pytest

from adapters.kit.fingerprint import fingerprint
from adapters.kit.secret import read_secret
from adapters.sql.cells import BadCellError, ref_of, stamp_of, to_json
from adapters.sql.database import Address
from adapters.sql.tables import inbox_table, outbox_view
from gateway.errors import Code, RefusedError, TransientError

SECRET = "Xanthippe4711"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        (f"postgresql://trm:{SECRET}@db.example/cases", "holds a password"),
        ("postgresql://trm@db.example/cases?sslmode=disable", "has options"),
        ("sqlite:////srv/a.db?mode=memory", "has options"),
        ("mssql://trm@db.example/cases", "begins with"),
        ("postgresql+asyncpg://trm@db.example/cases", "begins with"),
        ("postgresql://trm@db.example", "names no database"),
        ("sqlite://", "names no database"),
        (f"{SECRET} is no address", "cannot be read"),
    ],
)
def test_bad_addresses(url: str, words: str) -> None:
    """An address with a password, an option that could weaken TLS, or another driver is refused, and not repeated."""
    with pytest.raises(RefusedError, match=words) as caught:
        Address(url=url)
    assert caught.value.code is Code.INVALID
    assert SECRET not in f"{caught.value!r}{caught.value.hint}{caught.value.__cause__!r}"


def test_another_machine_means_verified_tls() -> None:
    """A server elsewhere proves its name; there is no way to say otherwise."""
    ours = Address(url="postgresql://trm@db.example/cases", ca=Path("/etc/trm/ca.pem"))
    assert ours._args(1)["sslmode"] == "verify-full"
    assert ours._args(1)["sslrootcert"] == "/etc/trm/ca.pem"
    assert Address(url="postgresql://trm@db.example/cases")._args(1)["sslrootcert"] == "system"
    context = Address(url="mariadb://trm@db.example/cases")._args(1)["ssl"]
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert "ssl" not in Address(url="mariadb://trm@localhost/cases?unix_socket=/run/s")._args(1)
    assert "sslmode" not in Address(url="postgresql://trm@/cases?host=/run/postgresql")._args(1)


@pytest.mark.parametrize("name", ["", "a b", "a;drop", 'a"b', "a.b.c", "1a", "é"])
def test_bad_names(name: str) -> None:
    """Only plain names of tables, with a schema at most."""
    with pytest.raises(RefusedError, match="not the name of a table"):
        inbox_table(name)
    with pytest.raises(RefusedError, match="not the name of a table"):
        outbox_view(name, "ref", "changed")


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        (None, None),
        (True, True),
        (7, 7),
        (7.0, 7),
        (Decimal("7.00"), 7),
        ("007", "007"),
        (date(1994, 3, 1), "1994-03-01"),
        (datetime(1994, 3, 1), "1994-03-01"),
        (datetime(1994, 3, 1, 12), "1994-03-01T12:00:00"),
        (datetime(1994, 3, 1, tzinfo=UTC), "1994-03-01T00:00:00+00:00"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (["a", 1.0], ["a", 1]),
    ],
)
def test_cells(cell: object, said: object) -> None:
    """A cell is what the mapping file can read, with nothing rounded."""
    assert to_json(cell) == said
    assert type(to_json(cell)) is type(said)


@pytest.mark.parametrize(
    ("cell", "rule"),
    [
        (1.5, "number_not_whole"),
        (float("nan"), "number_not_whole"),
        (float("inf"), "number_not_whole"),
        (Decimal("0.1"), "number_not_whole"),
        (Decimal("NaN"), "number_not_whole"),
        (2**53, "number_too_large"),
        (Decimal(10) ** 20, "number_too_large"),
        (b"bytes", "wrong_type"),
        ({"a": 1}, "wrong_type"),
        (timedelta(1), "wrong_type"),
        ("\ud800", "bad_text"),
        ([1.5], "number_not_whole"),
    ],
)
def test_bad_cells(cell: object, rule: str) -> None:
    """What is no value of a record is a fault with a rule."""
    with pytest.raises(BadCellError) as caught:
        to_json(cell)
    assert caught.value.rule == rule


def test_stamps_and_refs() -> None:
    """One moment has one text, whatever the zone; a ref is plain or none."""
    there = datetime(2025, 6, 1, 2, tzinfo=timezone(timedelta(hours=2)))
    assert stamp_of(there) == stamp_of(datetime(2025, 6, 1, tzinfo=UTC))
    assert stamp_of(b"\x01") == "01"
    assert stamp_of(None) is None
    assert [ref_of(raw) for raw in (17, "AL-17", UUID(int=1))] == ["17", "AL-17", str(UUID(int=1))]
    assert [ref_of(raw) for raw in (None, True, 1.5, "", "a b", "a~2", "x" * 65)] == [None] * 7
    assert fingerprint({"a": 1}, "x") != fingerprint({"a": 2}, "x")


def test_secret_files(tmp_path: Path) -> None:
    """A secret comes without its last newline; a missing, empty, open or strange file is an error without its text."""
    file = tmp_path / "password"
    with pytest.raises(TransientError, match="the password file cannot be read"):
        read_secret(file, "the password file")
    file.write_text(f"{SECRET}\n")
    file.chmod(0o604)
    with pytest.raises(RefusedError, match="may be read by everybody"):
        read_secret(file, "the password file")
    file.chmod(0o600)
    assert read_secret(file, "the password file") == SECRET
    for data, words in ((b"\n", "is empty"), (SECRET.encode() + b"\xff", "not UTF-8"), (b"x" * 70000, "not a small")):
        file.write_bytes(data)
        with pytest.raises(RefusedError, match=words) as caught:
            read_secret(file, "the password file")
        assert SECRET not in f"{caught.value!r}{caught.value.__cause__!r}"
