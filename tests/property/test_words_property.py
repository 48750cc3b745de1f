"""Whatever a reviewer writes comes back out of the workbook as it was written."""

from __future__ import annotations

import unicodedata

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.translations.workbook import Row, read_workbook, write_workbook

TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cn")), max_size=40)
"""No control characters: a workbook has none."""
CLEAN = TEXTS.map(lambda text: unicodedata.normalize("NFC", text).strip())
ROWS = st.builds(
    Row,
    sheet=st.sampled_from(("Console", "Region")),
    context=TEXTS,
    english=TEXTS,
    wording=CLEAN | st.sampled_from(("=1+1", "+1", "-", "@x", "007", "1,5", "https://example.org", "a\nb", "_x0041_")),
    status=st.sampled_from(("draft", "reviewed")),
    reviewer=CLEAN,
    remark=CLEAN,
    path=st.just("a file"),
    key=TEXTS,
    before=TEXTS,
)


@settings(max_examples=30)
@given(st.lists(ROWS, max_size=8), st.booleans())
def test_a_workbook_keeps_every_cell(rows: list[Row], right_to_left: bool) -> None:
    """Also what looks like a formula, a number or an address."""
    language, found = read_workbook(write_workbook("ar", "العربية", rows, right_to_left=right_to_left))
    wanted = sorted(row.cells for row in rows)
    assert (language, sorted(row.cells for row in found)) == ("ar", wanted)
