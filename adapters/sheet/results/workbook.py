"""The result workbook for people: the outcomes of the office's records, and the received messages.

Every cell is text. A value that begins with a character by which a spreadsheet knows a formula carries the mark of
quoted text as well, so that neither opening the file nor editing the cell brings it to life.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import xlsxwriter  # type: ignore[import-untyped]  # ships no types

from adapters.sheet.results.ledger import Ledger
from adapters.sheet.results.questions import Fault, ask_by_column, is_asked, write_rows
from adapters.sheet.words import Words
from gateway.errors import Finding
from gateway.ports import Delivery, Json, Notice, NoticeKind

CELL = 32_000
"""Characters in one cell; a workbook takes 32 767 and drops longer texts without a word."""
ROWS = 1_000_000

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_ORDER = {kind: number for number, kind in enumerate(NoticeKind)}
_RECORDS = (
    ("Reference", 16),
    ("Sent As", 20),
    ("State", 12),
    ("Meaning", 46),
    ("Code", 18),
    ("Place", 34),
    ("Rule", 24),
    ("Hint", 44),
    ("Message", 26),
    ("Conversation", 26),
    ("Time (UTC)", 18),
)
_RECEIVED = (
    ("Message", 26),
    ("Type", 24),
    ("From", 24),
    ("Node", 38),
    ("Conversation", 26),
    ("Answers", 26),
    ("Purpose", 16),
    ("Priority", 12),
    ("Our Reference", 16),
    ("Written (UTC)", 18),
    ("Received (UTC)", 18),
    ("Out of Order", 12),
)
_QUESTIONS = (
    ("Column", 30),
    ("Place", 30),
    ("Sent As", 20),
    ("Rows", 34),
    ("Cells", 8),
    ("Example", 34),
    ("Question", 60),
    ("Answer", 70),
)
_CONTENT = (("Message", 26), ("Type", 24), ("From", 24), ("Part", 10), ("Field", 44), ("Value", 80))
_ERASED = (("Message", 26), ("State", 60))

Columns = Sequence[tuple[str, int]]
Workbook = Any
Worksheet = Any
Format = Any
# the library has no types


def render_workbook(ledger: Ledger, words: Words) -> bytes:
    """Render the workbook of a ledger; the same ledger gives the same bytes. Nothing is written to a temporary file.

    Headings, the meaning of a state and the fault of a cell are in the language of `words`; codes stay codes.
    """
    output = BytesIO()
    workbook = xlsxwriter.Workbook(output, {"in_memory": True, "strings_to_urls": False})
    workbook.set_properties({"title": "TRM results", "created": datetime(2000, 1, 1)})
    pages = _Pages(workbook, words)
    pages.write("records", _RECORDS, _record_rows(ledger, words))
    pages.write("questions", _QUESTIONS, _question_rows(ledger, words))
    pages.write("received", _RECEIVED, (_received_row(item) for item in ledger.deliveries()))
    pages.write("content", _CONTENT, (row for item in ledger.deliveries() for row in _content_rows(item)))
    erased = ledger.erased_messages()
    pages.write("erased", _ERASED, ((message_id, words("states", "erased")) for message_id in erased))
    workbook.close()
    return output.getvalue()


def flatten_document(value: Json, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield every leaf with a path for people: `person / birth date`, `services requested 2 / service`."""
    match value:
        case dict() if value:
            for name, member in value.items():
                words = name.replace("_", " ")
                yield from flatten_document(member, f"{path} / {words}" if path else words)
        case list() if value:
            for number, item in enumerate(value, start=1):
                yield from flatten_document(item, f"{path} {number}")
        case dict() | list() | None:
            yield path, "(none)"
        case bool():
            yield path, "yes" if value else "no"
        case _:
            yield path, str(value)


