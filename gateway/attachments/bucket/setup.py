"""How a bucket is set up, as far as it decides what becomes of ciphertext: versions that it keeps, rules by which it
removes or archives. The client of objects does not ask this, so it is asked here, by signed requests that change
nothing.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

from gateway.attachments.bucket.credentials import AccessKey, read_access_key
from gateway.attachments.bucket.faults import list_elements
from gateway.foundation.config import AttachmentsSection
from keys.primitives.s3_signature import query_text, sign_get

SECONDS = 15.0
LONGEST = 1024 * 1024
COUNTED = 500
"""Old versions that are counted; where there are more it is said so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Versions:
    """Versions that a bucket keeps of what is removed: whether it does so now, for how many days (None for ever), and
    how many it has below the prefix; `more` says that not all were counted.
    """

    kept: bool
    days: int | None
    old: int
    more: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What was told; None where the key may not ask. `removes` says that a rule takes objects of the prefix away."""

    versions: Versions | None
    removes: bool | None


def read_setup(section: AttachmentsSection, *, at: datetime) -> Setup:
    """Ask the bucket; `at` is now, in UTC. Raises RefusedError as `read_access_key`."""
    if section.url is None or section.credentials_file is None:
        raise RuntimeError("a bucket has a url and a file with its key")
    key, prefix = read_access_key(section.credentials_file), urlsplit(section.url).path.strip("/")
    prefix = f"{prefix}/" if prefix else ""
    ask = _Asking(section, key, at)
    try:
        status, said = ask.get({"lifecycle": ""})
        rules = None if status not in (200, 404) else _rules(said if status == 200 else "", prefix)
        versions = _read_versions(ask, prefix, rules)
    except (HTTPException, OSError, UnicodeDecodeError):
        return Setup(versions=None, removes=None)
    removes = None if rules is None else any(map(_removes, rules))
    return Setup(versions=versions, removes=removes)


def _read_versions(ask: _Asking, prefix: str, rules: Sequence[str] | None) -> Versions | None:
    status, said = ask.get({"versioning": ""})
    if status != 200:
        return None
    if "<Status>" not in said:
        return Versions(kept=False, days=None, old=0, more=False)
    status, listed = ask.get({"versions": "", "prefix": prefix, "max-keys": str(COUNTED)})
    if status != 200:
        return None
    days = [int(found) for rule in rules or () for found in _days_kept(rule) if found.isdecimal()]
    return Versions(
        kept="<Status>Enabled</Status>" in said,
        days=min(days, default=None),
        old=listed.count("<IsLatest>false</IsLatest>"),
        more="<IsTruncated>true</IsTruncated>" in listed,
    )


def _rules(said: str, prefix: str) -> Sequence[str]:
    """The rules in force that are for objects of the prefix, which have no tags."""
    return [
        rule
        for rule in list_elements(said, "Rule")
        if "<Status>Enabled</Status>" in rule and "<Tag>" not in rule and _meet(_prefix_of(rule), prefix)
    ]


def _prefix_of(rule: str) -> str:
    return next(list_elements(rule, "Prefix"), "")


def _removes(rule: str) -> bool:
    """Whether it removes or archives objects, and not only old versions or what marks a removal."""
    ends = list_elements(rule, "Expiration")
    return "<Transition>" in rule or any("<Days>" in end or "<Date>" in end for end in ends)


def _days_kept(rule: str) -> Iterator[str]:
    for end in list_elements(rule, "NoncurrentVersionExpiration"):
        yield from list_elements(end, "NoncurrentDays")


def _meet(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one)


class _Asking:
    """Signed requests about one bucket."""

    def __init__(self, section: AttachmentsSection, key: AccessKey, at: datetime) -> None:
        bucket = urlsplit(section.url or "").netloc
        of_aws = f"https://{bucket}.s3.{section.region}.amazonaws.com/"
        self._url = of_aws if section.endpoint is None else f"{section.endpoint}/{bucket}"
        self._region = section.region
        self._key = key
        self._at = at
        self._tls = ssl.create_default_context()
        if section.ca_file is not None:
            self._tls.load_verify_locations(section.ca_file)

    def get(self, query: Mapping[str, str]) -> tuple[int, str]:
        """Status and text of an answer, as much of it as is looked at. No redirect is followed."""
        key, url = self._key, urlsplit(self._url)
        signed = sign_get(
            self._url, query, region=self._region, id=key.id, secret=key.secret, token=key.token, at=self._at
        )
        connection = (
            HTTPSConnection(url.netloc, timeout=SECONDS, context=self._tls)
            if url.scheme == "https"
            else HTTPConnection(url.netloc, timeout=SECONDS)
        )
        with closing(connection):
            connection.request("GET", f"{url.path}?{query_text(query)}", headers=signed)
            answer = connection.getresponse()
            return answer.status, answer.read(LONGEST).decode()
