"""Enquiries that are submitted at once: each is repeated under its key until it is answered, and refusals end it."""

from __future__ import annotations

import json
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.patience import PATIENCE

from gateway.demo.cluster.rush import Rush, Side
from gateway.errors import Code, RefusedError


@contextmanager
def node_at(folder: Path, answer: Callable[[int], tuple[int, dict[str, str]] | None]) -> Iterator[list[str]]:
    """Whatever listens at a node's socket; `answer` says status and content for each request by its number, None to
    hang up. The keys of the requests.
    """
    (folder / "run").mkdir()
    keys: list[str] = []
    server = socket.create_server(str(folder / "run" / "api.sock"), family=socket.AF_UNIX)

    def serve() -> None:
        while True:
            try:
                sock, _ = server.accept()
            except OSError:
                return
            with sock, sock.makefile("rb") as asked:
                head = [line.strip().lower() for line in iter(asked.readline, b"\r\n")]
                asked.read(next(int(line[15:]) for line in head if line.startswith(b"content-length:")))
                keys.append(next(line.split(b":")[1].decode().strip() for line in head if b"idempotency-key" in line))
                said = answer(len(keys))
                if said is not None:
                    body = json.dumps(said[1]).encode()
                    sock.sendall(b"HTTP/1.0 %d X\r\nContent-Length: %d\r\n\r\n%s" % (said[0], len(body), body))

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield keys
    server.shutdown(socket.SHUT_RDWR)
    server.close()
    thread.join(PATIENCE)


def test_what_was_not_answered_goes_again_under_the_same_key(tmp_path):
    """After a connection that broke, and where the node cannot accept now."""
    troubles = {1: None, 2: (503, {"code": "disk", "title": "not now"})}
    with node_at(tmp_path, lambda number: troubles.get(number, (201, {"id": f"m{number}"}))) as keys:
        rush = Rush({"FR": Side(door=tmp_path, token="t", draft={})}, 3)
        rush.begin()
        rush.wait(3, lambda: None)
    assert (rush.total, rush.count, rush.repeated) == (3, 3, 2)
    assert sorted(Counter(keys).values()) in ([1, 1, 3], [1, 2, 2])
    assert len(set(rush.taken["FR"])) == 3


def test_a_refusal_ends_it(tmp_path):
    """What the node will never take is not repeated; who waits is told why."""
    with node_at(tmp_path, lambda _: (422, {"code": "invalid", "title": "no such country"})):
        rush = Rush({"FR": Side(door=tmp_path, token="t", draft={})}, 2)
        rush.begin()
        with pytest.raises(RefusedError, match="no such country") as caught:
            rush.wait(2, lambda: None)
    assert caught.value.code is Code.INVALID


def test_a_program_that_ended_ends_the_wait(tmp_path):
    """Nobody waits for what a dead node will never answer."""

    def dead() -> None:
        raise RefusedError(Code.UNREACHABLE, "the node FR ended by itself, exit 1")

    with pytest.raises(RefusedError, match="the node FR ended by itself"):
        Rush({"FR": Side(door=tmp_path, token="t", draft={})}, 1).wait(1, dead)
