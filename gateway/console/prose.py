"""Texts of the guidance library as a page: a small part of Markdown, and nothing of HTML.

    # heading, ## heading, ...            below the heading of the page, never more than a step deeper than the last one
    - item, * item, 1. item               lists; what is indented below an item belongs to it
    > quoted, ``` code ```
    **strong**, *emphasis*, `code`, [words](https://...)

Whatever else stands there is shown as it is written. A link is its words and its address as text: no page of the
console leads elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from markupsafe import Markup, escape

DEEPEST = 4
"""Lists within lists; deeper ones are shown as they are written."""

_HEADING = re.compile(r"(?P<signs>#{1,6}) +(?P<text>\S.*)")
_ITEM = re.compile(r"(?:[-*]|(?P<number>\d{1,4})[.)]) +(?P<text>\S.*)")
_FENCE, _QUOTE = "```", ">"
_INLINE = re.compile(
    r"`(?P<code>[^`]+)`"
    r"|\*\*(?P<strong>[^\s*](?:[^*]*[^\s*])?)\*\*"
    r"|\*(?P<em>[^\s*](?:[^*]*[^\s*])?)\*"
    r"|\[(?P<words>[^\[\]]+)\]\((?P<to>https://[^\s()<>]+)\)"
)


def prose(text: str) -> Markup:
    """The text as HTML, everything in it escaped; its first heading is an h2."""
    lines = [line.expandtabs(4).rstrip() for line in text.split("\n")]
    return Markup("\n").join(_blocks(lines, 0))


def inline(text: str) -> Markup:
    """One line of text with what is marked in it."""
    found, at = Markup(""), 0
    for match in _INLINE.finditer(text):
        found += escape(text[at : match.start()])
        at = match.end()
        match match.lastgroup:
            case "code":
                found += Markup("<code>{}</code>").format(match["code"])
            case "strong" | "em" as name:
                found += Markup("<{0}>{1}</{0}>").format(name, inline(match[name]))
            case _:
                found += Markup('{} (<code dir="ltr">{}</code>)').format(inline(match["words"]), match["to"])
    return found + escape(text[at:])


def _blocks(lines: Sequence[str], depth: int) -> Iterator[Markup]:
    at, level = 0, 1
    while at < len(lines):
        line, first = lines[at], at
        at += 1
        if not line:
            continue
        if line.startswith(_FENCE):
            at = next((n for n in range(at, len(lines)) if lines[n] == _FENCE), len(lines))
            yield Markup("<pre>{}</pre>").format("\n".join(lines[first + 1 : at]))
            at += 1
        elif depth == 0 and (heading := _HEADING.fullmatch(line)) is not None:
            level = min(1 + len(heading["signs"]), level + 1, 6)
            yield Markup("<h{0}>{1}</h{0}>").format(level, inline(heading["text"]))
        elif depth < DEEPEST and (item := _ITEM.fullmatch(line)) is not None:
            at = _end_of_list(lines, at, numbered=item["number"] is not None)
            yield _list(lines[first:at], item["number"], depth)
        elif line.startswith(_QUOTE):
            while at < len(lines) and lines[at].startswith(_QUOTE):
                at += 1
            quoted = " ".join(one.removeprefix(_QUOTE).strip() for one in lines[first:at])
            yield Markup("<blockquote><p>{}</p></blockquote>").format(inline(quoted))
        else:
            while at < len(lines) and not _begins(lines[at], depth):
                at += 1
            yield Markup("<p>{}</p>").format(inline(" ".join(one.strip() for one in lines[first:at])))


def _begins(line: str, depth: int) -> bool:
    """Whether something new begins with the line, so that it does not go on with a paragraph."""
    return (
        not line
        or line.startswith((_FENCE, _QUOTE))
        or (depth == 0 and _HEADING.fullmatch(line) is not None)
        or (depth < DEEPEST and _ITEM.fullmatch(line) is not None)
    )


def _end_of_list(lines: Sequence[str], at: int, *, numbered: bool) -> int:
    """Behind the last line of a list: items of its kind, what is indented, and blank lines between them."""
    end = at
    for n in range(at, len(lines)):
        line = lines[n]
        item = _ITEM.fullmatch(line)
        if item is not None and (item["number"] is not None) is not numbered:
            break
        lazy = bool(lines[n - 1]) and not _begins(line, 0)
        if item is not None or line.startswith("  ") or lazy:
            end = n + 1
        elif line:
            break
    return end


def _list(lines: Sequence[str], number: str | None, depth: int) -> Markup:
    starts = [n for n, line in enumerate(lines) if _ITEM.fullmatch(line) is not None]
    items = (_item(lines[n:end], depth) for n, end in zip(starts, [*starts[1:], len(lines)], strict=True))
    inner = Markup("").join(items)
    if number is None:
        return Markup("<ul>{}</ul>").format(inner)
    return Markup('<ol start="{}">{}</ol>').format(int(number), inner)


def _item(lines: Sequence[str], depth: int) -> Markup:
    """Its first paragraph, then what else is indented below it."""
    below = [line[min(3, len(line) - len(line.lstrip())) :] for line in lines[1:]]
    end = next((n for n, line in enumerate(below) if _begins(line, depth + 1)), len(below))
    first = " ".join([_ITEM.sub(r"\g<text>", lines[0]), *(line.strip() for line in below[:end])])
    rest = Markup("").join(_blocks(below[end:], depth + 1))
    return Markup("<li>{}{}</li>").format(inline(first), rest)
