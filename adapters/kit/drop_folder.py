"""The drop-folder protocol, apart from the disk or the server that it lies on: names, drafts and documents."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from adapters.kit.items import findings_to_json
from adapters.kit.names import is_plain, numbered
from adapters.kit.strict_json import LIMIT, read_json, write_json
from gateway.errors import Code, Finding, RefusedError
from gateway.ports import Erasure, Json, LocalFile, LocalRecord, Notice, NoticeKind

OUTGOING = "outgoing"
"""The office puts drafts here, by rename; the adapter only moves them away."""
CLAIMED = "claimed"
"""Drafts the node has read and not yet judged. Only the adapter writes here, and in all that follow."""
TAKEN = "taken"
"""Drafts that became drafts of the node, as they were."""
REFUSED = "refused"
"""Drafts that did not, each with the reasons beside it."""
INCOMING = "incoming"
"""Received messages; the office may take them away."""
NOTICES = "notices"
"""News about the office's drafts; the office may take them away."""
ERASED = "erased"
"""One small file for each message that must be gone, naming it and not repeating it."""

SUFFIX = ".json"
FILES = "attachments"
"""The member of a draft that lists its files."""
_FILE = re.compile(r"(?P<stem>.{1,255})\.(?P<end>(?P<number>[0-9])\.(?!(?:json|tmp|part)$)[a-z0-9]{1,8})")
"""A file of a document: its name without `.json`, a dot, and the number and type of the file."""
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


def is_unfinished(name: str) -> bool:
    """Whether the office is still writing the file."""
    return name.startswith(".") or name.endswith(_UNFINISHED)


def is_draft(name: str) -> bool:
    """Whether the name is that of a finished draft."""
    return name.endswith(SUFFIX) and not is_unfinished(name)


def claimed_name(name: str, mark: str, *, taken: bool) -> str:
    """Name a claimed draft; a replaced name is made of `mark`, which a rename leaves unchanged.

    A name whose file was `taken` is used up: a second file of that name is refused, not mistaken for the first.
    """
    stem = name.removesuffix(SUFFIX)
    if not is_plain(stem) or stem.endswith(".errors"):
        return f"{_UNNAMED}{mark}{SUFFIX}"
    return f"{_AGAIN}{mark}{SUFFIX}" if taken else name


def draft_name(ref: str) -> str:
    """Return the file name of a draft by its ref. Raises RefusedError(not_found) for one that no draft can have."""
    if not is_plain(ref[1:] if ref.startswith((_UNNAMED, _AGAIN)) else ref):
        raise RefusedError(Code.NOT_FOUND, "no such draft in the drop folder")
    return ref + SUFFIX


def name_fault(name: str) -> Finding | None:
    """Return the fault of a draft whose name was replaced."""
    return next((fault for mark, fault in _NAME_FAULTS.items() if name.startswith(mark)), None)


def faulty_record(name: str, fault: Finding) -> LocalRecord:
    """Make the record of a draft that is not read."""
    return LocalRecord(ref=name.removesuffix(SUFFIX), fields={}, faults=(fault,))


def read_draft(name: str, data: bytes, limit: int = LIMIT) -> LocalRecord:
    """Read the content of a draft as a record, with its faults."""
    value, faults = read_json(data, limit=limit)
    if not faults and not isinstance(value, dict):
        faults = (Finding(place="", rule="not_an_object", hint="a draft is one JSON object"),)
    fields = value if isinstance(value, dict) and not faults else {}
    return LocalRecord(ref=name.removesuffix(SUFFIX), fields=fields, places={"": f"file {name}"}, faults=faults)


def reasons_file(name: str, notice: Notice) -> tuple[str, bytes]:
    """Make the file beside a refused draft that tells the office why: its name and its content."""
    document = write_json(
        {
            "format": "trm-errors/1",
            "file": name,
            "kind": str(notice.kind),
            "code": None if notice.code is None else str(notice.code),
            "findings": findings_to_json(notice.findings),
        }
    )
    return f"{name.removesuffix(SUFFIX)}.errors{SUFFIX}", document


def is_copy_of(held: str, name: str) -> bool:
    """Whether a file has this name, or the name with a number that was free."""
    number = held.removesuffix(SUFFIX).rpartition(".")[2]
    return held == name or (
        number.isascii() and number.isdigit() and len(number) < 10 and held == numbered(name, int(number))
    )


def is_news_of(held: str, draft: str) -> bool:
    """Whether a file in `notices` is news about this draft: such a file is named after it."""
    ref = draft.removesuffix(SUFFIX).removeprefix("~")
    return any(is_copy_of(held, f"{ref}.{kind}{SUFFIX}") for kind in NoticeKind)


def tombstone(folder: str, name: str, answer: Erasure) -> bytes:
    """Make the small file that asks the office to erase what it has collected."""
    hint = "nothing is left to do" if answer is Erasure.ERASED else "erase the copy that was collected from the folder"
    return write_json({"format": "trm-erased/1", "folder": folder, "file": name, "result": str(answer), "hint": hint})


