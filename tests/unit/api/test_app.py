"""The local API alone: who comes in, what it takes, and how it says no."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from support.local import PERSONAL, TOKEN, FakeDesk, LocalApi, running_api
from support.rest import until_at_rest
from support.tables import table

from gateway.api.routes import PREFIX, ROUTES
from gateway.errors import Code, Finding, RefusedError, TransientError
from gateway.federation import connections
from gateway.node.rows import APART, ROWS
from gateway.ports import OperationResult

CANARY = "Tulpe-7391"
SUBMIT = f"{PREFIX}/messages"
SOON = 45.0
"""Seconds in which a connection ends whose span is made short; none of these spans is as short otherwise."""


@pytest.fixture
async def api(tmp_path: Path):
    """A running API over a desk that says what the test wants."""
    async with running_api(tmp_path, FakeDesk()) as running:
        yield running


async def test_a_node_that_is_worked_on_says_in_how_many_seconds_to_come_again(api: LocalApi):
    """A trouble of the world without a known end says no time."""
    answers = {}
    for again_in in (600, None):
        api.desk.answer = TransientError(Code.MAINTENANCE, "people work on this node", again_in=again_in)
        answer = await api.socket.ask("GET", f"{PREFIX}/inbox")
        answers[again_in] = (answer.status, answer.value["code"], answer.headers.get("Retry-After"))
    assert answers == {600: (503, "maintenance", "600"), None: (503, "maintenance", None)}


async def test_many_who_come_in_one_moment(api: LocalApi):
    """A node is busy for a moment, and a case system opens all its connections in it: nobody is turned away."""
    with contextlib.ExitStack() as open_:
        for _ in range(300):  # the node accepts none of them before the last has come
            caller = open_.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
            caller.setblocking(False)
            caller.connect(str(api.path))
    assert (await api.socket.ask("GET", f"{PREFIX}/inbox")).status == 200


# --- the table ----------------------------------------------------------------------------------------------------


def test_routes_and_operations_are_the_same():
    """Every route has its operation and every operation its route, each once."""
    routed = [route.operation for route in ROUTES]
    assert len(routed) == len(set(routed))
    assert set(routed) == set(ROWS) - {row.name for row in APART}


def test_no_two_routes_share_a_place():
    """Method and path decide alone, and a route that changes something is a POST."""
    places = [(route.method, route.path) for route in ROUTES]
    assert len(places) == len(set(places))
    assert {route.method for route in ROUTES} == {"GET", "POST", "PUT"}
    assert [route.operation for route in ROUTES if route.keyed] == ["message.submit", "message.submit_many"]


@table("route", [route for route in ROUTES if not route.takes and not route.gives], ids=lambda route: route.operation)
async def test_a_route_asks_its_operation(api: LocalApi, route):
    """Path, query and body become the arguments; 201 says that something new exists."""
    api.desk.calls.clear()
    api.desk.answer = OperationResult(value={"n": 1}, created=True)
    path = PREFIX + route.path.replace("{id}", "the-id")
    given = {"id": "the-id"} if "{id}" in route.path else {}
    if route.method != "GET":
        seen = {"If_Match": '"v1"'} if route.matched else {}
        given |= {"if_match": "v1"} if route.matched else {}
        who = api.person if ROWS[route.operation].by_person else api.socket
        answer = await who.ask(route.method, path, {"member": "of body"}, Idempotency_Key="k", **seen)
        given |= {"member": "of body"}
    else:
        answer = await api.socket.ask("GET", path + "?member=of+query")
        given |= {"member": "of query"}
    assert (answer.status, answer.value) == (201, {"n": 1})
    assert api.desk.calls == [(route.operation, given, None if route.method == "GET" else "k")]


async def test_a_path_wins_over_a_body(api: LocalApi):
    """The id in the address is the one that is meant."""
    await api.socket.ask("POST", f"{PREFIX}/messages/here/ack", {"id": "elsewhere"})
    assert api.desk.calls[0][1] == {"id": "here"}


# --- who comes in -------------------------------------------------------------------------------------------------


def test_the_socket_is_private(api: LocalApi):
    """0600 from its first moment."""
    assert stat.S_IMODE(api.path.stat().st_mode) == 0o600
    assert stat.S_ISSOCK(api.path.stat().st_mode)


async def test_the_owner_needs_no_token_on_the_socket(api: LocalApi):
    """The kernel says who it is."""
    assert (await api.socket.ask("GET", f"{PREFIX}/node")).status == 200


STRANGER = """
import os, socket, sys
os.setgid(65534); os.setuid(65534)
found = socket.socket(socket.AF_UNIX)
found.connect(sys.argv[1])
found.sendall(b"GET /api/v1/node HTTP/1.1\\r\\nHost: node\\r\\nConnection: close\\r\\n\\r\\n")
print(found.recv(1000).split(b"\\r\\n")[0].decode())
"""


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
async def test_another_user_is_turned_away_on_the_socket():
    """The mode keeps others out; should it be widened, the kernel's word about the caller still does."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o711)
        async with running_api(Path(folder), FakeDesk()) as api:
            command = [sys.executable, "-c", STRANGER, str(api.path)]
            closed = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True)
            assert "PermissionError" in closed.stderr
            api.path.chmod(0o666)
            widened = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True)
            assert widened.stdout.strip() == "HTTP/1.1 401 Unauthorized", widened.stderr
            assert api.desk.calls == []


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Bearer wrong",
        f"Basic {TOKEN}",
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN[:-1]}",
        TOKEN,
        "Bearer tokén",
    ],
)
async def test_loopback_without_the_token_is_turned_away(api: LocalApi, header: str | None):
    """On every path of the API, known or not, and the desk is not asked."""
    headers = {} if header is None else {"Authorization": header}
    for path in (f"{PREFIX}/node", f"{PREFIX}/events", f"{PREFIX}/nowhere", PREFIX):
        answer = await api.loopback.ask("GET", path, **headers)
        assert (answer.status, answer.kind) == (401, "application/problem+json")
    assert api.desk.calls == []


