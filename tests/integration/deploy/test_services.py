"""Units of systemd and the example of Patroni: judged by the programs that read them."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.house import ROOT

UNITS = ROOT / "deploy/systemd"
NODE, WORKER = UNITS / "trm-gateway.service", UNITS / "trm-worker@.service"
PATRONI = ROOT / "deploy/patroni"
EXPOSURE = 15
"""Tenths of the points of `systemd-analyze security` that a unit of ours has at most; 100 is one without any wall."""
INSTALLED = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")


def walls(unit: Path) -> list[str]:
    """The lines of a unit from its first wall on, without comments."""
    text = unit.read_text()
    lines = text[text.index("ProtectSystem=") : text.index("[Install]")].splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def judge(folder: Path, unit: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """What systemd-analyze says of a unit, as an instance if it is a template, with programs that are here."""
    name = unit.name.replace("@.", "@fr.")
    text = unit.read_text().replace("ExecStart=/opt/trm-gateway/bin/trm", f"ExecStart={shutil.which('true')}")
    (folder / name).write_text(text)
    return subprocess.run(
        ["systemd-analyze", *words, str(folder / name)], capture_output=True, text=True, check=False, timeout=60
    )


def patroni() -> dict[str, Any]:
    """The settings of Patroni."""
    found: dict[str, Any] = yaml.safe_load((PATRONI / "patroni.yml").read_text())
    return found


def test_a_worker_stands_behind_the_walls_of_a_node():
    """What was hardened for one is hardened for the other."""
    assert walls(WORKER) == walls(NODE)


def test_a_worker_is_tried_for_ever_but_not_after_wrong_usage():
    """A server of rows that changes its primary is away for longer than five starts take."""
    lines = WORKER.read_text().splitlines()
    assert {"StartLimitIntervalSec=0", "Restart=always", "RestartPreventExitStatus=2"} <= set(lines)


@INSTALLED
@pytest.mark.parametrize("unit", [NODE, WORKER], ids=lambda unit: unit.name)
def test_systemd_takes_the_unit(tmp_path: Path, unit: Path):
    """No unknown setting, nothing that it would leave out."""
    judged = judge(tmp_path, unit, "verify", "--man=no")
    assert (judged.returncode, judged.stderr) == (0, "")


@INSTALLED
@pytest.mark.parametrize("unit", [NODE, WORKER], ids=lambda unit: unit.name)
def test_the_unit_is_hardly_exposed(tmp_path: Path, unit: Path):
    """By the points that systemd gives."""
    judged = judge(tmp_path, unit, "security", "--offline=true", f"--threshold={EXPOSURE}", "--no-pager")
    assert judged.returncode == 0, judged.stdout


def test_a_commit_is_on_two_disks_before_anybody_is_told():
    """What `trm doctor` asks of a server with standbys, and that nobody takes over who was not waited for."""
    shared = patroni()["bootstrap"]["dcs"]
    assert (shared["synchronous_mode"], shared["synchronous_mode_strict"], shared["synchronous_node_count"]) == (
        True,
        True,
        1,
    )
    kept = shared["postgresql"]["parameters"]
    assert {kept[key] for key in ("synchronous_commit", "fsync", "full_page_writes", "ssl")} == {"on"}


def test_machines_of_the_server_know_each_other_by_certificates():
    """No password is in the file, and nobody comes without TLS but the account of the machine itself."""
    assert "password:" not in (PATRONI / "patroni.yml").read_text()
    rules = [line.split() for line in patroni()["postgresql"]["pg_hba"]]
    assert [rule for rule in rules if rule[0] != "hostssl"] == [["local", "all", "postgres", "peer"]]


@pytest.mark.skipif(shutil.which("haproxy") is None, reason="haproxy is not installed")
def test_haproxy_takes_its_settings_and_asks_who_is_primary(tmp_path: Path):
    """It reads the authority when it starts; the one of this machine stands in."""
    text = (PATRONI / "haproxy.cfg").read_text()
    assert "uri /primary" in text
    settings = tmp_path / "haproxy.cfg"
    settings.write_text(text.replace("/etc/haproxy/patroni-ca.crt", "/etc/ssl/certs/ca-certificates.crt"))
    judged = subprocess.run(["haproxy", "-c", "-f", str(settings)], capture_output=True, text=True, check=False)
    assert judged.returncode == 0, judged.stderr
