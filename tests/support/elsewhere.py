"""Whoever should get nothing: a listener that notes what comes to it, and sends who asks on to itself."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from support.ports import free_port


class Elsewhere(ThreadingHTTPServer):
    """`came` has the path and the Authorization of each request."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", free_port()), _Noting)
        self.came = list[tuple[str, str | None]]()

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.server_port}"


class _Noting(BaseHTTPRequestHandler):
    server: Elsewhere

    def do_GET(self) -> None:
        """Note it, and name another address."""
        self.server.came.append((self.path, self.headers["Authorization"]))
        self.send_response(307)
        self.send_header("Location", f"{self.server.url}/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def listening_elsewhere() -> Iterator[Elsewhere]:
    """One that listens until the end of the block."""
    with Elsewhere() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
