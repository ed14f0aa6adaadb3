"""From the figures of every round to medians, ratios, a table and what has become of the promises."""

import math
import statistics

from scenarios import Promise, Scenario
from servers import BASELINE, OURS

# Rows are named peer.workers; a round is what every row had in it.
Round = dict[str, dict[str, float]]
Spread = dict[str, float]
Summary = dict[str, dict[str, Spread]]

TITLES = {
    "requests_per_second": "requests/s",
    "cpu_ms": "CPU ms/request",
    "p50_ms": "p50 ms",
    "p99_ms": "p99 ms",
    "p999_ms": "p99.9 ms",
    "of_ideal": "of ideal",
    "peak_mb": "peak RSS MB",
    "shared_mb": "shared MB",
    "bytes_each": "bytes/connection",
    "bytes_each_all": "in all processes",
}


def spread(values: list[float]) -> Spread:
    return {"median": statistics.median(values), "least": min(values), "most": max(values)}


def compared(rows: list[str]) -> list[tuple[str, str]]:
    """Which rows are held against which: lambdapool against the baseline, more workers against one, and variants of one
    peer (`lambdapool@2.1`, `lambdapool+idle.1`) against it."""
    pairs = []
    for row in rows:
        name, _, workers = row.rpartition(".")
        if name == OURS or name.startswith(f"{OURS}@"):
            pairs.append((row, f"{BASELINE}.{workers}"))
        for mark in "@+":
            if mark in name and name.split(mark)[0] in {one.rpartition(".")[0] for one in rows}:
                pairs.append((row, f"{name.split(mark)[0]}.{workers}"))
        if workers != "1" and name.startswith((OURS, BASELINE)):
            pairs.append((row, f"{name}.1"))
    return [(row, base) for row, base in pairs if base in rows and row != base]


def summary(rounds: list[Round]) -> Summary:
    """Of every row the spread of each figure; and of each comparison that of the ratios, which are made within each
    round, where both had the machine in the same minute."""
    found: Summary = {}
    for row in rounds[0]:
        found[row] = {figure: spread([one[row][figure] for one in rounds]) for figure in rounds[0][row]}
    for row, base in compared(list(rounds[0])):
        shared = [
            figure
            for figure in rounds[0][row]
            if all(one[base].get(figure, 0) and one[row][figure] for one in rounds)
        ]
        found[f"{row} / {base}"] = {
            figure: spread([one[row][figure] / one[base][figure] for one in rounds]) for figure in shared
        }
    return found


def ceiling(figures: dict[str, Spread], workers: int, cores: int) -> float:
    """How much faster than one worker so many can be at most, when all the machine's cores do nothing else.

    One worker makes 1/w requests a second, w being its CPU per request: other cores do the rest meanwhile. Together the
    cores make cores/(w+r), r being what the supervisor and wrk need for a request, since they share them then.
    """
    worker = figures["worker_cpu_ms"]["median"]
    rest = figures["front_cpu_ms"]["median"] + figures["wrk_cpu_ms"]["median"]
    return min(workers, cores * worker / (worker + rest))


def kept(promise: Promise, found: Summary) -> tuple[float, bool] | None:
    """The figure that counts and whether it is within its bound; None when it was not measured."""
    one = found.get(promise.row, {}).get(promise.figure)
    if one is None:
        return None
    value = one[("least" if promise.at_least else "most") if promise.every_round else "median"]
    return value, value >= promise.bound if promise.at_least else value <= promise.bound


def shown(value: float) -> str:
    """Three digits, or all before the point."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    return f"{value:.{max(0, 2 - math.floor(math.log10(abs(value))))}f}"


def markdown(header: list[str], rows: list[list[str]]) -> str:
    """A table for README files that can be read in a terminal, too."""
    widths = [max(len(row[column]) for row in [header, *rows]) for column in range(len(header))]
    lines = [[cell.ljust(width) for cell, width in zip(row, widths)] for row in [header, *rows]]
    lines.insert(1, ["-" * width for width in widths])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def label(row: str, scenario: Scenario) -> str:
    """lambdapool.2 / lambdapool.1 -> lambdapool x2 / x1, and no numbers where there is but one."""
    parts = [part.rpartition(".") for part in row.split(" / ")]
    if len(scenario.workers) == 1:
        return " / ".join(name for name, _, _ in parts)
    if len(parts) == 2 and parts[0][0] == parts[1][0]:
        return f"{parts[0][0]} x{parts[0][2]} / x{parts[1][2]}"
    return " / ".join(f"{name} x{count}" for name, _, count in parts)


def table(scenario: Scenario, found: Summary) -> str:
    columns = [figure for figure in TITLES if any(figure in row for row in found.values())]
    rows = []
    for name, figures in found.items():
        row = [label(name, scenario)]
        for figure in columns:
            one = figures.get(figure)
            row.append(f"{shown(one['median'])} ({shown(one['least'])} to {shown(one['most'])})" if one else "")
        rows.append(row)
    return markdown([scenario.text, *(TITLES[figure] for figure in columns)], rows)


def promises_table(results: list[tuple[Scenario, Summary]]) -> str:
    rows = []
    for scenario, found in results:
        for promise in scenario.promises:
            outcome = kept(promise, found)
            words = f"{'at least' if promise.at_least else 'at most'} {promise.bound:g}"
            words += " in every round" if promise.every_round else ""
            got = ["not measured", ""] if outcome is None else [shown(outcome[0]), "yes" if outcome[1] else "NO"]
            rows.append([scenario.name, label(promise.row, scenario), TITLES[promise.figure], words, *got])
    return markdown(["scenario", "of", "figure", "promised", "got", "kept"], rows) if rows else ""