async def test_loopback_with_the_token_is_let_in(api: LocalApi):
    """The scheme is not case sensitive, the token is."""
    for scheme in ("Bearer", "bearer"):
        answer = await api.loopback.ask("GET", f"{PREFIX}/node", Authorization=f"{scheme} {TOKEN}")
        assert answer.status == 200
    assert (await api.loopback.ask("GET", f"{PREFIX}/node", Authorization=f"Bearer {TOKEN.upper()}")).status == 401


async def test_anybody_may_ask_whether_it_lives(api: LocalApi):
    """And learns nothing else."""
    answer = await api.loopback.ask("GET", "/health/live")
    assert (answer.status, answer.value) == (200, {"status": "live"})


@pytest.mark.parametrize(
    ("found", "status", "told"),
    [
        (OperationResult(value={"ready": True, "why": []}), 200, "ready"),
        (OperationResult(value={"ready": False, "why": ["no_key"]}), 503, "not ready"),
        (TransientError(Code.DISK, "the database cannot be used now"), 503, "not ready"),
    ],
)
async def test_anybody_may_ask_whether_it_is_ready(
    api: LocalApi, found: OperationResult | Exception, status: int, told: str
):
    """And learns nothing of what stops it."""
    api.desk.answer = found
    answer = await api.loopback.ask("GET", "/health/ready")
    assert (answer.status, answer.value) == (status, {"status": told})


@table(
    ("found", "status", "told"),
    [({"ready": False, "sending": True}, 200, "sending"), ({"ready": True, "sending": False}, 503, "not sending")],
)
async def test_anybody_may_ask_whether_it_sends(api: LocalApi, found, status, told):
    """Apart from whether it is ready."""
    api.desk.answer = OperationResult(value=found)
    answer = await api.loopback.ask("GET", "/health/sending")
    assert (answer.status, answer.value) == (status, {"status": told})


# --- what it takes ------------------------------------------------------------------------------------------------