# --- files of a document -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A file beside a draft: its size in bytes, whether it is a plain file, and a mark that differs when it does."""

    size: int
    plain: bool
    mark: tuple[int, ...] = ()


def file_name(document: str, end: str) -> str:
    """Name a file of a document: `a.json` and `0.pdf` make `a.0.pdf`."""
    return f"{document.removesuffix(SUFFIX)}.{end}"


def moving_name(document: str, end: str) -> str:
    """Name a file of a document, in the folder of its outcome, until the document is there."""
    return f".{file_name(document, end)}.part"


def ends_by_document(names: Iterable[str]) -> dict[str, list[str]]:
    """List by the name of a document the ends of the names of its files among these."""
    found: dict[str, list[str]] = {}
    for name in names:
        if not is_unfinished(name) and (match := _FILE.fullmatch(name)) is not None:
            found.setdefault(match["stem"] + SUFFIX, []).append(match["end"])
    return found


def read_moving_name(name: str) -> tuple[str, str] | None:
    """Read back what `moving_name` made: the document and the end; None for every other name."""
    match = _FILE.fullmatch(name[1:].removesuffix(".part")) if name.startswith(".") and name.endswith(".part") else None
    return None if match is None else (match["stem"] + SUFFIX, match["end"])


def named_ends(record: LocalRecord) -> tuple[str, ...]:
    """List the ends of the names of the files that a draft lists, as far as they are listed well."""
    listed = record.fields.get(FILES)
    entries = listed if isinstance(listed, list) else []
    return tuple(str(entry["name"]) for entry in entries if isinstance(entry, dict) and _is_end(entry.get("name")))


def with_files(
    record: LocalRecord,
    held: Mapping[str, Held],
    read: Callable[[str, Held], Callable[[], AsyncIterator[bytes]]],
) -> LocalRecord:
    """Give a draft the files that it lists, out of those that are `held` by the ends of their names; `read` makes what
    opens one. Each is listed once and there, plain and of the size that was said, and none is there that is not listed:
    all else is a fault.
    """
    if record.faults:
        return record
    listed = record.fields.get(FILES, [])
    if not isinstance(listed, list) or not all(isinstance(entry, dict) for entry in listed):
        return replace(record, faults=(_fault(f"/{FILES}", "not_a_list", "a list of objects with a name"),))
    files, faults = list[LocalFile](), list[Finding]()
    entries: Sequence[Mapping[str, Json]] = [entry for entry in listed if isinstance(entry, dict)]
    for number, entry in enumerate(entries):
        found = _entry_faults(entry, number, held)
        faults += found
        if not found:
            end, digest = str(entry["name"]), entry.get("sha256")
            place = f"file {file_name(record.ref, end)}"
            said = digest if isinstance(digest, str) else None
            files.append(LocalFile(place=place, size=held[end].size, sha256=said, read=read(end, held[end])))
    for end in sorted(held.keys() - {entry.get("name") for entry in entries}):
        hint = f"list it under {FILES}, or take it away"
        faults.append(_fault(f"file {file_name(record.ref, end)}", "file_not_listed", hint))
    fields = {name: value for name, value in record.fields.items() if name != FILES}
    if faults:
        return replace(record, fields={}, faults=tuple(faults))
    return replace(record, fields=fields, files=tuple(files))


def _entry_faults(entry: Mapping[str, Json], number: int, held: Mapping[str, Held]) -> list[Finding]:
    """Find what is wrong with one entry of the list; a name that is no end of a file's name is not repeated."""
    place, end, size, digest = f"/{FILES}/{number}", entry.get("name"), entry.get("size"), entry.get("sha256")
    if not isinstance(end, str) or not _is_end(end):
        return [_fault(f"{place}/name", "bad_file_name", "the number of the file, a dot and its type: 0.pdf")]
    faults = []
    if not end.startswith(f"{number}."):
        faults.append(_fault(f"{place}/name", "file_number", f"files are numbered in their order: {number}"))
    if unknown := entry.keys() - {"name", "size", "sha256"}:
        faults.append(_fault(place, "unknown_member", f"{len(unknown)} beside name, size and sha256"))
    if digest is not None and not (isinstance(digest, str) and re.fullmatch(r"[0-9a-f]{64}", digest)):
        faults.append(_fault(f"{place}/sha256", "bad_hash", "SHA-256 as 64 hexadecimal digits in lower case"))
    file = held.get(end)
    if file is None:
        hint = "put the files into the folder before the draft, under its name: a.json has a.0.pdf"
        return [*faults, _fault(place, "file_missing", hint)]
    if not file.plain:
        return [*faults, _fault(place, "not_a_file", "a link, a folder or a special file; put the file itself there")]
    if file.size == 0:
        faults.append(_fault(place, "file_empty", "it has no byte"))
    if size is not None and size != file.size:
        faults.append(_fault(f"{place}/size", "file_changed", f"the file has {file.size} bytes"))
    return faults


def _is_end(name: Json) -> bool:
    return isinstance(name, str) and _FILE.fullmatch(f"a.{name}") is not None


def _fault(place: str, rule: str, hint: str) -> Finding:
    return Finding(place=place, rule=rule, hint=hint)
