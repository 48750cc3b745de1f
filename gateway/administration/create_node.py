"""Making a node: keys, first descriptor, database, node.toml, the token of the local API. Nothing is ever overwritten.

Root keys are written outside the node folder, three with a threshold of two; a demonstration node has one, and its
peers' administrators see that. The order of steps leaves either nothing or a whole node: the folder is made under
another name and renamed at the end.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Connection

from gateway.access import api_tokens
from gateway.access import token_store as token_rows
from gateway.access.token_store import TokenRow
from gateway.changes import administrators
from gateway.changes.rules import FEWEST_ADMINS
from gateway.database import journal, meta
from gateway.database.audit_entries import leaf
from gateway.database.engine import Store
from gateway.database.opening import database_of
from gateway.errors import Code, RefusedError
from gateway.federation.address import authority_of
from gateway.foundation.config import REGION, AdapterSection, DatabaseSection, KeysSection, Unit, parse
from gateway.foundation.ids import NodeId, UnitId
from gateway.foundation.node_folder import DATABASE, KEYSTORE, RUN, TOKEN
from gateway.identity import store as identity_store
from gateway.identity.publication import FIRST_REQUEST
from gateway.identity.unlock import places_of
from gateway.mapping import case_system
from gateway.operations.roles import Role
from gateway.policy import in_force
from gateway.policy.starting_policy import starting_policy
from gateway.ports import Clock
from gateway.regions.files import PackFiles
from gateway.regions.installed import install_pack
from keys.documents.admin_card import AdminCard
from keys.documents.descriptor import Unit as DescriptorUnit
from keys.documents.descriptor import name_log
from keys.documents.descriptor_chain import accept_descriptor
from keys.documents.fingerprint import compute_fingerprint, node_id
from keys.documents.key_records import KeyRecord
from keys.documents.succession import build_descriptor, sign_descriptor
from keys.documents.tombstone import build_tombstone
from keys.keystore.destructible.secret import Place
from keys.keystore.keystore import DEFAULT_COST, Cost, Keystore, system_rand
from keys.offline.ceremony import Request
from keys.offline.roots import Root, create_root
from keys.primitives.domains import DESCRIPTOR, TOMBSTONE
from schemas.region_pack.policies import CorridorPolicy
from schemas.region_pack.regions import Region, load_region

DESCRIPTOR_LIFE = 400 * 86_400
ROOTS, THRESHOLD = 3, 2  # two of three people (nrm1 2.23)
REQUESTS = "requests"
"""Folder of a node that waits for its first descriptor: what its root holders take away to sign."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What `trm init` was asked for. `roots` is the folder for the root files, outside of `folder`; `admins` are the
    first two administrators. `pack` has the files of a region from elsewhere, of which `region` is the name.

    With `root_public`, the public keys of three root holders, no root file is made: the node waits for its first
    descriptor, and `roots` is None. The secret of the key store is made in `place`, reached as `keys` says.
    """

    folder: Path
    roots: Path | None
    name: str
    country: str
    endpoint: str
    listen: str
    contact: str
    units: Sequence[Unit]
    demo: bool
    admins: Sequence[AdminCard]
    region: str = REGION
    pack: PackFiles | None = None
    adapter: AdapterSection | None = None
    root_public: Sequence[KeyRecord] = ()
    place: Place = Place.FILE
    keys: KeysSection = field(default_factory=KeysSection)
    database: DatabaseSection = field(default_factory=DatabaseSection)


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What was made, to be shown to a person; `requests` is what root holders elsewhere have to sign, `policy` the
    corridor policy that the node begins with, None where its region has none: then nothing leaves.
    """

    node: NodeId
    fingerprint: str
    root_files: tuple[Path, ...]
    requests: tuple[Path, ...] = ()
    policy: str | None = None


async def make_node(
    plan: Plan,
    passphrase: str,
    root_passphrase: str | None,
    *,
    clock: Clock,
    cost: Cost = DEFAULT_COST,
    rand: Callable[[int], bytes] = system_rand,
) -> Made:
    """Make a node folder and its root files.

    Raises:
        RefusedError: exists, or invalid; nothing is left behind.
    """
    _check(plan, passphrase, root_passphrase)
    draft = plan.folder.with_name(f".{plan.folder.name}.new")
    if draft.exists():
        raise RefusedError(Code.EXISTS, f"{draft} is left over from an interrupted attempt", hint=f"remove {draft}")
    new_roots = plan.roots is not None and not plan.roots.exists()
    if plan.roots is not None:
        plan.roots.mkdir(mode=0o700, parents=True, exist_ok=True)
    root_files: list[Path] = []
    try:
        draft.mkdir(mode=0o700, parents=True)
        made = await _fill(plan, draft, root_files, passphrase, root_passphrase, clock, cost, rand)
        draft.rename(plan.folder)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        for path in root_files:
            path.unlink(missing_ok=True)
        if new_roots and plan.roots is not None:
            plan.roots.rmdir()
        raise
    return made


