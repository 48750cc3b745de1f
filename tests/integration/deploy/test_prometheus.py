"""Alert rules and dashboard: judged by promtool; their queries run by a Prometheus that scrapes a real node."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml
from support.house import ROOT
from support.pair import Party, two_nodes
from support.patience import PATIENCE
from support.ports import free_port

from gateway.api.app import LocalServer, local_app

RULES = ROOT / "deploy/prometheus/trm.rules.yml"
CASES = ROOT / "deploy/prometheus/trm.rules.test.yml"
DASHBOARD = ROOT / "deploy/grafana/trm-node.json"
METRIC = re.compile(r"\btrm_[a-z_]+|\bprocess_[a-z_]+")

pytestmark = pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool and prometheus are not installed")


def alerts() -> list[dict[str, Any]]:
    """The alert rules."""
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def dashboard_queries() -> Iterator[str]:
    """Every query of the dashboard, with its variables as Grafana would fill them in for all nodes and a minute."""
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        for target in panel["targets"]:
            yield target["expr"].replace("$__rate_interval", "1m").replace("$instance", ".*")


async def promtool(*words: str) -> None:
    """Run promtool; it has to be content."""
    run = await asyncio.create_subprocess_exec(
        "promtool", *words, cwd=RULES.parent, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    told, _ = await run.communicate()
    assert run.returncode == 0, told.decode()


async def test_each_alert_fires_on_what_it_names_and_rests_otherwise():
    """Each rule has both cases, a severity and what to do; promtool runs them."""
    named = {case["name"] for case in yaml.safe_load(CASES.read_text())["tests"]}
    assert named == {f"{rule['alert']} {what}" for rule in alerts() for what in ("fires", "rests")}
    for rule in alerts():
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert set(rule["annotations"]) == {"summary", "do"}
    await promtool("check", "rules", RULES.name)
    await promtool("test", "rules", CASES.name)


async def test_a_real_prometheus_answers_every_query(tmp_path: Path):
    """Of rules and dashboard, by what it scraped of a node that exchanges messages; each metric they name is there."""
    async with two_nodes(tmp_path) as two, scraped(two.fr, tmp_path) as ask:
        await two.fr.submit("counted")
        await two.until(lambda: two.al.notes() == ["counted"], seconds=60)
        sent = 'trm_stage_seconds_count{stage="sending"} > 0'
        await until_found(ask, f"count_over_time(({sent})[1m:1s]) > 2")
        queries = [*dashboard_queries(), *(rule["expr"] for rule in alerts())]
        failed = [query for query in queries if (await ask("query", query=query))["status"] != "success"]
        assert failed == []
        known = set((await ask("metadata"))["data"])
        wanted = {re.sub(r"_(bucket|count|sum)$", "", name) for query in queries for name in METRIC.findall(query)}
        assert wanted <= known
        for query in ("trm_queue_messages", "trm_stage_seconds_bucket", "process_resident_memory_bytes", "up == 1"):
            await until_found(ask, query)  # at a scrape that took too long it is away for a second
        series = (await ask("series", **{"match[]": '{job="trm"}'}))["data"]
        assert {one["stage"] for one in series if "stage" in one} == {
            "taking_in",
            "sending",
            "receiving",
            "handing_over",
        }


@asynccontextmanager
async def scraped(party: Party, folder: Path) -> AsyncIterator[Any]:
    """A Prometheus that scrapes the local listener of a node with an operator's token; yields how to ask it."""
    node, listen, web = party.running, f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
    token = folder / "trm-token"
    token.write_text((await party.call("token.new", role="operator", label="prometheus"))["token"])
    server = LocalServer(local_app(node.desk, admit=node.tokens.admit, durations=node.durations))
    await server.start(folder / "metrics.sock", listen)
    job = {
        "job_name": "trm",
        "authorization": {"credentials_file": str(token)},
        "static_configs": [{"targets": [listen]}],
    }
    settings = {"global": {"scrape_interval": "1s"}, "rule_files": [str(RULES)], "scrape_configs": [job]}
    (folder / "prometheus.yml").write_text(yaml.safe_dump(settings))
    process = await asyncio.create_subprocess_exec(
        "prometheus",
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'tsdb'}",
        f"--web.listen-address={web}",
        "--log.level=error",
    )
    try:
        async with aiohttp.ClientSession() as session:

            async def ask(what: str, **asked: str) -> Any:
                async with session.get(f"http://{web}/api/v1/{what}", params=asked) as answer:
                    return await answer.json()

            await until_ready(session, f"http://{web}/-/ready")
            await until_found(ask, "up == 1")
            yield ask
    finally:
        process.terminate()
        await process.wait()
        await server.close()


async def until_ready(session: aiohttp.ClientSession, url: str) -> None:
    """Until Prometheus listens, and no longer answers 503 because it reads its own log."""
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                async with session.get(url) as answer:
                    if answer.status == HTTPStatus.OK:
                        return
            except aiohttp.ClientConnectionError:
                pass  # it does not listen yet
            await asyncio.sleep(0.2)


async def until_found(ask: Any, query: str) -> None:
    """Until Prometheus finds something for a query."""
    async with asyncio.timeout(PATIENCE):
        while True:
            if (await ask("query", query=query))["data"]["result"]:
                return
            await asyncio.sleep(0.2)
