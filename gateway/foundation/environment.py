"""What is named from outside: the node folder, the passphrase, the login. The only module that reads the environment.

It imports nothing heavy: the key service (``keys.keystore.keyd``) needs it too.
"""

from __future__ import annotations

import os
import platform
import socket
from pathlib import Path

from gateway.errors import Code, RefusedError

NODE_VARIABLE = "TRM_NODE"
CREDENTIALS_VARIABLE = "CREDENTIALS_DIRECTORY"
PASSPHRASE_CREDENTIAL = "trm-passphrase"  # noqa: S105 (the name of a systemd credential)
NOTIFY_VARIABLE = "NOTIFY_SOCKET"
LOGIN_VARIABLE = "TRM_LOGIN"
CONFIG_VARIABLE = "XDG_CONFIG_HOME"
MOST_HOST = 64


def node_folder(option: str | None) -> Path:
    """Find the node folder: the option --node, else TRM_NODE. Raises RefusedError(invalid)."""
    chosen = option or os.environ.get(NODE_VARIABLE)
    if not chosen:
        raise RefusedError(Code.INVALID, "no node folder named", hint=f"use --node DIR or set {NODE_VARIABLE}")
    return Path(chosen)


def host_name() -> str:
    """Name this machine, as its system calls it."""
    return platform.node()[:MOST_HOST] or "unnamed"


def login_file(option: Path | None) -> Path | None:
    """Find the file of a personal token that was named: the option --login, else TRM_LOGIN; None where neither is."""
    named = os.environ.get(LOGIN_VARIABLE)
    return option or (Path(named) if named else None)


def logins_folder() -> Path:
    """Find the folder of this user's personal tokens (XDG Base Directory: a relative path does not count)."""
    configured = os.environ.get(CONFIG_VARIABLE, "")
    base = Path(configured) if configured.startswith("/") else Path.home() / ".config"
    return base / "trm" / "logins"


def passphrase_file(option: Path | None) -> Path:
    """Find the file of the passphrase: the one that was named, else the systemd credential. Raises RefusedError."""
    if option is not None:
        return option
    folder = os.environ.get(CREDENTIALS_VARIABLE)
    if not folder:
        raise RefusedError(
            Code.INVALID,
            "no passphrase given",
            hint=f"use --passphrase-file FILE, or the systemd credential {PASSPHRASE_CREDENTIAL}",
        )
    return Path(folder) / PASSPHRASE_CREDENTIAL


def passphrase(file: Path | None) -> str:
    """Read the passphrase from a file or the systemd credential; one trailing newline is not part of it."""
    file = passphrase_file(file)
    try:
        secret = file.read_text(encoding="utf-8")
    except UnicodeDecodeError as exc:
        raise RefusedError(Code.INVALID, f"the passphrase file {file} is not UTF-8 text") from exc
    except OSError as exc:
        raise RefusedError(
            Code.NOT_FOUND, f"the passphrase file {file} cannot be read", hint=exc.strerror or ""
        ) from exc
    secret = secret.removesuffix("\n").removesuffix("\r")
    if not secret:
        raise RefusedError(Code.INVALID, f"the passphrase file {file} is empty")
    return secret


def may_read(file: Path) -> None:
    """Return if this file can be read and holds something, without reading it; raises RefusedError."""
    try:
        with file.open("rb") as found:
            empty = os.fstat(found.fileno()).st_size == 0
    except OSError as exc:
        raise RefusedError(
            Code.NOT_FOUND, f"the passphrase file {file} cannot be read", hint=exc.strerror or ""
        ) from exc
    if empty:
        raise RefusedError(Code.INVALID, f"the passphrase file {file} is empty")


def notify_ready() -> None:
    """Tell systemd that the service is up (sd_notify), where it wants to know."""
    address = os.environ.get(NOTIFY_VARIABLE, "")
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"READY=1", "\0" + address[1:] if address.startswith("@") else address)
