"""Logging by an allow-list: whatever is not on it is dropped before it can be written (threat 54)."""

from __future__ import annotations

import io
import logging
import os
from pathlib import Path

import orjson
import pytest
import structlog

from gateway.errors import Code, RefusedError
from gateway.foundation import logs

CANARY = "Tulpe-7391"


@pytest.fixture
def lines():
    """Everything that is written while a test runs, at the most talkative level."""
    stream = io.StringIO()
    root = logging.getLogger()
    before, level = root.handlers, root.level
    logs.configure("debug", stream)
    yield stream
    structlog.reset_defaults()
    root.handlers, root.level = before, level


def failed(words: str) -> Exception:
    """An exception that was raised, with values of a case in its text, its cause and a local variable."""
    secret = CANARY  # noqa: F841 (a local variable of the frame that fails)
    try:
        try:
            {}[words]
        except KeyError as exc:
            raise ValueError(words) from exc
    except ValueError as error:
        return error


def test_listed_keys_are_written(lines: io.StringIO):
    """An event name, a level, a time and what is on the list, as one JSON line."""
    logs.logger().info("peer.unreachable", peer="n1x", code="unreachable", attempts=3)
    line = orjson.loads(lines.getvalue())
    assert {
        "event": "peer.unreachable",
        "peer": "n1x",
        "code": "unreachable",
        "attempts": 3,
        "level": "info",
    }.items() <= (line.items())
    assert set(line) <= logs.ALLOWED


@pytest.mark.parametrize("key", ["name", "body", "content", "message", "args", "exception", "stack", "value", "reason"])
def test_other_keys_are_dropped(lines: io.StringIO, key: str):
    """Whoever logs them, and however they are bound."""
    logs.logger().warning("some.event", **{key: CANARY})
    logs.logger().bind(**{key: CANARY}).warning("some.event")
    assert CANARY not in lines.getvalue()
    assert lines.getvalue().count("some.event") == 2


@pytest.mark.parametrize("level", ["debug", "info", "warning", "error", "critical"])
def test_an_exception_is_type_and_place(lines: io.StringIO, level: str):
    """Never its text, its cause, its locals or a traceback, whoever made it."""
    for error in (failed(CANARY), RefusedError(Code.INVALID, CANARY, hint=CANARY), OSError(5, CANARY, CANARY)):
        getattr(logs.logger(), level)("some.failure", exc_info=error)
    found = [orjson.loads(line) for line in lines.getvalue().splitlines()]
    assert [line["error"] for line in found] == ["ValueError", "RefusedError", "OSError"]
    assert found[0]["at"].startswith("test_logs.py:")
    assert CANARY not in lines.getvalue()
    assert "Traceback" not in lines.getvalue()


def test_an_exception_being_handled_is_type_and_place_too(lines: io.StringIO):
    """`exception()` and `exc_info=True` inside `except` are no way around the list."""
    try:
        raise ValueError(CANARY)
    except ValueError:
        logs.logger().exception("some.failure")
        logs.logger().error("some.failure", exc_info=True)
    found = [orjson.loads(line) for line in lines.getvalue().splitlines()]
    assert [line["error"] for line in found] == ["ValueError", "ValueError"]
    assert CANARY not in lines.getvalue()


def test_a_format_is_not_filled_in(lines: io.StringIO):
    """Positional arguments would put values into the event name."""
    logs.logger().info("some.event %s", CANARY)
    assert CANARY not in lines.getvalue()
    assert orjson.loads(lines.getvalue())["event"] == logs.UNNAMED


@pytest.mark.parametrize("value", ["Anna K", "Žofja", {"name": CANARY}, [CANARY], CANARY.encode(), ValueError(CANARY)])
def test_a_listed_key_takes_words_and_numbers_only(lines: io.StringIO, value: object):
    """A sentence, a name with its letters or a whole object does not pass under a listed key."""
    logs.logger().info("some.event", reference=value, count=3)
    line = orjson.loads(lines.getvalue())
    assert (line["event"], line["count"]) == ("some.event", 3)
    assert "reference" not in line


@pytest.mark.parametrize("name", ["aiohttp.access", "aiohttp.server", "asyncio", "sqlalchemy.engine", "alembic", "x"])
def test_libraries_are_silent(lines: io.StringIO, name: str, capfd: pytest.CaptureFixture[str]):
    """What libraries would say about what they handle goes nowhere."""
    library = logging.getLogger(name)
    library.error(CANARY)
    library.critical("bad request %s", CANARY)
    library.error("failed", exc_info=failed(CANARY))
    out, err = capfd.readouterr()
    assert CANARY not in lines.getvalue() + out + err


def test_the_level_holds(lines: io.StringIO):
    """Below the level nothing is written."""
    logs.configure("warning", lines)
    logs.logger().info("quiet")
    logs.logger().warning("loud")
    assert "quiet" not in lines.getvalue()
    assert "loud" in lines.getvalue()


def test_a_log_that_was_renamed_goes_on_in_a_new_file(tmp_path: Path) -> None:
    """What was written stays in the old file, what comes is in the new one, and neither is read by others."""
    log, old = tmp_path / "node.log", tmp_path / "node.log.1"
    with log.open("ab", buffering=0) as stream:
        file = logs.LogFile(stream.fileno())
        stream.write(b"one\n")
        log.rename(old)
        stream.write(b"two\n")
        file.reopen()
        stream.write(b"three\n")
        log.unlink()
        tmp_path.chmod(0o700)
        file.reopen()
        stream.write(b"four\n")
    assert (old.read_text(), log.read_text(), log.stat().st_mode & 0o777) == ("one\ntwo\n", "four\n", 0o600)


def test_what_is_no_file_is_left_alone() -> None:
    """A pipe has no name to be opened by."""
    out, into = os.pipe()
    logs.LogFile(into).reopen()
    os.write(into, b"x")
    assert os.read(out, 1) == b"x"
    os.close(out)
    os.close(into)
