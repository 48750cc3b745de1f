"""Who acts, as a reference that may travel and as a hash that tells two people apart; no name leaves the node."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

_REFERENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}")  # the leaf type "ref" of schemas/fragments/types.json


def author_ref(by: str, keyed: Callable[[bytes], bytes]) -> str:
    """Who wrote, for a header: `by` where it is a reference; of a name only its keyed hash, since no name travels."""
    return by if _REFERENCE.fullmatch(by) else keyed(by.encode()).hex()


def person(by: str, keyed: Callable[[bytes], bytes]) -> bytes:
    """Who acts, to tell two people apart: the same however the name is spaced and in whatever case it is typed."""
    return keyed(" ".join(unicodedata.normalize("NFKC", by).casefold().split()).encode())
