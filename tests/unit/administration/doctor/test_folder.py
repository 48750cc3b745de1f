"""gateway.administration.doctor.folder: where the secret of a key store lies, and what the disk makes of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.keystores import CHEAP, new_keystore
from support.nodes import NOW
from support.tokens import soft_tpm

from gateway.administration.doctor.folder import Check, State, key_place
from keys.keystore.destructible.secret import Place
from keys.keystore.keyring import Keyring
from keys.keystore.keyring_file import FORMER
from keys.primitives.sealed_file import SealedFile, system_rand

LINE = "36 35 8:1 / {point} rw,relatime shared:1 - {kind} /dev/sda1 rw\n"


def look(folder: Path, *mounts: tuple[str, str]) -> Check:
    """The check in a folder on a machine that has these mounts."""
    listed = folder.with_name("mountinfo")
    listed.write_text("".join(LINE.format(point=point, kind=kind) for point, kind in mounts))
    return key_place(folder, listed)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A node folder with a key store."""
    made = tmp_path / "a node"
    made.mkdir()
    new_keystore(made / "keystore")
    return made


@pytest.mark.parametrize("kind", ["btrfs", "zfs", "overlay", "tmpfs", "f2fs", "nfs4", "fuse.sshfs"])
def test_a_disk_that_keeps_what_is_overwritten_is_told(folder: Path, kind: str) -> None:
    """Threat 192: on copy-on-write and its like a destroyed key may be found again; the way out is named."""
    check = look(folder, ("/", "ext4"), (str(folder).replace(" ", "\\040"), kind))
    assert (check.state, kind in check.found, "trm keys move" in check.fix) == (State.WARN, True, True)


def test_an_ordinary_disk_is_well_and_its_limits_are_said(folder: Path) -> None:
    """The limits of the file are said on every disk; of two mounts over one place the last one counts."""
    check = look(folder, ("/", "btrfs"), ("/", "ext4"))
    assert check.state is State.OK
    assert "ext4" in check.found
    assert "snapshots" in check.found


def test_where_the_mounts_cannot_be_read(folder: Path) -> None:
    """The limits are said all the same."""
    assert key_place(folder, folder / "nothing").state is State.OK


def test_a_tpm_is_well_on_every_disk(folder: Path) -> None:
    """What the disk keeps opens nothing then."""
    with soft_tpm() as tpm:
        new_keystore(folder / "other").move(Place.TPM, tpm.places)
    (folder / "other").replace(folder / "keystore")
    check = look(folder, ("/", "btrfs"))
    assert (check.state, check.found.startswith("tpm")) == (State.OK, True)


def test_a_key_store_of_before_is_left_to_the_next_start(folder: Path) -> None:
    """It says nothing of a place yet."""
    path = folder / "keystore"
    path.unlink()
    SealedFile.create(
        path, FORMER, "word", Keyring.new("n1" + "a" * 32, NOW, system_rand).encode(), cost=CHEAP, rand=system_rand
    )
    assert look(folder, ("/", "ext4")).state is State.SKIPPED
    path.unlink()
    assert look(folder, ("/", "ext4")).state is State.SKIPPED
