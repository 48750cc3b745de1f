"""`trm init` before it makes anything, and what `trm serve` refuses."""

from __future__ import annotations

import resource
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from support.ceremony import CARDS
from support.desks import CHEAP, PASSPHRASE, make, run
from support.house import ROOT

from adapters.kit.kind import find, offered
from gateway.app import open_node
from gateway.cli.administration.serve import require_roots
from gateway.errors import Code, RefusedError
from gateway.foundation import config, process
from gateway.mapping.case_system import adapter_section
from gateway.regions.installed import load_node_region
from schemas.region_pack.policies import Attested, canonical_bytes, read_policy

UNIT = "focal-point:public_authority:National focal point:national_focal_point"


def init(base: Path, *more: str, **changes: str) -> tuple[int, str, str]:
    """`trm init` with all it needs, or with one thing changed; exit code and both outputs."""
    for name in ("pass", "roots.pass"):
        (base / name).write_text(f"secret of {name}\n", encoding="utf-8")
    cards = []
    for number, card in enumerate(CARDS):
        path = base / f"{number}.public"
        path.write_bytes(card.document.encode())
        cards += ["--admin", str(path)]
    words = {
        "name": "FR",
        "country": "FR",
        "endpoint": "https://127.0.0.1:8443",
        "listen": "127.0.0.1:8443",
        "roots": str(base / "roots"),
        "passphrase-file": str(base / "pass"),
        "root-passphrase-file": str(base / "roots.pass"),
        "contact": "desk",
        "unit": UNIT,
    } | {name.replace("_", "-"): value for name, value in changes.items()}
    listed = [part for name, value in words.items() if value for part in (f"--{name}", value)]
    ran = run("init", str(base / "FR"), *listed, *(more or cards))
    return ran.exit_code, ran.stdout, ran.stderr


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"name": "../FR"}, 2, "1 to 32 letters, digits and hyphens"),
        ({"country": "France"}, 2, "country"),
        ({"listen": "8443"}, 2, "listen"),
        ({"unit": "FP:public_authority:x:national_focal_point"}, 2, "lower-case id"),
        ({"unit": "fp:ministry:x:national_focal_point"}, 2, "lower-case id and a kind"),
        ({"unit": "fp:public_authority:x"}, 2, "the role is missing or unknown"),
        ({"unit": "fp:public_authority:x:king"}, 2, "the role is missing or unknown"),
        ({"roots": ""}, 2, "name --root-public three times, or --roots and --root-passphrase-file"),
        ({"endpoint": "http://127.0.0.1:8443"}, 1, "endpoint"),
        ({"region": "atlantis"}, 1, "no such region pack"),
        ({"region": "At lantis"}, 1, "no such region pack"),
        ({"adapter_path": "cases"}, 2, "--adapter-path and --adapter-set belong to --adapter"),
        ({"adapter_set": "url=x"}, 2, "--adapter-path and --adapter-set belong to --adapter"),
        ({"adapter": "folder", "adapter_set": "path"}, 2, "NAME=VALUE, each NAME once"),
        ({"adapter": "folder", "adapter_path": "a", "adapter_set": "path=b"}, 2, "NAME=VALUE, each NAME once"),
        ({"adapter": "floppy"}, 1, "no such kind of adapter"),
        ({"adapter": "folder"}, 1, "the adapter folder cannot be set up like this: path is missing"),
        ({"adapter": "sql"}, 1, "url is missing, mapping is missing"),
        ({"adapter": "primero", "adapter_set": "urls=x"}, 1, "journal is missing, urls is not known"),
    ],
    ids=lambda value: next(iter(value.values()), None) if isinstance(value, dict) else None,
)
def test_what_can_not_be_a_node_is_refused_before_anything_is_made(tmp_path: Path, changes, code, words):
    """Wrong input leaves no folder behind."""
    ended, printed, told = init(tmp_path, **changes)
    assert (ended, printed) == (code, "")
    assert words in told and told.startswith(("trm: error: ", "trm: making"))
    assert not (tmp_path / "FR").exists() and not (tmp_path / ".FR.new").exists()


def test_a_node_outside_of_its_region_is_told(tmp_path: Path):
    """Its policy would let nothing leave, and nothing else would say why; the settings name the pack."""
    ended, _, told = init(tmp_path, country="CO")
    assert ended == 0 and "the region pack tact has no country CO" in told and "--region" in told
    assert config.load(tmp_path / "FR").node.region == "tact"
    assert 'region = "tact"' in (tmp_path / "FR" / "node.toml").read_text(encoding="utf-8")


def test_a_node_of_a_region_from_elsewhere(tmp_path: Path):
    """The pack in the folder is installed in the node, which begins with its policy where that is no wider."""
    pack = tmp_path / "sahel"
    assert run("region", "new", str(pack), "--from", "IT", "--to", "ML:fr").exit_code == 0
    ended, printed, told = init(tmp_path, country="ML", region=str(pack))
    assert ended == 0 and "two-step version 1" in printed and "has no country" not in told, told
    node = tmp_path / "FR"
    assert config.load(node).node.region == "sahel"
    assert load_node_region(node, "sahel").countries.keys() == {"IT", "ML"}


def test_a_wider_policy_from_elsewhere_waits_for_two_administrators(tmp_path: Path):
    """A pack cannot open by itself what the program keeps back."""
    pack = tmp_path / "sahel"
    assert run("region", "new", str(pack), "--from", "IT", "--to", "ML:fr").exit_code == 0
    file = pack / "policies" / "two-step.json"
    policy = read_policy(file.read_bytes())
    file.write_bytes(canonical_bytes(replace(policy, attested=Attested(first=frozenset({"referral.request"})))))
    assert run("region", "check", str(pack)).exit_code == 0
    ended, printed, told = init(tmp_path, country="ML", region=str(pack))
    assert ended == 0 and "none: nothing may leave until two administrators adopt one" in printed, told


