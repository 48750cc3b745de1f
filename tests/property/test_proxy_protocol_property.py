"""A PROXY header, however it is cut, names what was written; whatever else comes is refused, and soon."""

from __future__ import annotations

import struct
from ipaddress import IPv4Address, IPv6Address, ip_address

from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import Code, RemoteError
from gateway.federation.networks import proxy_protocol
from gateway.federation.networks.proxy_protocol import missing, parse

BLOCK = b"\r\n\r\n\x00\r\nQUIT\n"
PORTS = st.integers(0, 65_535)
PAIRS = st.one_of(
    st.tuples(st.ip_addresses(v=4), st.ip_addresses(v=4)), st.tuples(st.ip_addresses(v=6), st.ip_addresses(v=6))
)
LONGEST = 16 + proxy_protocol.LONGEST_BLOCK


def line(pair: tuple[IPv4Address | IPv6Address, ...], ports: tuple[int, int]) -> bytes:
    """Version 1."""
    caller, called = pair
    return f"PROXY TCP{caller.version} {caller} {called} {ports[0]} {ports[1]}\r\n".encode()


def block(pair: tuple[IPv4Address | IPv6Address, ...], ports: tuple[int, int], more: bytes = b"") -> bytes:
    """Version 2, with extensions."""
    caller, called = pair
    addresses = caller.packed + called.packed + struct.pack("!HH", *ports) + more
    return BLOCK + bytes([0x21, 0x11 if caller.version == 4 else 0x21]) + struct.pack("!H", len(addresses)) + addresses


def read(stream: bytes) -> tuple[bytes, int]:
    """Read a header from the front of a stream as the listener does; the header, and in how many steps."""
    got, steps = bytearray(), 0
    while count := missing(got):
        piece = stream[len(got) : len(got) + count]
        if not piece:
            raise EOFError
        got += piece
        steps += 1
    return bytes(got), steps


@given(PAIRS, st.tuples(PORTS, PORTS), st.binary(max_size=900), st.binary(max_size=64))
def test_a_header_names_its_caller_and_nothing_behind_is_read(
    pair: tuple[IPv4Address | IPv6Address, ...], ports: tuple[int, int], more: bytes, behind: bytes
) -> None:
    """Both versions; the first byte of TLS is still there for TLS."""
    for header in (line(pair, ports), block(pair, ports, more)):
        found, steps = read(header + behind)
        assert found == header
        assert steps <= proxy_protocol.LONGEST_LINE
        assert parse(found) == str(pair[0])


@given(
    st.one_of(
        st.binary(max_size=1_500),
        st.binary(max_size=120).map(b"PROXY ".__add__),
        st.binary(max_size=1_200).map(BLOCK.__add__),
    )
)
def test_other_bytes_are_refused_or_wanted_more_of(stream: bytes) -> None:
    """Never another exception, never more than the bound read, and an address only in its one spelling."""
    try:
        found, steps = read(stream)
        assert len(found) <= LONGEST
        assert steps <= proxy_protocol.LONGEST_LINE
        caller = parse(found)
        assert caller is None or str(ip_address(caller)) == caller
    except RemoteError as error:
        assert error.code is Code.MALFORMED
    except EOFError:
        assert len(stream) < LONGEST
