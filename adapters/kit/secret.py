"""Passwords, tokens and keys in files of their own, read at each use: a new one needs no restart."""

from __future__ import annotations

import stat
from pathlib import Path

from adapters.kit.files import NotPlainError, TooLargeError, read_plain
from gateway.errors import Code, RefusedError, TransientError

_LIMIT = 64 << 10


def read_secret(path: Path, what: str) -> str:
    """Read the text of a secret file without its last newline; `what` names it in an error ("the password file").

    Raises TransientError where it cannot be read now, RefusedError where it is no plain file of text, is empty, or may
    be read by everybody.
    """
    try:
        data = read_plain(path, _LIMIT)
        mode = stat.S_IMODE(path.stat().st_mode)  # of what a link leads to, as reading does
    except OSError as exc:
        raise TransientError(Code.ADAPTER_BUSY, f"{what} cannot be read", hint="look at its path and rights") from exc
    except (NotPlainError, TooLargeError) as exc:
        raise RefusedError(Code.INVALID, f"{what} is not a small plain file") from exc
    if mode & 0o007:
        raise RefusedError(Code.INVALID, f"{what} may be read by everybody", hint="chmod 600")
    try:
        secret = data.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise RefusedError(Code.INVALID, f"{what} is not UTF-8 text") from None  # the cause repeats its bytes
    if not secret:
        raise RefusedError(Code.INVALID, f"{what} is empty")
    return secret