def test_a_region_from_elsewhere_with_a_fault_makes_nothing(tmp_path: Path):
    """Each fault is told before a key is made."""
    pack = tmp_path / "sahel"
    assert run("region", "new", str(pack), "--from", "IT", "--to", "ML:fr").exit_code == 0
    (pack / "statistics.json").unlink()
    ended, _, told = init(tmp_path, country="ML", region=str(pack))
    assert ended == 1 and "statistics.json: missing_file" in told
    assert not (tmp_path / "FR").exists()


@pytest.mark.parametrize("kind", sorted(offered()))
def test_each_kind_of_adapter_names_what_it_needs(tmp_path: Path, kind: str):
    """A person who names a kind alone is told its settings, each of which docs/settings.md explains."""
    fields = find(kind).settings.model_fields
    needed = [name for name, field in fields.items() if field.is_required()]
    ended, _, told = init(tmp_path, adapter=kind)
    assert ended == 1 and needed
    assert all(f"{name} is missing" in told for name in needed)
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    assert all(f"`adapter.{name}`" in page for name in fields)


def test_the_settings_of_a_kind_come_into_the_section_in_their_own_type(tmp_path: Path, monkeypatch):
    """Numbers as numbers, paths whole; a value that is not right is refused with its name and without it."""
    monkeypatch.chdir(tmp_path)
    given = {"url": "https://x.example", "secret_file": "t", "mapping": "m.yaml", "journal": "j", "list_path": "/a"}
    section = adapter_section("rest", given | {"create_path": "/b", "size": "7"})
    assert section.own["size"] == 7 and section.own["journal"] == str(tmp_path / "j")
    with pytest.raises(RefusedError) as caught:
        adapter_section("rest", given | {"create_path": "/b", "size": "secret"})
    assert [(finding.place, finding.rule) for finding in caught.value.findings] == [("adapter.size", "int_parsing")]
    assert "secret" not in f"{caught.value.what} {caught.value.findings}"


def test_a_node_of_another_kind_has_its_settings_in_node_toml(tmp_path: Path):
    """What was said on the command line is what the node reads."""
    office = ROOT / "adapters" / "sql" / "sample.yaml"
    url = f"sqlite:///{tmp_path / 'office.db'}"
    settings = ["--adapter-set", f"url={url}", "--adapter-set", f"mapping={office}"]
    cards = [str(tmp_path / f"{number}.public") for number in range(2)]
    ended, _, told = init(tmp_path, "--demo", "--adapter", "sql", *settings, "--admin", cards[0], "--admin", cards[1])
    assert ended == 0, told
    section = config.load(tmp_path / "FR").adapter
    assert section is not None and section.own == {"url": url, "mapping": str(office)}


def test_a_node_begins_with_two_different_administrators(tmp_path: Path):
    """One, three, the same twice, or a file that is no card: nothing is made."""
    init(tmp_path)
    shutil.rmtree(tmp_path / "FR", ignore_errors=True)
    shutil.rmtree(tmp_path / "roots", ignore_errors=True)
    one, other = str(tmp_path / "0.public"), str(tmp_path / "1.public")
    for files, code, words in (
        ([one], 2, "--admin exactly twice"),
        ([one, other, one], 2, "--admin exactly twice"),
        ([one, one], 1, "the same person is there twice"),
        ([one, str(tmp_path / "pass")], 1, "is not JSON"),
    ):
        ended, _, told = init(tmp_path, *(part for file in files for part in ("--admin", file)))
        assert (ended, words in told) == (code, True), told
        assert not (tmp_path / "FR").exists()


def test_roots_need_a_passphrase_of_their_own(tmp_path: Path):
    """One secret for both would put the whole node into one hand."""
    ended, _, told = init(tmp_path, root_passphrase_file=str(tmp_path / "pass"))
    assert ended == 1 and "same passphrase; nothing was made" in told


def test_an_existing_folder_is_left_as_it_is(tmp_path: Path):
    """Making a node never overwrites."""
    (tmp_path / "FR").mkdir()
    ended, printed, told = init(tmp_path)
    assert (ended, printed) == (1, "")
    assert "exists already; nothing was changed" in told
    assert list((tmp_path / "FR").iterdir()) == [] and not (tmp_path / "roots").exists()


def test_a_path_that_no_socket_can_have_is_refused(tmp_path: Path):
    """A node folder that could not be served is not made."""
    deep = tmp_path / ("d" * 100)
    deep.mkdir()
    ended, _, told = init(deep)
    assert ended == 1 and "too long for a socket; nothing was made" in told


async def test_one_root_is_refused_unless_it_is_a_demonstration(tmp_path: Path):
    """A node with one root key is served only with demo = true."""
    import asyncio

    desk = await asyncio.to_thread(make, tmp_path, "FR")
    node, stack = await open_node(desk.folder, PASSPHRASE, at_least=CHEAP)
    async with stack:
        require_roots(node)
    settings = desk.folder / "node.toml"
    settings.write_text(settings.read_text(encoding="utf-8").replace("demo = true", "demo = false"), encoding="utf-8")
    node, stack = await open_node(desk.folder, PASSPHRASE, at_least=CHEAP)
    async with stack:
        with pytest.raises(RefusedError, match="not marked as a demonstration; nothing was started") as caught:
            require_roots(node)
    assert caught.value.code is Code.INVALID


def test_a_crash_leaves_no_core():
    """The limit of core files is 0 for this process and those it starts."""
    process.harden()
    assert resource.getrlimit(resource.RLIMIT_CORE) == (0, 0)