def _check(plan: Plan, passphrase: str, root_passphrase: str | None) -> None:
    if not passphrase or (plan.roots is not None and not root_passphrase):
        raise RefusedError(Code.INVALID, "an empty passphrase protects nothing", hint="name a file that holds one")
    authority_of(plan.endpoint)
    if len(plan.admins) != FEWEST_ADMINS:
        raise RefusedError(
            Code.INVALID,
            "a node begins with exactly two administrators; nothing was made",
            hint="each of the two makes a key file: trm admin new FILE",
        )
    administrators.check_cards(plan.admins)
    _ = load_region(plan.region) if plan.pack is None else plan.pack.read()
    section = parse(_toml(plan), plan.folder / "node.toml").adapter
    if section is not None:
        case_system.settings_of(section, plan.folder)
    if plan.folder.exists():
        raise RefusedError(Code.EXISTS, f"{plan.folder} exists already; nothing was changed", hint="name a new folder")
    if (plan.roots is None) != bool(plan.root_public):
        raise RuntimeError("root files are made here, or by their holders elsewhere")
    kids = {record.kid for record in plan.root_public}
    if plan.roots is None and (plan.demo or len(kids) < ROOTS or len(kids) < len(plan.root_public)):
        raise RefusedError(
            Code.INVALID,
            "a node has three different root holders, or more; nothing was made",
            hint="each makes a key on a machine of their own: trm keys root new FILE",
        )
    if plan.roots is not None and plan.roots.resolve().is_relative_to(plan.folder.resolve()):
        raise RefusedError(
            Code.INVALID,
            "the root keys would lie inside the node folder",
            hint="root keys belong to other people: name a folder on other media with --roots",
        )


async def _fill(
    plan: Plan,
    folder: Path,
    root_files: list[Path],
    passphrase: str,
    root_passphrase: str | None,
    clock: Clock,
    cost: Cost,
    rand: Callable[[int], bytes],
) -> Made:
    now = clock.now()
    roots: list[Root] = []
    for number in range(0 if plan.roots is None else 1 if plan.demo else ROOTS):
        path = (plan.roots or plan.folder) / f"{plan.name}-root-{number + 1}.key"
        root = await asyncio.to_thread(create_root, path, root_passphrase or "", now=now, cost=cost, rand=rand)
        root_files.append(path)
        roots.append(root)
    threshold = 1 if plan.demo else THRESHOLD
    records = [root.record for root in roots] or [*plan.root_public]
    node = node_id(records, threshold)
    keys = await asyncio.to_thread(
        Keystore.create,
        folder / KEYSTORE,
        passphrase,
        node=node,
        now=now,
        place=plan.place,
        places=places_of(plan.keys),
        cost=cost,
        rand=rand,
    )
    payload = build_descriptor(
        name=plan.name,
        issued=now,
        expires=now + DESCRIPTOR_LIFE,
        roots=records,
        threshold=threshold,
        keys=keys.first_records(now),
        endpoints=[plan.endpoint],
        log=name_log(node),
        country=plan.country,
        contact=plan.contact,
        tls_spki=keys.tls_spki(),
        units=[
            DescriptorUnit(id=UnitId(unit.id), name=unit.name, kind=unit.kind, roles=unit.roles) for unit in plan.units
        ],
    )
    document = sign_descriptor(payload, [root.key for root in roots[:threshold]]) if roots else None
    if document is not None:
        accept_descriptor(None, document, now)
    token, row = api_tokens.make(
        rand, role=Role.ADAPTER, unit=None, label="made by trm init", now=now, days=api_tokens.FIRST_DAYS
    )
    first = _First(payload=payload, document=None if document is None else document.encode())
    policy = starting_policy(_install_region(plan, folder, now))
    _write_private(folder / "node.toml", _toml(plan))
    _write_private(folder / TOKEN, token + "\n")
    (folder / RUN).mkdir(mode=0o700)
    asked = [] if roots else _write_requests(plan, folder / REQUESTS, node, payload, now)
    await _write_database(plan, folder, first, keys.gen, node, row, policy, now)  # last: a server is not thrown away
    return Made(
        node=node,
        fingerprint=compute_fingerprint(node, records, threshold),
        root_files=tuple(root_files),
        requests=tuple(plan.folder / REQUESTS / name for name in asked),
        policy=None if policy is None else f"{policy.name} version {policy.version}",
    )


