"""Make the descriptors of a node: the first one, and the next (nrm1 2.23, 2.27).

A new `sig`, `log` or `wit` key is listed 14 days before it is used, beside the old one, and the old one stays listed
for 14 days after, so that what is in flight verifies. `at_once` and a revocation leave out the wait.

A key that had a successor never signs again, also where that successor is revoked: the next one begins at once. A key
that was taken off the list before it began was nobody's successor (``find_begun``).

A descriptor lists keys for its own whole life, so that the holders of the roots meet once a year: `http` keys of 90
days one after another, and a successor for any other key that ends within 100 days. It expires with the first of the
keys that stay, and after 400 days at most: a change between two meetings does not move the next one.

``count_needed_keys`` counts the new keys that this takes; they are made first, since a descriptor lists existing keys.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from gateway.errors import Code, RefusedError, RemoteError
from gateway.foundation.ids import KeyId, NodeId, UnitKind
from keys.documents.descriptor import LONGEST_LIFE, Descriptor, Revocation, Unit, parse_descriptor
from keys.documents.fingerprint import node_id
from keys.documents.key_records import KeyRecord, Use
from keys.keystore.keyring import HTTP_LIFE, LOG_LIFE, SIG_LIFE
from keys.primitives.domains import DESCRIPTOR, SIGNED
from keys.primitives.encoding import DAY, b64u, canon
from keys.primitives.hybrid_keys import PublicKey, SigningKey
from keys.primitives.seal import SUITE
from keys.primitives.sign import SignedDocument, sign_document

OVERLAP: Final = 14 * DAY  # listed before use, and after it (nrm1 2.23)
RENEWED: Final = 100 * DAY  # what ends sooner gets a successor in any next descriptor
USES: Final = (Use.SIG, Use.LOG, Use.WIT, Use.HTTP)
_LIFE: Final = {Use.SIG: SIG_LIFE, Use.LOG: LOG_LIFE, Use.WIT: LOG_LIFE, Use.HTTP: HTTP_LIFE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """The changes of the next descriptor. `roots` is the new list with its threshold, None to keep the old one; `kinds`
    are those of units by id, where they are other than the last one says: the first form named none. `lost` are keys
    that the key store has no more: they verify what they have signed, and others sign in their place.
    """

    rotate: frozenset[Use] = frozenset()
    at_once: bool = False
    revoke: tuple[Revocation, ...] = ()
    roots: tuple[tuple[KeyRecord, ...], int] | None = None
    kinds: Mapping[str, UnitKind] = field(default_factory=dict)
    lost: frozenset[KeyId] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """The keys of one use: those that stay, and the windows that new keys fill."""

    kept: tuple[KeyRecord, ...]
    windows: tuple[tuple[int, int], ...]


def count_needed_keys(last: Descriptor, change: Change, now: int) -> Mapping[Use, int]:
    """Count the new keys of each use that ``next_descriptor`` takes."""
    return {use: len(row.windows) for use, row in _rows(last, change, now)[0].items()}


def next_descriptor(last: Descriptor, change: Change, new: Mapping[Use, Sequence[PublicKey]], now: int) -> bytes:
    """Build the payload of the version after `last`, issued `now`, to be signed by roots.

    `new` has the keys that ``count_needed_keys`` asks for. Raises RefusedError: clock when `last` was issued later than
    now, and invalid for anything that no peer would accept.
    """
    # Peers refuse a descriptor that is older than the one they hold, and the holders of roots would meet in vain.
    if now < last.issued:
        raise RefusedError(
            Code.CLOCK,
            "the descriptor held was issued later than now; nothing was made",
            hint="set the clock of this machine",
        )
    records: list[KeyRecord] = []
    rows, end = _rows(last, change, now)
    for use, row in rows.items():
        made = zip(row.windows, new.get(use, ()), strict=True)
        records += row.kept
        records += [KeyRecord(use=use, from_=start, until=until, public=key) for (start, until), key in made]
    roots, threshold = change.roots or (last.roots, last.threshold)
    return build_descriptor(
        name=last.name,
        issued=now,
        expires=end,
        roots=roots,
        threshold=threshold,
        keys=records,
        endpoints=last.endpoints,
        log=last.log,
        country=last.country,
        contact=last.contact,
        tls_spki=last.tls_spki,
        units=[replace(unit, kind=change.kinds.get(unit.id, unit.kind)) for unit in last.units],
        revoked=(*last.revoked, *change.revoke),
        suites=last.suites,
        node=last.node,
        version=last.version + 1,
        prev=last.hash,
    )


def _rows(last: Descriptor, change: Change, now: int) -> tuple[dict[Use, _Row], int]:
    """Find the keys of each use, and until when the new descriptor is valid.

    A use that is rotated, or whose last key ends soon, gets successors beside its present keys; otherwise only the
    times that a revoked, expired or lost key leaves open are filled.
    """
    revoked = {revocation.kid for revocation in change.revoke}
    # A key of the first form without its other half has no place in the second: its successor begins at once.
    listed = {use: [r for r in last.keys if r.use is use and r.until > now and r.is_whole] for use in USES}
    gone = revoked | {record.kid for record in last.keys if record.kid in change.lost and record.from_ > now}
    kept = {use: [r for r in records if r.kid not in gone] for use, records in listed.items()}
    signing = {
        use: [r for r in records if r.kid not in change.lost and not is_retired(r, last.keys, now)]
        for use, records in kept.items()
    }
    covered = {use: _covered_until(signing[use], now) for use in USES}
    staying = {use: covered[use] for use in USES if use is not Use.HTTP and kept[use] == listed[use]}
    # The descriptor expires with the first key that stays: one that ends soon would bring the next meeting forward.
    renewed = change.rotate | {use for use, until in staying.items() if until < now + RENEWED}
    end = min([now + LONGEST_LIFE, *(until for use, until in staying.items() if use not in renewed)])
    rows: dict[Use, _Row] = {}
    for use in USES:
        if use in renewed:
            start = now if change.at_once else max(now, min(now + OVERLAP, covered[use]))
            rows[use] = _Row(kept=_retired(kept[use], start), windows=_open_windows((), start, end, _LIFE[use]))
        else:
            rows[use] = _Row(kept=tuple(kept[use]), windows=_open_windows(signing[use], now, end, _LIFE[use]))
    return rows, end


def find_begun(chain: Sequence[Descriptor], now: int) -> list[KeyRecord]:
    """Find the keys of a chain that began while they were listed, by `now`. One that a later descriptor left out before
    its time has followed nobody.
    """
    ends = [*(later.issued for later in chain[1:]), now + 1]
    return [record for listed, end in zip(chain, ends, strict=True) for record in listed.keys if record.from_ < end]


def is_retired(record: KeyRecord, listed: Iterable[KeyRecord], now: int) -> bool:
    """Whether another key of the same use has begun since this one: then it only verifies what it has signed.

    `listed` has the keys beside which it was ever listed, those that were revoked since included (``find_begun``).
    """
    return any(other.use is record.use and record.from_ < other.from_ <= now for other in listed)


def _retired(kept: Sequence[KeyRecord], start: int) -> tuple[KeyRecord, ...]:
    """Keep the old keys listed for 14 days longer than they are used, and drop those that never began."""
    return tuple(replace(r, until=min(r.until, start + OVERLAP)) for r in kept if r.from_ <= start)


def _covered_until(kept: Collection[KeyRecord], now: int) -> int:
    """Find the time until which there is a key without a gap from now on."""
    at = now
    for record in sorted(kept, key=lambda found: found.from_):
        if record.from_ <= at:
            at = max(at, record.until)
    return at


def _open_windows(kept: Collection[KeyRecord], start: int, end: int, life: int) -> tuple[tuple[int, int], ...]:
    """Find the times from `start` to `end` that no record covers, in pieces of at most `life`."""
    windows: list[tuple[int, int]] = []
    at = start
    for record in sorted(kept, key=lambda found: found.from_):
        while at < record.from_:
            windows.append((at, min(at + life, record.from_)))
            at = windows[-1][1]
        at = max(at, record.until)
    while at < end:
        windows.append((at, at + life))
        at = windows[-1][1]
    return tuple(windows)


def build_descriptor(
    *,
    name: str,
    issued: int,
    expires: int,
    roots: Sequence[KeyRecord],
    threshold: int,
    keys: Sequence[KeyRecord],
    endpoints: Sequence[str],
    log: str,
    country: str,
    contact: str,
    tls_spki: Sequence[bytes],
    units: Sequence[Unit] = (),
    revoked: Sequence[Revocation] = (),
    suites: Sequence[str] = (SUITE,),
    node: NodeId | None = None,
    version: int = 1,
    prev: str | None = None,
) -> bytes:
    """Build the payload to be signed by roots. For version 1 leave out `node`, `version` and `prev`.

    Raises RefusedError(invalid) for whatever rule 1 would refuse.
    """
    payload = canon(
        {
            "type": SIGNED[DESCRIPTOR].payload,
            "node": node or node_id(roots, threshold),
            "name": name,
            "version": version,
            "prev": prev,
            "issued": issued,
            "expires": expires,
            "roots": [record.to_json() for record in roots],
            "threshold": threshold,
            "keys": [record.to_json() for record in keys],
            "endpoints": list(endpoints),
            "suites": list(suites),
            "log": log,
            "revoked": [revocation.to_json() for revocation in revoked],
            "country": country,
            "units": [unit.to_json() for unit in units],
            "contact": contact,
            "tls_spki": [b64u(pin) for pin in tls_spki],
        }
    )
    try:
        parse_descriptor(SignedDocument(payload=payload, payload_type=DESCRIPTOR, signatures=()))
    except RemoteError as exc:
        raise RefusedError(Code.INVALID, f"no valid descriptor: {exc.what}") from exc
    return payload


def sign_descriptor(payload: bytes, roots: Sequence[SigningKey]) -> SignedDocument:
    """Sign a payload by root keys: those of the document, and at a change of roots those of the version before too."""
    return sign_document(DESCRIPTOR, payload, roots)
