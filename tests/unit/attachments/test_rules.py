"""The files of a message, as its sender and its receiver judge them alike."""

from __future__ import annotations

import pytest
from support.endpoints import example

from gateway.attachments.byte_source import JPEG, PDF, SUFFIXES
from gateway.attachments.rules import faults, files_of, largest, lengths, name_of
from gateway.errors import Code, RemoteError
from keys.documents.statement import Secret, SecretPart
from keys.primitives.attachment_cipher import PartSealer
from keys.primitives.encoding import b64u

TYPE = "referral.request/1"
TWO = example("referral.request.1/valid-attachments")["content"]
NONE = example("referral.request.1/valid-minimal")["content"]


def file(n: int, *, media: str = PDF, size: int = 1_000) -> SecretPart:
    """A file of a message by its number."""
    return SecretPart(n=n, name=name_of(n, PDF), media=media, size=size, key=b"k" * 32, sha256=b"h" * 32)


def test_files_that_the_content_names_once_each_go_with_it():
    """Two named and two there, or none of both, are without a fault."""
    assert faults(TYPE, TWO, [file(0), file(1)]) == ()
    assert faults(TYPE, NONE, []) == ()


@pytest.mark.parametrize(
    ("content", "count"), [(TWO, 0), (TWO, 1), (TWO, 3), (NONE, 1), ({**TWO, "attachments": TWO["attachments"][:1]}, 2)]
)
def test_a_file_too_few_or_too_many_is_a_fault(content, count):
    """A file that no field names does not travel, and a field does not name a file that is not there."""
    (finding,) = faults(TYPE, content, [file(n) for n in range(count)])
    assert (finding.place, finding.rule) == ("/content", "attachments")


def test_a_file_that_is_named_twice_is_a_fault():
    """Whether it is the only file or another one is left without a name."""
    first = TWO["attachments"][0]
    for files in ([file(0)], [file(0), file(1)]):
        (finding,) = faults(TYPE, {**TWO, "attachments": [first, first]}, files)
        assert finding.rule == "attachments"


@pytest.mark.parametrize("media", ["text/html", "application/zip", "", PDF.upper()])
def test_a_type_that_is_not_taken_is_a_fault(media):
    """One such file among others is enough, and the finding does not repeat what the file said of itself."""
    (finding,) = faults(TYPE, TWO, [file(0), file(1, media=media)])
    assert finding.rule == "media_type"
    assert not media or media not in (finding.hint or "")


def test_a_file_is_called_by_its_number_and_its_type():
    """Each type has an end of its own, so two files of one message never share a name."""
    assert (name_of(0, PDF), name_of(9, JPEG)) == ("0.pdf", "9.jpg")
    assert len({name_of(0, media) for media in SUFFIXES}) == len(SUFFIXES)


@pytest.mark.parametrize("size", [0, 1, 16_384, 100_001])
def test_the_length_that_a_header_states_is_that_of_the_sealed_file(size):
    """Sealing the bytes gives as many as were stated, and files of nearly one size are stated alike."""
    sealer = PartSealer(b"k" * 32, id=b64u(b"i" * 16), n=0, size=size)
    sealed = sealer.update(bytes(size)) + b"".join(sealer.finish())
    assert lengths([file(0, size=size)]) == (len(sealed),)
    assert lengths([file(0, size=100_000), file(1, size=100_001)]) == lengths([file(0, size=100_001)]) * 2


def test_a_scope_is_asked_about_the_largest_file():
    """Wherever it stands; a message without files asks about none."""
    assert largest([file(0, size=7), file(1, size=9), file(2, size=8)]) == 9
    assert largest([]) is None


def test_the_files_of_a_secret_are_read_in_their_order_or_refused():
    """A frame with a missing number, or that is no secret at all, has no files."""
    parts = (file(0), file(1, media=JPEG))
    assert files_of(Secret(salt=b"s" * 32, parts=parts).encode()) == parts
    for wrong in (Secret(salt=b"s" * 32, parts=(file(1),)).encode(), b"{}", b""):
        with pytest.raises(RemoteError) as refused:
            files_of(wrong)
        assert refused.value.code is Code.MALFORMED
