"""A paper as a PDF file: A4, its language and direction said, the verdict and the answers at the top of the first page.

The file is made in memory and nothing of it is written anywhere. The same paper makes the same bytes. Its fonts come
with this package (`fonts/`); a letter that they lack is drawn as a sign that one can see, and is not logged.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from importlib.util import find_spec

from gateway.console.looks import show_hidden
from gateway.console.papers.paper import Paper, Table

FONT = "DejaVu"
MARGIN, WIDTH = 15, 180
"""Millimetres of A4."""
INK, GREY, GOOD, BAD = (26, 31, 36), (117, 113, 103), (27, 102, 56), (164, 32, 27)
LACKING = "\ufffd"
PROBABLE_PAGES = 3
ROOM, WIDEST = 4, 60
"""Millimetres at the sides of a cell, and of the widest text that has a say in its column."""


@dataclass(frozen=True, slots=True)
class Foot:
    """The foot of each page: `numbers` has `%(page)s` and `%(pages)s`, `known_by` what stands beside them."""

    numbers: str
    known_by: str

    def write(self, page: int, pages: int) -> str:
        """What stands at the foot of a page."""
        return f"{self.known_by}. {self.numbers % {'page': page, 'pages': pages}}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How a paper is drawn: the tag of its language, whether it runs from right to left, what its foot says on page
    `n` of `all`, and the moment at which it was read (Unix seconds).
    """

    language: str
    to_left: bool
    foot: Foot
    at: int


def can_print() -> bool:
    """Whether what draws such files is installed (the extra `pdf`)."""
    return find_spec("fpdf") is not None and find_spec("uharfbuzz") is not None


def print_paper(paper: Paper, look: Look) -> bytes:
    """Draw a paper. It is drawn again where the number of its pages was guessed wrong: each foot says it."""
    pages, data = _draw(paper, look, PROBABLE_PAGES)
    return data if pages == PROBABLE_PAGES else _draw(paper, look, pages)[1]


def _draw(paper: Paper, look: Look, pages: int) -> tuple[int, bytes]:
    """Draw a paper of so many pages: how many it has, and the file."""
    with closing(_Drawing(look, pages)) as drawing:
        return drawing.draw(paper)


