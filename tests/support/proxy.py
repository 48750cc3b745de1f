"""A wire between two nodes that a test can cut at either end of an answer. It carries TLS and opens nothing.

open      everything passes
cut       no connection comes about, those that were end
deaf      a long request (a message) is swallowed: the node behind never sees it whole
lossy     a long request arrives whole and is worked on; the connection ends when its answer comes
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading

LONG = 8_000
"""Bytes of one request from which on it holds a message: every envelope is padded to more than this."""


class Proxy:
    """Listens on a port of its own; `listen` says what is behind it."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._server.getsockname()[1])
        self.mode = "open"
        self.lost = 0
        self._behind = 0
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()

    def listen(self, behind: int) -> None:
        """Begin to carry connections to 127.0.0.1:`behind`."""
        self._behind = behind
        threading.Thread(target=self._accept, daemon=True).start()

    def set(self, mode: str) -> None:
        """Change what happens; connections that are open end, so that the next request meets the new mode."""
        with self._lock:
            self.mode = mode
            for end in self._open:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """End everything."""
        self.set("cut")
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._server.accept()
            except OSError:
                return
            if self.mode == "cut":
                near.close()
                continue
            threading.Thread(target=self._carry, args=(near,), daemon=True).start()

    def _carry(self, near: socket.socket) -> None:
        with near:
            try:
                far = socket.create_connection(("127.0.0.1", self._behind))
            except OSError:
                return
            with far:
                with self._lock:
                    if self.mode == "cut":  # since this connection was accepted, so it was not among those that ended
                        return
                    self._open |= {near, far}
                with contextlib.suppress(OSError):
                    self._pump(near, far)
                with self._lock:
                    self._open -= {near, far}

    def _pump(self, near: socket.socket, far: socket.socket) -> None:
        asked = 0
        with selectors.DefaultSelector() as ready:
            ready.register(near, selectors.EVENT_READ)
            ready.register(far, selectors.EVENT_READ)
            while True:
                for key, _ in ready.select():
                    data = key.fileobj.recv(65_536)  # type: ignore[union-attr]
                    if not data:
                        return
                    if key.fileobj is near:
                        asked += len(data)
                        if self.mode == "deaf" and asked > LONG:
                            self.lost += 1
                            return
                        far.sendall(data)
                    else:
                        if self.mode == "lossy" and asked > LONG:
                            self.lost += 1
                            return
                        asked = 0
                        near.sendall(data)