BAD_BODIES: dict[str, bytes] = {
    "no json": CANARY.encode(),
    "a text": json.dumps(CANARY).encode(),
    "a list": json.dumps([CANARY]).encode(),
    "cut off": f'{{"a": "{CANARY}"'.encode(),
    "a duplicate member": f'{{"a": "{CANARY}", "a": 1}}'.encode(),
    "a duplicate member inside": f'{{"x": [{{"{CANARY}": 1, "{CANARY}": 1}}]}}'.encode(),
    "a float": b'{"a": 1.5}',
    "a whole float": b'{"a": 1.0}',
    "an exponent": b'{"a": 1e3}',
    "not a number": b'{"a": NaN}',
    "infinity": b'{"a": -Infinity}',
    "a number beyond exactness": b'{"a": 9007199254740992}',
    "a long number": b'{"a": ' + b"9" * 5_000 + b"}",
    "deep nesting": b'{"a": ' + b"[" * 30 + b"]" * 30 + b"}",
    "very deep nesting": b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "latin-1": '{"a": "é"}'.encode("latin-1"),
    "utf-16": json.dumps({"a": CANARY}).encode("utf-16"),
    "a byte order mark": b"\xef\xbb\xbf{}",
    "half a surrogate pair": b'{"a": "\\ud800"}',
    "half a surrogate pair as a name": b'{"\\udfff": 1}',
    "a control character": b'{"a": "\x01"}',
}


@pytest.mark.parametrize("fault", BAD_BODIES)
async def test_a_body_that_is_not_taken(api: LocalApi, fault: str):
    """400 with the code, nothing of the body in the answer, and the desk is not asked."""
    answer = await api.person.ask("POST", SUBMIT, BAD_BODIES[fault], Idempotency_Key="k")
    assert (answer.status, answer.kind) == (400, "application/problem+json")
    assert answer.value["code"] == "malformed"
    assert CANARY not in answer.text
    assert api.desk.calls == []


async def test_a_body_at_the_limits_is_taken(api: LocalApi):
    """The largest exact number, the deepest nesting, every script."""
    deep: list[object] = []
    for _ in range(22):
        deep = [deep]
    body = {"n": [2**53 - 1, -(2**53) + 1], "deep": deep, "text": "Žofja 𝔘 مرحبا", "none": None, "yes": True}
    answer = await api.person.ask("POST", SUBMIT, body, Idempotency_Key="k")
    assert answer.status == 200
    assert api.desk.calls[0][1] == body


async def test_a_body_that_is_too_large_is_not_taken(api: LocalApi):
    """413, whatever is in it."""
    answer = await api.person.ask("POST", SUBMIT, {"a": CANARY * 200_000}, Idempotency_Key="k")
    assert (answer.status, answer.value["code"]) == (413, "too_large")
    assert CANARY not in answer.text
    assert api.desk.calls == []


@pytest.mark.parametrize("key", [None, "", "k" * 129, "schlüssel", "a\tb"])
async def test_a_submission_needs_a_key(api: LocalApi, key: str | None):
    """Without one, or with one that is none, nothing is submitted: a repeat could not be told from a second message."""
    headers = {} if key is None else {"Idempotency_Key": key}
    answer = await api.person.ask("POST", SUBMIT, {"a": 1}, **headers)
    assert (answer.status, answer.value["code"]) == (400, "invalid")
    assert "Idempotency-Key" in answer.value["title"]
    assert api.desk.calls == []


@pytest.mark.parametrize("path", ["/messages?limit=1&limit=2", "/messages?state=%ED%A0%80x&state=y"])
async def test_a_query_says_each_thing_once(api: LocalApi, path: str):
    """Two values of one parameter are two questions."""
    answer = await api.socket.ask("GET", PREFIX + path)
    assert (answer.status, answer.value["code"]) == (400, "invalid")
    assert api.desk.calls == []


@pytest.mark.parametrize(
    ("method", "path", "status", "code", "allowed"),
    [
        ("GET", f"/{CANARY}", 404, "not_found", None),
        ("GET", f"{PREFIX}/{CANARY}", 404, "not_found", None),
        ("DELETE", f"{PREFIX}/messages/{CANARY}", 405, "invalid", "GET"),
        ("PUT", SUBMIT, 405, "invalid", "GET,POST"),
    ],
)
async def test_what_is_not_there_is_a_problem_too(
    api: LocalApi, method: str, path: str, status: int, code: str, allowed: str | None
):
    """The same form of answer, without the path; it says what is there (RFC 9110, 15.5.6)."""
    answer = await api.socket.ask(method, path)
    assert (answer.status, answer.kind) == (status, "application/problem+json")
    assert (answer.value["code"], answer.headers.get("Allow")) == (code, allowed)
    assert answer.value["hint"]
    assert CANARY not in answer.text


