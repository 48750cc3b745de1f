"""Files of a message on their way into incoming: each whole under a hidden name made from the key, then under the name
of the document with its own behind it, before the document appears.
"""

from __future__ import annotations

from collections.abc import Sequence

from adapters.kit.drop_folder import INCOMING, ends_by_document, file_name
from adapters.kit.names import is_key, key_name
from adapters.kit.strict_json import read_json
from adapters.sftp.connection import Remote
from gateway.errors import RefusedError
from gateway.ports import Attachment, Delivery

DOCUMENT = 4 * 1024 * 1024
"""Bytes of a message's document at most."""


async def put_files(remote: Remote, item: Delivery) -> None:
    """Bring the files there under hidden names, in place of what a kill left; none stays of a message of which one does
    not open to its end.
    """
    try:
        for one in item.attachments:
            await remote.write_pieces(_hidden(item, one), one.read())
    except RefusedError:
        for one in item.attachments:
            await remote.remove(_hidden(item, one))
        raise


async def name_files(remote: Remote, item: Delivery, document: str) -> None:
    """Give the complete files their names beside the document; those that have them keep them."""
    for one in item.attachments:
        if await remote.has(_hidden(item, one)):
            await remote.move(_hidden(item, one), file_name(document, one.name))


async def files_of_message(remote: Remote, document: str, key: str) -> list[str]:
    """List what lies in incoming of a message beside its document: its files, and what a kill left hidden."""
    names = [entry.name for entry in await remote.entries(INCOMING)]
    beside = [file_name(document, end) for end in ends_by_document(names).get(document, ())]
    return [f"{INCOMING}/{name}" for name in [*beside, *(name for name in names if name.startswith(f".{key}."))]]


async def unfinished_files(remote: Remote, key: str) -> list[str]:
    """List what lies in incoming of a message of which the journal does not have the key yet."""
    return await files_of_message(remote, "", key_name(key)) if is_key(key) else []


async def is_whole(remote: Remote, document: str, files: Sequence[str]) -> bool:
    """Whether every file that the document names is among these."""
    value, _ = read_json(await remote.read(document, DOCUMENT), limit=DOCUMENT)
    listed = value.get("attachments", []) if isinstance(value, dict) else []
    entries = listed if isinstance(listed, list) else []
    return {file_name(document, str(one["name"])) for one in entries if isinstance(one, dict)} <= {*files}


def _hidden(item: Delivery, attachment: Attachment) -> str:
    """Return where a file lies until its document has a name."""
    return f"{INCOMING}/.{key_name(item.key)}.{attachment.part}.part"
