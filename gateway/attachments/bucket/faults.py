"""What a server of S3 says when it refuses, in words that name the way out.

Servers agree on the codes of AWS; what stands beside them is never repeated, since nobody knows what it holds.
"""

from __future__ import annotations

from collections.abc import Iterator

from gateway.errors import Code, TransientError

LONGEST_CODE = 64
RIGHTS = "s3:PutObject, s3:GetObject, s3:DeleteObject and s3:ListBucket"

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


def list_elements(said: str, name: str) -> Iterator[str]:
    """What stands in each element of this name, which holds none of the same: what a server answers is looked through
    for a few words, and never parsed as a document.
    """
    for behind in said.split(f"<{name}>")[1:]:
        yield behind.partition(f"</{name}>")[0]


def find_code(said: str) -> str | None:
    """The code in what a server said."""
    found = next(list_elements(said, "Code"), "")
    return found if found.isalnum() and len(found) <= LONGEST_CODE else None


def _find_status(said: str) -> str | None:
    found = said.partition("status code: ")[2][:3]
    return found if found.isdigit() else None


def explain(said: str) -> TransientError:
    """The error for what the client says of a request that did not work; it repeats nothing but a code of S3."""
    code = find_code(said)
    if code in _WORDS:
        what, hint = _WORDS[code]
    elif told := code or _find_status(said):
        what, hint = f"the server of the bucket refuses: {told}", "look at its log"
    elif "certificate" in said.lower() or "UnknownIssuer" in said:
        what, hint = _CERTIFICATE
    elif _UNSENT in said:
        what, hint = _AWAY
    else:
        what, hint = _STRANGE
    return TransientError(Code.DISK, what, hint=hint)
