"""A node works with the place that node.toml names, and loads the client of S3 only for a bucket."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from support.buckets import section_of

from gateway.attachments import places
from gateway.attachments.bucket.files import BucketFiles
from gateway.attachments.folder import FileFolder
from gateway.attachments.places import open_files
from gateway.errors import Code, RefusedError
from gateway.foundation.config import AttachmentsSection
from gateway.foundation.ids import NodeId

NODE = NodeId("node")
_LOADS = """
import sys
from pathlib import Path
import gateway.app, gateway.cli.root, gateway.administration.doctor.attachments
from gateway.attachments.places import open_files
from gateway.foundation.config import AttachmentsSection
open_files(Path(sys.argv[1]), AttachmentsSection(), node="node")
assert not [name for name in sys.modules if name.startswith(("obstore", "gateway.attachments.bucket"))]
"""


def test_each_place(tmp_path: Path) -> None:
    """The folder of the node, or a bucket; nothing is reached for it."""
    assert isinstance(open_files(tmp_path, AttachmentsSection(), node=NODE), FileFolder)
    section = section_of("no-such-bucket", tmp_path, endpoint="http://127.0.0.1:9")
    assert isinstance(open_files(tmp_path, section, node=NODE), BucketFiles)


def test_a_node_with_a_folder_does_not_load_the_client(tmp_path: Path) -> None:
    """Neither its programs nor its checks do."""
    subprocess.run([sys.executable, "-c", _LOADS, str(tmp_path)], check=True)


def test_without_the_client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The node does not start, and says what to install."""
    monkeypatch.setitem(sys.modules, "gateway.attachments.bucket.client", None)
    with pytest.raises(RefusedError, match="not installed") as caught:
        places.open_files(tmp_path, section_of("any-bucket", tmp_path, endpoint="http://127.0.0.1:9"), node=NODE)
    assert caught.value.code is Code.INVALID and caught.value.hint == "install trm-gateway[s3]"
