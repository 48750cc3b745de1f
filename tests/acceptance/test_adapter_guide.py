"""docs/adapter-guide.md does what it says: each command is run, each listing is compared, and the adapter that comes of
it exchanges a referral between two nodes.
"""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from support.connected import begin_with
from support.house import ROOT
from support.nodeproc import UNIT
from support.pair import START, example, two_nodes
from support.patience import PATIENCE
from support.shared import lacking

import schemas
from keys.primitives.encoding import b64u

GUIDE = ROOT / "docs" / "adapter-guide.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NAMED = re.compile(r"`([\w.-]+\.json)`:\n\n```json\n(.*?)```", re.DOTALL)
PACKAGE = "trm-adapter-acme/trm_adapter_acme"
CONSENT = b64u(b"consent consent."[:16])


@dataclass(frozen=True)
class Step:
    """One block of the guide, in its order: what it is written in, and what it says."""

    kind: str
    text: str


def steps() -> Iterator[Step]:
    """The blocks that a reader does something with; settings of a node are for the test below."""
    for kind, text in BLOCK.findall(GUIDE.read_text(encoding="utf-8")):
        if kind != "toml":
            yield Step(kind, text)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a reader with an environment in which the gateway is installed, and pip."""
    if importlib.util.find_spec("ensurepip") is None:
        lacking("no pip to install an adapter with (Debian: python3-venv)")
    folder = tmp_path_factory.mktemp("desk")
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True, timeout=PATIENCE)
    python = folder / "venv" / "bin" / "python"
    packages = Path(
        subprocess.run(
            [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()
    )
    installed = sysconfig.get_path("purelib")
    # The program is that of this tree; the environment of the tests may have installed another one.
    lines = f"{ROOT}\nimport site; site.addsitedir({installed!r})\n"
    (packages / "gateway.pth").write_text(lines, encoding="utf-8")
    trm = folder / "venv" / "bin" / "trm"
    trm.write_text(f"#!{python}\nfrom gateway.cli import main\nmain()\n", encoding="utf-8")
    trm.chmod(0o755)
    follow(folder)
    return folder


def follow(folder: Path) -> None:
    """Do what the guide says, from its first block to its last."""
    for name, text in NAMED.findall(GUIDE.read_text(encoding="utf-8")):
        (folder / name).write_text(text, encoding="utf-8")
    output, before = "", None
    for step in steps():
        match step.kind:
            case "sh":
                output = "".join(commanded(line, folder) for line in step.text.splitlines())
            case "text":
                at = 0
                for line in step.text.splitlines():
                    assert line.strip() in output[at:], f"the guide shows {line!r}, but the output was\n{output}"
                    at = output.index(line.strip(), at)
            case "python":
                replaced_method(folder / PACKAGE / "adapter.py", step.text)
            case "yaml":
                if before is not None:
                    mapping = folder / PACKAGE / "mapping.yaml"
                    text = mapping.read_text(encoding="utf-8")
                    assert before in text
                    mapping.write_text(text.replace(before, step.text), encoding="utf-8")
                before = step.text


def commanded(line: str, folder: Path) -> str:
    """Run one command of the guide; what it printed. It ends with 0, or with what its remark says."""
    command, _, remark = line.partition("  # exit ")
    path = f"{folder / 'venv' / 'bin'}{os.pathsep}/usr/bin{os.pathsep}/bin"
    environment = {"PATH": path, "HOME": str(folder), "PIP_NO_INDEX": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    done = subprocess.run(
        command.split(), cwd=folder, env=environment, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == int(remark or 0), f"{line}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def replaced_method(path: Path, method: str) -> None:
    """Put a method in the place of the one that has its name."""
    head = method.partition("(")[0]
    text = path.read_text(encoding="utf-8")
    before, found, rest = text.partition(f"{head}(")
    assert found, head
    after = rest[re.search(r"^    (async )?def ", rest, re.MULTILINE).start() :]  # type: ignore[union-attr]
    path.write_text(f"{before}{method}\n{after}", encoding="utf-8")


def test_the_guide_is_followed(desk: Path) -> None:
    """Every command ends as it says, every listing is what is printed; at the end the adapter is whole again."""
    assert {step.kind for step in steps()} == {"sh", "text", "python", "yaml", "json"}
    assert "family tracing: family_tracing" in (desk / PACKAGE / "mapping.yaml").read_text(encoding="utf-8")


def test_nothing_is_overwritten(desk: Path) -> None:
    """A second adapter of this name is refused, and so are names that can not be one."""
    assert "installed" in commanded_badly("trm adapter new acme", desk)
    assert "exists already" in commanded_badly("trm adapter new other", desk, make="trm-adapter-other")
    assert "not a name" in commanded_badly("trm adapter new ../x", desk)
    assert "not a name" in commanded_badly("trm adapter new template", desk)


def commanded_badly(command: str, folder: Path, make: str | None = None) -> str:
    """Run a command that is refused; what it says."""
    if make is not None:
        (folder / make).mkdir()
    environment = {"PATH": f"{folder / 'venv' / 'bin'}{os.pathsep}/usr/bin"}
    done = subprocess.run(command.split(), cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    return done.stderr


async def test_the_adapter_exchanges_a_referral(desk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A case of one office becomes a draft, two people release it, and it is a case of the other office."""
    for path in (desk / "venv").glob("lib/*/site-packages/trm_adapter_acme*.dist-info"):
        monkeypatch.syspath_prepend(path.parent)
    monkeypatch.syspath_prepend(desk / "trm-adapter-acme")
    from adapters.kit.kind import find

    async with find("acme").stand_in(tmp_path) as new, two_nodes(tmp_path) as two:
        offices = {"FR": new(), "AL": new()}
        for party in two:
            settings = offices[party.name].settings()
            assert settings is not None
            await begin_with(party, {"kind": "acme", **settings})
        grant = {
            "purpose": "referral",
            "recipient_units": [f"AL/{UNIT}"],
            "until": "2027-11-30",
            "data_categories": [code.code for code in schemas.code_list("data_category").codes],
        }
        today = datetime.fromtimestamp(START, UTC).date().isoformat()
        record = example("consent.record/1", "AL")["content"]
        record |= {"consent_id": CONSENT, "taken_on": today, "grants": [grant]}
        offices["FR"].offer("Mali")
        found: list[dict[str, Any]] = []

        async def drafted() -> bool:
            found[:] = (await two.fr.call("draft.list"))["drafts"]
            return bool(found)

        await two.until(drafted, seconds=30, what="no draft was made of the case")
        await two.fr.call("consent.record", by="w-1", case=found[0]["of_case"]["id"], content=record)
        await two.fr.call("draft.release", id=found[0]["id"], by="w-1", consent=CONSENT)
        await two.fr.call("draft.release", id=found[0]["id"], by="w-2")
        await two.until(lambda: offices["AL"].shows("working_name"), seconds=60, what="the case did not arrive")
        assert len(offices["AL"].received()) == 2  # the consent, and the referral that relies on it
        assert offices["AL"].shows('"fields": {"kind": "return", "working_name": "Mali", "age_group": "adult"')
        await two.until(lambda: "delivered" in offices["FR"].noticed(), seconds=60, what="the office was not told")
