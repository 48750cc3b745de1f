"""What happened in a case, in one line with what is being written, on the page of the case."""

from __future__ import annotations

from typing import Any

from support.browsing import read
from support.casework import COURSE, answers
from support.consoles import console
from support.played_cases import CASE, CONSENT, DRAFT, SHOWN
from support.shapes import misfits

HERE = f"/cases/{CASE}"


async def test_everything_stands_in_one_line_with_its_way() -> None:
    """Messages of both ways as pictures with a word, drafts and consents between them; the stage, and the person at a
    glance.
    """
    assert misfits("case.course", COURSE) == []
    async with console(answers()) as there:
        text = (await there.get(HERE)).text
        page, said = read(text), " ".join(read(text).said.split())
        for what in (
            "Arrived here",
            "Left here",
            "Consent recorded",
            "Age group 18 years or older",
            "Speaks Albanian",
            "Nationality Albania",
            "Procedure now",
        ):
            assert what in said
        assert {f"/drafts/{DRAFT}/preview", f"/consents/{CONSENT}", f"{HERE}/messages?cursor=7"} <= set(page.links)
        stages = text.partition('<ol class="stages"')[2].partition("</ol>")[0]
        assert stages.count("<li") == 5 and stages.count('class="passed"') == 2 and stages.count("aria-current") == 1


async def test_an_older_page_has_the_messages_alone() -> None:
    """Drafts and consents stand on the first one."""
    async with console(answers(case__course=COURSE | {"next": None})) as there:
        page = read((await there.get(f"{HERE}/messages?cursor=7")).text)
        asked = [arguments for name, arguments, _ in there.desk.calls if name == "case.course"]
        assert asked == [{"id": CASE, "cursor": "7"}]
        assert "Consent recorded" not in page.said and f"{HERE}/messages?cursor=7" not in page.links


async def test_where_nothing_was_said_nothing_stands_for_it() -> None:
    """A case that has just begun."""
    nothing: dict[str, Any] = dict.fromkeys(("age_group", "child", "gender"))
    begun = COURSE | {
        "stage": None,
        "peers": [],
        "person": nothing | {"nationalities": [], "languages": []},
        "standing": [],
        "messages": [],
    }
    bare = SHOWN | {"drafts": [], "consents": [], "conversations": []}
    async with console(answers(case__course=begun | {"next": None}, case__show=bare)) as there:
        said = read((await there.get(HERE)).text).said
        assert "Not begun. Nothing was written to any country yet." in " ".join(said.split())
        assert "Nothing yet." in said and "Age group" not in said and "Procedure now" not in said


async def test_the_picture_keeps_its_letters_from_right_to_left() -> None:
    """It is drawn mirrored; where letters begin would be turned round a second time by the direction of the page."""
    async with console(answers()) as there:
        text = (await there.get(HERE, **{"Accept-Language": "ar"})).text
        assert 'dir="rtl"' in text and text.count('direction="ltr"') == text.count('<svg class="track') > 0