class _Pages:
    """Sheets of text with a heading row; a sheet that is full goes on in the next."""

    def __init__(self, workbook: Workbook, words: Words) -> None:
        self._workbook = workbook
        self._words = words
        self._heading = workbook.add_format({"bold": True, "num_format": "@", "bottom": 1})
        self._text = workbook.add_format({"num_format": "@", "text_wrap": True, "valign": "top"})
        self._quoted = workbook.add_format(
            {"num_format": "@", "text_wrap": True, "valign": "top", "quote_prefix": True}
        )

    def write(self, page: str, columns: Columns, rows: Iterable[Sequence[str]]) -> None:
        title = self._words.page(page)
        sheet, count, number = self._start(title, columns), 0, 1
        for row in rows:
            if count == ROWS:
                number += 1
                sheet, count = self._start(f"{title} {number}", columns), 0
            count += 1
            for column, value in enumerate(row):
                sheet.write_string(count, column, _clean(value), self._format(value))

    def _start(self, title: str, columns: Columns) -> Worksheet:
        sheet = self._workbook.add_worksheet(title)
        sheet.freeze_panes(1, 0)
        if self._words.right_to_left:
            sheet.right_to_left()
        for column, (label, width) in enumerate(columns):
            sheet.set_column(column, column, width)
            sheet.write_string(0, column, self._words("headings", label), self._heading)
        return sheet

    def _format(self, value: str) -> Format:
        return self._quoted if value.startswith(_FORMULA) else self._text


def _clean(value: str) -> str:
    """Replace the characters that XML cannot carry by the replacement character."""
    return "".join("\ufffd" if "\ud800" <= c <= "\udfff" or c in "\ufffe\uffff" else c for c in value)


def _record_rows(ledger: Ledger, words: Words) -> Iterator[Sequence[str]]:
    """Yield the latest news of each record, one row for each finding; what is asked by column is one row."""
    columns = ledger.columns()
    for notice in _latest(ledger):
        asked = [finding for finding in notice.findings if is_asked(finding)]
        own = [finding for finding in notice.findings if finding not in asked]
        for finding in (*own, *asked[:1]) or (Finding(place="", rule=""),):
            yield _record_row(notice, finding, columns.get(finding.place, ""), words)


def _latest(ledger: Ledger) -> Sequence[Notice]:
    """Return the latest news of each record, in the order of their refs."""
    latest: dict[str, Notice] = {}
    for notice in ledger.notices():
        known = latest.get(notice.ref)
        if known is None or (known.at, _ORDER[known.kind]) <= (notice.at, _ORDER[notice.kind]):
            latest[notice.ref] = notice
    return [latest[ref] for ref in sorted(latest)]


def _question_rows(ledger: Ledger, words: Words) -> Iterator[Sequence[str]]:
    """Yield what is asked once for a column, with the rows that wait for the answer."""
    columns = ledger.columns()
    faults = [
        Fault(mapping=notice.ref.partition(":")[0], label=columns.get(finding.place, ""), finding=finding)
        for notice in _latest(ledger)
        for finding in notice.findings
        if is_asked(finding)
    ]
    for question in ask_by_column(faults):
        yield (
            question.label,
            question.place,
            question.mapping,
            write_rows(question.rows),
            str(len(question.rows)),
            words.place(question.example),
            words("rules", question.rule),
            words("questions", "answer").format(command=question.command),
        )


def _record_row(notice: Notice, finding: Finding, column: str, words: Words) -> Sequence[str]:
    sent_as, _, reference = notice.ref.partition(":")
    asked = is_asked(finding)
    return (
        reference or notice.ref,
        sent_as if reference else "",
        str(notice.kind),
        words("states", notice.kind),
        "" if notice.code is None else str(notice.code),
        column if asked else words.place(finding.place, column),
        finding.rule,
        words("questions", "see").format(page=words.page("questions")) if asked else words.fault(finding),
        notice.message_id or "",
        notice.conversation or "",
        _time(notice.at),
    )


def _received_row(item: Delivery) -> Sequence[str]:
    return (
        item.message_id,
        item.type,
        item.sender_name,
        item.sender,
        item.conversation,
        item.in_reply_to or "",
        item.purpose or "",
        _member(item.header, "priority"),
        _member(item.header, "case_ref_recipient"),
        _time(item.created),
        _time(item.received),
        "yes" if item.out_of_order else "no",
    )


def _content_rows(item: Delivery) -> Iterator[Sequence[str]]:
    for part, document in (("header", item.header), ("content", item.content)):
        for path, value in flatten_document(dict(document)):
            for start in range(0, len(value), CELL) or (0,):
                more = f" (continued {start // CELL})" if start else ""
                yield item.message_id, item.type, item.sender_name, part, path + more, value[start : start + CELL]


def _member(document: Mapping[str, Json], name: str) -> str:
    value = document.get(name)
    return value if isinstance(value, str) else ""


def _time(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M")
