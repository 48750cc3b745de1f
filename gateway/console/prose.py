"""Texts of the guidance library as a page: a part of Markdown, and nothing of HTML.

    # heading, ## heading, ...            below the heading of the page, never more than a step deeper than the last one
    - item, * item, 1. item               lists; what is indented below an item belongs to it
    > quoted, ``` code ```
    **strong**, *emphasis*, `code`, [words](https://...)

Every other sign is shown as it is written: the parser begins with no rule at all, so that one that a later release adds
is not in use here. A link is its words and its address as text: no page of the console leads elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict
from markupsafe import Markup, escape

NESTING = 20
"""Levels of elements within elements that the parser reads, so that no text makes it recurse without end."""
_RULES = ("heading", "list", "blockquote", "fence", "emphasis", "backticks", "link")


class _Renderer(RendererHTML):
    """Writes elements without attributes of the text's own, and links as text."""

    def fence(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """Write a block of code; the word behind its fence is no class of ours."""
        return f"<pre>{escape(tokens[idx].content)}</pre>\n"

    def link_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """Write nothing: the words of a link stand for themselves."""
        env["address"] = tokens[idx].attrGet("href")
        return ""

    def link_close(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """Write the address behind the words; links do not nest."""
        return f' (<code dir="ltr">{escape(env["address"])}</code>)'


def render_prose(text: str) -> Markup:
    """Render the text as HTML, everything in it escaped; its first heading is an h2."""
    return Markup(_MARKDOWN.render(text))  # noqa: S704 (the renderer escapes every text and writes no HTML of it)


class _Parser(MarkdownIt):
    """Takes the address of a link as it is written, and only one that says https."""

    def normalizeLink(self, url: str) -> str:
        """Return the address as it is written: it is shown as text and never followed."""
        return url

    def validateLink(self, url: str) -> bool:
        """Whether the address is one that may be shown as that of a link."""
        return url.startswith("https://")


def _parser() -> _Parser:
    made = _Parser("zero", {"html": False, "maxNesting": NESTING}, renderer_cls=_Renderer)
    made.enable(_RULES)
    made.core.ruler.push("headings", lambda state: _set_levels(state.tokens))
    return made


def _set_levels(tokens: Sequence[Token]) -> None:
    """Begin below the heading of the page and leave no level out, as a screen reader's list of headings needs it."""
    level = 1
    for token in tokens:
        if token.type == "heading_open":
            level = min(1 + len(token.markup), level + 1, 6)
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{level}"


_MARKDOWN = _parser()
