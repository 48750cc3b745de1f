"""Addresses of databases: no password in them, and TLS that proves a name."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from adapters.sql.database import Address
from gateway.errors import Code, RefusedError

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
