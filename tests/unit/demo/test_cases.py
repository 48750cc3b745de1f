"""Cases of the demonstration: what the workbook holds becomes drafts that match their schema."""

from __future__ import annotations

from datetime import date

import schemas
from adapters.sheet import SheetAdapter, htcds
from gateway.demo import places
from gateway.demo.cases import FIRST, FOURTH, MARKS, SECOND, THIRD, Workbook
from gateway.mapping.case_system import read_mapping
from gateway.mapping.to_message import map_record

DAY = date(2026, 11, 25)
CONSENT = "CCCCCCCCCCCCCCCCCCCCCA"


async def test_marked_rows_become_drafts_that_match_their_schema(federation):
    """What the workbook holds maps to valid messages, and the person is in the referral, not in the enquiry."""
    places.make_folders(federation)
    france, albania, ukraine, morocco = federation.countries
    workbook = Workbook(france, DAY, {FIRST: albania, SECOND: ukraine, THIRD: albania, FOURTH: morocco})
    workbook.mark(FIRST, htcds.READY_TO_ASK)
    workbook.mark(FIRST, htcds.READY_TO_REFER)
    workbook.mark(SECOND, htcds.READY_TO_REFER)
    workbook.mark(THIRD, htcds.READY_TO_ASK)
    workbook.mark(FOURTH, htcds.READY_TO_ASK)
    mappings = {mapping.name: mapping for mapping in map(read_mapping, htcds.MARKS.values())}
    drafts = {}
    for record in await SheetAdapter(workbook.path, marks=htcds.MARKS).pull():
        draft = map_record(mappings[record.mapping], record)
        assert isinstance(draft, dict), draft
        header = {**draft["header"], "seen": 0, "author_ref": "fr-18"}
        if draft["type"].startswith("referral"):
            header["consent_ref"] = CONSENT
        assert schemas.validate(draft["type"], {"header": header, "content": draft["content"]}) == ()
        drafts[record.ref] = draft
    assert {ref.partition(":")[2] for ref in drafts} == {FIRST, SECOND, THIRD, FOURTH}
    referral = next(draft for ref, draft in drafts.items() if ref == f"htcds-2-0:{FIRST}")
    assert referral["content"]["person"]["name_given"] == MARKS["given name"]
    enquiry = next(draft for ref, draft in drafts.items() if ref == f"htcds-2-0-enquiry:{FIRST}")
    assert not any(value in str(enquiry) for value in MARKS.values())
