"""The true size of a zip archive made by somebody else."""

from __future__ import annotations

import zipfile
import zlib

from adapters.sheet.table import UnreadableError

_MEMBERS = 2_000
_STEP = 1 << 16


def check_unpacked_size(archive: zipfile.ZipFile, data: bytes, limit: int) -> None:
    """Unpack every member without keeping it, and stop at `limit`: the sizes that the archive states may be a lie."""
    members = archive.infolist()
    names = {member.filename for member in members}
    if len(members) > _MEMBERS or len(names) != len(members):
        raise UnreadableError("odd_archive", "open the workbook and save it again")
    total = 0
    for member in members:
        if member.flag_bits & 1 or member.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
            raise UnreadableError("not_a_workbook", "save it again as .xlsx without a password")
        packed = _packed(data, member)
        if member.compress_type == zipfile.ZIP_STORED:
            total += len(packed)
        else:
            total += _unpacked_size(packed, limit - total)
        if total > limit:
            raise UnreadableError("too_large_unpacked", f"a workbook of at most {limit >> 20} MiB unpacked is read")


def _packed(data: bytes, member: zipfile.ZipInfo) -> memoryview:
    header = data[member.header_offset : member.header_offset + 30]
    if len(header) < 30:
        raise EOFError
    name, extra = int.from_bytes(header[26:28], "little"), int.from_bytes(header[28:30], "little")
    start = member.header_offset + 30 + name + extra
    return memoryview(data)[start : start + member.compress_size]


def _unpacked_size(packed: memoryview, limit: int) -> int:
    """Return the true size of a deflated member, or something above `limit`."""
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    size = 0
    for start in range(0, len(packed), _STEP):
        piece: bytes | memoryview = packed[start : start + _STEP]
        while piece and size <= limit:
            size += len(inflate.decompress(piece, 1 << 20))
            piece = inflate.unconsumed_tail
        if size > limit:
            break
    return size
