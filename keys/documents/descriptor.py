"""Who a node is: the document that its roots sign (nrm1 2.13, 2.7).

Reading one applies rule 1 of nrm1 2.13: canonical, exact members, 1 <= threshold <= roots <= 9, every key valid, no kid
and no component key twice, no revoked kid listed. ``descriptor_chain`` applies the others.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import Final

from gateway.errors import Code, RemoteError
from gateway.foundation.ids import KeyId, NodeId, UnitId, UnitKind
from gateway.ports import Json
from keys.documents.fingerprint import compute_fingerprint, fingerprint_hash
from keys.documents.key_records import KeyRecord, Use
from keys.primitives.domains import DESCRIPTOR, DESCRIPTOR_1
from keys.primitives.encoding import (
    DAY,
    SKEW,
    Check,
    b64u,
    exact,
    h,
    is_code,
    is_count,
    is_hash,
    is_id,
    is_int,
    is_line,
    is_node,
    is_object,
    is_str,
    items,
    list_of,
    malformed,
    maybe_text,
    nullable,
    number,
    one_of,
    parse_payload,
    text,
    texts,
    unb64u,
)
from keys.primitives.hybrid_keys import PublicKey
from keys.primitives.sign import SignedDocument

DESCRIPTORS: Final = (DESCRIPTOR, DESCRIPTOR_1)
"""Both forms of a version: a chain may have begun in the first (nrm1 1.17)."""
LONGEST_LIFE: Final = 400 * DAY  # seconds from `issued` to `expires`
GATEWAY: Final = UnitId("gateway")  # the unit that every node has
_ENDPOINT: Final = (
    r"https://(?:[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]{2,45}\])(?::[1-9][0-9]{0,4})?"
)
_UNIT_ID: Final = r"[a-z0-9][a-z0-9-]{0,47}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """An organisation of this NRM that can have a key of its own."""

    id: UnitId
    name: str
    kind: UnitKind | None
    """None in the first form, which named none (nrm1 1.17)."""
    roles: tuple[str, ...] = ()

    def to_json(self) -> Json:
        """Return the member form `{id,name,kind,roles}`."""
        return {"id": self.id, "name": self.name, "kind": self.kind, "roles": list(self.roles)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Revocation:
    """A key that must never be accepted again: revoked `at`, not to be trusted from `since` on (Unix seconds)."""

    kid: KeyId
    at: int
    since: int
    reason: str

    def to_json(self) -> Json:
        """Return the member form `{kid,at,since,reason}`."""
        return {"kid": self.kid, "at": self.at, "since": self.since, "reason": self.reason}


@dataclass(frozen=True, slots=True, kw_only=True)
class Descriptor:
    """One version of who a node is. Holding one proves rule 1; only ``accept_descriptor`` proves the others.

    `hash` is H("desc", payload) as base64url, the form in which the next version and keysets name it.
    """

    node: NodeId
    name: str
    version: int
    prev: str | None
    issued: int
    expires: int
    roots: tuple[KeyRecord, ...]
    threshold: int
    keys: tuple[KeyRecord, ...]
    endpoints: tuple[str, ...]
    suites: tuple[str, ...]
    log: str
    revoked: tuple[Revocation, ...]
    country: str
    units: tuple[Unit, ...]
    contact: str
    tls_spki: tuple[bytes, ...]
    document: SignedDocument

    @property
    def hash(self) -> str:
        """H("desc", payload bytes), base64url."""
        return b64u(h("desc", self.document.payload))

    @property
    def is_first_form(self) -> bool:
        """Whether this version is of the form that nobody signs any more (nrm1 1.17)."""
        return self.document.payload_type == DESCRIPTOR_1

    @property
    def fingerprint_hash(self) -> bytes:
        """The hash that the digits encode; a QR code carries it whole."""
        return fingerprint_hash(self.node, self.roots, self.threshold)

    @property
    def fingerprint(self) -> str:
        """Six groups of five digits (nrm1 2.9)."""
        return compute_fingerprint(self.node, self.roots, self.threshold)

    @property
    def authority(self) -> str:
        """`host:port` of the first endpoint in lower case, the port left out exactly when it is 443 (nrm1 9.12)."""
        return self.endpoints[0].removeprefix("https://").lower().removesuffix(":443")

    @property
    def records(self) -> tuple[KeyRecord, ...]:
        """Every key record, roots first."""
        return (*self.roots, *self.keys)

    def key(self, kid: KeyId, use: Use | str) -> KeyRecord:
        """Return the record of `kid`, whatever the time.

        Raises RemoteError(revoked_key), or unknown_key for a kid that is not listed for `use`.
        """
        if any(revocation.kid == kid for revocation in self.revoked):
            raise RemoteError(Code.REVOKED_KEY, "key was revoked")
        for record in (*self.keys, *self.roots):
            if record.kid == kid and record.use == use:
                return record
        raise RemoteError(Code.UNKNOWN_KEY, f"no {use} key has this kid")

    def keys_of(self, use: Use | str, at: int) -> tuple[KeyRecord, ...]:
        """Return the records for `use` that are valid at `at`, Unix seconds; the one that began last comes last."""
        found = (record for record in (*self.keys, *self.roots) if record.use == use and record.valid_at(at))
        return tuple(sorted(found, key=lambda record: record.from_))

    @property
    def signs_from(self) -> int:
        """When the first of its signing keys becomes valid, Unix seconds."""
        return min((record.from_ for record in self.keys if record.use is Use.SIG), default=0)

    def signing_key(self, kid: KeyId, *, at: int, use: Use | str = Use.SIG) -> PublicKey:
        """The key for a signature made at `at` (Unix seconds, 300 s allowed at both ends; nrm1 2.7).

        Raises RemoteError(revoked_key), or unknown_key for a kid that is not listed, or not valid then.
        """
        record = self.key(kid, use)
        if not record.valid_at(at, skew=SKEW):
            raise RemoteError(Code.UNKNOWN_KEY, f"{use} key is not valid at that time")
        return record.public


def name_log(node: NodeId) -> str:
    """Name the log of a node, its origin in checkpoints (nrm1 2.11)."""
    return f"nrm1/{node}"


def is_own_log(log: str, node: NodeId) -> bool:
    """Whether `log` names the log of `node` and of no other; one of before keeps `NAME.NODE.trm` for its life."""
    return log == name_log(node) or log.endswith(f".{node}.trm")


# --- rule 1 ------------------------------------------------------------------------------------------------------


def parse_descriptor(document: SignedDocument) -> Descriptor:
    """Rule 1: shape and keys, no signatures. Raises RemoteError(wrong_type, malformed, bad_key, revoked_key)."""
    if document.payload_type not in DESCRIPTORS:
        raise RemoteError(Code.WRONG_TYPE, "document is no descriptor")
    member = exact(parse_payload(document.payload), {"type": document.is_type, **_DESCRIPTOR}, what="descriptor")
    first = document.payload_type == DESCRIPTOR_1
    descriptor = Descriptor(
        node=NodeId(text(member["node"])),
        name=text(member["name"]),
        version=number(member["version"]),
        prev=maybe_text(member["prev"]),
        issued=number(member["issued"]),
        expires=number(member["expires"]),
        roots=tuple(KeyRecord.from_json(item, first_form=first) for item in items(member["roots"])),
        threshold=number(member["threshold"]),
        keys=tuple(KeyRecord.from_json(item, first_form=first) for item in items(member["keys"])),
        endpoints=texts(member["endpoints"]),
        suites=texts(member["suites"]),
        log=text(member["log"]),
        revoked=tuple(_revocation(item) for item in items(member["revoked"])),
        country=text(member["country"]),
        units=tuple(_unit(item, first_form=first) for item in items(member["units"])),
        contact=text(member["contact"]),
        tls_spki=tuple(unb64u(item) for item in items(member["tls_spki"])),
        document=document,
    )
    _check_members(descriptor)
    _check_keys(descriptor)
    return descriptor


def _check_members(new: Descriptor) -> None:
    if not 0 < new.expires - new.issued <= LONGEST_LIFE:
        raise malformed("descriptor lives longer than 400 days, or not at all")
    if new.threshold > len(new.roots):
        raise malformed("threshold is higher than the number of roots")
    if any(int(port[1]) > 65_535 for endpoint in new.endpoints if (port := _PORT.search(endpoint))):
        raise malformed("endpoint has no valid port")
    if len({unit.id for unit in new.units} | {GATEWAY}) != len(new.units) + 1:
        raise malformed("a unit occurs twice or is called gateway")
    if len({revocation.kid for revocation in new.revoked}) != len(new.revoked):
        raise malformed("a key is revoked twice")
    if not all(revocation.since <= revocation.at <= new.issued + SKEW for revocation in new.revoked):
        raise malformed("a key is revoked in the future, or not to be trusted only from then on")
    if not is_own_log(new.log, new.node):
        raise malformed("log is not named after the node")


def _check_keys(new: Descriptor) -> None:
    if any(record.use is not Use.ROOT for record in new.roots) or any(record.use is Use.ROOT for record in new.keys):
        raise RemoteError(Code.BAD_KEY, "root keys are in roots and nowhere else")
    records = new.records
    # By component, since a kid covers both halves: one Ed25519 key under two kids would have two uses.
    components = Counter(part for record in records for part in record.public.components)
    if max(components.values()) > 1:
        raise RemoteError(Code.BAD_KEY, "one key has two uses")
    revoked = {revocation.kid for revocation in new.revoked}
    if any(record.kid in revoked for record in records):
        raise RemoteError(Code.REVOKED_KEY, "a revoked key is listed")


def _unit(value: Json, *, first_form: bool) -> Unit:
    member = exact(value, _UNIT if first_form else _UNIT | {"kind": one_of(*UnitKind)}, what="unit")
    kind = None if first_form else UnitKind(text(member["kind"]))
    return Unit(id=UnitId(text(member["id"])), name=text(member["name"]), kind=kind, roles=texts(member["roles"]))


def _revocation(value: Json) -> Revocation:
    member = exact(value, _REVOCATION, what="revocation")
    return Revocation(
        kid=KeyId(text(member["kid"])),
        at=number(member["at"]),
        since=number(member["since"]),
        reason=text(member["reason"]),
    )


_PORT: Final = re.compile(r":([0-9]+)\Z")
_UNIT: Final[dict[str, Check]] = {
    "id": is_str(_UNIT_ID, 48),
    "name": is_line(1, 200),
    "roles": list_of(is_code, 0, 32, distinct=True),
}
_REVOCATION: Final[dict[str, Check]] = {"kid": is_id, "at": is_int(), "since": is_int(), "reason": is_code}
_DESCRIPTOR: Final[dict[str, Check]] = {
    "node": is_node,
    "name": is_line(1, 100),
    "version": is_count,
    "prev": nullable(is_hash),
    "issued": is_int(),
    "expires": is_int(),
    "roots": list_of(is_object, 1, 9),
    "threshold": is_int(1, 9),
    "keys": list_of(is_object, 0, 64),
    "endpoints": list_of(is_str(_ENDPOINT, 300), 1, 8, distinct=True),
    "suites": list_of(is_str(r"nrm[1-9][0-9]{0,3}", 7), 1, 8, distinct=True),
    "log": is_str(r"[!-*,-~]{1,200}", 200),  # printable, no space and no plus: C2SP tlog-checkpoint
    "revoked": list_of(is_object, 0, 1000),
    "country": is_str(r"[A-Z]{2}|[a-z][a-z0-9-]{2,31}", 32),
    "units": list_of(is_object, 0, 200),
    "contact": is_line(0, 300),
    "tls_spki": list_of(is_hash, 1, 8, distinct=True),
}
