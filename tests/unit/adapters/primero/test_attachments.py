"""The request that attaches a file: JSON with base64, of the length that is announced, however the file comes."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

import pytest

from adapters.kit.conformance.files import a_file
from adapters.primero.attachments import make_body

ABOUT = {"field_name": "other_documents", "file_name": 'trm-0"-0.txt', "description": "Ä"}


def in_parts(*parts: bytes) -> AsyncIterator[bytes]:
    """A file that comes in these chunks."""

    async def read() -> AsyncIterator[bytes]:
        for part in parts:
            yield part

    return read()


@pytest.mark.parametrize(
    "parts",
    [
        [b"a"],
        [b"ab"],
        [b"abc"],
        [b"a", b"b", b"c", b"d"],
        [b"", b"abcd", b"", b"efg"],
        [bytes(range(256)) * 3, b"x"],
        [b"xy", bytes(range(256)) * 3],
    ],
)
async def test_a_file_becomes_one_member(parts: Sequence[bytes]) -> None:
    """The members beside it are as they were; the length is exact before the first byte is read."""
    data = b"".join(parts)
    body = make_body(ABOUT, replace(a_file(0, data), read=lambda: in_parts(*parts)))
    sent = b"".join([chunk async for chunk in body.chunks])
    assert json.loads(sent) == {"data": {**ABOUT, "attachment": base64.b64encode(data).decode()}}
    assert len(sent) == body.size
