"""From the office to the node, in three moves that each survive a kill before, in and after them.

1. claim   outgoing/a.json -> claimed/a.json by rename, so that a newer a.json can be dropped without mixing the two
2. read    claimed/a.json becomes a LocalRecord, again and again until it is settled
3. settle  claimed/a.json -> taken/a.json, or the reasons are written and then claimed/a.json -> refused/a.json

A name whose file was taken is used up: a second file of that name is refused (`name_used`), not mistaken for the first.
"""

from __future__ import annotations

from pathlib import Path

from adapters.folder.incoming import forget_news
from adapters.kit.drop_folder import (
    CLAIMED,
    OUTGOING,
    REFUSED,
    SUFFIX,
    TAKEN,
    claimed_name,
    draft_name,
    faulty_record,
    is_copy_of,
    is_draft,
    is_unfinished,
    name_fault,
    read_draft,
    reasons_file,
)
from adapters.kit.files import Folder, NotPlainError, TooLargeError, free_name
from gateway.errors import Code, Finding, RefusedError
from gateway.ports import Erasure, LocalRecord, Notice, NoticeKind


def claim_drafts(root: Path) -> None:
    """Move every finished draft from outgoing to claimed; what is not a plain `.json` file stays where it is."""
    with Folder(root / OUTGOING) as outgoing, Folder(root / CLAIMED) as claimed, Folder(root / TAKEN) as taken:
        for name in outgoing.names():
            entry = outgoing.entry(name) if is_draft(name) else None
            if entry is None or not entry.plain:
                continue
            new = claimed_name(name, f"{entry.inode:x}-{entry.changed:x}", taken=taken.has(name))
            # A rename replaces what is there: a draft that is still being judged must not change under the node.
            if not claimed.has(new):
                outgoing.move(name, claimed, new)


def read_drafts(root: Path, *, limit: int, batch: int) -> list[LocalRecord]:
    """Read the first `batch` claimed drafts, in the order of their names."""
    with Folder(root / CLAIMED) as claimed:
        names = [name for name in claimed.names() if is_draft(name)]
        return [_record(claimed, name, limit) for name in names[:batch]]


def settle_draft(root: Path, ref: str, notice: Notice) -> None:
    """Move the draft to the folder of its outcome. Doing it twice has the effect of doing it once."""
    name = draft_name(ref)
    with Folder(root / CLAIMED) as claimed, Folder(root / TAKEN) as taken, Folder(root / REFUSED) as refused:
        if not claimed.has(name):
            if taken.has(name) or refused.has(name):
                return
            raise RefusedError(Code.NOT_FOUND, "no such draft in the drop folder")
        if notice.kind is NoticeKind.DRAFTED:
            claimed.move(name, taken, free_name(taken, name))
        else:
            new = free_name(refused, name)
            # The reasons first: a refused draft without reasons would leave the office guessing after a kill.
            refused.write(*reasons_file(new, notice))
            claimed.move(name, refused, new)


def erase_draft(root: Path, ref: str) -> Erasure:
    """Remove the draft from where it was put, with the reasons of a refusal and the news about it. A file that the
    office drops anew under the name is another draft, and stays. Raises RefusedError: nothing of it is left.
    """
    name = draft_name(ref)
    found = forget_news(root, name)
    for folder_name in (CLAIMED, TAKEN, REFUSED):
        with Folder(root / folder_name) as folder:
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
    """Count the entries of outgoing that are neither drafts nor being written: links, folders, pipes, other files."""
    with Folder(root / OUTGOING) as outgoing:
        entries = [outgoing.entry(name) for name in outgoing.names() if not is_unfinished(name)]
    return sum(1 for entry in entries if entry and not (entry.plain and entry.name.endswith(SUFFIX)))


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
