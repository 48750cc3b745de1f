"""keys.primitives.attachment_cipher: attachments as streams (nrm1 10.2; threats 52, 55)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from support.nodes import Seeds, refused

from gateway.errors import Code, RefusedError
from keys.documents.statement import SecretPart
from keys.primitives import attachment_cipher
from keys.primitives.encoding import b64u, sha256
from keys.primitives.seal import open_content

RAND = Seeds("parts")
ID, OTHER = b64u(RAND(16)), b64u(RAND(16))
CONTENT = RAND(32) * 5_000


def sealed(content: bytes = CONTENT, *, n: int = 0, piece: int = 100_000) -> tuple[SecretPart, bytes]:
    """A part and what opens it."""
    sealer = attachment_cipher.PartSealer(RAND(32), id=ID, n=n, size=len(content))
    made = b"".join(sealer.update(content[at : at + piece]) for at in range(0, len(content), piece))
    made += b"".join(sealer.finish())
    return sealer.part(name=f"{n}.bin", media="application/octet-stream"), made


def opened(part: SecretPart, data: bytes, *, id: str = ID, piece: int = 70_001) -> bytes:
    """The content, opened in pieces of a size that fits nothing."""
    opener = attachment_cipher.PartOpener(part, id=id)
    content = b"".join(opener.update(data[at : at + piece]) for at in range(0, len(data), piece))
    return content + opener.finalize()


@pytest.mark.parametrize("size", [0, 1, 7, 8, 16_368, 65_527, 65_528, 65_529, 160_000])
def test_round_trip(size: int) -> None:
    """Every size opens to what it was and has the length that is said before it is sealed."""
    part, data = sealed(CONTENT[:size])
    assert opened(part, data) == CONTENT[:size]
    assert (part.size, part.sha256) == (size, sha256(CONTENT[:size]))
    assert len(data) == attachment_cipher.part_length(size)


def test_the_plain_form_is_the_one_of_the_protocol() -> None:
    """u64 length, content, zeros, under the context of message and place."""
    part, data = sealed(b"abc", n=3)
    plain = open_content(part.key, attachment_cipher.part_context(ID, 3), data)
    assert plain == (3).to_bytes(8, "big") + b"abc" + bytes(65_536 - 11)


def test_the_context_names_message_and_place() -> None:
    """Two bytes of number behind the raw id."""
    context = attachment_cipher.part_context(b64u(bytes(range(16))), 258)
    assert context == b"nrm1/part\0" + bytes(range(16)) + b"\x01\x02"


@pytest.mark.parametrize(
    ("length", "count", "last"),
    [
        (1, 1, 1),
        (attachment_cipher.SEGMENT, 1, attachment_cipher.SEGMENT),
        (attachment_cipher.SEGMENT + 1, 2, 1),
        (3 * attachment_cipher.SEGMENT - 5, 3, attachment_cipher.SEGMENT - 5),
    ],
)
def test_segments(length: int, count: int, last: int) -> None:
    """Each but the last is exactly 1 MiB, and there is none behind the last."""
    assert attachment_cipher.count_segments(length) == count
    assert attachment_cipher.segment_length(length, count - 1) == last
    assert attachment_cipher.segment_length(length, count) == 0


def moved() -> Iterator[tuple[str, SecretPart, bytes, str]]:
    """Each fault with what it is: a part that is not opened as what it was sealed for, or not whole."""
    part, data = sealed()
    other, foreign = sealed(CONTENT[:-1])
    yield "another message", part, data, OTHER
    yield "another place", replace(part, n=1), data, ID
    yield "another part", part, foreign, ID
    yield "another key", replace(part, key=other.key), data, ID
    yield "cut at a chunk", part, data[: 56 + 3 * 16_400], ID
    yield "a byte more", part, data + b"\0", ID
    for at in (0, 30, 60, 20_000, len(data) - 1):
        yield f"bit at {at}", part, data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :], ID


@pytest.mark.parametrize(
    ("what", "part", "data", "id"), [*moved()], ids=lambda value: value if isinstance(value, str) else ""
)
def test_what_is_not_this_part_does_not_open(what: str, part: SecretPart, data: bytes, id: str) -> None:
    """Threat 52: moved, swapped, cut, changed; one word for all of it."""
    with refused(Code.UNDECRYPTABLE):
        opened(part, data, id=id)


def test_another_hash_than_was_signed() -> None:
    """The last step: everything opened, and still it is not the file."""
    part, data = sealed()
    with refused(Code.BAD_COMMITMENT):
        opened(replace(part, sha256=sha256(b"")), data)


@pytest.mark.parametrize("change", [-1, 1])
def test_another_length_than_was_signed(change: int) -> None:
    """Seen with the first chunk, before any content is taken."""
    part, data = sealed()
    opener = attachment_cipher.PartOpener(replace(part, size=part.size + change), id=ID)
    with refused(Code.BAD_COMMITMENT):
        opener.update(data[:20_000])


@pytest.mark.parametrize(("size", "given"), [(10, 11), (10, 9), (0, 1), (1, 0)])
def test_a_file_of_another_size_than_was_said_is_not_sealed(size: int, given: int) -> None:
    """A file that grows or shrinks while it is read is refused."""
    sealer = attachment_cipher.PartSealer(RAND(32), id=ID, n=0, size=size)
    with pytest.raises(RefusedError, match="than was said"):
        sealer.update(bytes(given))
        list(sealer.finish())


def test_nothing_of_it_is_printed() -> None:
    """Key and hash stay out of every text."""
    part, _ = sealed()
    assert repr(part) == "<redacted>"
