"""What the bench makes of loads on both kinds of database: medians, ratios, verdicts, its place on the page."""

from __future__ import annotations

from dataclasses import replace

from bench.engines import compare, report
from bench.engines.compare import CLIENTS, FILES, SERVER, SEVERAL, Engines
from bench.limits.growth import Peers
from bench.load import Load
from bench.reports import publish


def loaded(clients: int, per_second: float, **more: float | None) -> Load:
    """A load on a server."""
    figures = {"p50_ms": 15.0, "p99_ms": 50.0, "received_p50_ms": 10.0, "received_p99_ms": 40.0, "cpu_ms": 5.0}
    on_server = {"server_ms": 2.0, "statements": 9.5}
    return Load(clients=clients, seconds=8, messages=1, per_second=per_second, **(figures | on_server | more))


def measured(files: float = 100, server: float = 80, several: float = 90) -> Engines:
    """A run of three rounds at these rates; the first one was out of the ordinary."""
    rates = {FILES: files, SERVER: server, SEVERAL: several}

    def run_round(part: float) -> dict[str, dict[int, Load]]:
        return {name: {clients: loaded(clients, part * rate) for clients in CLIENTS} for name, rate in rates.items()}

    return Engines(
        server="PostgreSQL 17.6 on this machine: fsync on",
        rounds=[run_round(0.5), run_round(1), run_round(1)],
        yardsticks=[20.0, 20.0, 21.0],
        peers=Peers(few=loaded(8, 80), many=loaded(8, 80, cpu_ms=5.1, statements=9.9), configured=50),
    )


def verdicts(found: Engines) -> list[bool | None]:
    """Whether each target is met, in their order."""
    return [target.met for target in report.list_engine_targets(found)]


def test_each_target_is_judged_by_the_medians() -> None:
    """One figure beyond each target, and one round of three that does not count."""
    assert verdicts(measured()) == [True, True, True]
    assert verdicts(measured(server=69, several=69)) == [False, True, True]
    assert verdicts(measured(several=79)) == [True, False, True]
    good = measured()
    dear = replace(good.peers, many=loaded(8, 80, server_ms=2.5))
    assert verdicts(replace(good, peers=dear)) == [True, True, False]


def test_fewer_peers_than_the_target_names_are_told_and_not_judged() -> None:
    """A short run configures five."""
    good = measured()
    assert verdicts(replace(good, peers=replace(good.peers, configured=5))) == [True, True, None]


def test_every_figure_of_a_run_has_its_line() -> None:
    """The promises of the server, rates with their spread, its CPU apart, statements, ratios, noise, verdicts."""
    said = "\n".join(report.list_engines(measured(server=60)))
    for words in (
        "fsync on\n",
        "      32  SQLite          100 (50-100)     15.0     50.0        5.00       2.00             9.5",
        "          ratios      PostgreSQL to SQLite 0.60, 2 workers to one 1.50",
        "CPU of the nodes 5.00 and 5.10 ms/msg, of the server 2.00 and 2.00, statements per message 9.5 and 9.9",
        "rounds of one load lie up to 50 % apart",
        "  NOT MET  one worker on PostgreSQL at 32 clients >= 0.7 x SQLite: 0.60 x",
        "  met      2 workers at 32 clients >= 1.0 x one: 1.50 x",
    ):
        assert words in said


def test_statements_that_were_not_counted_are_no_figure() -> None:
    """As with files of SQLite, and on a server without the extension that counts."""
    good = measured()
    rounds = [
        {name: {n: replace(one, statements=None) for n, one in loads.items()} for name, loads in by.items()}
        for by in good.rounds
    ]
    assert "       2.00               -\n" in "\n".join(report.list_engines(replace(good, rounds=rounds)))


def test_the_load_is_that_of_the_targets() -> None:
    """A target about clients that no round has would fail only at the end of a run."""
    assert report.JUDGED in compare.CLIENTS


def test_the_page_has_a_place_for_a_run() -> None:
    """What the bench writes can be published."""
    page = publish.PAGE.read_text(encoding="utf-8")
    for place in (publish.RUN, publish.PROFILE, publish.ENGINES):
        assert "one line" in publish.fill(page, place, ["one line"])
