"""The line list itself, which is only read here: one workbook or CSV file and the mapping files of its mark columns."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from adapters.kit.files import NotPlainError, TooLargeError, read_plain
from adapters.sheet import records
from adapters.sheet.checks import COMMENTS, MAPPING_CHANGED, guessed_encoding, missing_column, shared_heading
from adapters.sheet.headings import Heading, normalise_label
from adapters.sheet.layout import LIMIT, Layout, read_layout
from adapters.sheet.read import heading_of, read_table
from adapters.sheet.records import Row, missing_columns, rows_of
from adapters.sheet.table import Limits, Table, UnreadableError
from gateway.errors import Code, Finding, RefusedError, TransientError


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column as a person checks it: where it is, its label, and the mappings that read it as which kind."""

    place: str
    label: str
    read_by: Mapping[str, str]


Signature = tuple[tuple[int, int, int], ...]


class LineList:
    """One line list, read anew at each call. The arguments are those of `SheetAdapter`."""

    def __init__(
        self,
        source: Path,
        *,
        marks: Mapping[str, Path],
        key: str,
        sheet: str | None,
        delimiter: str | None,
        encoding: str | None,
        ids: Collection[str],
        limits: Limits,
    ) -> None:
        self.source = source
        self._marks = {normalise_label(label): path for label, path in marks.items()}
        self._key = normalise_label(key)
        self._sheet = sheet
        self._delimiter = delimiter
        self._encoding = encoding
        self._ids = frozenset(map(normalise_label, ids))
        self._limits = limits
        self._layouts: Mapping[str, Layout] | None = None

    def signature(self) -> Signature:
        """Return a value that changes when the line list or a mapping file is saved."""
        stats = [path.stat() for path in (self.source, *self._marks.values())]
        return tuple((stat.st_mtime_ns, stat.st_size, stat.st_ino) for stat in stats)

    def columns(self) -> list[Column]:
        """List the columns as the adapter understands them. Raises RefusedError for a list that cannot be read."""
        table, heading, marks = self._open()
        return [
            Column(
                place=table.column_place(column),
                label=label,
                read_by={
                    layout.name: str(layout.columns[normalise_label(label)])
                    for layout in marks.values()
                    if normalise_label(label) in layout.columns
                },
            )
            for column, label in heading.labels.items()
        ]

    def marked_rows(self) -> Iterator[Row]:
        """Read the list, and yield the marked rows, each once.

        Raises RefusedError(adapter_refused) where the column of keys, or every mark column, is missing.
        """
        table, heading, marks = self._open()
        missing = missing_columns(heading, marks, self._key)
        if self._key in missing or len(missing) == len(marks):
            raise _refused([missing_column(label) for label in missing])
        return rows_of(table, heading, marks, self._key)

    def has_row(self, ref: str) -> bool:
        """Whether the row of this ref is still in the list."""
        table, heading, _ = self._open()
        return records.has_row(table, heading, self._key, ref)

    def check(self) -> list[Finding]:
        """Find what keeps the list from being read, and the columns that nothing reads."""
        try:
            table, heading, marks = self._open()
            changed = self._read_layouts() != marks
        except OSError:
            return [Finding(place="line list or mapping", rule="not_readable", hint="look at its path and rights")]
        except (NotPlainError, TooLargeError):
            return [Finding(place="line list or mapping", rule="not_a_file", hint="a plain file belongs there")]
        except RefusedError as exc:
            return list(exc.findings) or [Finding(place="mapping", rule=str(exc.code), hint=exc.what)]
        findings = [missing_column(label) for label in missing_columns(heading, marks, self._key)]
        if table.guessed is not None:
            findings.append(guessed_encoding(table.guessed))
        if table.comments:
            findings.append(COMMENTS)
        if changed:
            findings.append(MAPPING_CHANGED)
        findings += [shared_heading(table.place(heading.row, column)) for column in heading.shared]
        known = frozenset({self._key, *marks}).union(*(layout.known for layout in marks.values()))
        return findings + [
            Finding(place=table.column_place(column), rule="unread_column", hint="map it, or list it under ignored")
            for column, label in heading.labels.items()
            if normalise_label(label) not in known
        ]

    def _read_layouts(self) -> Mapping[str, Layout]:
        return {label: read_layout(read_plain(path, LIMIT), self._ids) for label, path in self._marks.items()}

    def _open(self) -> tuple[Table, Heading, Mapping[str, Layout]]:
        """Read the list under the mapping files as they were when it was first read here, which is how the node has
        them: by newer ones a row would look as if it had been judged under them, and not come again.
        """
        marks = self._layouts = self._layouts or self._read_layouts()
        known = frozenset({self._key, *marks}).union(*(layout.known for layout in marks.values()))
        before = self.signature()
        try:
            data = read_plain(self.source, self._limits.file_bytes)
            table = read_table(
                data,
                self.source.suffix.lower(),
                known,
                sheet=self._sheet,
                delimiter=self._delimiter,
                encoding=self._encoding,
                limits=self._limits,
            )
        except TooLargeError as exc:
            finding = Finding(place="", rule="file_too_large", hint=f"at most {self._limits.file_bytes >> 20} MiB")
            raise _refused([finding]) from exc
        except UnreadableError as exc:
            if self.signature() != before:
                raise TransientError(Code.ADAPTER_BUSY, "the line list is being saved") from exc
            raise _refused([exc.finding]) from exc
        heading = heading_of(table, known)
        if heading is None:
            raise RuntimeError("a table without a heading came out of read_table")
        return table, heading, marks


def _refused(findings: Sequence[Finding]) -> RefusedError:
    what = f"the line list cannot be used: {', '.join(finding.rule for finding in findings)}"
    return RefusedError(Code.ADAPTER_REFUSED, what, hint=findings[0].hint, findings=findings)
