"""Before and without a signature: requests that are too long, and what each unsigned answer tells the sender."""

from __future__ import annotations

from gateway.errors import Code, RefusedError, TransientError
from gateway.federation.endpoints import JSON, Endpoint
from gateway.federation.wire import Raw


def check_length(row: Endpoint, body: bytes) -> None:
    """Raise RefusedError(too_large) for a body that the endpoint would not take: it is never sent."""
    if len(body) > row.request_limit:
        raise RefusedError(Code.TOO_LARGE, f"request to {row.path} is longer than {row.request_limit} bytes")


def body_of(raw: Raw) -> bytes:
    """Return the body of an unsigned answer with status 200. Raises TransientError for any other."""
    if raw.status != 200:
        raise translate_status(raw.status)
    if raw.content_type != JSON:
        raise TransientError(Code.REJECTED, "answer is not json")
    return raw.body


def require_taken(raw: Raw) -> None:
    """Return if a pushed document was taken (202), which says nothing of what becomes of it. Raises TransientError."""
    if raw.status != 202:
        raise translate_status(raw.status)


def has_signature(raw: Raw) -> bool:
    """Whether an answer claims to be signed; nothing of it is verified."""
    return any(name.lower() in (b"signature", b"signature-input") for name, _ in raw.fields)


def translate_status(status: int) -> TransientError:
    """Translate the status of an unsigned answer to the error that the sender raises: never a final one."""
    match status:
        case 403:
            return TransientError(Code.NOT_ACTIVE, "peer refused without a reason (403)")
        case 413:
            return TransientError(Code.TOO_LARGE, "peer calls the request too large (413)")
        case 429:
            return TransientError(Code.REJECTED, "peer asks to slow down (429)")
        case _ if status >= 500:
            return TransientError(Code.REJECTED, f"peer has a failure of its own ({status})")
        case 200 | 400 | 404 | 409:
            return TransientError(Code.BAD_SIGNATURE, f"answer is not signed ({status})")
        case _:
            return TransientError(Code.REJECTED, f"answer has an unexpected status ({status})")
