"""Puts the last runs into the documentation: their reports, and a picture that is drawn from the same figures.

./dev bench --json && python -m bench.reports.publish; the same after `--profile` and `--engines`
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "bench-out"
PAGE = ROOT / "docs" / "benchmark.md"
PICTURE = ROOT / "docs" / "pictures" / "benchmark.svg"
RUN, PROFILE, ENGINES = "the last run", "the last profile", "the last run on PostgreSQL"
"""What stands in which place of the page."""

WIDTH, HEIGHT, LEFT, TOP, LOW = 760, 330, 60, 50, 250
"""Of the picture and of its two plots, in pixels."""
PLOT, GAP = 300, 60
BLUE, SKY, GREY, RED = "#1f5fa8", "#7fb2e5", "#8a8f98", "#b3432f"

Points = Sequence[tuple[str, float]]
"""Words of a load, and its figure."""


def main() -> int:
    """Write the page and the picture."""
    parser = argparse.ArgumentParser(prog="python -m bench.reports.publish", description=__doc__)
    parser.add_argument("--out", type=Path, default=OUT, help="where ./dev bench --json wrote")
    out: Path = parser.parse_args().out
    page = PAGE.read_text()
    for name, place in (("bench.json", RUN), ("profile.json", PROFILE), ("engines.json", ENGINES)):
        if (out / name).exists():
            found: dict[str, Any] = json.loads((out / name).read_text())
            page = fill(page, place, found["report"])
            if place == RUN:
                PICTURE.write_text(draw(found))
            print(f"bench: {place} of {name} is in {PAGE.relative_to(ROOT)}")
    PAGE.write_text(page)
    return 0


def fill(page: str, place: str, report: Sequence[str]) -> str:
    """Put a report into its place on the page."""
    begin, end = f"<!-- {place} -->", f"<!-- end of {place} -->"
    head, _, rest = page.partition(begin)
    _, _, tail = rest.partition(end)
    if not rest or not tail:
        raise ValueError(f"{PAGE.name} has no place for {place}: {begin} and {end}")
    lines = "\n".join(f"    {line}".rstrip() for line in report)
    return f"{head}{begin}\n\n{lines}\n\n{end}{tail}"


def draw(run: dict[str, Any]) -> str:
    """Draw the rates and the times of the loads, from the least to the most clients."""
    rounds = run["found"]["rounds"]
    clients = sorted(rounds[0]["delivered"], key=int)

    def middle(kind: str, count: str, figure: str) -> float:
        return float(statistics.median(one[kind][count][figure] for one in rounds if count in one[kind]))

    rates = [(count, middle("delivered", count, "per_second")) for count in clients]
    taken = [(count, middle("received", count, "per_second")) for count in clients if count in rounds[0]["received"]]
    peer = [(count, middle("peer", count, "per_second")) for count in clients if count in rounds[0]["peer"]]
    halves = [(count, middle("delivered", count, "p50_ms")) for count in clients]
    slowest = [(count, middle("delivered", count, "p99_ms")) for count in clients]
    right = LEFT + PLOT + GAP
    parts = [
        *plot(
            LEFT,
            "messages per second",
            clients,
            [("delivered", BLUE, rates), ("received", SKY, taken), ("django-pyas2", GREY, peer)],
        ),
        *plot(right, "milliseconds until delivered", clients, [("p50", BLUE, halves), ("p99", RED, slowest)]),
        text(LEFT, HEIGHT - 8, f"by clients at once; {run['report'][0]}", size=11, color=GREY),
    ]
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" role="img" '
        'aria-label="Throughput and latency by clients at once">'
    )
    return "\n".join([head, f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>', *parts, "</svg>", ""])


def plot(left: int, title: str, clients: Sequence[str], series: Sequence[tuple[str, str, Points]]) -> Iterator[str]:
    """Draw one plot: a group of bars for each number of clients, with the figure over each bar."""
    most = max(value for _, _, points in series for _, value in points)
    yield text(left, 20, title, size=14)
    for number, (name, color, _) in enumerate(entry for entry in series if entry[2]):
        yield f'<rect x="{left + 90 * number}" y="29" width="9" height="9" fill="{color}"/>'
        yield text(left + 13 + 90 * number, 37, name, size=11)
    yield f'<line x1="{left}" y1="{LOW}" x2="{left + PLOT}" y2="{LOW}" stroke="{GREY}"/>'
    group = PLOT / len(clients)
    bar = group / (len(series) + 1)
    for place, count in enumerate(clients):
        yield text(left + (place + 0.5) * group, LOW + 18, count, anchor="middle")
        for number, (_, color, points) in enumerate(series):
            value = dict(points).get(count)
            if value is None:
                continue
            tall = (LOW - TOP - 15) * value / most
            x = left + place * group + (number + 0.5) * bar
            yield f'<rect x="{x:.1f}" y="{LOW - tall:.1f}" width="{bar:.1f}" height="{tall:.1f}" fill="{color}"/>'
            yield text(x + bar / 2, LOW - tall - 4, f"{value:.0f}", anchor="middle", size=11)


def text(x: float, y: float, words: str, *, size: int = 12, anchor: str = "start", color: str = "#222") -> str:
    """Write words."""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" fill="{color}">{escape(words)}</text>'
    )


if __name__ == "__main__":
    sys.exit(main())
