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
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection

from gateway.app import DATABASE, KEYSTORE, RUN, TOKEN
from gateway.config import Unit, parse
from gateway.errors import Code, RefusedError
from gateway.federation.address import authority_of
from gateway.ports import Clock
from gateway.service.leaves import leaf
from gateway.store import Store, log
from gateway.store import peers as peer_rows
from keys.descriptor import Unit as DescriptorUnit
from keys.descriptor import accept_descriptor, build_descriptor, sign_descriptor
from keys.encoding import b64u
from keys.identity import node_id
from keys.keystore import DEFAULT_COST, Cost, Keystore, system_rand
from keys.roots import Root, create_root

DESCRIPTOR_LIFE = 400 * 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What `trm init` was asked for. `roots` is the folder for the root files, outside of `folder`."""

    folder: Path
    roots: Path
    name: str
    country: str
    endpoint: str
    listen: str
    contact: str
    units: Sequence[Unit]
    demo: bool
    adapter: tuple[str, Path] | None = None
    poll_seconds: int = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What was made, to be shown to a person."""

    node: str
    fingerprint: str
    root_files: tuple[Path, ...]


async def make_node(
    plan: Plan,
    passphrase: str,
    root_passphrase: str,
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
        raise RefusedError(Code.EXISTS, f"{draft} is left from an attempt that was cut off", hint=f"remove {draft}")
    new_roots = not plan.roots.exists()
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
        if new_roots:
            plan.roots.rmdir()
        raise
    return made


def _check(plan: Plan, passphrase: str, root_passphrase: str) -> None:
    if not passphrase or not root_passphrase:
        raise RefusedError(Code.INVALID, "an empty passphrase protects nothing", hint="name a file that holds one")
    authority_of(plan.endpoint)
    parse(_toml(plan), plan.folder / "node.toml")
    if plan.folder.exists():
        raise RefusedError(Code.EXISTS, f"{plan.folder} exists already; nothing was changed", hint="name a new folder")
    if plan.roots.resolve().is_relative_to(plan.folder.resolve()):
        raise RefusedError(
            Code.INVALID, "the root keys would lie inside the node folder",
            hint="root keys belong to other people: name a folder on other media with --roots",
        )  # fmt: skip


async def _fill(
    plan: Plan,
    folder: Path,
    root_files: list[Path],
    passphrase: str,
    root_passphrase: str,
    clock: Clock,
    cost: Cost,
    rand: Callable[[int], bytes],
) -> Made:
    now = clock.now()
    roots: list[Root] = []
    for number in range(1 if plan.demo else 3):
        path = plan.roots / f"{plan.name}-root-{number + 1}.key"
        root = await asyncio.to_thread(create_root, path, root_passphrase, now=now, cost=cost, rand=rand)
        root_files.append(path)
        roots.append(root)
    threshold = 1 if plan.demo else 2
    records = [root.record for root in roots]
    node = node_id(records, threshold)
    keys = await asyncio.to_thread(
        Keystore.create, folder / KEYSTORE, passphrase, node=node, now=now, cost=cost, rand=rand
    )
    payload = build_descriptor(
        name=plan.name,
        issued=now,
        expires=now + DESCRIPTOR_LIFE,
        roots=records,
        threshold=threshold,
        keys=keys.first_records(now),
        endpoints=[plan.endpoint],
        log=f"{plan.name.lower()}.{node}.trm",
        country=plan.country,
        contact=plan.contact,
        tls_spki=keys.tls_spki(),
        units=[DescriptorUnit(id=unit.id, name=unit.name, roles=unit.roles) for unit in plan.units],
    )
    document = sign_descriptor(payload, [root.key for root in roots[:threshold]])
    descriptor = accept_descriptor(None, document, now)
    await _write_database(folder, document.encode(), keys.gen, node, now)
    _write_private(folder / "node.toml", _toml(plan))
    _write_private(folder / TOKEN, b64u(rand(32)) + "\n")
    (folder / RUN).mkdir(mode=0o700)
    return Made(node=node, fingerprint=descriptor.fingerprint, root_files=tuple(root_files))


async def _write_database(folder: Path, document: bytes, gen: int, node: str, now: int) -> None:
    _write_private(folder / DATABASE, "")  # SQLite gives its side files the mode of this one
    store = Store(folder / DATABASE)

    def move(connection: Connection) -> None:
        peer_rows.add_own(connection, 1, document)
        peer_rows.set_meta(connection, "keystore_gen", str(gen).encode())
        log.append_leaf(connection, leaf(now, "node.made", node=node))

    try:
        await store.move(move)
    finally:
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
        f"demo = {'true' if plan.demo else 'false'}",
        "",
        "[federation]",
        f"listen = {_text(plan.listen)}",
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
    if plan.adapter is not None:
        lines += [
            "",
            "[adapter]",
            f"kind = {_text(plan.adapter[0])}",
            f"path = {_text(str(plan.adapter[1].resolve()))}",
            f"poll_seconds = {plan.poll_seconds}",
        ]
    return "\n".join(lines) + "\n"


def _text(value: str) -> str:
    """A TOML basic string."""
    escaped = "".join(
        f"\\u{ord(c):04x}" if ord(c) < 0x20 or ord(c) == 0x7F else f"\\{c}" if c in '"\\' else c for c in value
    )
    return f'"{escaped}"'
