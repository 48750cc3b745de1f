"""A real server of S3 for tests: moto in a process of its own, started once for a process that runs tests. Each test
gets a bucket of its own.
"""

from __future__ import annotations

import atexit
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping
from functools import cache
from itertools import count
from pathlib import Path
from xml.etree import ElementTree

from support.patience import PATIENCE
from support.ports import free_port

from gateway.attachments.bucket.client import Bucket
from gateway.attachments.bucket.files import BucketFiles
from gateway.foundation.config import AttachmentsSection

OWNER = "a-node"
_numbers = count(1)
_XML = "{http://s3.amazonaws.com/doc/2006-03-01/}"


def fresh_bucket() -> str:
    """Make an empty bucket; its name."""
    name = f"bucket{next(_numbers)}"
    ask("PUT", name)
    return name


def section_of(bucket: str, folder: Path, *, endpoint: str | None = None, prefix: str = "/fr") -> AttachmentsSection:
    """The section of node.toml for a bucket; the file with its key is in `folder`."""
    key = folder / "bucket.key"
    if not key.exists():
        key.touch(mode=0o600)
        key.write_text("[default]\naws_access_key_id = AKIATEST\naws_secret_access_key = secret\n")
    return AttachmentsSection(url=f"s3://{bucket}{prefix}", endpoint=endpoint or server(), credentials_file=key)


def text_of(section: AttachmentsSection) -> str:
    """The same as text of node.toml."""
    named = {"url": section.url, "endpoint": section.endpoint, "credentials_file": section.credentials_file}
    return "\n[attachments]\n" + "".join(f'{name} = "{value}"\n' for name, value in named.items())


def files_of(section: AttachmentsSection) -> BucketFiles:
    """What a node with this section works with."""
    return BucketFiles(Bucket(section), owner=OWNER)


def objects_of(bucket: str) -> Mapping[str, bytes]:
    """Everything that lies in a bucket."""
    listed = ElementTree.fromstring(ask("GET", f"{bucket}?list-type=2"))
    names = [found.text or "" for found in listed.iter(f"{_XML}Key")]
    return {name: ask("GET", f"{bucket}/{name}") for name in names}


def ask(method: str, path: str, body: bytes | None = None) -> bytes:
    """One request to the server, whose signature moto does not look at."""
    signed = "AWS4-HMAC-SHA256 Credential=AKIATEST/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0"
    headers = {"Authorization": signed, "Content-Type": "application/octet-stream"}
    request = urllib.request.Request(f"{server()}/{path}", body, headers, method=method)
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        return bytes(answer.read())


@cache
def server() -> str:
    """The address of the server, which runs until this process ends."""
    port, owner = free_port(), os.getpid()
    command = [str(Path(sys.executable).with_name("moto_server")), "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def stop() -> None:
        if os.getpid() == owner:
            process.send_signal(signal.SIGKILL)
            process.wait(PATIENCE)

    atexit.register(stop)
    _until_listening(port, process)
    return f"http://127.0.0.1:{port}"


def _until_listening(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(int(10 * PATIENCE)):
        with socket.socket() as probe:
            if not probe.connect_ex(("127.0.0.1", port)):
                return
        if process.poll() is not None:
            raise RuntimeError("moto_server ended at once")
        time.sleep(0.1)
    raise RuntimeError("moto_server does not answer")
