"""What changes for a node when a pack takes the place of another one, in sentences.

No pack changes what was said: messages keep their version, states come from the messages, and the policy in force is
the one that two administrators signed.
"""

from __future__ import annotations

from collections.abc import Iterator

from gateway.regions.files import PackFiles
from schemas.region_pack.regions import Region


def describe_changes(before: PackFiles, after: PackFiles) -> tuple[str, ...]:
    """Say what changes at the next start of the node, a sentence for each file or kind of file."""
    old, new = before.read(), after.read()
    changed = sorted(path for path in {*before.files, *after.files} if before.files.get(path) != after.files.get(path))
    return (*_countries(old, new), *_files(changed))


def _countries(old: Region, new: Region) -> Iterator[str]:
    for verb, codes in (
        ("comes", new.countries.keys() - old.countries.keys()),
        ("goes", old.countries.keys() - new.countries.keys()),
    ):
        for code in sorted(codes):
            yield f"country {code} {verb}"


def _files(changed: list[str]) -> Iterator[str]:
    for path in changed:
        kind, _, name = path.partition("/")
        stem = name.removesuffix(".json")
        match kind:
            case "calendars" if name.endswith(".json"):
                yield f"calendar of {stem}: deadlines in working days are counted anew, also of open conversations"
            case "procedures":
                yield f"stage {stem}: its steps are shown so for open conversations too; no state of theirs changes"
            case "policies":
                yield f"policy {stem}: nothing before two administrators adopt it (trm policy adopt)"
            case "statistics.json":
                yield "published tables: from the next release on; what was released stays"
            case "national":
                yield f"facts of {stem}: shown from the next start on"
    if any(path.startswith(("guidance/", "words/")) for path in changed):
        yield "guidance and words: shown from the next start on"
