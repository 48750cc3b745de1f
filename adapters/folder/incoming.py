"""From the node to the office: hand over once, report the status, erase.

Handing over is four steps, and a kill between any two of them leaves a state from which the repeat goes on:

1. the journal is asked for the key: if it knows it, steps 2 and 3 were done before
2. the whole document is written under a hidden name made from the key
3. the journal gets the key with the name the document will have
4. the hidden name is renamed to that name; if it is gone, that happened before, and the office may have taken it away

The files of a message are written before step 2, each under a hidden name made from the key, and get their names before
the document does: whoever sees it finds them beside it. A repeat after a kill before step 3 writes them anew.

Several messages take each step together. Their journal entry is one file with one name for each key.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from adapters.folder.message_files import hidden_of, name_files
from adapters.folder.places import JOURNAL
from adapters.kit.drop_folder import ERASED, INCOMING, NOTICES, ends_by_document, file_name, is_news_of, tombstone
from adapters.kit.files import Folder, free_name
from adapters.kit.items import item_to_json
from adapters.kit.names import is_key, item_name, key_name
from adapters.kit.strict_json import read_json, write_json
from gateway.errors import Code, RefusedError
from gateway.ports import Delivery, Erasure, Json, Notice

_LOCAL_ID = re.compile(r"(incoming|notices)/([A-Za-z0-9~._-]{1,200})#([a-z2-7]{1,160})")
_DOCUMENT = 4 * 1024 * 1024
"""Bytes of a message's document at most."""
_SMALL = 65_536
"""Bytes of a file of our own at most; a journal entry of a whole batch is the largest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Handed:
    """One thing handed over: in which folder, under which name, by which key (in its file-name form)."""

    folder: str
    name: str
    key: str

    @property
    def local_id(self) -> str:
        """The id by which the node asks about the item later."""
        return f"{self.folder}/{self.name}#{self.key}"

    @property
    def part(self) -> str:
        """The hidden name of the document until step 4."""
        return f".{self.key}.part"


def put_item(root: Path, item: Delivery | Notice, mode: int) -> str:
    """Hand over `item` and return its local id; the same key gives the same id and no second file."""
    folder = INCOMING if isinstance(item, Delivery) else NOTICES
    key = key_name(item.key)
    with Folder(root / JOURNAL) as journal, Folder(root / folder) as target:
        handed = _known(journal, key)
        if handed is None:
            handed = Handed(folder=folder, name=free_name(target, item_name(item)), key=key)
            # The document before the key: a key without a document would end every repeat with nothing to show.
            target.stage(handed.part, write_json(item_to_json(item)), mode)
            _remember(journal, [handed])
        if target.has(handed.part):
            # The files before the document: whoever sees it finds them.
            if isinstance(item, Delivery):
                name_files(target, item, handed.name)
            target.move(handed.part, target, handed.name)
        return handed.local_id


def is_new(root: Path, item: Delivery) -> bool:
    """Whether the journal does not know the item: its files have to be written."""
    with Folder(root / JOURNAL) as journal:
        return _known(journal, key_name(item.key)) is None


def _named_in(target: Folder, name: str) -> set[str]:
    """Return the files that a document names."""
    value, _ = read_json(target.read(name, _DOCUMENT), limit=_DOCUMENT)
    listed = value.get("attachments", []) if isinstance(value, dict) else []
    entries = listed if isinstance(listed, list) else []
    return {file_name(name, str(entry["name"])) for entry in entries if isinstance(entry, dict)}


def _files_of(target: Folder, document: str) -> list[str]:
    """List the files beside a document, whatever the document names."""
    return [file_name(document, end) for end in ends_by_document(target.names()).get(document, ())]


def put_all(root: Path, items: Sequence[Delivery], mode: int) -> list[str | RefusedError]:
    """Hand over several messages: each step of `put_item` for all of them before the next, so that they share its cost.

    Returns the local id of each, or the error why it cannot be handed over; the same key gives the same id, also
    within one call.
    """
    outcomes: list[str | RefusedError] = []
    handed: dict[str, Handed] = {}
    with Folder(root / JOURNAL) as journal, Folder(root / INCOMING) as target:
        new: dict[str, bytes] = {}
        for item in items:
            try:
                outcomes.append(_stage(journal, target, item, handed, new).local_id)
            except RefusedError as error:
                outcomes.append(error)
        fresh = [one for one in handed.values() if one.part in new]
        target.stage_all(new, mode)
        if fresh:
            _remember(journal, fresh)
        target.rename_all({one.part: one.name for one in handed.values() if target.has(one.part)})
    return outcomes


def _stage(journal: Folder, target: Folder, item: Delivery, handed: dict[str, Handed], new: dict[str, bytes]) -> Handed:
    """Steps 1 and 2 for one of several messages, without the disk: register it, and its document if it is new."""
    key = key_name(item.key)
    one = handed.get(key) or _known(journal, key)
    if one is None:
        name = free_name(target, item_name(item), {other.name for other in handed.values()})
        one = Handed(folder=INCOMING, name=name, key=key)
        new[one.part] = write_json(item_to_json(item))
    handed[key] = one
    return one


def read_status(root: Path, local_id: str) -> str:
    """Return `waiting` (for the office), `collected` (by it) or `erased`."""
    handed = _find(root, local_id)
    with Folder(root / ERASED) as erased, Folder(root / handed.folder) as target:
        if erased.has(handed.name):
            return "erased"
        return "waiting" if target.has(handed.name) or target.has(handed.part) else "collected"


def erase_item(root: Path, local_id: str) -> Erasure:
    """Leave a tombstone, then remove the document.

    Only a document that was still here is `erased`. What the office has collected lies where this adapter cannot reach:
    the tombstone asks the office to erase it, and the answer is `not_supported`. The first answer is kept and repeated.
    """
    if _erase_unfinished(root, local_id):
        return Erasure.ERASED
    handed = _find(root, local_id)
    with Folder(root / ERASED) as erased, Folder(root / handed.folder) as target:
        answer = _answered(erased, handed)
        if answer is None:
            present = target.has(handed.name) or target.has(handed.part)
            if target.has(handed.name) and handed.folder == INCOMING:  # with all of its files, or not wholly here
                present = _named_in(target, handed.name) <= set(_files_of(target, handed.name))
            answer = Erasure.ERASED if present else Erasure.NOT_SUPPORTED
            # Before the document goes: after a kill the repeat finds nothing left and would answer not_supported.
            erased.write(handed.name, tombstone(handed.folder, handed.name, answer))
        # The document first: after a kill it names no file that is not there.
        target.remove(handed.part)
        target.remove(handed.name)
        if handed.folder == INCOMING:
            for name in [*hidden_of(target, handed.key), *_files_of(target, handed.name)]:
                target.remove(name)
    return answer


def _erase_unfinished(root: Path, key: str) -> bool:
    """Remove what a kill left of an item of this key, of which the journal knows nothing; whether there was any."""
    if not is_key(key):
        return False
    name = key_name(key)
    with Folder(root / JOURNAL) as journal, Folder(root / INCOMING) as target:
        left = [] if _known(journal, name) else hidden_of(target, name)
        for one in left:
            target.remove(one)
    return bool(left)


def forget_news(root: Path, draft: str) -> bool:
    """Remove the news about a draft, and what the journal keeps of it: both are named after the draft. Returns whether
    there was any.
    """
    found = False
    with Folder(root / NOTICES) as notices:
        for name in notices.names():
            if is_news_of(name, draft):
                notices.remove(name)
                found = True
    with Folder(root / JOURNAL) as journal:
        # News that the office has collected is known to the journal alone, and there by its key.
        for entry in journal.names():
            lines = _small(journal, entry, shared=True).values()
            if any(isinstance(line, dict) and _is_news_line(line, draft) for line in lines):
                journal.remove(entry)
                found = True
    return found


def _is_news_line(line: Mapping[str, Json], draft: str) -> bool:
    return line.get("folder") == NOTICES and is_news_of(str(line.get("name")), draft)


def _entry_name(key: str) -> str:
    return f"{key}.json"


def _remember(journal: Folder, handed: Sequence[Handed]) -> None:
    """Step 3. The entry has a line for each key, since all names belong to one file."""
    lines: dict[str, Json] = {one.key: {"folder": one.folder, "name": one.name} for one in handed}
    journal.share([_entry_name(one.key) for one in handed], write_json(lines))


def _known(journal: Folder, key: str) -> Handed | None:
    if not journal.has(_entry_name(key)):
        return None
    entry = _small(journal, _entry_name(key), shared=True).get(key)
    if not isinstance(entry, dict):
        raise _damaged()
    folder, name = entry.get("folder"), entry.get("name")
    if folder not in {INCOMING, NOTICES} or not isinstance(folder, str) or not isinstance(name, str):
        raise _damaged()
    return Handed(folder=folder, name=name, key=key)


def _damaged() -> RefusedError:
    what = "an entry of the journal is damaged"
    return RefusedError(Code.ADAPTER_REFUSED, what, hint="restore it from a backup")


def _find(root: Path, local_id: str) -> Handed:
    """Find the item of a local id, or of a key. The journal must know it, so that an invented id reaches no file."""
    match = _LOCAL_ID.fullmatch(local_id)
    key = match[3] if match is not None else key_name(local_id) if is_key(local_id) else None
    if key is not None:
        with Folder(root / JOURNAL) as journal:
            handed = _known(journal, key)
        if handed is not None and (match is None or handed.local_id == local_id):
            return handed
    raise RefusedError(Code.NOT_FOUND, "nothing with this local id was handed over here")


def _answered(erased: Folder, handed: Handed) -> Erasure | None:
    if not erased.has(handed.name):
        return None
    answer = _small(erased, handed.name).get("result")
    return Erasure.ERASED if answer == str(Erasure.ERASED) else Erasure.NOT_SUPPORTED


def _small(folder: Folder, name: str, *, shared: bool = False) -> dict[str, Json]:
    value, faults = read_json(folder.read(name, _SMALL, shared=shared), limit=_SMALL)
    return value if isinstance(value, dict) and not faults else {}
