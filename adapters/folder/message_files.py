"""Files of a message on their way into incoming: each under a hidden name made from the key, then under the name of the
document with its own behind it, before the document appears.
"""

from __future__ import annotations

from pathlib import Path

from adapters.kit.drop_folder import INCOMING, file_name
from adapters.kit.files import Folder
from adapters.kit.names import key_name
from gateway.ports import Attachment, Delivery


def begin_file(root: Path, item: Delivery, attachment: Attachment, mode: int) -> None:
    """Create an empty hidden file for an attachment, in place of what a kill left of it."""
    with Folder(root / INCOMING) as target:
        target.stage(hidden_name(item, attachment), b"", mode)


def add_to_file(root: Path, item: Delivery, attachment: Attachment, data: bytes) -> None:
    """Append the next bytes of the attachment."""
    with Folder(root / INCOMING) as target:
        target.grow(hidden_name(item, attachment), data)


def sync_file(root: Path, item: Delivery, attachment: Attachment) -> None:
    """Make durable what was appended."""
    with Folder(root / INCOMING) as target:
        target.sync_file(hidden_name(item, attachment))


def give_up_files(root: Path, item: Delivery) -> None:
    """Remove every file of the message: one of them did not open to its end."""
    with Folder(root / INCOMING) as target:
        for one in item.attachments:
            target.remove(hidden_name(item, one))


def name_files(target: Folder, item: Delivery, document: str) -> None:
    """Give the complete files their names beside the document; those that have them keep them."""
    new = {hidden_name(item, one): file_name(document, one.name) for one in item.attachments}
    target.rename_all({hidden: name for hidden, name in new.items() if target.has(hidden)})


def hidden_name(item: Delivery, attachment: Attachment) -> str:
    """Return the name of a file while it comes."""
    return f".{key_name(item.key)}.{attachment.part}.part"


def hidden_of(target: Folder, key: str) -> list[str]:
    """List what lies hidden of an item, its document and its files, by the key in its file-name form."""
    return [name for name in target.names() if name.startswith(f".{key}.")]
