"""One section of node.toml is changed by program; what people wrote besides stays as it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.administration.settings_file import forget_places, write_section
from gateway.errors import RefusedError
from gateway.foundation.config import load

WRITTEN = """# by the office
[node]
name = "FR"   # as people say
country = "FR"

[attachments]
url = "s3://bucket/fr"
credentials_file = "/etc/trm/bucket.key"

[federation]
listen = "127.0.0.1:8443"

[[units]]
id = "focal-point"
name = "National focal point"
kind = "public_authority"
roles = ["national_focal_point"]

[database]
url = "postgresql://trm@db.example.fr/trm"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A node folder with these settings."""
    (tmp_path / "node.toml").write_text(WRITTEN)
    return tmp_path


def test_a_section_is_written_anew(folder: Path) -> None:
    """At the end, with the members that have a value."""
    write_section(folder, "attachments", {"url": "s3://other/al", "credentials_file": "/k", "ca_file": None})
    text = (folder / "node.toml").read_text()
    assert text.endswith('\n[attachments]\nurl = "s3://other/al"\ncredentials_file = "/k"\n')
    assert text.count("[attachments]") == 1 and text.startswith(WRITTEN.partition("\n\n[attachments]")[0])
    assert load(folder).attachments.url == "s3://other/al" and load(folder).database.url is not None


def test_what_is_no_setting_changes_nothing(folder: Path) -> None:
    """Refused before the file is touched."""
    with pytest.raises(RefusedError):
        write_section(folder, "attachments", {"url": "s3://other/al"})
    assert (folder / "node.toml").read_text() == WRITTEN


def test_a_restored_node_is_in_its_folder(folder: Path) -> None:
    """It names no server, and no bucket that its sweep would empty; the bucket is told."""
    assert forget_places(folder) == "s3://bucket/fr"
    found = load(folder)
    assert (found.database.url, found.attachments.url) == (None, None)
    assert "# as people say" in (folder / "node.toml").read_text()
    assert forget_places(folder) is None
