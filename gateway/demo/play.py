"""The demonstration from beginning to end, and what it leaves behind."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TextIO

from gateway.demo import homeward, places, proofs, story
from gateway.demo.bodies import Writer
from gateway.demo.cases import FIRST, FOURTH, SECOND, THIRD, Workbook
from gateway.demo.ceremony import enrol_person
from gateway.demo.chronicle import Chronicle
from gateway.demo.nodes import Nodes, make_nodes, read_today
from gateway.demo.people import People
from gateway.demo.places import Country, Federation
from gateway.demo.processes import Processes
from gateway.demo.stage import Stage
from gateway.demo.systems import CaseSystem, Systems
from gateway.demo.timeline import Timeline
from gateway.operations.roles import Role
from gateway.ports import Json


def play_story(federation: Federation, *, keep: bool, stream: TextIO) -> None:
    """Run everything in the planned folder; then stop everything, unless it is to be kept and all went well.

    Raises:
        GatewayError: a step was not observed, or a node refused; all is stopped, files stay.
    """
    processes, systems, left = Processes(), Systems(federation, read_today()), False
    with Timeline(federation.countries, stream) as timeline:
        chronicle = Chronicle(timeline.event, processes.alive)
        try:
            stage = _set(federation, processes, systems, chronicle, timeline)
            _tell(stage)
            timeline.step("What was observed")
            timeline.note(f"all {len(stage.facts)} expected observations were made, in {timeline.seconds:.0f} seconds")
            _next(stage, processes, keep=keep)
            if keep:
                processes.leave()
                left = True
        finally:
            chronicle.close()
            processes.stop()
            if not left:
                systems.database.remove()


def _set(
    federation: Federation, processes: Processes, systems: Systems, chronicle: Chronicle, timeline: Timeline
) -> Stage:
    """Make folders, case systems, keys and nodes, and start them."""
    timeline.step("Four countries on this machine, each with its own node, keys, port and kind of case system")
    places.make_folders(federation)
    france, albania, ukraine, morocco = federation.countries
    day = read_today()
    workbook = Workbook(france, day, {FIRST: albania, SECOND: ukraine, THIRD: albania, FOURTH: morocco})
    workbook.save()
    timeline.note(f"everything is in {federation.base}")
    timeline.doing("starting the case systems")
    systems.start(processes)
    timeline.doing("making four nodes with their keys (each key file costs 256 MiB of memory to open, on purpose)")
    used: dict[str, Workbook | CaseSystem] = {france.code: workbook, **systems.of}
    made = make_nodes(federation, {code: system.settings for code, system in used.items()})
    timeline.head()
    for country, node in zip(federation.countries, made, strict=True):
        what = used[country.code].what
        timeline.act(country, f"node {node.node.node[:10]}... at {country.address}; case system: {what}")
    timeline.doing("starting four nodes")
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


def _tell(stage: Stage) -> None:
    """Play the chapters in their order."""
    france, albania, ukraine, morocco = stage.federation.countries
    step = stage.timeline.step
    step("Pairing: files exchanged, digits and versions compared by phone and typed; two administrators of each sign")
    for country in stage.federation.countries:
        stage.people[country.code].write_pairing_file()
    story.pair_countries(stage, france, albania)
    story.pair_countries(stage, france, ukraine)
    story.pair_countries(stage, france, morocco)
    step("Can you take such a case? Two enquiries without personal data: Albania has a place, Morocco has none")
    story.ask_for_a_place(stage)
    story.ask_in_vain(stage)
    step("A referral with consent; a question about it")
    referral, consent = story.refer_person(stage, FIRST, albania)
    question = story.ask_back(stage, referral, consent)
    step("Albania's node dies; France goes on, Ukraine declines; Albania returns and everything arrives")
    story.survive_outage(stage, question, consent)
    step("Albania accepts")
    story.accept_referral(stage, referral, consent)
    step("The way home: risks assessed by both sides, a journey proposed, confirmed and made")
    case: story.Message = {"conversation": referral["conversation"]}
    homeward.bring_home(stage, case, consent)
    step("A new life: a plan, monitoring, and the case is closed by both")
    homeward.close_case(stage, case, consent)
    step("A child: stopped by gate after gate until everything that protects it is there")
    homeward.refer_child(stage)
    step("A withdrawal crosses an acceptance; what is known elsewhere is erased, with a certificate")
    homeward.cross_messages(stage)
    step("Proof")
    proofs.prove_delivery(stage)
    stage.timeline.doing("exporting and verifying the evidence")
    proofs.prove_conversation(stage, referral["conversation"])
    stage.timeline.doing("searching every file for the marked values")
    proofs.prove_no_trace(stage)


def _next(stage: Stage, processes: Processes, *, keep: bool) -> None:
    """Print where the nodes are and how to stop or watch them; three commands that work as they are printed."""
    federation, timeline = stage.federation, stage.timeline
    if keep:
        timeline.step("The four nodes and their case systems stay up")
        for country in federation.countries:
            timeline.note(f"{country.title:<8} {country.address}  node folder {country.node}")
            timeline.note(f"{'':<8} its console: {_invited(stage, country)}")
        timeline.note("each address invites one person to make a passkey there, within a day")
        pids = " ".join(str(pid) for pid in processes.pids)
        folders = [federation.base, *filter(None, [stage.systems.database.outside])]
        remove = shlex.join(["rm", "-r", *map(str, folders)])
        timeline.note(f"stop them with: kill {pids}; then remove them with: {remove}")
    timeline.step("What to try next")
    base = federation.base if keep else Path("four-countries")
    trm, france = find_program(), base / "nodes" / "FR"
    known = " ".join(f'--fingerprint "{stage.fingerprints[code]}"' for code in ("FR", "AL"))
    lines = [
        f"{trm} message list --node {france}",
        f"{trm} doctor --node {france}",
        f"{trm} evidence verify {base / 'evidence' / 'referral.json'} {known}",
    ]
    if not keep:
        lines = [f"{trm} demo --keep --dir {base}", *lines[:2]]
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
