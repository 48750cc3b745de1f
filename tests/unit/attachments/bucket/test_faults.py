"""What a server of S3 refuses is told in words that name the way out, and without what it said."""

from __future__ import annotations

import pytest

from gateway.attachments.bucket.faults import explain, find_code
from gateway.errors import Code

REFUSED = "Generic S3 error: Server returned non-2xx status code: 403 Forbidden: <Error><Code>{}</Code><Message>m4rk"


@pytest.mark.parametrize(
    ("code", "word", "way"),
    [
        ("RequestTimeTooSkewed", "15 minutes", "set the clock"),
        ("InvalidAccessKeyId", "access key", "credentials_file"),
        ("SignatureDoesNotMatch", "access key", "credentials_file"),
        ("ExpiredToken", "has ended", "credentials_file"),
        ("AccessDenied", "lacks a right", "s3:DeleteObject"),
        ("NoSuchBucket", "no such bucket", "attachments.url"),
        ("PermanentRedirect", "another region", "attachments.region"),
        ("XMinioStorageFull", "full", "room"),
        ("SlowDown", "pause", "by itself"),
        ("KeepOut", "refuses: KeepOut", "its log"),
    ],
)
def test_codes_of_s3(code: str, word: str, way: str) -> None:
    """Each has its words."""
    said = REFUSED.format(code)
    error = explain(said)
    assert (find_code(said), error.code) == (code, Code.DISK)
    assert word in error.what and way in error.hint
    assert "m4rk" not in error.what + error.hint


@pytest.mark.parametrize(
    ("said", "word"),
    [
        ("Server returned non-2xx status code: 507 Insufficient Storage: m4rk", "refuses: 507"),
        ("HTTP error: error sending request: invalid peer certificate: UnknownIssuer", "certificate"),
        ("HTTP error: error sending request: tcp connect error", "does not answer"),
        ("HTTP error: operation timed out", "does not answer"),
        ("Got invalid list response: m4rk", "no server of S3"),
    ],
)
def test_what_has_no_code(said: str, word: str) -> None:
    """A status, a certificate, or nobody there."""
    assert word in explain(said).what
    assert "m4rk" not in explain(said).what
