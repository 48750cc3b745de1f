"""Build the payload of a descriptor, and sign it by roots (nrm1 2.13)."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.errors import Code, RefusedError, RemoteError
from gateway.foundation.ids import NodeId
from keys.documents.descriptor import Revocation, Unit, parse_descriptor
from keys.documents.fingerprint import node_id
from keys.documents.key_records import KeyRecord
from keys.primitives.encoding import (
    b64u,
    canon,
)
from keys.primitives.seal import SUITE
from keys.primitives.sign import (
    DESCRIPTOR,
    SignedDocument,
    SigningKey,
    sign_document,
)


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
            "type": "nrm.descriptor/1",
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
