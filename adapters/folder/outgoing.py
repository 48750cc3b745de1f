"""From the office to the node, in three moves that each survive a kill before, in and after them.

1. claim   outgoing/a.json -> claimed/a.json by rename, so that a newer a.json can be dropped without mixing the two
2. read    claimed/a.json becomes a LocalRecord, again and again until it is settled
3. settle  claimed/a.json -> taken/a.json, or the reasons are written and then claimed/a.json -> refused/a.json

A name whose file was taken is used up: a second file of that name is refused (`name_used`), not mistaken for the first.
"""

from __future__ import annotations

from pathlib import Path

from adapters.folder.places import CLAIMED, OUTGOING, REFUSED, TAKEN
from adapters.kit.files import Entry, Folder, NotPlainError, TooLargeError
from adapters.kit.items import findings_to_json
from adapters.kit.names import is_plain, numbered
from adapters.kit.strict_json import read_json, write_json
from gateway.errors import Code, Finding, RefusedError
from gateway.ports import LocalRecord, Notice, NoticeKind

ERRORS_FORMAT = "trm-errors/1"

_SUFFIX = ".json"
_UNFINISHED = (".tmp", ".part")
_UNNAMED = "~unnamed-"
_AGAIN = "~again-"
# "~" begins no plain name, so the office cannot drop a file that looks renamed by us.

_NAME_FAULTS = {
    _UNNAMED: Finding(
        place="", rule="bad_name", hint="name files with letters, digits, dot, hyphen, underscore; nothing about a case"
    ),
    _AGAIN: Finding(place="", rule="name_used", hint="a file of this name was taken before; use a new name"),
}


def claim_drafts(root: Path) -> None:
    """Move every finished draft from outgoing to claimed; what is not a plain `.json` file stays where it is."""
    with Folder(root / OUTGOING) as outgoing, Folder(root / CLAIMED) as claimed, Folder(root / TAKEN) as taken:
        for name in outgoing.names():
            entry = outgoing.entry(name) if _finished(name) else None
            if entry is None or not entry.plain:
                continue
            new = _claimed_name(entry, taken)
            # A rename replaces what is there: a draft that is still being judged must not change under the node.
            if not claimed.has(new):
                outgoing.move(name, claimed, new)


def read_drafts(root: Path, *, limit: int, batch: int) -> list[LocalRecord]:
    """Read the first `batch` claimed drafts, in the order of their names."""
    with Folder(root / CLAIMED) as claimed:
        names = [name for name in claimed.names() if _finished(name)]
        return [_record(claimed, name, limit) for name in names[:batch]]


def settle_draft(root: Path, ref: str, notice: Notice) -> None:
    """Move the draft to the folder of its outcome. Doing it twice has the effect of doing it once."""
    name = _name_of(ref)
    with Folder(root / CLAIMED) as claimed, Folder(root / TAKEN) as taken, Folder(root / REFUSED) as refused:
        if not claimed.has(name):
            if taken.has(name) or refused.has(name):
                return
            raise RefusedError(Code.NOT_FOUND, "no such draft in the drop folder")
        if notice.kind is NoticeKind.DRAFTED:
            claimed.move(name, taken, _free(taken, name))
        else:
            new = _free(refused, name)
            # The reasons first: a refused draft without reasons would leave the office guessing after a kill.
            refused.write(f"{new.removesuffix(_SUFFIX)}.errors.json", _reasons(new, notice))
            claimed.move(name, refused, new)


def count_strangers(root: Path) -> int:
    """Count the entries of outgoing that are neither drafts nor being written: links, folders, pipes, other files."""
    with Folder(root / OUTGOING) as outgoing:
        entries = [outgoing.entry(name) for name in outgoing.names() if not _unfinished(name)]
    return sum(1 for entry in entries if entry and not (entry.plain and entry.name.endswith(_SUFFIX)))


def _unfinished(name: str) -> bool:
    return name.startswith(".") or name.endswith(_UNFINISHED)


def _finished(name: str) -> bool:
    return name.endswith(_SUFFIX) and not _unfinished(name)


def _claimed_name(entry: Entry, taken: Folder) -> str:
    """Return the name under which a draft is claimed; a replaced name is made from what a rename leaves unchanged."""
    stem = entry.name.removesuffix(_SUFFIX)
    if not is_plain(stem) or stem.endswith(".errors"):
        return f"{_UNNAMED}{entry.inode:x}-{entry.changed:x}{_SUFFIX}"
    if taken.has(entry.name):
        return f"{_AGAIN}{entry.inode:x}-{entry.changed:x}{_SUFFIX}"
    return entry.name


def _record(claimed: Folder, name: str, limit: int) -> LocalRecord:
    ref = name.removesuffix(_SUFFIX)
    for mark, fault in _NAME_FAULTS.items():
        if ref.startswith(mark):
            return LocalRecord(ref=ref, fields={}, faults=(fault,))
    try:
        data = claimed.read(name, limit)
    except TooLargeError:
        return LocalRecord(ref=ref, fields={}, faults=(_fault("too_large", f"at most {limit} bytes"),))
    except NotPlainError:
        return LocalRecord(ref=ref, fields={}, faults=(_fault("not_a_file", "a link or a special file"),))
    except PermissionError:
        return LocalRecord(ref=ref, fields={}, faults=(_fault("not_readable", "give the gateway the right to"),))
    value, faults = read_json(data, limit=limit)
    if not faults and not isinstance(value, dict):
        faults = (_fault("not_an_object", "a draft is one JSON object"),)
    fields = value if isinstance(value, dict) and not faults else {}
    return LocalRecord(ref=ref, fields=fields, places={"": f"file {name}"}, faults=faults)


def _fault(rule: str, hint: str) -> Finding:
    return Finding(place="", rule=rule, hint=hint)


def _name_of(ref: str) -> str:
    replaced = ref.startswith((_UNNAMED, _AGAIN))
    if not is_plain(ref[1:] if replaced else ref):
        raise RefusedError(Code.NOT_FOUND, "no such draft in the drop folder")
    return ref + _SUFFIX


def _free(folder: Folder, name: str) -> str:
    number = 1
    while folder.has(numbered(name, number)):
        number += 1
    return numbered(name, number)


def _reasons(name: str, notice: Notice) -> bytes:
    return write_json(
        {
            "format": ERRORS_FORMAT,
            "file": name,
            "kind": str(notice.kind),
            "code": None if notice.code is None else str(notice.code),
            "findings": findings_to_json(notice.findings),
        }
    )
