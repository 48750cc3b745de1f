"""The demonstration from beginning to end, and what it leaves behind."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TextIO

from gateway.demo import homeward, places, proofs, story
from gateway.demo.bodies import Writer
from gateway.demo.cases import FIRST, FOURTH, SECOND, THIRD, Workbook
from gateway.demo.chronicle import Chronicle
from gateway.demo.cluster.losses import Losses
from gateway.demo.cluster.postgresql import require_programs
from gateway.demo.cluster.workers import Cluster
from gateway.demo.nodes import Nodes, make_nodes, read_today
from gateway.demo.people import People, enrol_person
from gateway.demo.places import Country, Federation
from gateway.demo.processes import Processes
from gateway.demo.stage import Stage
from gateway.demo.systems import CaseSystem, Systems
from gateway.demo.timeline import Timeline
from gateway.operations.roles import Role
from gateway.ports import Json

_ASKED = {True: "Two enquiries", False: "An enquiry"}
_NUMBERS = {2: "two", 3: "three", 4: "four"}


def play_story(federation: Federation, *, keep: bool, stream: TextIO) -> None:
    """Run everything in the planned folder; then stop everything, unless it is to be kept and all went well. Where
    France is planned as several workers, it loses one of them and its database server in the middle.

    Raises:
        GatewayError: a step was not observed, or a node refused; all is stopped, files stay.
    """
    processes, systems, left = Processes(), Systems(federation, read_today()), False
    cluster = _plan_cluster(federation, processes)
    with Timeline(federation.countries, stream) as timeline:
        chronicle = Chronicle(timeline.event, processes.alive)
        try:
            stage = _set(federation, processes, systems, cluster, chronicle, timeline)
            _tell(stage, cluster)
            timeline.step("What was observed")
            timeline.note(f"all {len(stage.facts)} expected observations were made, in {timeline.seconds:.0f} seconds")
            _next(stage, processes, cluster, keep=keep)
            if keep:
                processes.leave()
                left = True
        finally:
            chronicle.close()
            processes.stop()
            if not left:
                systems.database.remove()
                if cluster is not None:
                    cluster.server.remove()


def _plan_cluster(federation: Federation, processes: Processes) -> Cluster | None:
    """Plan what France's workers need. Raises RefusedError where this machine has no PostgreSQL."""
    if not federation.host.workers:
        return None
    return Cluster(federation.host, processes, require_programs(), federation.database_port)


def _set(
    federation: Federation,
    processes: Processes,
    systems: Systems,
    cluster: Cluster | None,
    chronicle: Chronicle,
    timeline: Timeline,
) -> Stage:
    """Make folders, case systems, keys and nodes, and start them."""
    places.make_folders(federation)
    timeline.keep_record(federation.record)
    many = _NUMBERS[len(federation.countries)]
    timeline.note(
        f"A woman is in {federation.host.title} and wishes to go home to {federation.home.title}. "
        f"{many.capitalize()} countries help; nobody here exists."
    )
    timeline.note("It takes about a minute, and two where the machine is busy. It is told on four screens;")
    timeline.note(f"every message, receipt and event is in {federation.record}, which --keep keeps")
    timeline.screen(
        f"{many.capitalize()} countries that trust each other",
        "Each has a node of its own, and lets in whom two people know.",
    )
    timeline.step(
        f"{many.capitalize()} countries on this machine, each with its own node, keys, port and kind of case system"
    )
    host, home = federation.host, federation.home
    day = read_today()
    meant = {FIRST: home, SECOND: federation.declining, THIRD: home, FOURTH: federation.full}
    workbook = Workbook(host, day, {row: country for row, country in meant.items() if country is not None})
    workbook.save()
    timeline.note(f"everything is in {federation.base}")
    timeline.doing("starting the case systems")
    systems.start(processes)
    databases = {} if cluster is None else {host.code: cluster.start_server()}
    timeline.doing(f"making {many} nodes with their keys (each key file costs 256 MiB of memory to open, on purpose)")
    used: dict[str, Workbook | CaseSystem] = {host.code: workbook, **systems.of}
    made = make_nodes(federation, {code: system.settings for code, system in used.items()}, databases)
    for country, node in zip(federation.countries, made, strict=True):
        what = used[country.code].what
        timeline.act(country, f"node {node.node.node[:10]}... at {country.address}; case system: {what}")
    if cluster is not None:
        cluster.start_front()
        timeline.act(host, f"its rows: on {cluster.server.describe()}, in a database of its own")
        timeline.doing(f"letting two more workers of {host.title} join")
        cluster.join_workers()
        for worker in host.workers[1:]:
            timeline.act(host, f"worker {worker.name} joins: trm keys invite, trm keys join; keys of its own")
        timeline.act(host, f"a front at {host.address} leads to each of {len(host.workers)} workers")
    timeline.doing(f"starting {many} nodes")
    nodes = Nodes(processes)
    nodes.start(federation.countries)
    chronicle.follow(federation.countries)
    people = {c.code: People(c, node.admins) for c, node in zip(federation.countries, made, strict=True)}
    for working in people.values():
        working.enrol()
    return Stage(
        federation=federation,
        nodes=nodes,
        systems=systems,
        chronicle=chronicle,
        timeline=timeline,
        people=people,
        writers={country.code: Writer(country, day) for country in federation.countries},
        workbook=workbook,
        fingerprints={c.code: node.node.fingerprint for c, node in zip(federation.countries, made, strict=True)},
    )


