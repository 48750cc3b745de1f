"""The section of node.toml that names a bucket: what it takes, and that it holds no key."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from gateway.errors import Code, RefusedError
from gateway.foundation.config import AttachmentsSection, read_attachments

KEY = {"credentials_file": Path("/etc/trm/bucket.key")}


@pytest.mark.parametrize("url", ["s3://trm-fr", "s3://trm-fr/", "s3://trm.fr/files", "s3://trm-fr/a/B_c-9/"])
@pytest.mark.parametrize(
    "endpoint", ["https://minio.example.fr:9000", "https://s3.example.fr", "http://127.0.0.1:9000", "http://[::1]:9000"]
)
def test_what_is_taken(url: str, endpoint: str) -> None:
    """A bucket with or without a prefix, on a server with TLS or of this machine."""
    assert AttachmentsSection(url=url, endpoint=endpoint, **KEY).url == url


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "s3://key:secret@trm-fr"},
        {"url": "s3://trm-fr/../al"},
        {"url": "s3://trm-fr/a?versions"},
        {"url": "https://trm-fr.s3.amazonaws.com"},
        {"endpoint": "http://minio.example.fr:9000"},
        {"endpoint": "https://key:secret@minio.example.fr"},
        {"endpoint": "https://minio.example.fr/path"},
        {"region": "EU West"},
        {"credentials_file": None},
        {"secret": "s3cret"},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_what_is_not(wrong: dict[str, str]) -> None:
    """No key in an address, no way out of the prefix, no server elsewhere without TLS, nothing unknown."""
    with pytest.raises(ValidationError) as caught:
        AttachmentsSection.model_validate({"url": "s3://trm-fr/fr", **KEY, **wrong})
    assert "s3cret" not in str(caught.value)


def test_what_belongs_to_a_bucket_needs_one() -> None:
    """Else somebody believes that files are there."""
    with pytest.raises(ValidationError, match="belong to a url"):
        AttachmentsSection(region="eu-west-3")


def test_the_words_of_the_verb() -> None:
    """`trm attachment move` says how an address looks."""
    with pytest.raises(RefusedError, match="access key is missing") as caught:
        read_attachments("s3://trm-fr", endpoint=None, region=None, credentials_file=None, ca_file=None)
    assert caught.value.code is Code.INVALID
    folder = read_attachments(None, endpoint=None, region=None, credentials_file=None, ca_file=None)
    assert folder == AttachmentsSection()
