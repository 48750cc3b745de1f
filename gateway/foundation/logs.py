"""Logs: an event name and allow-listed keys. Whatever is not on the list is dropped before it can be written.

Exceptions are logged as type, code and position in our source, never as text of a foreign library and never with
local variables.
"""

from __future__ import annotations

import logging
import os
import re
import stat
import sys
import traceback
from collections import deque
from collections.abc import Mapping, MutableMapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

import structlog

from gateway.foundation.telemetry.request_ids import add_request_id

ALLOWED = frozenset(
    {
        "event",
        "level",
        "timestamp",
        "peer",
        "code",
        "count",
        "n",
        "ref",
        "state",
        "status",
        "version",
        "epoch",
        "seconds",
        "attempts",
        "port",
        "step",
        "kind",
        "reference",
        "error",
        "at",
        "kid",
        "size",
        "next_try",
        "trace",
        "via",
    }
)


SHARED = (
    "timestamp",
    "level",
    "event",
    "code",
    "kind",
    "step",
    "status",
    "state",
    "error",
    "at",
    "seconds",
    "attempts",
)
"""Of a line, what may be shown to people of another office who help: words of ours and figures, no id and no name."""
RECENT = 200
"""Lines of this process that are remembered for them."""
_recent: deque[Mapping[str, Any]] = deque(maxlen=RECENT)

UNNAMED = "event.unnamed"
"""What is written instead of an event name that is none, as one that arguments were formatted into."""

_EVENT = re.compile(r"[a-z]+(\.[a-z_]+)*")
_WORD = re.compile(r"[A-Za-z0-9_.:/+=-]{0,200}")


def _allow_list(_logger: Any, _name: str, fields: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    exception = fields.pop("exc_info", None)
    if exception is True:
        exception = sys.exception()
    if isinstance(exception, BaseException):
        fields["error"] = type(exception).__name__
        frames = traceback.extract_tb(exception.__traceback__)
        if frames:
            fields["at"] = f"{frames[-1].filename.rpartition('/')[2]}:{frames[-1].lineno}"
    if not _EVENT.fullmatch(str(fields.get("event"))):
        fields["event"] = UNNAMED
    return {key: value for key, value in fields.items() if key in ALLOWED and _plain(value)}


def _plain(value: Any) -> bool:
    """A number, or an id, a code or a word: nothing in which a sentence or a name with its letters could stand."""
    return value is None or isinstance(value, int | float) or (isinstance(value, str) and bool(_WORD.fullmatch(value)))


def _remember(_logger: Any, _name: str, fields: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    _recent.append({key: fields[key] for key in SHARED if fields.get(key) is not None})
    return fields


def list_recent_lines() -> list[Mapping[str, Any]]:
    """The newest lines that this process wrote, oldest first, each by its code and figures alone."""
    return [*_recent]


def configure(level: str, stream: TextIO | None = None) -> None:
    """Set up structlog once, as JSON lines, and silence libraries that would print what they handle."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            add_request_id,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _allow_list,
            _remember,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.WriteLoggerFactory(file=stream or sys.stderr),
        cache_logger_on_first_use=True,
    )
    quiet = logging.getLogger()
    quiet.handlers = [logging.NullHandler()]
    quiet.setLevel(logging.CRITICAL)
    for name in ("aiohttp", "asyncio", "sqlalchemy", "alembic"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


class LogFile:
    """The file behind standard error, so that it can be opened anew after somebody renamed it.

    A pipe, a terminal and the journal are no file: there is nothing to do for them.
    """

    def __init__(self, descriptor: int = 2) -> None:
        self._descriptor = descriptor
        regular = stat.S_ISREG(os.fstat(descriptor).st_mode)
        self._path = Path(f"/proc/self/fd/{descriptor}").readlink() if regular else None

    def reopen(self) -> None:
        """Go on in a file of the first name; where that can not be opened, in the one that is open."""
        if self._path is None:
            return
        with suppress(OSError):
            opened = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
            os.dup2(opened, self._descriptor)
            os.close(opened)


def logger() -> structlog.typing.FilteringBoundLogger:
    """The logger of the shells; the core does not log."""
    log: structlog.typing.FilteringBoundLogger = structlog.get_logger()
    return log
