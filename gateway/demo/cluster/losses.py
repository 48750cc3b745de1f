"""The chapters of `trm demo --cluster`: France loses a worker, then its database server, while messages are under way.

Nobody knows the moment: it is drawn. What is proven afterwards is what an office relies on: each message is once in the
case system that it was for, its sender has the receipts, there is one audit log that holds, and no new alarm is left.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from random import Random, SystemRandom

from rich import box
from rich.table import Table

from gateway.cli.connection import call_node
from gateway.demo.chronicle import wait_until
from gateway.demo.cluster.rush import LONGEST, Rush, Side
from gateway.demo.cluster.workers import Cluster, Leads
from gateway.demo.places import Country, Machine
from gateway.demo.stage import Stage

SIZE = 24
"""Enquiries of each country at a time."""
FIRST, WORKER_LOST, WORKER_BACK, SERVER_BACK = "at first", "one was killed", "it is back", "after the server's crash"


def draw_moment(total: int, chance: Random) -> int:
    """Draw after how many of so many messages something is lost: neither among the first nor among the last."""
    return chance.randint(total // 6, total * 2 // 3)


def is_shared(leads: Leads, duties: Collection[str]) -> bool:
    """Whether each of these duties is led by one worker."""
    found = Counter(duty for led in leads.values() for duty in led)
    return all(found[duty] == 1 for duty in duties)


class Losses:
    """What France loses on stage, and who led what before and after."""

    def __init__(self, stage: Stage, cluster: Cluster) -> None:
        self.leads: dict[str, Leads] = {}
        self._stage = stage
        self._cluster = cluster
        self._duty = f"send {stage.federation.home.code}"
        self._alarms: Counter[tuple[str, str]] = Counter()

    def lose_worker(self) -> None:
        """Kill the worker that sends to Albania, see the others take over what it led, and start it again."""
        stage, host = self._stage, self._stage.federation.host
        home = stage.federation.home.title
        self._wait_for(FIRST, lambda leads: all(leads.values()) and self._duty in self._duties)
        self._alarms = self._read_alarms()
        lost = self._find_leader(FIRST)
        rush = self._begin()
        with stage.timeline.gather():
            taken = self._wait_for_moment(rush)
            stage.nodes.kill_machine(lost)
            stage.act(
                host,
                f"✗ worker {lost.name}, which sends to {home}, is killed after {taken} of {rush.total}",
            )
            self._see_through(rush)
        self._count(rush)
        self._wait_for(WORKER_LOST, lambda leads: not leads[lost.name])
        leader = self._find_leader(WORKER_LOST)
        stage.demand(leader != lost, f"another worker sends to {home} after one was killed")
        stage.act(host, f"worker {leader.name} now sends to {home}; worker {lost.name} starts again")
        stage.nodes.start_machines([lost])
        self._wait_for(WORKER_BACK, lambda leads: bool(leads[lost.name]))
        stage.observed("the worker that was killed has a share again")

    def lose_server(self) -> None:
        """Crash the database server, and see the node go on by itself when it is back."""
        stage, host = self._stage, self._stage.federation.host
        rush = self._begin()
        with stage.timeline.gather():
            taken = self._wait_for_moment(rush)
            stage.act(host, f"✗ the database server crashes after {taken} of {rush.total}, and is started again")
            begun = time.monotonic()
            self._cluster.restart_server()
            seconds = time.monotonic() - begun
            stage.act(host, f"the server answers again after {seconds:.1f} seconds; no worker was restarted")
            self._see_through(rush)
        self._count(rush)
        self._wait_for(SERVER_BACK, lambda leads: all(leads.values()))
        wait_until("all alarms to end that the losses raised", lambda: not self._read_alarms() - self._alarms)
        stage.observed("no alarm is left of what was lost")

    def prove_one_log(self) -> None:
        """Demand that every worker verifies one and the same audit log, and show who led what."""
        stage, workers = self._stage, self._cluster.country.workers
        shown = [call_node(worker.node, "audit.verify", {}) for worker in workers]
        logs = [each for each in shown if isinstance(each, dict) and each["ok"] is True and each["findings"] == []]
        stage.demand(
            len(logs) == len(workers) and len({str(each["origin"]) for each in logs}) == 1,
            f"each worker of {stage.federation.host.title} verifies one and the same audit log",
        )
        stage.timeline.show(make_table(self.leads), to_people=True)
        sent = Counter(stage.crowd.values())
        for country in (stage.federation.host, stage.federation.home):
            stage.timeline.note(f"{sent[country.code]} enquiries of {country.title} met the losses; each arrived once")
        entries = logs[-1]["entries"]
        stage.timeline.note(
            f"one audit log of {entries} entries, verified by each of {len(logs)} workers; no new alarm"
        )

    @property
    def _duties(self) -> set[str]:
        """Every duty that was led at first."""
        return {duty for led in self.leads[FIRST].values() for duty in led}

    def _find_leader(self, moment: str) -> Machine:
        workers = self._cluster.country.workers
        return next(worker for worker in workers if self._duty in self.leads[moment][worker.name])

    def _begin(self) -> Rush:
        stage = self._stage
        host, home = stage.federation.host, stage.federation.home
        rush = Rush({host.code: self._side(host, home), home.code: self._side(home, host)}, SIZE)
        stage.act(host, f"programs submit {SIZE} enquiries to {home.title}, at any worker")
        stage.act(home, f"programs submit {SIZE} enquiries to {host.title}")
        rush.begin()
        return rush

    def _side(self, sender: Country, recipient: Country) -> Side:
        people, writer = self._stage.of(sender)
        return Side(door=sender.systems_door, token=people.token(), draft=writer.enquiry(recipient))

    def _wait_for_moment(self, rush: Rush) -> int:
        """Wait until as many enquiries were taken as is drawn, and return how many they are by then."""
        rush.wait(draw_moment(rush.total, SystemRandom()), self._stage.nodes.alive)
        return rush.count

    def _see_through(self, rush: Rush) -> None:
        """Wait until every enquiry was taken and has arrived with its receipts."""
        stage = self._stage
        host, home = stage.federation.host, stage.federation.home
        rush.wait(rush.total, stage.nodes.alive)
        for sender, recipient in ((host, home), (home, host)):
            for message in rush.taken[sender.code]:
                stage.seen(recipient, message, "handed_over", seconds=LONGEST)
                stage.seen(sender, message, "awaiting_opening", seconds=LONGEST)
                stage.crowd[message] = sender.code

    def _count(self, rush: Rush) -> None:
        """Demand that each enquiry is once in the case system that it was for."""
        stage = self._stage
        found = Counter([*stage.systems.database.received(), *stage.workbook.received()])
        stage.demand(
            all(found[message] == 1 for messages in rush.taken.values() for message in messages),
            f"each of {rush.total} enquiries is once in the case system that it was for",
        )
        stage.timeline.note(
            f"{SIZE} of {SIZE} arrived in each country, once each; requests repeated under their key: {rush.repeated}"
        )

    def _wait_for(self, moment: str, test: Callable[[Leads], bool]) -> None:
        """Wait until the duties are shared out, in a way that passes the test; keep who leads what at this moment."""

        def look() -> bool:
            leads = self.leads[moment] = self._cluster.read_leads()
            return is_shared(leads, self._duties) and test(leads)

        self._stage.timeline.doing("waiting for the workers to share out what they do for all")
        wait_until(
            f"the workers of {self._stage.federation.host.title} to share out what they do for all ({moment})", look
        )

    def _read_alarms(self) -> Counter[tuple[str, str]]:
        """Count the open alarms of France and Albania, by country and kind."""
        found: Counter[tuple[str, str]] = Counter()
        for country in (self._stage.federation.host, self._stage.federation.home):
            listed = self._stage.people[country.code].ask("alarm.list", limit=500)["alarms"]
            alarms = listed if isinstance(listed, list) else []
            found.update((country.code, str(each["kind"])) for each in alarms if isinstance(each, dict))
        return found


def make_table(leads: Mapping[str, Leads]) -> Table:
    """Make the table of the workers: at each moment, what each did for all."""
    table = Table(box=box.SIMPLE_HEAD, title="Who did what for all", title_justify="left", pad_edge=False)
    table.add_column("worker", no_wrap=True)
    for moment in leads:
        table.add_column(moment)
    for name in sorted({name for led in leads.values() for name in led}):
        table.add_row(name, *(", ".join(sorted(led[name])) or "-" for led in leads.values()))
    return table
