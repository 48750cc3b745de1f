"""Guidance as a page: what of Markdown is shown, that nothing of HTML is, and that no text stops or breaks it."""

from __future__ import annotations

import re
import time
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.pagelook import faults

from gateway.console.prose import render_prose
from schemas.guidance import load_general_texts
from schemas.region_pack.regions import load_region

OURS = frozenset(
    {
        ("p",),
        ("h2",),
        ("h3",),
        ("h4",),
        ("h5",),
        ("h6",),
        ("ul",),
        ("ol",),
        ("ol", "start"),
        ("li",),
        ("blockquote",),
        ("pre",),
        ("strong",),
        ("em",),
        ("code",),
        ("code", "dir"),
    }
)
"""Every element that there can be, with its attributes."""


def elements(shown: str) -> set[tuple[str, ...]]:
    """The elements of a page, each with the names of its attributes."""
    found = set()
    look = HTMLParser()
    look.handle_starttag = lambda tag, attrs: found.add((tag, *(name for name, _ in attrs)))  # type: ignore[method-assign]
    look.feed(shown)
    return found


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("one\ntwo\n\nthree", "<p>one\ntwo</p><p>three</p>"),
        ("# A\n### B\n## C", "<h2>A</h2><h3>B</h3><h3>C</h3>"),
        ("- # A\n\n### B", "<ul><li><h2>A</h2></li></ul><h3>B</h3>"),
        ("a **b** *c* `d`", "<p>a <strong>b</strong> <em>c</em> <code>d</code></p>"),
        ("**a `b`**", "<p><strong>a <code>b</code></strong></p>"),
        ("- a\n- b\n  more\n\nend", "<ul><li>a</li><li>b\nmore</li></ul><p>end</p>"),
        ("3. a\n4. b", '<ol start="3"><li>a</li><li>b</li></ol>'),
        ("1. a\n\n2. b", "<ol><li><p>a</p></li><li><p>b</p></li></ol>"),
        ("- a\n1. b", "<ul><li>a</li></ul><ol><li>b</li></ol>"),
        ("1. a\n   - b\n   - c\n2. d", "<ol><li>a<ul><li>b</li><li>c</li></ul></li><li>d</li></ol>"),
        ("- a\n\n  second", "<ul><li><p>a</p><p>second</p></li></ul>"),
        ("> a\n> b", "<blockquote><p>a\nb</p></blockquote>"),
        ("```\n**a** <b>\n```\nc", "<pre>**a** &lt;b&gt;\n</pre><p>c</p>"),
        ("``` a b\nc\n```", "<pre>c\n</pre>"),
        ("[law](https://example.org/a?b=1)", '<p>law (<code dir="ltr">https://example.org/a?b=1</code>)</p>'),
        ('[**a**](https://a.b/"x)', '<p><strong>a</strong> (<code dir="ltr">https://a.b/&#34;x</code>)</p>'),
        ("[x](http://a.b) [y](javascript:z)", "<p>[x](http://a.b) [y](javascript:z)</p>"),
        ("[x][y]\n\n[y]: https://a.b", "<p>[x][y]</p><p>[y]: https://a.b</p>"),
        ("2 * 3 * 4, a_b_c, 5*", "<p>2 * 3 * 4, a_b_c, 5*</p>"),
        ("a  \n&amp; <b> ~~c~~ https://a.b", "<p>a  \n&amp;amp; &lt;b&gt; ~~c~~ https://a.b</p>"),
        ("    a\n\n---\n\n|b|\n|-|", "<p>a</p><p>---</p><p>|b|\n|-|</p>"),
        ("", ""),
    ],
)
def test_what_of_markdown_is_shown(text, shown):
    """Headings never leave one out; lists go on over blank lines; a link is text; all other signs stay."""
    assert re.sub(r"(?<=>)\n|\n(?=<[uo]l)", "", render_prose(text)) == shown


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "[x](javascript:alert(1))",
        "[x](http://a.b)",
        "![x](https://a.b/c.png)",
        "# <img src=x onerror=alert(1)>",
        "- `<b>`",
        "**<i>**",
        "> <a href='x'>",
        "&lt;script&gt;",
        '[<b>](https://a.b/"x)',
        "<!-- -->",
        "[x]: https://a.b",
    ],
)
def test_nothing_of_html_passes(text):
    """Only elements of ours, none of which loads or leads anywhere."""
    assert elements(render_prose(text)) <= OURS


SIGNS = (
    "- ",
    "1. ",
    "  ",
    "    ",
    "\n",
    "\n\n",
    "**",
    "*",
    "`",
    "```\n",
    "> ",
    "# ",
    "### ",
    "a",
    "[x](https://y.z)",
    "<",
    "\t",
)


@given(st.lists(st.sampled_from(SIGNS), max_size=60))
def test_every_text_is_well_made(parts):
    """Whatever the signs and their order: each element is closed, no heading is left out."""
    text = "".join(parts)
    assert faults(f"<h1>x</h1>{render_prose(text)}") == []
    assert elements(render_prose(text)) <= OURS


@pytest.mark.parametrize(
    "text", ["*a " * 10_000, "[a" * 10_000, "`" * 32_000, "- " * 10_000 + "x", "  - a\n" * 5_000, "**" * 16_000]
)
def test_a_long_text_takes_no_time(text):
    """Of the longest size that a text can have."""
    began = time.process_time()
    render_prose(text[:32_768])
    assert time.process_time() - began < 2


def test_every_text_of_the_library_is_shown_whole():
    """No sign of Markdown is left over, and each text is well made."""
    for text in [*load_general_texts().values(), *load_region("tact").guidance.values()]:
        shown = render_prose(text.body)
        assert faults(f"<h1>x</h1>{shown}") == [], text.id
        assert "**" not in shown and "`" not in shown and "\n1." not in shown, text.id
