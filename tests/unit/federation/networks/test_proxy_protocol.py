"""PROXY headers, one fault each, and who is asked for one."""

from __future__ import annotations

import pytest

from gateway.errors import RemoteError
from gateway.federation.networks.fronts import Fronts
from gateway.federation.networks.proxy_protocol import missing, parse

BLOCK = b"\r\n\r\n\x00\r\nQUIT\n"
V4 = bytes([198, 51, 100, 7, 192, 0, 2, 1, 0x1F, 0x90, 0x20, 0xFB])


@pytest.mark.parametrize(
    ("header", "caller"),
    [
        (b"PROXY TCP4 198.51.100.7 192.0.2.1 51234 8443\r\n", "198.51.100.7"),
        (b"PROXY TCP6 2001:DB8:0::7 2001:db8::1 51234 8443\r\n", "2001:db8::7"),
        (b"PROXY UNKNOWN\r\n", None),
        (b"PROXY UNKNOWN ffff::1 ffff::2 65535 65535\r\n", None),
        (BLOCK + b"\x21\x11\x00\x0c" + V4, "198.51.100.7"),
        (BLOCK + b"\x21\x11\x00\x10" + V4 + b"\x04\x00\x01x", "198.51.100.7"),
        (BLOCK + b"\x20\x00\x00\x00", None),
        (BLOCK + b"\x21\x00\x00\x00", None),
    ],
)
def test_what_a_header_names(header: bytes, caller: str | None) -> None:
    """The caller, or that the front speaks for itself, as when it looks whether the node is there."""
    assert missing(header) == 0
    assert parse(header) == caller


@pytest.mark.parametrize(
    "header",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\x00",  # TLS
        b"proxy TCP4 198.51.100.7 192.0.2.1 1 2\r\n",
        b"PROXY TCP4 198.51.100.7 192.0.2.1 1\r\n",
        b"PROXY TCP4 198.51.100.7 192.0.2.1 1 2\n",
        b"PROXY TCP4  198.51.100.7 192.0.2.1 1 2\r\n",
        b"PROXY TCP4 198.51.100.07 192.0.2.1 1 2\r\n",
        b"PROXY TCP4 2001:db8::7 2001:db8::1 1 2\r\n",
        b"PROXY TCP6 fe80::1%eth0 2001:db8::1 1 2\r\n",
        b"PROXY TCP4 198.51.100.7 192.0.2.1 1 65536\r\n",
        b"PROXY TCP4 198.51.100.7 192.0.2.1 +1 2\r\n",
        b"PROXY UDP4 198.51.100.7 192.0.2.1 1 2\r\n",
        b"PROXY TCP4 " + b"1" * 107,
        b"PROXY UNKNOWN " + b"x" * 100 + b"\r\n",
        BLOCK + b"\x11\x11\x00\x0c" + V4,
        BLOCK + b"\x22\x11\x00\x0c" + V4,
        BLOCK + b"\x21\x12\x00\x0c" + V4,
        BLOCK + b"\x21\x31\x00\x0c" + V4,
        BLOCK + b"\x21\x11\x00\x0b" + V4[:-1],
        BLOCK + b"\x21\x21\x00\x0c" + V4,
        BLOCK + b"\x21\x11\x04\x01",
    ],
)
def test_what_is_no_header(header: bytes) -> None:
    """Another protocol, version or spelling, a part of one, one that is too long."""
    with pytest.raises(RemoteError):
        for length in range(len(header) + 1):
            if missing(header[:length]) == 0:
                assert length == len(header), "it was taken for whole too early"
        assert parse(header) is None


def test_who_is_a_front() -> None:
    """An address that is listed, or one of a network; also where the listener sees it as one of IPv6."""
    fronts = Fronts(["192.0.2.1", "10.1.0.0/16", "2001:db8::/32"])
    asked = ("192.0.2.1", "192.0.2.2", "10.1.9.9", "10.2.0.1", "::ffff:10.1.9.9", "2001:db8::5%eth0", "::1")
    assert [address for address in asked if fronts.include(address)] == [
        "192.0.2.1",
        "10.1.9.9",
        "::ffff:10.1.9.9",
        "2001:db8::5%eth0",
    ]
    assert not Fronts().include("127.0.0.1")
