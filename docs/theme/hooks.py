"""Build the site from the pages of the whole repository, so that a link that opens there opens in the site as well.

MkDocs knows one folder of pages. Ours lie in `docs/` and, as READMEs, beside the code that they explain, and they link
to each other. `on_files` gives every page the path that it has in the repository, and adds each file to which one of
them links. `on_config` expands a line `folder/*` of the navigation to the pages of that folder. Files only: nothing is
fetched, and `test_site.py` opens the result without a network.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[2]
ICON = ROOT / "gateway" / "console" / "static" / "icon.svg"
PAGES = ("*.md", "docs/**/*.md", *(f"{top}/**/README.md" for top in ("adapters", "deploy", "gateway", "keys")))
PAGES += ("bench/README.md", "clients/README.md", "tests/README.md", "schemas/**/README.md")
LINK = re.compile(r"\]\((?![a-z]+:|#)([^)#\s]+)[^)]*\)")
SOURCE = re.compile(r"<(?:img|source)\s[^>]*?(?:src|srcset)=\"(?![a-z]+:)([^\"]+)\"")
DIAGRAM = re.compile(r"^```mermaid\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def pages() -> set[Path]:
    """Return the Markdown files that are pages of the site."""
    return {path for pattern in PAGES for path in ROOT.glob(pattern)}


def linked(page: Path) -> Iterator[Path]:
    """Yield the files of the repository, other than pages, to which a page links or which it shows."""
    text = page.read_text(encoding="utf-8")
    for target in (*LINK.findall(text), *SOURCE.findall(text)):
        path = (page.parent / target).resolve()
        if path.is_file() and path.suffix != ".md" and path.is_relative_to(ROOT):
            yield path


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Expand each `folder/*` of the navigation; the README of a folder comes first, as its opening page."""
    config.nav = expand(config.nav or [])
    return config


def expand(entries: list[Any]) -> list[Any]:
    """Return the entries of a navigation with their wildcards replaced, at every depth."""
    found: list[Any] = []
    for entry in entries:
        if isinstance(entry, dict):
            found += [{title: expand(below) if isinstance(below, list) else below} for title, below in entry.items()]
        elif "*" in entry:
            there = sorted(pages() & set(ROOT.glob(entry)), key=lambda path: (path.name != "README.md", path))
            found += [path.relative_to(ROOT).as_posix() for path in there]
        else:
            found.append(entry)
    return found


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Replace the files of `docs/` by those of the repository; the files of the theme stay."""
    for file in list(files):
        if file.src_dir == config.docs_dir:
            files.remove(file)
    found = pages()
    found |= {path for page in found for path in linked(page)} | {ICON}
    for path in sorted(found):
        name = path.relative_to(ROOT).as_posix()
        files.append(File(name, str(ROOT), config.site_dir, config.use_directory_urls))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Show a diagram as its text, folded: a browser draws it only with a program that we do not ship."""
    opening = '<details class="diagram" markdown="1"><summary>The machine as a Mermaid diagram</summary>\n\n'
    return DIAGRAM.sub(lambda found: f"{opening}```\n{found[1]}```\n\n</details>", markdown)


def on_post_page(output: str, **_: Any) -> str:
    """Give the search its name, which the theme leaves out and a screen reader asks for."""
    return output.replace('role="dialog">', 'role="dialog" aria-label="Search">', 1)
