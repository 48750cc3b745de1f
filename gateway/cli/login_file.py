"""The file in which a shell keeps the personal token of who is signed in: one for each node, readable by one user.

It stands in `$XDG_CONFIG_HOME/trm/logins` (else `~/.config/trm/logins`) under the id of the node, and says of which
folder that is; a file that is named takes its place, so that two people can use one account. No other kind of file is
ever read as one or overwritten.
"""

from __future__ import annotations

import json
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

from gateway.errors import Code, RefusedError
from gateway.foundation import environment
from gateway.ports import Json

KIND = "trm.login/1"
LARGEST = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """Who is signed in at a shell: at which node, in which folder it is, the token and when it ends (Unix seconds)."""

    node: str
    folder: str
    token: str = field(repr=False)
    expires: int

    def encode(self) -> bytes:
        """Return the content of the file."""
        value = {"type": KIND, "node": self.node, "folder": self.folder, "expires": self.expires, "token": self.token}
        return (json.dumps(value, indent=2) + "\n").encode()


def find_token(folder: Path, option: Path | None) -> str | None:
    """Return the token of who is signed in at the node of `folder`; None if nobody is. Raises RefusedError."""
    found = find_login(folder, option)
    return None if found is None else found[1].token


def find_login(folder: Path, option: Path | None) -> tuple[Path, Login] | None:
    """Find the file and the login: the one that was named, else that of this folder. Raises RefusedError for a named
    one that is not there or is of something else.
    """
    named = environment.login_file(option)
    if named is not None:
        found = read_login(named)
        if found is None:
            raise RefusedError(
                Code.NOT_FOUND, f"{named} is not there, so nobody is signed in by it", hint="trm login makes it"
            )
        return named, found
    logins, here = environment.logins_folder(), str(folder.resolve())
    names = sorted(logins.iterdir()) if logins.is_dir() else []
    ours = [path for path in names if path.is_file() and (kept := _load(path)[1]) is not None and kept.folder == here]
    logins_of_folder = [(path, login) for path in ours if (login := read_login(path)) is not None]
    return max(logins_of_folder, key=lambda found: found[1].expires, default=None)


def read_login(path: Path) -> Login | None:
    """Read a login; None where there is no file.

    Raises:
        RefusedError: invalid; it is no such file, or other users of the machine can read it.
    """
    try:
        mode, login = _load(path)
    except FileNotFoundError:
        return None
    if login is None:
        raise RefusedError(
            Code.INVALID, f"{path} is no file of trm login; it was left as it is", hint="name another file"
        )
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise RefusedError(
            Code.INVALID,
            f"{path} can be read by other users of this machine; it was not used",
            hint=f"chmod 600 {path}; if anybody may have read it: trm logout, then trm login",
        )
    return login


def _load(path: Path) -> tuple[int, Login | None]:
    """Return the mode of a file and the login in it, None for another kind of file. Raises OSError."""
    with path.open("rb") as file:
        return os.fstat(file.fileno()).st_mode, _parse(file.read(LARGEST + 1))


def write_login(path: Path, login: Login) -> None:
    """Write the file, for this user alone, whole or not at all. Raises RefusedError, TransientError."""
    from gateway.database.atomic_file import write_kept

    read_login(path)  # what is there is one, or nothing
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_kept(path, login.encode())


def _parse(data: bytes) -> Login | None:
    try:
        value: Json = json.loads(data) if len(data) <= LARGEST else None
    except ValueError:
        return None
    match value:
        case {"type": kind, "node": str(node), "folder": str(folder), "expires": int(expires), "token": str(token)}:
            if kind == KIND and token.isascii() and token.isprintable():
                return Login(node=node, folder=folder, token=token, expires=expires)
    return None