def _install_region(plan: Plan, folder: Path, now: int) -> Region:
    """Read the region pack of the new node; one from elsewhere is installed in its folder."""
    if plan.pack is None:
        return load_region(plan.region)
    return install_pack(folder, plan.pack, needed=(), now=now).region


def _write_requests(plan: Plan, folder: Path, node: NodeId, payload: bytes, now: int) -> list[str]:
    """What every root holder signs at the first ceremony: the first descriptor, and the tombstone for the worst day."""
    made = {
        f"{plan.name}-descriptor-1.request": Request.of(DESCRIPTOR, payload, None),
        f"{plan.name}-tombstone.request": Request.of(TOMBSTONE, build_tombstone(node, now), payload),
    }
    folder.mkdir(mode=0o700)
    for name, request in made.items():
        _write_private(folder / name, request.encode().decode("ascii"))
    return [*made]


@dataclass(frozen=True, slots=True, kw_only=True)
class _First:
    """The first descriptor: signed, or still to be signed elsewhere."""

    payload: bytes
    document: bytes | None


async def _write_database(
    plan: Plan,
    folder: Path,
    first: _First,
    gen: int,
    node: NodeId,
    token: TokenRow,
    policy: CorridorPolicy | None,
    now: int,
) -> None:
    if plan.database.url is None:
        _write_private(folder / DATABASE, "")  # SQLite gives its side files the mode of this one
    database = database_of(folder, plan.database)
    store = Store(database, new=True)

    def move(connection: Connection) -> None:
        if first.document is not None:
            identity_store.add_own(connection, 1, first.document)
        else:
            meta.set_meta(connection, FIRST_REQUEST, first.payload)
        meta.set_meta(connection, "keystore_gen", str(gen).encode())
        token_rows.add(connection, token)
        journal.append_leaf(connection, leaf(now, "node.made", node=node))
        administrators.begin(connection, node, plan.admins, now)
        if policy is not None:
            in_force.begin(connection, node, policy, now)

    try:
        await store.move(move)
    except BaseException:
        store.close()
        database.clear()
        raise
    store.close()


def _write_private(path: Path, content: str) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _toml(plan: Plan) -> str:
    """The settings of a new node; every key is explained in docs/settings.md."""
    lines = [
        "# Settings of a TRM Gateway node. An unknown key is an error. docs/settings.md explains each.",
        "[node]",
        f"name = {_text(plan.name)}",
        f"country = {_text(plan.country)}",
        f"region = {_text(plan.region)}",
        f"demo = {'true' if plan.demo else 'false'}",
        "",
        "[federation]",
        f"listen = {_text(plan.listen)}",
        "",
        "# The console, and the local API beside its socket (docs/console.md):",
        "# [local]",
        '# listen = "127.0.0.1:8080"',
    ]
    for unit in plan.units:
        lines += [
            "",
            "[[units]]",
            f"id = {_text(unit.id)}",
            f"name = {_text(unit.name)}",
            f"kind = {_text(unit.kind)}",
            f"roles = [{', '.join(_text(role) for role in unit.roles)}]",
        ]
    if plan.database.url is not None:
        lines += ["", "[database]", f"url = {_text(plan.database.url)}"]
        files = {"password_file": plan.database.password_file, "ca_file": plan.database.ca_file}
        lines += [f"{name} = {_text(str(path))}" for name, path in files.items() if path is not None]
        lines += ["pooled = true"] if plan.database.pooled else []
    if plan.keys.tpm is not None:
        lines += ["", "[keys]", f"tpm = {_text(plan.keys.tpm)}"]
    if plan.keys.pkcs11 is not None:
        token = plan.keys.pkcs11
        lines += ["", "[keys.pkcs11]", f"module = {_text(str(token.module))}", f"token = {_text(token.token)}"]
        lines += [f"pin_file = {_text(str(token.pin_file))}"]
    if plan.adapter is not None:
        lines += [
            "",
            "[adapter]",
            f"kind = {_text(plan.adapter.kind)}",
            *(f"{name} = {_value(value)}" for name, value in plan.adapter.own.items()),
            f"poll_seconds = {plan.adapter.poll_seconds}",
        ]
    return "\n".join(lines) + "\n"


def _value(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case _:
            return _text(str(value))


def _text(value: str) -> str:
    """A TOML basic string."""
    escaped = "".join(
        f"\\u{ord(c):04x}" if ord(c) < 0x20 or ord(c) == 0x7F else f"\\{c}" if c in '"\\' else c for c in value
    )
    return f'"{escaped}"'
