"""Frames over a Unix stream socket (u32 length, then that many bytes), and who is at the other end."""

from __future__ import annotations

import socket
import struct
from typing import Final

from keys.keystore.calls import LIMIT

_CHUNK: Final = 64 * 1024
_UCRED: Final = struct.Struct("3i")  # pid, uid, gid: struct ucred, unix(7)


class ClosedError(OSError):
    """The other end is gone, or sent a frame that is too long. `sent`: it may have read the last frame sent to it."""

    def __init__(self, what: str, *, sent: bool = True) -> None:
        super().__init__(what)
        self.sent = sent


class Channel:
    """One end of a connection, used by one thread at a time."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._data = bytearray()

    def send(self, *frames: bytes) -> None:
        """Send frames in one write. Raises ClosedError with `sent` False when the other end was gone before."""
        if any(4 + len(data) > LIMIT for data in frames):
            raise RuntimeError("frame is larger than a frame may be")
        try:
            self._socket.sendall(b"".join(len(data).to_bytes(4, "big") + data for data in frames))
        except (BrokenPipeError, ConnectionResetError) as exc:
            raise ClosedError("the other end is gone", sent=False) from exc

    def holds_more(self) -> bool:
        """Whether the whole next frame has arrived already."""
        return len(self._data) >= 4 and len(self._data) >= 4 + int.from_bytes(self._data[:4], "big")

    def receive(self) -> bytes:
        """Receive the next frame. Raises ClosedError, and TimeoutError when the socket has a deadline."""
        self._fill(4)
        end = 4 + int.from_bytes(self._data[:4], "big")
        if end > LIMIT:
            raise ClosedError("frame is too large")
        self._fill(end)
        frame = bytes(self._data[4:end])
        del self._data[:end]
        return frame

    def _fill(self, size: int) -> None:
        """Receive until the buffer holds `size` bytes. It grows with the data: a length alone allocates no memory."""
        while len(self._data) < size:
            piece = self._socket.recv(_CHUNK)
            if not piece:
                raise ClosedError("the other end is gone")
            self._data += piece

    def within(self, seconds: float | None) -> None:
        """Set the deadline of each following read and write, in seconds; None for no deadline."""
        self._socket.settimeout(seconds)

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def __del__(self) -> None:
        """Close the connection when its thread ends."""
        self.close()


def caller_of(connection: socket.socket) -> tuple[int, int]:
    """Return the process at the other end and its user, as the kernel reports them (SO_PEERCRED)."""
    data = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)
    pid, uid, _ = _UCRED.unpack(data)
    return int(pid), int(uid)
