"""From the office to the node, in three moves that each survive a kill before, in and after them.

1. claim   outgoing/a.json -> claimed/a.json by rename, so that a newer a.json can be dropped without mixing the two
2. read    claimed/a.json becomes a LocalRecord, again and again until it is settled
3. settle  claimed/a.json -> taken/a.json, or the reasons are written and then claimed/a.json -> refused/a.json

The files of a draft go with it (`draft_files`).

A name whose file was taken is used up: a second file of that name is refused (`name_used`), not mistaken for the first.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from threading import Lock

from adapters.folder.draft_files import claim_files, erase_files, file_reader, held_files, settle_files
from adapters.folder.incoming import forget_news
from adapters.kit.drop_folder import (
    CLAIMED,
    FILES,
    OUTGOING,
    REFUSED,
    SUFFIX,
    TAKEN,
    claimed_name,
    draft_name,
    ends_by_document,
    faulty_record,
    file_name,
    is_copy_of,
    is_draft,
    is_unfinished,
    name_fault,
    named_ends,
    read_draft,
    reasons_file,
    with_files,
)
from adapters.kit.files import Folder, NotPlainError, TooLargeError, free_name
from gateway.errors import Code, Finding, RefusedError
from gateway.ports import Erasure, LocalRecord, Notice, NoticeKind


def claim_drafts(root: Path) -> None:
    """Move every finished draft from outgoing to claimed; what is not a plain `.json` file stays where it is."""
    with Folder(root / OUTGOING) as outgoing, Folder(root / CLAIMED) as claimed, Folder(root / TAKEN) as taken:
        drafts = [name for name in outgoing.names() if is_draft(name)]
        # Looked for after the drafts: a file that was there before its draft is seen here, whenever the draft came.
        ends = ends_by_document(outgoing.names()) if drafts else {}
        for name in drafts:
            entry = outgoing.entry(name)
            if entry is None or not entry.plain:
                continue
            new = claimed_name(name, f"{entry.inode:x}-{entry.changed:x}", taken=taken.has(name))
            # A rename replaces what is there: a draft that is still being judged must not change under the node.
            if not claimed.has(new):
                claim_files(outgoing, name, ends.get(name, ()), claimed, new)
                outgoing.move(name, claimed, new)


def read_drafts(root: Path, lock: Lock, *, limit: int, batch: int) -> tuple[list[LocalRecord], dict[str, list[str]]]:
    """Read the first `batch` claimed drafts, in the order of their names. Returns them with the files they list, and by
    the name of each the ends of the names of the files that lie beside it. `lock` is held while a file is read.
    """
    with Folder(root / CLAIMED) as claimed:
        there = claimed.names()
        names, ends = [name for name in there if is_draft(name)][:batch], ends_by_document(there)
        records = [_record(claimed, name, limit) for name in names]
    found: list[LocalRecord] = []
    beside: dict[str, list[str]] = {}
    for name, record in zip(names, records, strict=True):
        there_now, listed = ends.get(name, []), named_ends(record)
        beside[name] = sorted({*there_now, *listed})
        if there_now or FILES in record.fields:
            held = held_files(root, name, there_now, listed)
            record = with_files(record, held, file_reader(root, name, lock))
        found.append(record)
    return found, beside


def settle_draft(root: Path, ref: str, notice: Notice, ends: Sequence[str] | None) -> None:
    """Move the draft to the folder of its outcome, with its files. Doing it twice has the effect of doing it once.
    `ends` are those of the names of the files beside it, where they are known.
    """
    name = draft_name(ref)
    with Folder(root / CLAIMED) as claimed, Folder(root / TAKEN) as taken, Folder(root / REFUSED) as refused:
        if not claimed.has(name):
            if taken.has(name) or refused.has(name):
                return
            raise RefusedError(Code.NOT_FOUND, "no such draft in the drop folder")
        target = taken if notice.kind is NoticeKind.DRAFTED else refused
        new = free_name(target, name)
        if ends is None:  # no pull of this process has looked
            ends = ends_by_document(claimed.names()).get(name, [])
        named = settle_files(root, name, ends, target, new)
        if target is refused:
            # The reasons first: a refused draft without reasons would leave the office guessing after a kill.
            refused.write(*reasons_file(new, notice))
        claimed.move(name, target, new)
        target.rename_all(named)


def erase_draft(root: Path, ref: str) -> Erasure:
    """Remove the draft from where it was put, with the reasons of a refusal and the news about it. A file that the
    office drops anew under the name is another draft, and stays. Raises RefusedError: nothing of it is left.
    """
    name = draft_name(ref)
    found = forget_news(root, name)
    with Folder(root / OUTGOING) as outgoing:
        claiming = outgoing.has(name)  # files in claimed may be of that one, and stay
    for folder_name in (CLAIMED, TAKEN, REFUSED):
        with Folder(root / folder_name) as folder:
            found = erase_files(folder, name, alone=not (claiming and folder_name == CLAIMED)) or found
            for held in folder.names():
                if is_copy_of(held, name):
                    reasons = f"{held.removesuffix(SUFFIX)}.errors{SUFFIX}"
                    folder.remove(held)
                    folder.remove(reasons)
                    found = True
    if not found:
        raise RefusedError(Code.NOT_FOUND, "no such draft in the drop folder")
    return Erasure.ERASED


def count_strangers(root: Path) -> int:
    """Count the entries of outgoing that are neither drafts, files of drafts nor being written: links, folders, pipes,
    other files.
    """
    with Folder(root / OUTGOING) as outgoing:
        names = outgoing.names()
        files = {file_name(document, end) for document, ends in ends_by_document(names).items() for end in ends}
        entries = [outgoing.entry(name) for name in names if not is_unfinished(name)]
    return sum(1 for one in entries if one and not (one.plain and (one.name.endswith(SUFFIX) or one.name in files)))


def _record(claimed: Folder, name: str, limit: int) -> LocalRecord:
    fault = name_fault(name)
    try:
        return read_draft(name, claimed.read(name, limit), limit) if fault is None else faulty_record(name, fault)
    except TooLargeError:
        return faulty_record(name, _fault("too_large", f"at most {limit} bytes"))
    except NotPlainError:
        return faulty_record(name, _fault("not_a_file", "a link or a special file"))
    except PermissionError:
        return faulty_record(name, _fault("not_readable", "give the gateway the right to"))


def _fault(rule: str, hint: str) -> Finding:
    return Finding(place="", rule=rule, hint=hint)
