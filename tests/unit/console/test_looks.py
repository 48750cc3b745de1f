"""Templates are compiled once, before anybody opens a page."""

from __future__ import annotations

import re
from importlib.resources import files
from unittest.mock import patch

import pytest
from jinja2 import Environment

from gateway.console.looks import is_random_id, make_environment, prepare_pages
from schemas.labels import load_languages

TRANSLATED = re.compile(r"\{%-? *trans\b.*?endtrans *-?%\}|\{#.*?#\}", re.DOTALL)
SIGN = re.compile(r"(?:\}\}|%\}|</\w+>)\)?[:,;]\s.*")


def test_templates_are_compiled_once_for_every_language() -> None:
    """Behind the preparation for one language no template is compiled any more, in none of the nine."""
    prepare_pages("en")
    with patch.object(Environment, "compile", side_effect=AssertionError("compiled again")):
        for language in load_languages():
            environment = make_environment(language)
            names = environment.list_templates()
            assert "base.html" in names
            for name in names:
                environment.get_template(name)


def test_no_template_writes_a_sign_of_one_language():
    """Between two values stand the colon, comma and semicolon of the reader; a text that is translated has its own."""
    environment = make_environment("en")
    assert environment.loader is not None
    for name in environment.list_templates():
        source, _, _ = environment.loader.get_source(environment, name)
        assert SIGN.findall(TRANSLATED.sub("%}", source)) == [], name


def test_the_style_sheet_stays_small():
    """It goes over slow lines: under 24 KiB."""
    assert len((files("gateway.console") / "static" / "console.css").read_bytes()) < 24 * 1024


@pytest.mark.parametrize(
    ("text", "random"),
    [
        ("q2x0bJr3QkK0m1c5n8sT4g", True),
        ("-RU-yKWCcpAIQXgG7dhDig", True),
        ("a" * 64, True),
        ("n1jfbiofrbpmxop7wxhcrrkwnau7pyqwld", True),
        ("Gewaltschutzambulanzen", False),
        ("Gewaltschutzambulanz24", True),
        ("2026-11-30", False),
        (None, False),
    ],
)
def test_what_nobody_reads_is_told_from_words(text, random):
    """Ids, hashes and node ids, which pages replace by words."""
    assert is_random_id(text) is random
