"""How many wait, as a number beside a section and in words for who hears a page."""

from __future__ import annotations

import pytest

from gateway.console.navigation.counts import Count, tell_counts
from gateway.console.words import load_words


@pytest.mark.parametrize(
    ("path", "said", "kind"),
    [
        ("/cases", "overdue", "count late"),
        ("/inbox", "not taken", "count"),
        ("/drafts", "wait for you", "count"),
        ("/alerts", "to be taken", "count late"),
        ("/trust", "wait for approval", "count"),
        ("/operations", "alarms", "count"),
    ],
)
def test_each_section_says_what_waits_in_it(path, said, kind):
    """A number alone says nothing to who does not see beside what it stands."""
    assert tell_counts({path: Count(3)}, load_words("en")) == {path: ("3", f", 3 {said}", kind)}


def test_of_a_longer_list_it_says_that_there_are_more():
    """The plural is that of the language."""
    told = tell_counts({"/inbox": Count(100, more=True), "/alerts": Count(1)}, load_words("pl"))
    assert told["/inbox"][0] == "100+" and told["/alerts"][:2] == ("1", ", 1 do przejęcia")
