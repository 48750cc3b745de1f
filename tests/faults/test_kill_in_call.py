"""`kill -9` at each write of a call with many messages: repeated as it was, it loses nothing and doubles nothing
(nrm1 12.12).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from support.acting import FIRST, SECOND, token_at
from support.dyingwrites import AFTER, BEFORE, place
from support.nodeproc import Away, NodeProcess, Pair, enquiry, eventually, make_pair

from gateway.api.routes import PREFIX

GOES, WAITS = 6, 2
"""Messages of a call that go at once, and those that wait for a second person."""


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    """Two nodes, of which B is down."""
    made = make_pair(tmp_path)
    made.a.sign_in()
    token_at(made.a.folder, SECOND, made.a.call)
    made.b.stop()
    yield made
    made.close()


def items(name: str) -> list[dict[str, Any]]:
    """Messages of one call under keys of their own, the last of which two people release."""
    notes = [f"{name}-{number}" for number in range(GOES + WAITS)]
    drafts = [enquiry(note) | ({"two_people": True} if place >= GOES else {}) for place, note in enumerate(notes)]
    return [{"key": note, "draft": draft} for note, draft in zip(notes, drafts, strict=True)]


def send(node: NodeProcess, name: str) -> list[dict[str, Any]]:
    """What is answered to the call of this name. Raises Away."""
    with closing(node.client()) as client:
        token = token_at(node.folder, FIRST, client.call)
        body = {"items": items(name)}
        status, value = client.ask("POST", f"{PREFIX}/messages/batch", body, key=name, token=token)
    assert status == 200, value
    return [*value["items"]]


def states(answers: list[dict[str, Any]]) -> list[str]:
    """What became of each."""
    return [answer["submitted"]["state"] if "submitted" in answer else answer["refused"]["title"] for answer in answers]


def dies(node: NodeProcess, call: str) -> bool:
    """Whether the node, which was told to die in this call, did."""
    try:
        send(node, call)
    except Away:
        assert node.wait() == -9
        return True
    node.kill()  # the call has no such write; another one of the node would end it
    return False


def test_a_kill_at_each_write_of_a_call(pair: Pair) -> None:
    """Before each commit of it, and after the last: the same call under the same keys is then answered whole, and B
    gets once what went.
    """
    a, b, calls = pair.a, pair.b, list[str]()

    def try_at(call: str, following: str | None) -> bool:
        died = dies(a, call)
        a.start(die=following)
        answers = send(a, call)
        assert (call, states(answers)) == (call, ["queued"] * GOES + ["waiting_second"] * WAITS)
        assert send(a, call) == answers
        calls.append(call)
        return died

    a.stop()
    a.start(die=place(BEFORE, 0))
    writes = 0
    while try_at(place(BEFORE, writes), place(BEFORE, writes + 1)):
        writes += 1
    assert writes >= 3  # the key, what goes, what waits
    died = False
    while not died:  # how many writes wait for each other differs from call to call
        writes -= 1
        a.kill()
        a.start(die=place(AFTER, writes))
        died = try_at(place(AFTER, writes), None)
    assert a.rows("select count(*) from message") == [(len(calls) * GOES,)]
    assert a.rows("select count(*) from draft") == [(len(calls) * WAITS,)]
    b.start()
    eventually(lambda: b.count() == len(calls) * GOES, f"not everything arrived: {a.log()}")
    notes = [message["content"]["note"] for message in b.received()]
    assert len(notes) == len({*notes}) and {note.rpartition("-")[2] for note in notes} == {*map(str, range(GOES))}
