"""RFC 8785 test files: what is in our profile is written byte for byte alike; the rest is refused, written and read."""

from __future__ import annotations

import json

import pytest
from support.nodes import refused
from support.shared import shared

from gateway.errors import Code, RefusedError
from keys.primitives.encoding import canon, parse


@pytest.mark.parametrize("name", ["arrays", "unicode"])
def test_in_profile(name: str) -> None:
    """The input is written as the expected output, and the output is read."""
    value = json.loads(shared(f"vectors/jcs/input/{name}.json").read_text("utf-8"))
    expected = shared(f"vectors/jcs/output/{name}.json").read_bytes()
    assert canon(value) == expected == bytes.fromhex(shared(f"vectors/jcs/outhex/{name}.txt").read_text())
    assert parse(expected, limit=1000) == value


@pytest.mark.parametrize(
    ("name", "words"),
    [("french", "member name"), ("structures", "member name|float"), ("values", "float"), ("weird", "member name")],
)
def test_out_of_profile(name: str, words: str) -> None:
    """Floats, empty names and names beyond ASCII are refused, in our own hands and in a peer's bytes (nrm1 1.2)."""
    value = json.loads(shared(f"vectors/jcs/input/{name}.json").read_text("utf-8"))
    with pytest.raises(RefusedError, match=words):
        canon(value)
    with refused(Code.MALFORMED):
        parse(shared(f"vectors/jcs/output/{name}.json").read_bytes(), limit=1000)


def test_every_file_is_covered() -> None:
    """No file of the set is left out."""
    names = {path.stem for path in shared("vectors/jcs/input").iterdir()}
    assert names == {"arrays", "unicode", "french", "structures", "values", "weird"}


def test_strings_of_the_files_are_written_alike() -> None:
    """The string escapes of the files that are out of profile for other reasons are those of RFC 8785 too."""
    for name in ("values", "weird", "french"):
        value = json.loads(shared(f"vectors/jcs/input/{name}.json").read_text("utf-8"))
        output = shared(f"vectors/jcs/output/{name}.json").read_bytes()
        strings = [item for item in value.values() if isinstance(item, str)]
        assert strings
        assert all(canon(item) in output for item in strings)