def _tell(stage: Stage, cluster: Cluster | None) -> None:
    """Play the chapters in their order."""
    losses = None if cluster is None else Losses(stage, cluster)
    federation = stage.federation
    host, home, declining, full = federation.host, federation.home, federation.declining, federation.full
    step, screen = stage.timeline.step, stage.timeline.screen
    step("Pairing: files exchanged, digits and versions compared by phone and typed; two administrators of each sign")
    for country in stage.federation.countries:
        stage.people[country.code].write_pairing_file()
    for country in federation.countries[1:]:
        story.pair_countries(stage, host, country)
    screen(
        "She asks for help",
        "First whether there is a place, without a word about her; then, with her consent, who she is.",
    )
    none = f", {full.title} has none" if full is not None else ""
    step(f"Can you take such a case? {_ASKED[full is not None]} without personal data: {home.title} has a place{none}")
    story.ask_for_a_place(stage)
    if full is not None:
        story.ask_in_vain(stage, full)
    step("A referral with consent; a question about it")
    referral, consent = story.refer_person(stage, FIRST, home)
    question = story.ask_back(stage, referral, consent)
    declines = f", {declining.title} declines" if declining is not None else ""
    step(f"{home.title}'s node dies; {host.title} goes on{declines}; {home.title} returns and everything arrives")
    story.survive_outage(stage, question, consent)
    step(f"{home.title} accepts")
    story.accept_referral(stage, referral, consent)
    if losses is not None:
        step(f"{host.title} loses a worker while messages are under way; the others take over, and it comes back")
        losses.lose_worker()
        step(f"{host.title}'s database server crashes while messages are under way; the node goes on by itself")
        losses.lose_server()
    screen("The way home", "Nobody travels before both sides have looked at the dangers, and a child not without more.")
    step("The way home: risks assessed by both sides, a journey proposed, confirmed and made")
    case: story.Message = {"conversation": referral["conversation"]}
    homeward.bring_home(stage, case, consent)
    step("A new life: a plan, monitoring, and the case is closed by both")
    homeward.close_case(stage, case, consent)
    step("A child: stopped by gate after gate until everything that protects it is there")
    homeward.refer_child(stage)
    screen(
        "Another woman changes her mind",
        "What was agreed ends at once in both countries; what is left of it can be proven.",
    )
    step("A withdrawal crosses an acceptance; what is known elsewhere is erased, with a certificate")
    homeward.cross_messages(stage)
    step("Proof")
    proofs.prove_delivery(stage)
    if losses is not None:
        losses.prove_one_log()
    stage.timeline.doing("exporting and verifying the evidence")
    proofs.prove_conversation(stage, referral["conversation"])
    stage.timeline.doing("searching every file for the marked values")
    proofs.prove_no_trace(stage, _list_outside(cluster))


def _list_outside(cluster: Cluster | None) -> list[Path]:
    """List the folders of the server of several workers."""
    return [] if cluster is None or cluster.server.folder is None else [cluster.server.folder]


def _next(stage: Stage, processes: Processes, cluster: Cluster | None, *, keep: bool) -> None:
    """Print where the nodes are and how to stop or watch them; commands that work as they are printed."""
    federation, timeline = stage.federation, stage.timeline
    if keep:
        timeline.step(f"The {_NUMBERS[len(federation.countries)]} nodes and their case systems stay up")
        for country in federation.countries:
            timeline.note(f"{country.title:<8} {country.address}  node folder {country.node}")
            timeline.note(f"{'':<8} its console: {_invited(stage, country)}")
        timeline.note("each address invites one person to make a passkey there, within a day")
        pids = " ".join(str(pid) for pid in processes.pids)
        folders = [federation.base, *filter(None, [stage.systems.database.outside]), *_list_outside(cluster)]
        remove = shlex.join(["rm", "-r", *map(str, folders)])
        timeline.note(f"stop them with: kill {pids}; then remove them with: {remove}")
    timeline.step("What to try next")
    base = federation.base if keep else Path(f"{_NUMBERS[len(federation.countries)]}-countries")
    trm, host = find_program(), base / "nodes" / federation.host.code
    known = " ".join(
        f'--fingerprint "{stage.fingerprints[code]}"' for code in (federation.host.code, federation.home.code)
    )
    lines = [
        f"{trm} message list --node {host}",
        f"{trm} doctor --node {host}",
        f"{trm} evidence verify {base / 'evidence' / 'referral.json'} {known}",
    ]
    if cluster is not None:
        lines.append(f"{trm} node workers --node {host}")
    if not keep:
        several = "" if cluster is None else " --cluster"
        if federation.cast.folder is not None:
            several += shlex.join(["", "--region", str(federation.cast.folder)]).removeprefix("''")
        lines = [f"{trm} demo{several} --keep --dir {base}", *(line for line in lines if "evidence" not in line)]
    for line in lines:
        timeline.note(line)


def _invited(stage: Stage, country: Country) -> Json:
    """Return the invitations with which a visitor opens the console for the first time, to see cases, the node and its
    log. Trust they cannot change: that takes a passkey that is not synced.
    """
    roles: list[Json] = [str(role) for role in (Role.FOCAL_POINT, Role.OPERATOR, Role.AUDITOR)]
    people = stage.people[country.code]
    return enrol_person(people.ask, people.admins[0], name="Visitor", roles=roles)["address"]


def find_program() -> str:
    """Return how a person calls `trm` from here: the command of this environment, by a short path if it has one."""
    beside = Path(sys.executable).with_name("trm")
    if not beside.exists():
        return f"{sys.executable} -m gateway.cli"
    try:
        return str(beside.relative_to(Path.cwd()))
    except ValueError:
        return str(beside)
