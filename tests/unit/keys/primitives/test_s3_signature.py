"""Requests to a server of S3 are signed as AWS publishes it, and as its own client does."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from keys.primitives.s3_signature import query_text, sign_get

ID, SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
AT = datetime(2013, 5, 24, tzinfo=UTC)
"""The key and the time of the examples in "Authenticating Requests: Using the Authorization Header" (Amazon S3)."""


@pytest.mark.parametrize(
    ("query", "signature"),
    [
        ({"lifecycle": ""}, "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
        ({"prefix": "J", "max-keys": "2"}, "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"),
    ],
)
def test_the_published_examples(query: dict[str, str], signature: str) -> None:
    """The signatures that AWS prints."""
    url = "https://examplebucket.s3.amazonaws.com/"
    headers = sign_get(url, query, region="us-east-1", id=ID, secret=SECRET, token=None, at=AT)
    assert headers["Authorization"].endswith(
        f"SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature={signature}"
    )


@pytest.mark.parametrize("token", [None, "a+token/="])
def test_the_client_of_aws_signs_alike(token: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """An independent implementation, with a port, a path, a token and a query that needs quoting."""
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda: AT.replace(tzinfo=None))
    url, query = "https://minio.example:9000/bucket", {"versions": "", "prefix": "a/b c~", "max-keys": "5"}
    ours = sign_get(url, query, region="eu-west-3", id=ID, secret=SECRET, token=token, at=AT)
    request = AWSRequest("GET", f"{url}?{query_text(query)}")
    S3SigV4Auth(Credentials(ID, SECRET, token), "s3", "eu-west-3").add_auth(request)
    assert ours["Authorization"] == request.headers["Authorization"]
