"""Draws a run of bench as SVG: latency percentiles, and throughput over the number of workers."""

from __future__ import annotations

COLOURS = ("#1b6ca8", "#d1495b", "#edae49", "#66a182", "#7a6c9d")
WIDTH, HEIGHT, MARGIN, LABELS = 420, 240, 46, 110
PERCENTILES = ("p50_ms", "p90_ms", "p99_ms", "p999_ms")

Found = dict[str, dict[str, dict[str, float]]]


def draw(found: Found) -> str:
    """found: medians by server, whose names end in the number of workers, and by figure."""
    servers = [name for name in found if "/" not in name]
    bases = list(dict.fromkeys(name.rpartition(".")[0] for name in servers))
    colours = {base: COLOURS[index % len(COLOURS)] for index, base in enumerate(bases)}
    latency = {
        base: [found[f"{base}.1"][figure]["median"] for figure in PERCENTILES]
        for base in bases
        if f"{base}.1" in found
    }
    counts = sorted({int(name.rpartition(".")[2]) for name in servers})
    throughput = {
        base: [found[f"{base}.{count}"]["requests_per_second"]["median"] for count in counts]
        for base in bases
        if all(f"{base}.{count}" in found for count in counts)
    }
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{2 * WIDTH + LABELS}" height="{HEIGHT + 2 * MARGIN}" '
        'font-family="sans-serif" font-size="12">',
        '<rect width="100%" height="100%" fill="white"/>',
        *_bars(0, "latency, ms (32 connections, one worker)", ["p50", "p90", "p99", "p99.9"], latency, colours),
        *_bars(WIDTH, "requests/s over workers", [str(count) for count in counts], throughput, colours),
    ]
    for index, base in enumerate(bases):
        y = MARGIN + index * 20
        parts.append(f'<rect x="{2 * WIDTH - 20}" y="{y - 10}" width="12" height="12" fill="{colours[base]}"/>')
        parts.append(f'<text x="{2 * WIDTH - 4}" y="{y}">{base}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def _bars(
    left: int, title: str, groups: list[str], series: dict[str, list[float]], colours: dict[str, str]
) -> list[str]:
    most = max((value for values in series.values() for value in values), default=1.0)
    parts = [f'<text x="{left + MARGIN}" y="{MARGIN - 18}" font-weight="bold">{title}</text>']
    space = (WIDTH - 2 * MARGIN) / len(groups)
    width = space * 0.8 / max(1, len(series))
    floor = MARGIN + HEIGHT
    for group, label in enumerate(groups):
        begin = left + MARGIN + group * space
        for index, (name, values) in enumerate(series.items()):
            height = values[group] / most * (HEIGHT - 20)
            x, y = begin + index * width, floor - height
            parts.append(
                f'<rect x="{x:.1f}" y="{y:.1f}" width="{width * 0.9:.1f}" height="{height:.1f}" fill="{colours[name]}"/>'
            )
            shown = f"{values[group]:.2g}" if values[group] < 100 else f"{values[group] / 1000:.0f}k"
            parts.append(f'<text x="{x + width * 0.45:.1f}" y="{y - 3:.1f}" text-anchor="middle" font-size="9">{shown}</text>')
        parts.append(f'<text x="{begin + space * 0.4:.1f}" y="{floor + 16}" text-anchor="middle">{label}</text>')
    parts.append(f'<line x1="{left + MARGIN}" y1="{floor}" x2="{left + WIDTH - MARGIN}" y2="{floor}" stroke="#888"/>')
    return parts