# --- how it says no -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (RefusedError(Code.NOT_FOUND, "no such message"), 404),
        (RefusedError(Code.CONFLICT, "used before"), 409),
        (RefusedError(Code.EXISTS, "there already"), 409),
        (RefusedError(Code.NOT_ACTIVE, "not active"), 409),
        (RefusedError(Code.OUT_OF_SCOPE, "not agreed"), 403),
        (RefusedError(Code.INVALID, "wrong"), 400),
        (RefusedError(Code.SCHEMA, "wrong"), 422),
        (RefusedError(Code.GATE_G2, "refused by gate_g2"), 422),
        (TransientError(Code.UNREACHABLE, "away"), 503),
        (RefusedError(Code.LOCKED, "owned by another"), 503),
    ],
    ids=lambda value: str(value) if isinstance(value, int) else str(value.code),
)
async def test_a_refusal_is_a_problem(api: LocalApi, error: Exception, status: int):
    """RFC 9457 with the code and the hint."""
    api.desk.answer = error
    answer = await api.socket.ask("GET", f"{PREFIX}/node")
    assert (answer.status, answer.kind) == (status, "application/problem+json")
    assert (answer.value["status"], answer.value["code"]) == (status, str(error.code))
    assert answer.value["type"] == f"urn:trm:problem:{error.code}"
    assert answer.value["title"] == error.what


async def test_a_refusal_names_places_and_rules(api: LocalApi):
    """Each finding with its JSON pointer, its rule and what to do."""
    finding = Finding(place="/content/person", rule="required", hint="say unknown if it is not known")
    api.desk.answer = RefusedError(Code.SCHEMA, "1 fault", hint="mend it", findings=[finding])
    answer = await api.person.ask("POST", SUBMIT, {}, Idempotency_Key="k")
    assert answer.value["hint"] == "mend it"
    assert answer.value["findings"] == [
        {"place": "/content/person", "rule": "required", "hint": "say unknown if it is not known"}
    ]


@pytest.mark.parametrize("error", [RuntimeError(CANARY), KeyError(CANARY), ValueError(CANARY), OSError(5, CANARY)])
async def test_a_fault_of_ours_says_nothing_of_it(api: LocalApi, error: Exception):
    """500 as a problem, without the text of the exception; the next request is served."""
    api.desk.answer = error
    answer = await api.socket.ask("GET", f"{PREFIX}/node")
    assert (answer.status, answer.kind) == (500, "application/problem+json")
    assert CANARY not in answer.text
    api.desk.answer = OperationResult(value=1)
    assert (await api.socket.ask("GET", f"{PREFIX}/node")).status == 200


# --- the event stream ---------------------------------------------------------------------------------------------


async def read_events(api: LocalApi, count: int, path: str = f"{PREFIX}/events", **headers: str):
    """The first events of the stream: (id, data)."""
    found = []
    async with api.socket.session.get(api.socket.base + path, headers=headers) as response:
        assert response.content_type == "text/event-stream"
        while len(found) < count:
            lines = (await response.content.readuntil(b"\n\n")).decode().splitlines()
            found.append((int(lines[0].removeprefix("id: ")), json.loads(lines[1].removeprefix("data: "))))
    return found


async def test_the_stream_resumes_where_it_was_left(api: LocalApi):
    """`Last-Event-ID`, or `?after=`, is the last one seen; the header wins, as browsers send it when they come back."""
    api.desk.stream = [(n, {"kind": "message", "n": n}) for n in range(1, 6)]
    every = await read_events(api, 5)
    assert [seq for seq, _ in every] == [1, 2, 3, 4, 5]
    assert every[3:] == await read_events(api, 2, **{"Last-Event-ID": "3"})
    assert every[4:] == await read_events(api, 1, f"{PREFIX}/events?after=4")
    assert every[4:] == await read_events(api, 1, f"{PREFIX}/events?after=1", **{"Last-Event-ID": "4"})


