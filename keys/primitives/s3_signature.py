"""Signing a request to a server of S3 that has no body (AWS Signature Version 4, in the Authorization header).

Objects are reached by a client that signs for itself; this is for what it does not ask: how the bucket is set up.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from urllib.parse import quote, urlsplit

_EMPTY = sha256(b"").hexdigest()
_ALGORITHM = "AWS4-HMAC-SHA256"


def query_text(query: Mapping[str, str]) -> str:
    """The query as it is signed, and as it has to be sent: sorted, everything quoted but what is unreserved."""
    pairs = sorted((quote(name, safe="-_.~"), quote(value, safe="-_.~")) for name, value in query.items())
    return "&".join(f"{name}={value}" for name, value in pairs)


def sign_get(
    url: str, query: Mapping[str, str], *, region: str, id: str, secret: str, token: str | None, at: datetime
) -> dict[str, str]:
    """Headers of a GET of `url` with `query`, signed by an access key at `at`, which is in UTC. The path of `url` needs
    no quoting.
    """
    place, stamp = urlsplit(url), at.strftime("%Y%m%dT%H%M%SZ")
    headers = {"host": place.netloc, "x-amz-content-sha256": _EMPTY, "x-amz-date": stamp}
    if token is not None:
        headers["x-amz-security-token"] = token
    names = ";".join(sorted(headers))
    listed = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
    canonical = "\n".join(["GET", place.path or "/", query_text(query), listed, names, _EMPTY])
    scope = f"{stamp[:8]}/{region}/s3/aws4_request"
    text = "\n".join([_ALGORITHM, stamp, scope, sha256(canonical.encode()).hexdigest()])
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = _mac(key, part)
    headers["Authorization"] = (
        f"{_ALGORITHM} Credential={id}/{scope}, SignedHeaders={names}, Signature={_mac(key, text).hex()}"
    )
    return headers


def _mac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")
