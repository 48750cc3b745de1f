"""A node folder is its user's alone, and one process owns it."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.errors import Code, RefusedError
from gateway.foundation.node_folder import lock_folder, require_closed


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with settings and a folder in it, as `trm init` makes them."""
    made = tmp_path / "fr"
    made.mkdir(mode=0o700)
    (made / "node.toml").touch(mode=0o600)
    (made / "attachments").mkdir(mode=0o700)
    return made


def test_a_folder_of_one_user_is_fine(folder: Path) -> None:
    """As it was made; also when the group may read, and when a link lies in it, whose own mode says nothing."""
    (folder / "node.toml").chmod(0o640)
    (folder / "link").symlink_to("node.toml")
    require_closed(folder)


@pytest.mark.parametrize("name", ["", "node.toml", "attachments"])
def test_a_folder_that_all_can_change_is_refused(folder: Path, name: str) -> None:
    """The folder, its settings, or a folder in it: refused with the command that mends it, which does."""
    path = folder / name
    path.chmod(path.stat().st_mode | 0o002)
    with pytest.raises(RefusedError) as caught:
        require_closed(folder)
    assert (caught.value.code, caught.value.hint) == (Code.INVALID, f"chmod o-w {path}")
    path.chmod(path.stat().st_mode & ~0o002)
    require_closed(folder)


def test_two_never_own_one_folder(folder: Path) -> None:
    """The second is refused until the first has let go."""
    release = lock_folder(folder)
    with pytest.raises(RefusedError) as caught:
        lock_folder(folder)
    assert caught.value.code is Code.LOCKED
    release()
    lock_folder(folder)()
