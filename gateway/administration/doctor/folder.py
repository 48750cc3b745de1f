"""What `trm doctor` sees in a node folder without opening it: files, settings, roots, disk."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from gateway.errors import GatewayError
from gateway.foundation import installed
from gateway.foundation.config import Config, load
from gateway.foundation.node_folder import ROOT_FILES
from gateway.guidance.library import own_texts
from gateway.mapping import case_system
from gateway.regions.installed import load_node_region
from schemas.region_pack.regions import Region

MIB = 2**20
MOUNTS = Path("/proc/self/mountinfo")
KEEPING = frozenset({"btrfs", "zfs", "bcachefs", "f2fs", "nilfs2", "overlay", "tmpfs", "nfs", "nfs4", "fuse"})
"""File systems on which overwriting does not reach the bytes that were there, or nobody can say that it does."""
LITTLE_SPACE = 1024 * MIB
NO_SPACE = 200 * MIB


class State(StrEnum):
    """How a check ended; only red makes `trm doctor` exit 1."""

    OK = "ok"
    WARN = "warn"
    RED = "red"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was looked at: what was found and how it is put right."""

    name: str
    state: State
    found: str
    fix: str = ""


def ok(name: str, found: str) -> Check:
    """All is well."""
    return Check(name=name, state=State.OK, found=found)


def warn(name: str, found: str, fix: str) -> Check:
    """It works, and somebody has to act."""
    return Check(name=name, state=State.WARN, found=found, fix=fix)


def red(name: str, found: str, fix: str) -> Check:
    """It does not work, or it is not safe."""
    return Check(name=name, state=State.RED, found=found, fix=fix)


def skipped(name: str, found: str, fix: str) -> Check:
    """It could not be looked at; `fix` says what is needed."""
    return Check(name=name, state=State.SKIPPED, found=found, fix=fix)


def settings(folder: Path) -> tuple[Config | None, Check]:
    """node.toml, read as the node reads it."""
    try:
        config = load(folder)
        if config.adapter is not None:
            case_system.read(config.adapter, folder)
    except GatewayError as error:
        places = "; ".join(f"{f.place}: {f.rule}" for f in error.findings)
        return None, red("settings", f"{error.what} {places}".strip(), error.hint or "correct node.toml")
    return config, ok("settings", "node.toml is valid")


def standing(folder: Path, config: Config | None) -> Iterator[Check]:
    """Every check that needs no key."""
    yield installation()
    yield from modes(folder)
    yield roots(folder, config)
    yield key_store(folder)
    yield key_place(folder)
    yield space(folder)
    if config is not None:
        held, check = region(folder, config)
        yield check
        if held is not None:
            yield guidance(folder, held)


def installation() -> Check:
    """That gateway, keys, schemas and adapters are one distribution."""
    found = installed.findings()
    if found:
        listed = "; ".join(f"{f.place}: {f.rule}" for f in found)
        return red("installation", listed, found[0].hint)
    return ok("installation", "gateway, keys, schemas and adapters are one distribution")


def modes(folder: Path) -> Iterator[Check]:
    """Folders 0700 and files 0600, and nobody else's."""
    wrong = []
    for path in (folder, *sorted(folder.rglob("*"))):
        found = path.lstat()
        wanted = 0o700 if stat.S_ISDIR(found.st_mode) else 0o600
        if stat.S_ISLNK(found.st_mode):
            wrong.append((path, "is a symbolic link", f"put the file itself at {path}"))
        elif stat.S_IMODE(found.st_mode) & ~wanted:
            mode = stat.S_IMODE(found.st_mode)
            wrong.append((path, f"has mode {mode:04o}", f"chmod {wanted:04o} {path}"))
        elif found.st_uid != os.geteuid() and os.geteuid() != 0:
            wrong.append((path, "belongs to another user", f"chown it to the user of the node: {path}"))
    if not wrong:
        yield ok("file modes", "folders 0700, files 0600")
    for path, what, fix in wrong:
        yield red("file modes", f"{path.relative_to(folder.parent)} {what}", fix)


def roots(folder: Path, config: Config | None) -> Check:
    """Root files that the user of the node can read: with two of them, whoever takes this machine is the node."""
    name = "*" if config is None else config.node.name
    readable = [path for path in _root_files(folder, f"{name}-root-[0-9].key") if os.access(path, os.R_OK)]
    if not readable:
        return ok("root keys", "no root file can be read here")
    listed = ", ".join(str(path) for path in readable)
    if config is not None and config.node.demo:
        return warn("root keys", f"{listed} can be read; a demonstration node", "never send it a real case")
    return red(
        "root keys", f"{listed} can be read by this user", "move each to another person's media and delete it here"
    )


