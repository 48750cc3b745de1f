"""Compose and Kubernetes: what every container of the node is held to, and what their own programs say of the files."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.house import ROOT

COMPOSE, KUBERNETES = ROOT / "deploy/compose", ROOT / "deploy/kubernetes"
PROJECTS = ("single", "cluster")
ARGUMENT = re.compile(r"\$\{(TRM|HAPROXY|POSTGRES)_IMAGE:\?[^}]+\}")
HEALTH = ["/opt/trm-gateway/bin/python", "-I", "/opt/trm-gateway/health.py"]


def project(name: str) -> dict[str, Any]:
    """A project of Compose, with what its services share filled in."""
    found: dict[str, Any] = yaml.safe_load((COMPOSE / name / "compose.yaml").read_text())
    return found


def documents(folder: Path) -> Iterator[dict[str, Any]]:
    """Every object of Kubernetes in the files of a folder."""
    for file in sorted(folder.glob("*.yaml")):
        yield from yaml.safe_load_all(file.read_text())


def the(kind: str, folder: Path) -> dict[str, Any]:
    """The one object of this kind in a folder."""
    (found,) = [one for one in documents(folder) if one["kind"] == kind]
    return found


async def run(*words: str, **surroundings: str) -> str:
    """What a program prints; it has to be content."""
    process = await asyncio.create_subprocess_exec(
        *words,
        env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", **surroundings},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, complaint = await process.communicate()
    assert process.returncode == 0, complaint.decode()
    return said.decode()


@pytest.mark.parametrize("name", PROJECTS)
def test_every_image_of_compose_is_an_argument(name: str):
    """So that whoever runs it names it by digest; without it nothing starts."""
    assert not [key for key, one in project(name)["services"].items() if not ARGUMENT.fullmatch(one["image"])]


@pytest.mark.parametrize("name", PROJECTS)
def test_containers_of_compose_write_their_volumes_alone_and_may_do_nothing_else(name: str):
    """All but the database, whose image begins as root to give its volume to its own account."""
    for key, one in project(name)["services"].items():
        assert one["security_opt"] == ["no-new-privileges:true"], key
        if key != "database":
            assert (one["read_only"], one["cap_drop"]) == (True, ["ALL"]), key
        assert "privileged" not in one, key


@pytest.mark.parametrize("name", PROJECTS)
def test_secrets_of_compose_are_files_and_none_is_in_the_repository(name: str):
    """Neither in a variable nor in the words of a command."""
    found = project(name)
    assert {tuple(one) for one in found["secrets"].values()} == {("file",)}
    for one in found["services"].values():
        named = {key for key in one.get("environment", {}) if re.search("(?i)pass|secret|token", key)}
        assert {key for key in named if not key.endswith("_FILE")} == set()
    assert not [path for path in (COMPOSE / name).rglob("*") if "secrets" in path.parts]


def test_each_worker_of_compose_has_a_folder_of_its_own_and_the_front_knows_it():
    """Two processes on one node folder are refused; a worker that the front does not know is called by nobody."""
    services = project("cluster")["services"]
    workers = sorted(key for key in services if key.startswith("worker-"))
    assert len({tuple(services[key]["volumes"]) for key in workers}) == len(workers) == 3
    front = (COMPOSE / "cluster/haproxy.cfg").read_text()
    assert sorted(re.findall(r"^\s+server (\S+) \1:8443$", front, re.MULTILINE)) == workers
    assert "send-proxy-v2" in front


@pytest.mark.skipif(shutil.which("docker-compose") is None, reason="docker-compose is not installed")
@pytest.mark.parametrize("name", PROJECTS)
async def test_compose_takes_the_project(name: str):
    """With all that it may have, and only with images; which of those missing it names first is not fixed."""
    file = str(COMPOSE / name / "compose.yaml")
    images = {f"{key}_IMAGE": "example.org/image@sha256:" + "0" * 64 for key in ("TRM", "HAPROXY", "POSTGRES")}
    await run("docker-compose", "-f", file, "--profile", "*", "config", "-q", **images)
    with pytest.raises(AssertionError, match="_IMAGE is missing a value"):
        await run("docker-compose", "-f", file, "config", "-q")


@pytest.mark.skipif(shutil.which("haproxy") is None, reason="haproxy is not installed")
@pytest.mark.parametrize("file", ["single/console.cfg", "cluster/haproxy.cfg"])
async def test_haproxy_takes_its_settings(file: str):
    """It judges them without listening."""
    await run("haproxy", "-c", "-q", "-f", str(COMPOSE / file))


@pytest.mark.parametrize("folder", ["base", "folder"])
def test_pods_have_the_rights_of_the_restricted_standard(folder: str):
    """No root, no privilege to gain, no capability, no account of the cluster; nobody writes the root file system."""
    found = next(one for one in documents(KUBERNETES / folder) if one["kind"] in {"StatefulSet", "Pod"})
    pod = found["spec"]["template"]["spec"] if found["kind"] == "StatefulSet" else found["spec"]
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": 65532,
        "runAsGroup": 65532,
        "fsGroup": 65532,
        "fsGroupChangePolicy": "OnRootMismatch",
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    for container in pod["containers"]:
        assert container["image"] == "trm-gateway"
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert set(container["resources"]) == {"requests", "limits"}
        assert "env" not in container
    assert {volume["secret"]["defaultMode"] for volume in pod["volumes"] if "secret" in volume} == {0o440}


def test_a_pod_is_started_anew_for_live_and_left_alone_for_ready():
    """Whatever keeps a node from accepting is not healed by a start."""
    (container,) = the("StatefulSet", KUBERNETES / "base")["spec"]["template"]["spec"]["containers"]
    assert container["startupProbe"]["exec"]["command"] == [*HEALTH, "live"]
    assert container["livenessProbe"]["exec"]["command"] == [*HEALTH, "live"]
    assert container["readinessProbe"]["exec"]["command"] == [*HEALTH, "ready"]


def test_a_cluster_keeps_two_of_three_workers_on_machines_of_their_own():
    """Draining a machine takes one worker, and two are never on the same."""
    workers = the("StatefulSet", KUBERNETES / "overlays/cluster")["spec"]
    assert workers["replicas"] == 3
    assert the("PodDisruptionBudget", KUBERNETES / "overlays/cluster")["spec"]["minAvailable"] == 2
    (rule,) = workers["template"]["spec"]["affinity"]["podAntiAffinity"][
        "requiredDuringSchedulingIgnoredDuringExecution"
    ]
    assert rule["topologyKey"] == "kubernetes.io/hostname"


def test_no_secret_of_kubernetes_is_in_the_repository():
    """Neither as an object nor from a generator."""
    for one in (one for folder in KUBERNETES.rglob("*") if folder.is_dir() for one in documents(folder)):
        assert one["kind"] != "Secret"
        assert "secretGenerator" not in one


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")
@pytest.mark.parametrize("overlay", ["overlays/single", "overlays/cluster", "folder"])
async def test_kustomize_renders_selectors_that_find_the_pods(overlay: str):
    """Every service, policy and budget chooses the pods of the node, and names are still looked up where they are."""
    rendered = list(yaml.safe_load_all(await run("kubectl", "kustomize", str(KUBERNETES / overlay))))
    assert {one["metadata"]["namespace"] for one in rendered} == {"trm"}
    label = {"app.kubernetes.io/name": "trm-gateway"}
    for one in rendered:
        spec = one["spec"]
        match one["kind"]:
            case "Service":
                assert spec["selector"] == label
            case "StatefulSet":
                assert spec["selector"]["matchLabels"] == spec["template"]["metadata"]["labels"] == label
            case "PodDisruptionBudget":
                assert spec["selector"]["matchLabels"] == label
            case "NetworkPolicy":
                assert spec["podSelector"]["matchLabels"] == label
                assert label.items().isdisjoint(
                    item
                    for rule in spec["egress"]
                    for peer in rule["to"]
                    for item in peer.get("podSelector", {}).get("matchLabels", {}).items()
                )
