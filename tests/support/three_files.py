"""What somebody with the disk and the keys of a node can still read: of its database, and of its files. Where nothing
of these has changed since the last time, it is the same.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeAlias

from sqlalchemy import Connection

from gateway.attachments.library import of_message
from gateway.composition.node import Node
from gateway.database import content
from gateway.database.content import SealedRow
from gateway.errors import GatewayError
from gateway.foundation.node_folder import ATTACHMENTS
from gateway.messages import content_codec
from keys.documents.statement import SecretPart
from keys.keystore.keystore import Keystore
from keys.primitives.attachment_cipher import PartOpener

State: TypeAlias = tuple[object, ...]
"""One life of a node, how often it has written, its keys, and its files with their sizes and times."""


def state_of(node: Node) -> State:
    """What there is to be read, to be compared with what there was."""
    assert isinstance(node.keys, Keystore), "a key service does not show its keys"
    found = ((path.name, path.stat()) for path in sorted((node.folder / ATTACHMENTS).iterdir()))
    files = [(name, stat.st_size, stat.st_mtime_ns) for name, stat in found]
    return (node, node.store.writer.groups, node.keys._ring, *files)


class Reader:
    """Reads what nodes can still open."""

    def __init__(self) -> None:
        self._read: dict[Path, tuple[State, str]] = {}

    async def read(self, node: Node, ids: Collection[str]) -> str:
        """Everything that the keys of a node open; `ids` are of messages that may have files."""
        state = (*state_of(node), len(ids))
        if self._read.get(node.folder, ((), ""))[0] != state:
            self._read[node.folder] = state, await _read_all(node, ids)
        return self._read[node.folder][1]


async def _read_all(node: Node, ids: Collection[str]) -> str:

    def query(connection: Connection) -> list[SealedRow]:
        refs = [ref for (ref,) in connection.exec_driver_sql("select ref from datakey")]
        return list(content.get(connection, refs).values())

    opened = [one for one in node.sealer.open_each(await node.store.read(query)) if isinstance(one, bytes)]
    files = _read_files(node.folder / ATTACHMENTS, ids, opened)
    return "\n".join(item.decode("utf-8", "replace") for item in [*opened, *files])


def _read_files(folder: Path, ids: Collection[str], opened: Sequence[bytes]) -> Iterator[bytes]:
    """What opens of the files in a folder, of the messages with these ids, by keys that stand in something opened."""
    parts = [part for item in opened for part in _parts_in(item)]
    for path in sorted(folder.iterdir()) if parts else ():
        for part, id in itertools.product(parts, ids):
            with suppress(GatewayError):
                opener = PartOpener(part, id=id)
                yield opener.update(path.read_bytes()) + opener.finalize()


def _parts_in(item: bytes) -> Sequence[SecretPart]:
    """The keys of files in a content row: that of a file which waits for its message, or those of a message."""
    with suppress(GatewayError, ValueError, KeyError, TypeError):
        return [content_codec.read_attachment(item)]
    with suppress(GatewayError, ValueError, KeyError, TypeError):
        return of_message(content_codec.read_content(item))
    return []
