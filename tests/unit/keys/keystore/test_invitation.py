"""keys.keystore.invitation: a file, a code and what the database keeps open it together, and no two of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.keystores import CHEAP, fails
from support.nodes import NOW

from gateway.errors import Code
from keys.keystore.invitation import Invitation, open_invitation, read_invitation, write_invitation

CONTENT = b"what a key store holds"


def make(path: Path) -> tuple[Invitation, str]:
    """Make an invitation in this file, with its code."""
    made = Invitation.new()
    return made, write_invitation(path, CONTENT, made, until=NOW + 3_600, cost=CHEAP)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the file lies."""
    return tmp_path / "invitation"


@pytest.fixture
def made(path: Path) -> tuple[Invitation, str]:
    """A new invitation and its code."""
    return make(path)


def test_all_three_open_it(path: Path, made: tuple[Invitation, str]) -> None:
    """The code is read as people write it down; the file says which invitation it is, and for how long it counts."""
    invitation, code = made
    assert read_invitation(path) == (invitation.id, NOW + 3_600)
    for said in (code, code.lower(), code.replace("-", " "), f" {code.replace('-', '')}\n"):
        assert open_invitation(path, said, invitation.half, at_least=CHEAP) == CONTENT
    assert path.stat().st_mode & 0o777 == 0o600
    assert [len(group) for group in code.split("-")] == [4] * 6


def test_two_do_not(path: Path, made: tuple[Invitation, str], tmp_path: Path) -> None:
    """Without the database, without the code, or for another invitation it stays closed."""
    invitation, code = made
    other, other_code = make(tmp_path / "other")
    for half, said in ((bytes(32), code), (b"", code), (other.half, code), (invitation.half, other_code)):
        with fails(Code.WRONG_PASSPHRASE, "not the code of the invitation"):
            open_invitation(path, said, half, at_least=CHEAP)


def test_it_is_guarded_like_every_file_of_secrets(path: Path, made: tuple[Invitation, str]) -> None:
    """An existing file is left alone, a cheap one is refused, another file is none, and nothing prints the half."""
    invitation, code = made
    before = path.read_bytes()
    with fails(Code.EXISTS):
        make(path)
    assert path.read_bytes() == before
    with fails(Code.INVALID, "weaker key derivation"):
        open_invitation(path, code, invitation.half)
    assert repr(invitation.half) not in repr(invitation)
    path.write_bytes(before.replace(b"nrm.invitation/1", b"nrm.keystore/2.."))
    with fails(Code.INVALID):
        read_invitation(path)
