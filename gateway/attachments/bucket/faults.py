"""What a server of S3 says when it refuses, in words that name the way out.

Servers agree on the codes of AWS; what stands beside them is never repeated, since nobody knows what it holds.
"""

from __future__ import annotations

import re

from gateway.errors import Code, TransientError

RIGHTS = "s3:PutObject, s3:GetObject, s3:DeleteObject and s3:ListBucket"
_CODE = re.compile(r"<Code>(\w{1,64})</Code>")
_STATUS = re.compile(r"status code: (\d{3})")

_CLOCK = (
    "the clock of this machine differs from that of the bucket's server by more than 15 minutes",
    "set the clock of this machine",
)
_KEY = ("the server does not accept the access key of the bucket", "look at attachments.credentials_file")
_ENDED = ("the access key of the bucket has ended", "write a new one into attachments.credentials_file")
_RIGHTS = ("the access key of the bucket lacks a right", f"grant {RIGHTS} on the bucket and its prefix")
_REGION = ("the bucket is in another region", "look at attachments.region and attachments.endpoint of node.toml")
_FULL = ("the bucket is full", "make room there, or raise its quota")
_BUSY = ("the server of the bucket asks for a pause", "nothing: the node goes on by itself")
_WORDS = {
    "RequestTimeTooSkewed": _CLOCK,
    "RequestExpired": _CLOCK,
    "InvalidAccessKeyId": _KEY,
    "SignatureDoesNotMatch": _KEY,
    "InvalidToken": _ENDED,
    "ExpiredToken": _ENDED,
    "AccessDenied": _RIGHTS,
    "AllAccessDisabled": _RIGHTS,
    "AccountProblem": _RIGHTS,
    "NoSuchBucket": ("there is no such bucket", "make it, or look at attachments.url of node.toml"),
    "PermanentRedirect": _REGION,
    "AuthorizationHeaderMalformed": _REGION,
    "QuotaExceeded": _FULL,
    "XMinioStorageFull": _FULL,
    "SlowDown": _BUSY,
    "ServiceUnavailable": _BUSY,
}
_CERTIFICATE = ("the certificate of the bucket's server is not trusted", "look at attachments.ca_file of node.toml")
_STRANGE = ("what answers is no server of S3, or one that was cut off", "look at attachments.endpoint of node.toml")
_UNSENT = "HTTP error: "
"""Before what the client says of a request that got no answer."""
_AWAY = (
    "the server of the bucket does not answer",
    "look at the server and the way to it; the node goes on by itself when it is back",
)


def find_code(said: str) -> str | None:
    """The code in what a server said."""
    found = _CODE.search(said)
    return found[1] if found else None


def explain(said: str) -> TransientError:
    """The error for what the client says of a request that did not work; it repeats nothing but a code of S3."""
    code, status = find_code(said), _STATUS.search(said)
    if code in _WORDS:
        what, hint = _WORDS[code]
    elif code is not None or status is not None:
        told = code or (status and status[1])
        what, hint = f"the server of the bucket refuses: {told}", "look at its log"
    elif "certificate" in said.lower() or "UnknownIssuer" in said:
        what, hint = _CERTIFICATE
    elif _UNSENT in said:
        what, hint = _AWAY
    else:
        what, hint = _STRANGE
    return TransientError(Code.DISK, what, hint=hint)
