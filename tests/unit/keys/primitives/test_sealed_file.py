"""keys.primitives.sealed_file: a file under a passphrase, written once, never older than the one used last."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from gateway.errors import Code, RefusedError
from keys.primitives.sealed_file import MIB, Cost, SealedFile, system_rand

CHEAP = Cost(t=1, m=8 * MIB)
KIND = "nrm.test/1"


def make(path: Path, content: bytes = b"first") -> SealedFile:
    """Make a file of generation 1."""
    return SealedFile.create(path, KIND, "word", content, cost=CHEAP, rand=system_rand)


def look(path: Path, passphrase: str = "word", kind: str = KIND, min_gen: int = 1, at_least: Cost = CHEAP) -> bytes:
    """Open a file and return its secrets."""
    return SealedFile.open(path, kind, passphrase, at_least=at_least, min_gen=min_gen)[1]


def test_it_opens_with_its_passphrase_and_is_private(tmp_path: Path) -> None:
    """The content comes back, and only its owner may read the file, which does not show it."""
    path = tmp_path / "key"
    make(path)
    assert look(path) == b"first"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert b"first" not in path.read_bytes()


def test_an_older_generation_is_refused(tmp_path: Path) -> None:
    """A file of before, put back, opens only for who does not ask for a newer one."""
    path = tmp_path / "key"
    SealedFile.create(path, KIND, "word", b"third", cost=CHEAP, rand=system_rand, gen=3)
    assert look(path, min_gen=3) == b"third"
    with pytest.raises(RefusedError) as caught:
        look(path, min_gen=4)
    assert caught.value.code is Code.ROLLBACK


def test_what_does_not_open_says_why(tmp_path: Path) -> None:
    """No file, another kind, another passphrase, a weaker derivation, and a file that is there already."""
    path = tmp_path / "key"
    with pytest.raises(RefusedError) as caught:
        look(path)
    assert caught.value.code is Code.NOT_FOUND
    make(path)
    dear = Cost(t=2, m=8 * MIB)
    for arguments, code in (
        ({"passphrase": "other"}, Code.WRONG_PASSPHRASE),
        ({"kind": "nrm.other/1"}, Code.INVALID),
        ({"at_least": dear}, Code.INVALID),
    ):
        with pytest.raises(RefusedError) as caught:
            look(path, **arguments)  # type: ignore[arg-type]
        assert caught.value.code is code
    with pytest.raises(RefusedError) as caught:
        make(path, b"other")
    assert (caught.value.code, look(path)) == (Code.EXISTS, b"first")
