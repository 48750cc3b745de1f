"""Options of `trm init` as the things they name: administrators, root keys, organisations, the case system.

Each reader refuses whatever would make a node that cannot run, before anything is made.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway.cli import output
from gateway.errors import Code, RefusedError, RemoteError

if TYPE_CHECKING:
    from gateway.administration.create_node import Plan
    from gateway.foundation.config import AdapterSection, Unit
    from gateway.mapping.case_system import CaseSystem
    from gateway.regions.files import PackFiles
    from keys.documents.admin_card import AdminCard
    from keys.documents.key_records import KeyRecord


ADMINS = 2
"""Administrators of a new node: more are enrolled by these two."""

SOCKET_PATH = 107
"""Bytes that the kernel allows for the path of a socket."""


def read_adapter(kind: str | None, path: str | None, settings: Sequence[str]) -> AdapterSection | None:
    """Read the case system's kind and settings, if given. A repeated setting, or one that is not NAME=VALUE, is wrong
    usage.
    """
    from gateway.mapping import case_system

    words = [*settings, *([] if path is None else [f"path={path}"])]
    given = {name: value for name, _, value in (word.partition("=") for word in words)}
    if kind is None:
        if words:
            raise click.UsageError("--adapter-path and --adapter-set belong to --adapter")
        return None
    if len(given) < len(words) or not all("=" in word for word in words):
        raise click.BadParameter("NAME=VALUE, each NAME once", param_hint="--adapter-set")
    return case_system.adapter_section(kind, given)


def read_unit(text: str) -> Unit:
    """Read one --unit; a malformed one is wrong usage."""
    import schemas
    from gateway.foundation.config import Unit

    id, kind, name, role = ([*text.split(":", 3), "", "", "", ""])[:4]
    roles = tuple(part for part in role.split("+") if part)
    known = [code.code for code in schemas.code_list("role").codes]
    if not roles or set(roles) - set(known):
        raise click.BadParameter("the role is missing or unknown; known are " + ", ".join(known), param_hint="--unit")
    try:
        return Unit.model_validate({"id": id, "name": name, "kind": kind, "roles": roles})
    except ValueError as exc:
        raise click.BadParameter(
            "ID:KIND:NAME:ROLE with a lower-case id and a kind of public_authority, international_organisation, ngo, "
            "service_provider, health",
            param_hint="--unit",
        ) from exc


def check_plan(plan: Plan) -> CaseSystem | None:
    """Refuse whatever would make a folder that cannot run, before anything is made; return its case system, if any."""
    from gateway.foundation.config import Config, FederationSection, NodeSection
    from gateway.mapping import case_system

    try:
        config = Config(
            node=NodeSection(name=plan.name, country=plan.country, demo=plan.demo),
            units=tuple(plan.units),
            federation=FederationSection(listen=plan.listen),
            adapter=plan.adapter,
        )
    except ValueError as exc:
        raise click.UsageError(f"not a possible setting of a node: {_faults(exc)}") from exc
    if len(str(plan.folder / "run" / "api.sock").encode()) > SOCKET_PATH:
        raise RefusedError(
            Code.INVALID,
            "the path of the node folder is too long for a socket; nothing was made",
            hint=f"at most {SOCKET_PATH - len('/run/api.sock')} bytes",
        )
    return None if config.adapter is None else case_system.read(config.adapter, plan.folder)


def _faults(error: ValueError) -> str:
    from pydantic import ValidationError

    if not isinstance(error, ValidationError):
        return str(error)
    listed = error.errors(include_input=False, include_context=False, include_url=False)
    return "; ".join(f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}" for fault in listed)


def read_cards(files: Sequence[Path]) -> list[AdminCard]:
    """Read the public files of the first administrators."""
    from gateway.changes.administrators import read_card
    from keys.documents.admin_card import AdminCard

    if len(files) != ADMINS:
        raise click.UsageError("name --admin exactly twice: a node begins with two administrators")
    cards = [read_card(output.read_json(path)) for path in files]
    found = [card for card in cards if isinstance(card, AdminCard)]
    if len(found) < len(cards):
        raise RefusedError(
            Code.INVALID,
            "a passkey works only at the console of a running node; nothing was made",
            hint="trm admin new FILE writes FILE.public",
        )
    return found


def read_root_keys(files: Sequence[Path]) -> list[KeyRecord]:
    """Read the public keys of root holders; anything else is refused before anything is made."""
    from keys.offline.ceremony import read_root_public

    try:
        return [read_root_public(path.read_bytes()) for path in files]
    except RemoteError as exc:
        raise RefusedError(
            exc.code,
            f"a public root key cannot be used: {exc.what}; nothing was made",
            hint="ask its holder for FILE.public again, as trm keys root new wrote it",
        ) from exc


def read_region(region: str | None) -> PackFiles | None:
    """Read the region pack that lies in a folder; None for one of the program. A folder has a slash: ./sahel."""
    if region is None or "/" not in region:
        return None
    from gateway.regions.files import read_pack

    pack = read_pack(Path(region))
    pack.read()  # every fault is told before a key is made
    return pack
