"""The files of a key ceremony, and a request to root holders in words.

The words come from the payload and the descriptor before it, never from anything the request says about itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from gateway.cli import output
from gateway.errors import Code, RefusedError, RemoteError
from gateway.foundation import time_text
from keys.documents.descriptor import Descriptor
from keys.documents.key_records import KeyRecord
from keys.offline.ceremony import Request
from keys.primitives.encoding import DAY
from keys.primitives.sign import SignedDocument

Fact = tuple[str, str]

FILE = click.Path(path_type=Path)
"""A parameter of a verb that names a file."""

add_out = click.option("--out", type=FILE, metavar="REQUEST", help="File for the request; never overwrites.")
"""Option for the file of a request; without it the verb is wrong usage."""


def read_file(path: Path) -> bytes:
    """Read a file of the caller. Raises RefusedError(not_found)."""
    try:
        return path.read_bytes()
    except OSError as exc:
        raise RefusedError(
            Code.NOT_FOUND, f"{path} cannot be read; nothing was done", hint=(exc.strerror or "").lower()
        ) from exc


def read_request(data: bytes) -> Request:
    """Parse a REQUEST file. Raises RefusedError for anything else."""
    try:
        return Request.decode(data)
    except RemoteError as exc:
        raise RefusedError(
            exc.code,
            f"this request cannot be signed: {exc.what}; nothing was done",
            hint="copy it from the node again, or have a new one made",
        ) from exc


def gather_signatures(request: Request, files: Sequence[Path]) -> SignedDocument:
    """Combine the request and its SIG files into one document. Raises RefusedError, also for a SIG of another
    request.
    """
    try:
        return request.gather([read_file(path) for path in files])
    except RemoteError as exc:
        raise RefusedError(
            exc.code,
            f"a signature file cannot be read: {exc.what}; nothing was done",
            hint="SIG files are what trm keys root sign wrote",
        ) from exc


def show_request(request: Request) -> None:
    """Print in words what is to be signed."""
    output.print_facts(describe_request(request))


def describe_request(request: Request) -> list[Fact]:
    """Describe what is to be signed: one line for each thing that changes."""
    if request.tombstone is not None:
        return _of_tombstone(request)
    if request.new is None:
        raise RuntimeError("a request asks for a descriptor or a tombstone")
    if request.previous is None:
        return _of_first(request.new)
    return [
        ("to sign", f"descriptor {request.new.version} of {request.new.name} ({request.new.country})"),
        ("node", request.new.node),
        *_changes(request.previous, request.new),
    ]


def _of_tombstone(request: Request) -> list[Fact]:
    name = "a node" if request.previous is None else f"{request.previous.name} ({request.previous.country})"
    return [
        ("to sign", f"the TOMBSTONE of {name}: whoever publishes it ends this node for good"),
        ("node", request.node),
        ("keep", "sealed, at two places, for the day on which two or more roots are lost or stolen"),
    ]


def _of_first(new: Descriptor) -> list[Fact]:
    return [
        ("to sign", f"the FIRST descriptor of {new.name} ({new.country})"),
        ("node", new.node),
        ("fingerprint", new.fingerprint),
        *(("root", record.kid) for record in new.roots),
        ("threshold", f"{new.threshold} of {len(new.roots)} must sign"),
        *(("new key", _key(record, new.issued)) for record in new.keys),
        ("endpoint", ", ".join(new.endpoints)),
        ("contact", new.contact),
        *(("unit", f"{unit.id} ({unit.name})") for unit in new.units),
        ("valid until", time_text.when(new.expires)),
    ]


def _changes(old: Descriptor, new: Descriptor) -> Iterator[Fact]:
    yield from _plain(old, new)
    yield from _roots(old, new)
    yield from _keys(old, new)
    revoked = {revocation.kid for revocation in old.revoked}
    for revocation in new.revoked:
        if revocation.kid not in revoked:
            since = time_text.when(revocation.since, now=new.issued)
            yield "REVOKED", f"{revocation.kid}, not to be trusted since {since}, {revocation.reason}"
    yield "valid until", f"{time_text.when(old.expires)} -> {time_text.when(new.expires)}"


def _plain(old: Descriptor, new: Descriptor) -> Iterator[Fact]:
    pins = "the same" if old.tls_spki == new.tls_spki else "OTHER ONES"
    pairs = (
        ("name", old.name, new.name),
        ("country", old.country, new.country),
        ("endpoint", ", ".join(old.endpoints), ", ".join(new.endpoints)),
        ("contact", old.contact, new.contact),
        ("units", _units(old), _units(new)),
        ("suites", ", ".join(old.suites), ", ".join(new.suites)),
        ("audit log", old.log, new.log),
        ("TLS keys", "the same", pins),
    )
    for name, before, after in pairs:
        if before != after:
            yield name, f"{before} -> {after}"


def _units(descriptor: Descriptor) -> str:
    listed = (f"{u.id} ({u.name}, {u.kind or 'kind not named'}: {'+'.join(u.roles)})" for u in descriptor.units)
    return ", ".join(listed) or "none"


def _roots(old: Descriptor, new: Descriptor) -> Iterator[Fact]:
    before, after = ({record.kid for record in found.roots} for found in (old, new))
    for kid in sorted(before - after):
        yield "ROOT GOES", kid
    for kid in sorted(after - before):
        yield "NEW ROOT", kid
    rule = [f"{found.threshold} of {len(found.roots)}" for found in (old, new)]
    if rule[0] != rule[1]:
        weaker = " (FEWER MUST SIGN)" if new.threshold < old.threshold else ""
        yield "THRESHOLD", f"{rule[0]} -> {rule[1]}{weaker}"


def _keys(old: Descriptor, new: Descriptor) -> Iterator[Fact]:
    before, after = ({record.kid: record for record in found.keys} for found in (old, new))
    for kid, record in after.items():
        if kid not in before:
            yield "new key", _key(record, new.issued)
        elif record != before[kid]:
            yield "key ends sooner" if record.until < before[kid].until else "key changes", _key(record, new.issued)
    for kid in sorted(before.keys() - after.keys()):
        yield "key goes", _key(before[kid], new.issued)


def _key(record: KeyRecord, now: int) -> str:
    starts = "now" if record.from_ <= now else f"in {(record.from_ - now) // DAY} days"
    return f"{record.use} {record.kid} from {starts} until {time_text.when(record.until, now=now)}"