@pytest.mark.parametrize("position", ["-1", "1.5", "x", "9" * 16, "\u0661", "1_0", " "])
async def test_a_position_that_is_none_is_refused(api: LocalApi, position: str):
    """Before the stream begins."""
    answer = await api.socket.ask("GET", f"{PREFIX}/events?after={position}")
    assert (answer.status, answer.value["code"]) == (400, "invalid")


# --- who is slow --------------------------------------------------------------------------------------------------


def connect(api: LocalApi):
    """A bare connection to each door in turn, with its name."""
    port = int(api.loopback.base.rpartition(":")[2])
    return {"socket": asyncio.open_unix_connection(str(api.path)), "port": asyncio.open_connection("127.0.0.1", port)}


async def test_a_connection_that_says_nothing_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Idle before a request, idle after one, and a head that never ends: each is closed, at both doors."""
    monkeypatch.setattr(connections, "IDLE_SECONDS", 0.3)
    async with running_api(tmp_path, FakeDesk()) as api:
        for said in (b"", b"GET /health/live HTTP/1.1\r\nHost: node\r\n\r\n", b"GET /health/live HTTP/1.1\r\nX: "):
            for opening in connect(api).values():
                reader, writer = await opening
                writer.write(said)
                async with asyncio.timeout(SOON):
                    await reader.read()
                writer.close()


async def test_a_body_that_comes_too_slowly_is_given_up(api: LocalApi, monkeypatch: pytest.MonkeyPatch):
    """A body that stops half way gets 408, for JSON and for a file, and no operation is asked."""
    monkeypatch.setattr(connections, "BODY_SECONDS", 0.2)
    for path, kind in ((SUBMIT, "application/json"), (f"{PREFIX}/attachments?unit=u", "application/pdf")):
        reader, writer = await asyncio.open_unix_connection(str(api.path))
        head = f"Host: node\r\nAuthorization: Bearer {PERSONAL}\r\nContent-Type: {kind}\r\nContent-Length: 100"
        writer.write(f"POST {path} HTTP/1.1\r\n{head}\r\n\r\n{{".encode())
        async with asyncio.timeout(SOON):
            answer = await reader.read()
        writer.close()
        assert answer.startswith(b"HTTP/1.1 408 ")
    assert api.desk.calls == []


async def test_who_does_not_read_is_cut(api: LocalApi, monkeypatch: pytest.MonkeyPatch):
    """A reader that stops reading does not hold its place for ever, in a stream of events nor in one answer."""
    monkeypatch.setattr(connections, "ANSWER_SECONDS", 0.2)
    api.desk.stream = [(seq, {"kind": "x" * 1_000_000}) for seq in range(1, 20)]
    api.desk.answer = OperationResult(value={"kind": "x" * 19_000_000})
    for path in ("events", "inbox"):
        reader, writer = await asyncio.open_unix_connection(str(api.path), limit=1024)
        writer.write(f"GET {PREFIX}/{path} HTTP/1.1\r\nHost: node\r\n\r\n".encode())
        await until_at_rest()  # it has written what is taken
        await asyncio.sleep(0.6)
        received = 0
        async with asyncio.timeout(SOON):
            with contextlib.suppress(ConnectionError):
                while piece := await reader.read(100_000):
                    received += len(piece)
        writer.close()
        assert received < 10_000_000, path


async def test_no_answer_tells_what_this_is_made_with(api: LocalApi):
    """Answers, refusals, pages that are not there and bytes that are no HTTP name no program and no version."""
    for path in (
        "/health/live",
        f"{PREFIX}/openapi.json",
        f"{PREFIX}/nothing",
        "/nothing",
        f"{PREFIX}/inbox",
        "/metrics",
    ):
        assert (await api.loopback.ask("GET", path)).headers["Server"] == "nrm", path
    assert (await api.loopback.ask("POST", "/health/live")).headers["Server"] == "nrm"
    reader, writer = await asyncio.open_unix_connection(str(api.path))
    writer.write(b"no http\r\n\r\n")
    answer = await reader.read()
    writer.close()
    assert b"Server: nrm\r\n" in answer
    assert b"ython" not in answer
