"""The options by which a TPM and a PKCS#11 token are named: to `trm keyd`, `trm init` and `trm keys move`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from gateway.foundation.config import KeysSection
    from keys.keystore.destructible.places import Places

F = TypeVar("F", bound=Callable[..., Any])
PLACES = ("file", "tpm", "pkcs11")
_FILE = click.Path(path_type=Path)


def with_places(command: F) -> F:
    """Give a command the options that say how a TPM and a token are reached."""
    for option in reversed(
        [
            click.option("--tpm", metavar="TCTI", help="How the TPM 2.0 is reached, e.g. device:/dev/tpmrm0."),
            click.option("--pkcs11-module", type=_FILE, metavar="FILE", help="Library of the PKCS#11 token."),
            click.option("--pkcs11-token", metavar="LABEL", help="Label of the PKCS#11 token."),
            click.option("--pkcs11-pin-file", type=_FILE, metavar="FILE", help="File with the PIN of the token."),
        ]
    ):
        command = option(command)
    return command


def read_places(tpm: str | None, module: Path | None, token: str | None, pin_file: Path | None) -> Places:
    """Read the options of ``with_places``. Part of a token is wrong usage."""
    from keys.keystore.destructible.places import Places, Token

    if module is None and token is None and pin_file is None:
        return Places(tpm=tpm)
    if module is None or token is None or pin_file is None:
        raise click.UsageError("--pkcs11-module, --pkcs11-token and --pkcs11-pin-file belong together")
    return Places(tpm=tpm, token=Token(module=module, label=token, pin_file=pin_file))


def read_section(tpm: str | None, module: Path | None, token: str | None, pin_file: Path | None) -> KeysSection:
    """Read the options of ``with_places`` as the section of node.toml that they become."""
    from gateway.foundation.config import KeysSection, TokenSection

    told = read_places(tpm, module, token, pin_file).token
    section = None if told is None else TokenSection(module=told.module, token=told.label, pin_file=told.pin_file)
    return KeysSection(tpm=tpm, pkcs11=section)


def place_options(keys: KeysSection) -> list[str]:
    """Write the section of node.toml as the options of ``with_places``."""
    options = [] if keys.tpm is None else ["--tpm", keys.tpm]
    if keys.pkcs11 is not None:
        options += ["--pkcs11-module", str(keys.pkcs11.module), "--pkcs11-token", keys.pkcs11.token]
        options += ["--pkcs11-pin-file", str(keys.pkcs11.pin_file)]
    return options
