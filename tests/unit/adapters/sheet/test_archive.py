"""The true size of an archive: counted without keeping it, whatever the archive claims."""

from __future__ import annotations

import io
import zipfile

import pytest

from adapters.sheet.archive import check_unpacked_size
from adapters.sheet.table import UnreadableError

LIMIT = 1 << 20


def archive(*members: tuple[str, bytes], kind: int = zipfile.ZIP_DEFLATED) -> bytes:
    """An archive of these members."""
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w", kind) as made:
        for name, data in members:
            made.writestr(name, data)
    return output.getvalue()


def check(data: bytes) -> None:
    """Judge an archive by its bytes."""
    check_unpacked_size(zipfile.ZipFile(io.BytesIO(data)), data, LIMIT)


@pytest.mark.parametrize("kind", [zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED])
def test_the_limit_is_of_all_members_together(kind: int) -> None:
    """Exactly the limit is read; one byte more is not, whichever member has it."""
    half = bytes(LIMIT // 2)
    check(archive(("a", half), ("b", half), kind=kind))
    with pytest.raises(UnreadableError) as caught:
        check(archive(("a", half), ("b", half + b"x"), kind=kind))
    assert caught.value.finding.rule == "too_large_unpacked"


def test_a_size_that_is_a_lie_is_found() -> None:
    """The archive says 1 byte; what it unpacks to counts."""
    data = archive(("a", bytes(2 * LIMIT)))
    stated = (2 * LIMIT).to_bytes(4, "little")
    assert stated in data
    with pytest.raises(UnreadableError) as caught:
        check(data.replace(stated, (1).to_bytes(4, "little")))
    assert caught.value.finding.rule == "too_large_unpacked"


def test_another_packing_and_too_many_members() -> None:
    """What cannot be counted is not read."""
    with pytest.raises(UnreadableError) as caught:
        check(archive(("a", b"x"), kind=zipfile.ZIP_BZIP2))
    assert caught.value.finding.rule == "not_a_workbook"
    with pytest.raises(UnreadableError) as caught:
        check(archive(*((str(number), b"") for number in range(2_001))))
    assert caught.value.finding.rule == "odd_archive"
