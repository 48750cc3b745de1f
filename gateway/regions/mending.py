"""What `trm region check --fix` mends: only what has one right answer. Everything else is for a person.

1  a mark of the byte order at the beginning of a file, and the line ends of another system
2  the spelling of a policy, which has exactly one
3  words that the program knows: copied as drafts, in the order of the alphabet. A file that was reviewed is a draft
   again where one was added, since nobody has read that one
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.regions.draft import format_words
from gateway.regions.files import PackFiles
from gateway.regions.texts import POLICIES, WORDS, find_drafts, list_missing
from schemas.codelists import ENGLISH
from schemas.labels import DRAFT
from schemas.reading import LANGUAGE, Log, parse_json
from schemas.region_pack.policies import format_policy, policy_at

_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mended:
    """A pack after mending, and what was done, a sentence for each with its place. `changed` are the new files."""

    pack: PackFiles
    changed: Mapping[str, bytes]
    done: tuple[str, ...]


def mend_pack(pack: PackFiles) -> Mended:
    """Mend what has one right answer; files that nothing was done to stay as they are."""
    files, done = dict(pack.files), list[str]()
    for path, data in pack.files.items():
        plain = data.removeprefix(_MARK).replace(b"\r\n", b"\n") if path.endswith((".json", ".md")) else data
        if plain != data:
            files[path] = plain
            done.append(f"{path}: lines end as everywhere, without a mark of the byte order")
    for path in sorted(path for path in files if path.startswith(POLICIES)):
        spelled = _spell(files[path])
        if spelled is not None and spelled != files[path]:
            files[path] = spelled
            done.append(f"{path}: in the one spelling of a policy; it says the same")
    for language in _languages(files):
        done += _add_words(PackFiles(name=pack.name, files=files), language, files)
    changed = {path: data for path, data in files.items() if pack.files.get(path) != data}
    return Mended(pack=PackFiles(name=pack.name, files=files), changed=changed, done=tuple(done))


def _spell(data: bytes) -> bytes | None:
    log: Log = []
    policy = policy_at(parse_json(data, "", log), log)
    return None if log else format_policy(policy).encode()


def _languages(files: Mapping[str, bytes]) -> list[str]:
    """The languages of the region other than English; none where its file cannot be read."""
    found = _parse(files.get("region.json", b"")).get("languages")
    listed = found if isinstance(found, list) else []
    return [one for one in listed if isinstance(one, str) and LANGUAGE.fullmatch(one) and one != ENGLISH]


def _add_words(pack: PackFiles, language: str, files: dict[str, bytes]) -> list[str]:
    path = f"{WORDS}{language}.json"
    held = _parse(files.get(path, b'{"texts": {}}')).get("texts")
    if not isinstance(held, dict) or not all(isinstance(text, str) for text in held.values()):
        return []  # its faults are for a person
    status = _parse(files[path]).get("status") if path in files else DRAFT
    added = find_drafts(list_missing(pack, language), language)
    if added:
        files[path] = format_words(language, DRAFT, {**held, **added})
        again = "; the file is a draft again" if status != DRAFT else ""
        return [f"{path}: {len(added)} text(s) of the program added as drafts{again}"]
    if isinstance(status, str) and list(held) != sorted(held):
        files[path] = format_words(language, status, held)
        return [f"{path}: in the order of the alphabet"]
    return []


def _parse(data: bytes) -> dict[str, Any]:
    try:
        found = json.loads(data)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
