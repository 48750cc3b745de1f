"""The drop-folder protocol, apart from the disk or the server that it lies on: names, drafts and documents."""

from __future__ import annotations

from adapters.kit.items import findings_to_json
from adapters.kit.names import is_plain, numbered
from adapters.kit.strict_json import LIMIT, read_json, write_json
from gateway.errors import Code, Finding, RefusedError
from gateway.ports import Erasure, LocalRecord, Notice, NoticeKind

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
