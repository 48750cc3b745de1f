"""The search for marked values: it finds every planted leak, in each encoding, and nothing where there is none."""

from __future__ import annotations

import base64
import gzip
import os
import socket
import sqlite3
from contextlib import closing
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.demo.cases import MARKS
from gateway.demo.marks import SHORTEST, Hit, list_encodings, search_files

MARK = {"name": "Kordhushë-Testani"}
VALUE = MARK["name"]

LEAKS = {
    "plain": VALUE.encode(),
    "in the middle of bytes": os.urandom(4096) + VALUE.encode() + os.urandom(4096),
    "utf-16-le": VALUE.encode("utf-16-le"),
    "utf-16-be": VALUE.encode("utf-16-be"),
    "utf-16 with a mark": VALUE.encode("utf-16"),
    "latin-1": VALUE.encode("latin-1"),
    "json with escapes": b'{"name":"Kordhush\\u00eb-Testani"}',
    "url": quote(VALUE).encode(),
    "hex": VALUE.encode().hex().encode(),
    "HEX": VALUE.encode().hex().upper().encode(),
    "base64": base64.b64encode(VALUE.encode()),
    "base64 after one byte": base64.b64encode(b"x" + VALUE.encode() + b"yz"),
    "base64 after two bytes": base64.b64encode(b"xy" + VALUE.encode() + b"z"),
    "base64url of utf-16": base64.urlsafe_b64encode(b"x" + VALUE.encode("utf-16-le")),
}


@pytest.mark.parametrize("leak", LEAKS.values(), ids=LEAKS.keys())
def test_a_planted_leak_is_found(tmp_path, leak):
    """A value that lies in a file in any of these forms is a hit in that file."""
    path = tmp_path / "nodes" / "FR" / "leak.bin"
    path.parent.mkdir(parents=True)
    path.write_bytes(leak)
    (tmp_path / "nodes" / "clean.bin").write_bytes(os.urandom(10_000))
    found = search_files([tmp_path], MARK)
    assert {(hit.path, hit.mark) for hit in found.hits} == {(path, "name")}


def test_what_was_searched_is_counted(tmp_path):
    """The numbers are those of the files and bytes that were read."""
    (tmp_path / "a").write_bytes(b"x" * 10)
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / ".hidden").write_bytes(b"y" * 5)
    found = search_files([tmp_path], MARK)
    assert (found.files, found.bytes, found.hits) == (2, 15, ())


def test_a_leak_in_a_file_name_is_found(tmp_path):
    """A name can tell as much as a content."""
    path = tmp_path / f"report-{VALUE}.txt"
    path.write_bytes(b"")
    assert search_files([tmp_path], MARK).hits == (Hit(path=path, mark="name", encoding="utf-8"),)


def test_a_leak_in_a_write_ahead_log_is_found(tmp_path):
    """What SQLite has written to its log only is seen while the database is open."""
    with closing(sqlite3.connect(tmp_path / "node.db")) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("CREATE TABLE t (x TEXT)")
        database.execute("INSERT INTO t VALUES (?)", (VALUE,))
        database.commit()
        assert {hit.path.name for hit in search_files([tmp_path], MARK).hits} == {"node.db-wal"}


def test_sockets_and_links_are_passed_over(tmp_path):
    """A socket holds nothing, and a link leads to a file that is searched where it lies, if it is to be searched."""
    outside = tmp_path / "cases"
    outside.mkdir()
    (outside / "case.json").write_bytes(VALUE.encode())
    node = tmp_path / "node"
    node.mkdir()
    (node / "link").symlink_to(outside / "case.json")
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(node / "api.sock"))
        assert search_files([node], MARK).hits == ()


def test_a_hit_does_not_repeat_the_value(tmp_path):
    """What is shown of a leak is not a second leak."""
    (tmp_path / "leak").write_bytes(VALUE.encode())
    assert VALUE not in repr(search_files([tmp_path], MARK))


def test_compressed_data_is_not_claimed(tmp_path):
    """The limit of the method, told: a value in a compressed file is not seen, so no node compresses content."""
    (tmp_path / "a.gz").write_bytes(gzip.compress(VALUE.encode() * 3, mtime=0))
    assert search_files([tmp_path], MARK).hits == ()


def test_a_short_value_is_no_mark():
    """Seven characters could stand anywhere by chance."""
    with pytest.raises(ValueError, match=f"at least {SHORTEST} characters, got 7"):
        list_encodings("Testani")


def test_every_mark_of_the_demonstration_can_be_searched():
    """Each is long enough in every encoding, and no two are alike."""
    assert all(len(form) >= SHORTEST for value in MARKS.values() for form in list_encodings(value).values())
    assert len(set(MARKS.values())) == len(MARKS)


@given(
    value=st.text(min_size=SHORTEST, max_size=40),
    before=st.binary(max_size=7),
    after=st.binary(max_size=7),
    charset=st.sampled_from(["utf-8", "utf-16-le", "utf-16-be"]),
)
def test_base64_of_a_longer_text_holds_one_of_the_forms(value, before, after, charset):
    """Wherever the value stands in what was encoded, one of the three alignments of it is in the result."""
    data = before + value.encode(charset) + after
    forms = list_encodings(value).values()
    assert any(form in base64.b64encode(data) for form in forms)
    assert any(form in base64.urlsafe_b64encode(data) for form in forms)