def _root_files(folder: Path, pattern: str) -> Sequence[Path]:
    """Where `trm init` wrote them, and those that lie in the folder or in one beside it."""
    named = folder / ROOT_FILES
    try:
        listed = [Path(line) for line in named.read_text(encoding="utf-8").splitlines()]
    except OSError:
        listed = []
    beside = folder.absolute().parent.glob(f"*/{pattern}")
    return sorted({*listed, *beside, *folder.absolute().rglob(pattern)})


def key_store(folder: Path) -> Check:
    """That the file of the keys is there and can be read; whether it opens is seen from inside."""
    from gateway.foundation.node_folder import KEYSTORE

    if os.access(folder / KEYSTORE, os.R_OK):
        return ok("key store", "there, and can be read")
    return red(
        "key store",
        "missing, or cannot be read",
        "restore the node folder from its backup; lost keys cannot be replaced",
    )


def key_place(folder: Path, mounts: Path = MOUNTS) -> Check:
    """Where the secret of the key store lies, and what an older copy of the disk may open by it (nrm1 13.5)."""
    from gateway.foundation.node_folder import KEYSTORE
    from keys.keystore.destructible.secret import Place
    from keys.keystore.generations import read_place

    name = "key place"
    place = read_place(folder / KEYSTORE)
    if place is None:
        return skipped(name, "a key store of the form before, or none", "the next start writes it in today's form")
    if place is not Place.FILE:
        return ok(name, f"{place}: what was destroyed opens from no copy of the disk")
    kind = _file_system(folder, mounts)
    if (kind or "").partition(".")[0] in KEEPING:
        return warn(
            name,
            f"a file on {kind}, which keeps what is overwritten: destroyed keys may be found on this disk",
            "trm keys move tpm or pkcs11, or move the node folder to ext4 or xfs without snapshots: docs/keys.md",
        )
    return ok(
        name, f"a file on {kind or 'a disk'}, overwritten; copies, snapshots and flash keep older ones: docs/keys.md"
    )


def _file_system(folder: Path, mounts: Path) -> str | None:
    """The kind of file system of a folder, as the kernel lists what is mounted; None where that cannot be read."""
    try:
        lines = mounts.read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    # "... root mount-point options - kind source ...": of several over one place the last one is seen
    found = [(fields[4], rest.split()[0]) for fields, rest in (_mount(line) for line in lines) if rest]
    place = folder.resolve()
    over = [(len(point), number, kind) for number, (point, kind) in enumerate(found) if place.is_relative_to(point)]
    return max(over)[2] if over else None


def _mount(line: str) -> tuple[list[str], str]:
    before, _, after = line.partition(" - ")
    return [part.replace("\\040", " ") for part in before.split()], after


def space(folder: Path) -> Check:
    """Room on the disk of the node: a full disk stops it from accepting anything."""
    free = shutil.disk_usage(folder).free
    found, fix = f"{free // MIB} MiB free", "make room on the disk of the node folder"
    if free < NO_SPACE:
        return red("disk space", found, fix)
    return warn("disk space", found, fix) if free < LITTLE_SPACE else ok("disk space", found)


def region(folder: Path, config: Config) -> tuple[Region | None, Check]:
    """The region pack by which the node goes: that it is the one which was installed, and has its country."""
    try:
        found = load_node_region(folder, config.node.region)
    except GatewayError as error:
        return None, red("region", error.what, error.hint)
    if config.node.country not in found.countries:
        fix = "name another pack in node.toml, or add the country to the pack: trm region check"
        return found, warn("region", f"the pack {found.name} does not have the country of this node", fix)
    return found, ok("region", f"{found.name} version {found.version}, {len(found.countries)} countries")


def guidance(folder: Path, region: Region) -> Check:
    """The node's own texts: with one fault none of them is used."""
    from gateway.foundation.node_folder import GUIDANCE

    try:
        found = own_texts(folder / GUIDANCE, region)
    except GatewayError as error:
        first = error.findings[0]
        found_out = f"no own text is used: {len(error.findings)} fault(s), the first in {first.place}: {first.rule}"
        return warn("guidance", found_out, "trm guidance check tells each of them")
    return ok("guidance", f"{len(found)} own text(s)")
