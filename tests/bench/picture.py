#!/usr/bin/python3
"""Draws a run of bench as SVG: latency by percentile, and throughput over the number of workers.

    tests/bench/bench --only post --json post.json --svg picture.svg
    tests/bench/picture.py post.json picture.svg        # again, from the figures

It has a ground of its own, so that it can be read on light and dark pages.
"""

import html
import json
import math
import sys
from pathlib import Path

# Told apart by the colour-blind, too, and by their marks.
COLOURS = ("#0072b2", "#d55e00", "#8a6d00", "#7b5aa6", "#00785a", "#555555")
GROUND, TEXT, GRID, QUIET = "#fbfbf9", "#1f2328", "#d5d8dc", "#57606a"
PERCENTILES = {"p50_ms": "50", "p90_ms": "90", "p99_ms": "99", "p999_ms": "99.9"}
WIDTH, TOP, HEIGHT, BOTTOM = 940, 74, 250, 122
LEFT_PANEL, RIGHT_PANEL = (64, 410), (520, 386)  # Where each begins, and how wide it is.


def draw(run: dict) -> str:
    """run: what bench writes with --json, with the scenario `post` in it."""
    post = run["scenarios"]["post"]
    rows = {row: one for row, one in post["summary"].items() if "/" not in row}
    names = list(dict.fromkeys(row.rpartition(".")[0] for row in rows))
    counts = sorted({int(row.rpartition(".")[2]) for row in rows})
    colours = {name: COLOURS[index % len(COLOURS)] for index, name in enumerate(names)}
    one = {name: rows[f"{name}.{counts[0]}"] for name in names if f"{name}.{counts[0]}" in rows}
    total = TOP + HEIGHT + BOTTOM
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {total}" width="{WIDTH}" height="{total}" '
        f'role="img" font-family="Helvetica, Arial, sans-serif" font-size="12" fill="{TEXT}">',
        f"<title>{html.escape(post['text'])}: latency and throughput of {html.escape(', '.join(names))}</title>",
        f'<rect x="0.5" y="0.5" width="{WIDTH - 1}" height="{total - 1}" rx="8" fill="{GROUND}" stroke="{GRID}"/>',
        *_legend(names, colours),
        *_latency(one, colours, counts[0]),
        *_throughput(rows, names, counts, colours),
        *_caption(run, post["text"]),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _text(x: float, y: float, words: str, anchor: str = "start", more: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{more and " " + more}>{html.escape(words)}</text>'


def _mark(index: int, x: float, y: float, colour: str) -> str:
    if index % 3 == 0:
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>'
    if index % 3 == 1:
        return f'<rect x="{x - 3.5:.1f}" y="{y - 3.5:.1f}" width="7" height="7" fill="{colour}"/>'
    return f'<path d="M{x:.1f} {y - 5:.1f} l5 8.5 h-10 z" fill="{colour}"/>'


def _legend(names: list[str], colours: dict[str, str]) -> list[str]:
    parts, x = [], LEFT_PANEL[0]
    for index, name in enumerate(names):
        parts += [_mark(index, x, 22, colours[name]), _text(x + 10, 26, name)]
        x += 34 + 7 * len(name)
    return parts


def _latency(rows: dict[str, dict], colours: dict[str, str], workers: int) -> list[str]:
    left, width = LEFT_PANEL
    values = [one[figure]["median"] for one in rows.values() for figure in PERCENTILES]
    # Each tick is about double the last; the axis ends at ticks.
    ticks = [base * 10.0**power for power in range(-3, 6) for base in (1, 2, 5)]
    low = max((tick for tick in ticks if tick <= min(values)), default=ticks[0])
    high = min((tick for tick in ticks if tick >= max(values) and tick > low), default=ticks[-1])
    floor = TOP + HEIGHT

    def y_of(value: float) -> float:
        return floor - HEIGHT * math.log(value / low) / math.log(high / low)

    def x_of(position: int) -> float:
        return left + width * (position + 0.35) / len(PERCENTILES)

    title = f"latency, ms, by percentile ({_workers(workers)}; log scale, less is better)"
    parts = [_text(left - 40, TOP - 16, title, more='font-weight="bold"')]
    for tick in (tick for tick in ticks if low <= tick <= high):
        parts.append(f'<path d="M{left} {y_of(tick):.1f} h{width}" stroke="{GRID}"/>')
        parts.append(_text(left - 8, y_of(tick) + 4, f"{tick:g}", "end"))
    for position, name in enumerate(PERCENTILES.values()):
        parts.append(_text(x_of(position), floor + 18, f"p{name}", "middle"))
    for index, (name, one) in enumerate(rows.items()):
        points = [(x_of(position), y_of(one[figure]["median"])) for position, figure in enumerate(PERCENTILES)]
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        stroke = f'stroke="{colours[name]}"'
        parts.append(f'<polyline points="{line}" fill="none" {stroke} stroke-width="{2.5 if index == 0 else 1.5}"/>')
        for (x, y), figure in zip(points, PERCENTILES):
            ends = y_of(max(low, one[figure]["least"])), y_of(min(high, one[figure]["most"]))
            parts.append(f'<path d="M{x:.1f} {ends[0]:.1f} V{ends[1]:.1f}" {stroke} stroke-opacity="0.5"/>')
            parts.append(_mark(index, x, y, colours[name]))
    return parts


def _throughput(rows: dict[str, dict], names: list[str], counts: list[int], colours: dict[str, str]) -> list[str]:
    left, width = RIGHT_PANEL
    most = max(one["requests_per_second"]["most"] for one in rows.values())
    step = next(step for step in (base * 10**power for power in range(9) for base in (1, 2, 5)) if step * 6 >= most)
    high = math.ceil(most / step) * step
    floor = TOP + HEIGHT
    parts = [_text(left - 40, TOP - 16, "requests/s over workers (more is better)", more='font-weight="bold"')]
    for tick in range(0, high + 1, step):
        y = floor - HEIGHT * tick / high
        parts.append(f'<path d="M{left} {y:.1f} h{width}" stroke="{QUIET if tick == 0 else GRID}"/>')
        parts.append(_text(left - 8, y + 4, f"{tick / 1000:g}k" if tick >= 1000 else str(tick), "end"))
    group = width / len(counts)
    bar = group * 0.84 / len(names)
    for place, count in enumerate(counts):
        begin = left + place * group + group * 0.08
        parts.append(_text(begin + group * 0.42, floor + 18, _workers(count), "middle"))
        for index, name in enumerate(names):
            one = rows.get(f"{name}.{count}", {}).get("requests_per_second")
            if one is None:
                continue
            x, height = begin + index * bar, HEIGHT * one["median"] / high
            place_and_size = f'x="{x:.1f}" y="{floor - height:.1f}" width="{bar * 0.86:.1f}" height="{height:.1f}"'
            parts.append(f'<rect {place_and_size} fill="{colours[name]}"/>')
            middle = x + bar * 0.43
            ends = [floor - HEIGHT * one[end] / high for end in ("least", "most")]
            parts.append(f'<path d="M{middle:.1f} {ends[0]:.1f} V{ends[1]:.1f}" stroke="{TEXT}"/>')
            parts.append(_text(middle, min(ends) - 4, f"{one['median'] / 1000:.1f}k", "middle", 'font-size="10"'))
    return parts


def _workers(count: int) -> str:
    return "1 worker" if count == 1 else f"{count} workers"


def _caption(run: dict, text: str) -> list[str]:
    machine = run["machine"]
    known = ("cpu", "cores", "system", "date", "load")
    versions = [(name.removesuffix("3.11"), version) for name, version in machine.items() if name not in known]
    shape = f"Medians of {run['rounds']} rounds of {run['seconds']} s, lines from least to most."
    lines = [
        f"{text}, JSON in and out, keep-alive, wrk on the same machine. {shape}",
        f"{machine['cpu']}, {machine['cores']} cores, {machine['system']}, {machine['date']}, load {machine['load']}.",
        ", ".join(f"{name} {version.partition('-')[0].partition('+')[0]}" for name, version in versions) + ".",
        "Everything is at its default but the access log, which is off with all of them.",
    ]
    more = f'fill="{QUIET}" font-size="11"'
    return [_text(24, TOP + HEIGHT + 50 + 17 * number, line, more=more) for number, line in enumerate(lines)]


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    Path(sys.argv[2]).write_text(draw(json.loads(Path(sys.argv[1]).read_text())))
