"""Files that are made from others: brought up to date, or compared with what they should be.

    ./dev schemas | vectors | docs | words      writes them
    ./dev check                         names those that are not up to date

Each maker takes `check` and returns the files that were not up to date.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path

from support import catalogue_pages
from support import state_diagrams as diagrams

from keys.primitives.encoding import sha256_hex
from schemas.publishing.build import build_derived_files

ROOT = Path(__file__).resolve().parents[2]


def schemas(*, check: bool) -> list[str]:
    """Published schemas and the catalogue, from sources, fragments and code lists."""
    return [f"schemas/{name}" for name in build_derived_files(ROOT / "schemas", sha256_hex, check=check)]


def vectors(*, check: bool) -> list[str]:
    """Test vectors of the protocol, by `tests/support/vectors.py` where it exists."""
    if importlib.util.find_spec("support.vectors") is None:
        return []
    from support.vectors import make  # not there in every state of the tree

    return list(make(ROOT, check=check))


def docs(*, check: bool) -> list[str]:
    """The pages of messages, codes, command line, local API and roles, the machines."""
    wanted = {ROOT / "docs" / "state-machines.md": diagrams.document()}
    from support import region_pages

    wanted |= region_pages.documents(ROOT / "docs")
    if (ROOT / "gateway" / "cli" / "__main__.py").exists():
        from gateway.cli.pages import render_page  # not there in every state of the tree

        wanted[ROOT / "docs" / "cli.md"] = render_page()
        from support import domains_page, protocol_rules, roles_page, rules_page, training_page
        from support.pages import with_operations

        wanted[ROOT / domains_page.PAGE] = domains_page.document(ROOT)
        wanted[ROOT / protocol_rules.PAGE] = protocol_rules.document(ROOT)
        wanted[ROOT / rules_page.PAGE] = rules_page.document(ROOT)

        wanted[ROOT / "docs" / "local-api.md"] = with_operations(ROOT / "docs" / "local-api.md")
        wanted[ROOT / "docs" / "training.md"] = training_page.document(ROOT / "docs" / "training.md")
        wanted[ROOT / "docs" / "roles.md"] = roles_page.document()
    printed = catalogue_pages.documents(ROOT / "schemas" / "examples")
    wanted |= {ROOT / "docs" / name: text for name, text in printed.items()}
    stale = [path for path, text in wanted.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    orphans = sorted(set((ROOT / "docs" / catalogue_pages.MESSAGES).glob("*.md")) - set(wanted))
    if not check:
        for path in stale:
            path.parent.mkdir(exist_ok=True)
            path.write_text(wanted[path], encoding="utf-8")
        for path in orphans:
            path.unlink()
    return [path.relative_to(ROOT).as_posix() for path in [*stale, *orphans]]


def words(*, check: bool) -> list[str]:
    """The texts of the console in each language: the file has those of the code and the templates, and no others."""
    from support import page_words

    wanted = page_words.documents()
    stale = [path for path, text in wanted.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    if not check:
        for path in stale:
            path.write_text(wanted[path], encoding="utf-8")
    return [path.relative_to(ROOT).as_posix() for path in stale]


MAKERS: dict[str, Callable[..., list[str]]] = {"schemas": schemas, "vectors": vectors, "docs": docs, "words": words}


def main() -> int:
    """Write one kind, or check all; 1 if a check finds something."""
    parser = argparse.ArgumentParser(description="bring derived files up to date, or compare them")
    parser.add_argument("--write", choices=MAKERS, help="make the files of this kind")
    parser.add_argument("--check", action="store_true", help="only name the files that are not up to date")
    args = parser.parse_args()
    if args.write:
        written = MAKERS[args.write](check=False)
        print("\n".join(written) if written else f"{args.write}: all up to date")
        return 0
    stale = {kind: maker(check=True) for kind, maker in MAKERS.items()}
    for kind, names in stale.items():
        for name in names:
            print(f"{name} is not up to date; run ./dev {kind}")
    return 1 if any(stale.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