class _Drawing:
    """One pass over a paper."""

    def __init__(self, look: Look, pages: int) -> None:
        from fpdf import FPDF
        from fpdf.fonts import TTFFont  # takes a tenth of a second, which nobody waits for who prints nothing

        foot = look.foot

        class Sheet(FPDF):
            def footer(self) -> None:
                self.set_y(-MARGIN)
                self.set_font(FONT, size=8)
                self.set_text_color(*GREY)
                self.cell(WIDTH, 5, drawn.readable(foot.write(self.page_no(), pages)), align="C")

        drawn = self
        self._to_left = look.to_left
        self._pdf = Sheet(format="A4")
        fonts = files(__package__) / "fonts"
        for style, name in (("", "DejaVuSans.ttf"), ("B", "DejaVuSans-Bold.ttf")):
            self._pdf.add_font(FONT, style, str(fonts / name))
        self._fonts = [font for font in self._pdf.fonts.values() if isinstance(font, TTFFont)]
        self._letters = frozenset.intersection(*(frozenset(font.cmap) for font in self._fonts))
        self._pdf.set_margin(MARGIN)
        self._pdf.set_auto_page_break(True, margin=2 * MARGIN)
        self._pdf.set_lang(look.language)
        self._pdf.set_creation_date(datetime.fromtimestamp(look.at, UTC))
        self._pdf.set_text_shaping(True, direction="rtl" if look.to_left else "ltr", language=look.language)

    def close(self) -> None:
        """Close the files of the fonts, which fpdf2 leaves open."""
        for font in self._fonts:
            font.ttfont.close()

    def draw(self, paper: Paper) -> tuple[int, bytes]:
        """Draw all of it: how many pages it has, and the file."""
        pdf = self._pdf
        pdf.set_title(self.readable(paper.title))
        pdf.add_page()
        self._line(paper.title, size=16, bold=True)
        for said in paper.about:
            self._line(said, size=9)
        self._verdict(paper)
        self._answers(paper.answers)
        for table in paper.tables:
            self._table(table)
        self._line(paper.proof_title, size=12, bold=True, above=4)
        self._rows([(name, value) for name, value in paper.proof], widths=(45, 135), heads=None)
        return pdf.pages_count, bytes(pdf.output())

    def readable(self, text: str) -> str:
        """The text with a sign in the place of what the fonts lack, and of what nobody would see."""
        return "".join(char if ord(char) in self._letters else LACKING for char in show_hidden(text))

    @property
    def _start(self) -> str:
        return "R" if self._to_left else "L"

    def _line(
        self,
        text: str,
        *,
        size: int,
        bold: bool = False,
        above: float = 0,
        color: tuple[int, int, int] = INK,
    ) -> None:
        pdf = self._pdf
        pdf.ln(above)
        pdf.set_font(FONT, "B" if bold else "", size)
        pdf.set_text_color(*color)
        pdf.multi_cell(WIDTH, size * 0.5, self.readable(text), align=self._start, new_x="LMARGIN", new_y="NEXT")

    def _verdict(self, paper: Paper) -> None:
        color = GOOD if paper.good else BAD
        self._pdf.set_draw_color(*color)
        self._line(f"{paper.verdict}.", size=13, bold=True, above=3, color=color)
        self._line(paper.detail, size=10)
        self._pdf.set_line_width(0.6)
        y = self._pdf.get_y() + 1
        self._pdf.line(MARGIN, y, MARGIN + WIDTH, y)
        self._pdf.set_line_width(0.2)
        self._pdf.set_draw_color(*GREY)

    def _answers(self, answers: Sequence[tuple[str, str]]) -> None:
        self._pdf.ln(3)
        self._rows(
            [[answer for _, answer in answers]],
            widths=[WIDTH / len(answers)] * len(answers),
            heads=[question for question, _ in answers],
        )

    def _table(self, table: Table) -> None:
        self._line(table.title, size=12, bold=True, above=4)
        if not table.rows:
            self._line(table.empty, size=9)
            return
        self._rows(table.rows, widths=self._widths([table.heads, *table.rows]), heads=table.heads)

    def _widths(self, rows: Sequence[Sequence[str]]) -> list[float]:
        """Widths of columns in millimetres, by the words and the whole texts of their cells."""
        pdf = self._pdf
        pdf.set_font(FONT, "B", 8)
        columns = [[self.readable(cell) for cell in column] for column in zip(*rows, strict=True)]
        words = [
            max((pdf.get_string_width(word) for cell in cells for word in cell.split()), default=0) for cells in columns
        ]
        texts = [min(WIDEST, max(map(pdf.get_string_width, cells))) for cells in columns]
        return _share([one + ROOM for one in words], [one + ROOM for one in texts])

    def _rows(self, rows: Sequence[Sequence[str]], *, widths: Sequence[float], heads: Sequence[str] | None) -> None:
        """Draw rows under their headings, which stand again on each page; columns run as the language does."""
        from fpdf.enums import TableBordersLayout
        from fpdf.fonts import FontFace

        pdf = self._pdf
        pdf.set_font(FONT, size=8)
        pdf.set_text_color(*INK)
        turned = slice(None, None, -1) if self._to_left else slice(None)
        with pdf.table(
            width=WIDTH,
            col_widths=tuple(widths[turned]),
            text_align=self._start,
            line_height=4,
            padding=1,
            borders_layout=TableBordersLayout.HORIZONTAL_LINES,
            first_row_as_headings=heads is not None,
            headings_style=FontFace(emphasis="B", color=GREY),
        ) as table:
            for cells in [heads, *rows] if heads is not None else rows:
                table.row([self.readable(cell) for cell in cells][turned])


def _share(least: Sequence[float], wished: Sequence[float]) -> list[float]:
    """Share the width of a page among columns: each has room for its longest word, and of the rest as it wishes."""
    rest = max(0.0, WIDTH - sum(least))
    more = [max(0.1, wish - need) for wish, need in zip(wished, least, strict=True)]
    return [need + rest * part / sum(more) for need, part in zip(least, more, strict=True)]
