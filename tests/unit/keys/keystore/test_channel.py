"""Frames between the node and its key service: whole or not at all, from a user whom the kernel names."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import pytest

from keys.keystore import channel
from keys.keystore.channel import Channel, ClosedError


@pytest.fixture
def ends() -> Iterator[tuple[Channel, socket.socket]]:
    """A channel, and the bare socket at its other end."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield Channel(ours), theirs


def test_frames_come_back_in_order(ends: tuple[Channel, socket.socket]) -> None:
    """Two frames in one write are two frames, an empty one too; a half one is waited for."""
    ours, theirs = ends
    other = Channel(theirs.dup())
    other.send(b"one", b"")
    assert ours.receive() == b"one"
    assert ours.holds_more()
    assert ours.receive() == b""
    theirs.sendall((5).to_bytes(4, "big") + b"ab")
    ours.within(0.05)
    with pytest.raises(TimeoutError):
        ours.receive()
    assert not ours.holds_more()
    theirs.sendall(b"cde")
    assert ours.receive() == b"abcde"


def test_a_frame_that_is_too_long_ends_the_connection(ends: tuple[Channel, socket.socket]) -> None:
    """Its length alone is enough to refuse it; we never write one."""
    ours, theirs = ends
    theirs.sendall((channel.LIMIT + 1).to_bytes(4, "big"))
    with pytest.raises(ClosedError, match="too large"):
        ours.receive()
    with pytest.raises(RuntimeError):
        ours.send(bytes(channel.LIMIT))


def test_the_other_end_is_gone(ends: tuple[Channel, socket.socket]) -> None:
    """Reading says so; writing says also that nothing was read there."""
    ours, theirs = ends
    theirs.close()
    with pytest.raises(ClosedError) as read:
        ours.receive()
    assert read.value.sent
    with pytest.raises(ClosedError) as written:
        ours.send(b"x")
    assert not written.value.sent


def test_the_kernel_says_who_asks(ends: tuple[Channel, socket.socket]) -> None:
    """Both ends are of this process, so of its user."""
    assert channel.caller_of(ends[1]) == (os.getpid(), os.getuid())
