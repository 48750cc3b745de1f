"""Where the ciphertext of a node's files is: in the folder of the node, or in the bucket that node.toml names."""

from __future__ import annotations

from pathlib import Path

from gateway.attachments.folder import FileFolder
from gateway.errors import Code, RefusedError
from gateway.foundation.config import AttachmentsSection
from gateway.foundation.ids import NodeId
from gateway.foundation.node_folder import ATTACHMENTS
from gateway.ports import Files


def open_files(folder: Path, section: AttachmentsSection, *, node: NodeId) -> Files:
    """The files of a node folder; a bucket is not asked yet. Raises RefusedError(invalid, no_key)."""
    if section.url is None:
        return FileFolder(folder / ATTACHMENTS)
    try:
        from gateway.attachments.bucket.client import Bucket  # only a node with a bucket loads its client
        from gateway.attachments.bucket.files import BucketFiles
    except ImportError as exc:
        raise RefusedError(
            Code.INVALID, "the client of S3 is not installed; nothing was started", hint="install trm-gateway[s3]"
        ) from exc
    return BucketFiles(Bucket(section), owner=node)
