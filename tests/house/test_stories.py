"""The ten stories of docs/domain: each has its test, and each test of a story is told."""

from __future__ import annotations

import ast
import re

from support.house import ROOT

PAGE = ROOT / "docs" / "domain" / "stories.md"
TESTS = ROOT / "tests" / "integration" / "stories"
NAMED = re.compile(r"^Test: `integration/stories/([a-z_]+\.py)`$", re.MULTILINE)


def test_each_story_has_its_test_and_each_test_its_story():
    """A story whose test was dropped is no longer true by anything but its words."""
    told = re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    named = [NAMED.findall(story) for story in told]
    assert [len(files) for files in named] == [1] * 10
    assert sorted(file for files in named for file in files) == sorted(path.name for path in TESTS.glob("*.py"))


def test_each_story_is_told_by_one_test_with_two_refusals_and_a_page():
    """What a story is for: who asks is refused twice at least, by name, and a page says it in words."""
    for path in sorted(TESTS.glob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        (story,) = [
            node for node in tree.body if isinstance(node, ast.AsyncFunctionDef) and node.name.startswith("test_")
        ]
        called = [
            node.func.attr
            for node in ast.walk(story)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        ]
        assert called.count("is_refused") >= 2, path.name
        assert "reads" in called, path.name
