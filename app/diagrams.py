"""Diagrams of an evaluation as SVG, drawn by hand: no plotting library comes with a service."""

from collections.abc import Mapping, Sequence
from typing import Any

SIDE = 300
MARGIN = 48
TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)
INK, GREY, BLUE, RED = "#222", "#bbb", "#2563a8", "#b3402a"
CURVES = (
    ("right", BLUE, "right of answered"),
    ("answered", INK, "answered"),
    ("answerable_refused", RED, "wrongly refused"),
)


def diagram(report: Mapping[str, Any]) -> str:
    """The reliability diagram beside the abstention curve of a report of `app.evaluation`."""
    width, height = 2 * (SIDE + 2 * MARGIN), SIDE + 2 * MARGIN
    reliability = _reliability(report["calibration"])
    abstention = _abstention(report["abstention"], report["threshold"])
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif"'
            f' font-size="12" fill="{INK}">',
            f'<rect width="{width}" height="{height}" fill="white"/>',
            *_panel(0, "Reliability", "confidence", "share right", reliability),
            *_panel(width // 2, "Abstention", "threshold", "share", abstention),
            "</svg>",
        ]
    )


def panels(report: Mapping[str, Any]) -> dict[str, str]:
    """The two diagrams by their names, each a picture of its own: for a page, which brings ground and colours."""
    top, wide, high = MARGIN - 12, SIDE + MARGIN + 24, SIDE + MARGIN + 12
    contents = {
        "Reliability": ("confidence", "share right", _reliability(report["calibration"])),
        "Abstention": ("threshold", "share", _abstention(report["abstention"], report["threshold"])),
    }
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 {top} {wide} {high}" font-size="12" role="img" aria-label='
    )
    return {
        name: "\n".join([f'{head}"{name}" fill="{INK}">', *_panel(0, "", x_label, y_label, content), "</svg>"])
        for name, (x_label, y_label, content) in contents.items()
    }


def _panel(left: int, title: str, x_label: str, y_label: str, content: Sequence[str]) -> list[str]:
    middle = MARGIN + SIDE / 2
    lines = [
        f'<g transform="translate({left} 0)">',
        f'<text x="{middle}" y="{MARGIN - 20}" text-anchor="middle" font-weight="bold">{title}</text>',
        f'<text x="{middle}" y="{SIDE + 2 * MARGIN - 12}" text-anchor="middle">{x_label}</text>',
        f'<text x="14" y="{middle}" text-anchor="middle" transform="rotate(-90 14 {middle})">{y_label}</text>',
    ]
    for tick in TICKS:
        x, y = _at(tick, 0.0)[0], _at(0.0, tick)[1]
        lines += [
            f'<path d="M{x:.1f} {MARGIN}V{MARGIN + SIDE}M{MARGIN} {y:.1f}H{MARGIN + SIDE}" stroke="{GREY}"'
            ' stroke-width="0.5"/>',
            f'<text x="{x:.1f}" y="{MARGIN + SIDE + 16}" text-anchor="middle">{tick:g}</text>',
            f'<text x="{MARGIN - 6}" y="{y + 4:.1f}" text-anchor="end">{tick:g}</text>',
        ]
    return [*lines, *content, "</g>"]


def _reliability(calibration: Mapping[str, Any]) -> list[str]:
    """A bar for each bin: how often answers of this confidence were right, beside the line where they should be."""
    (start_x, start_y), (end_x, end_y) = _at(0, 0), _at(1, 1)
    lines = [f'<path d="M{start_x} {start_y}L{end_x} {end_y}" stroke="{INK}" stroke-dasharray="4 4"/>']
    for one in calibration["bins"]:
        if not one["questions"]:
            continue
        (left, top), (right, bottom) = _at(one["from"], one["right"]), _at(one["to"], 0)
        label = f"{one['questions']} questions, {one['right']:.0%} right"
        lines.append(
            f'<rect x="{left + 1:.1f}" y="{top:.1f}" width="{right - left - 2:.1f}" height="{bottom - top:.1f}"'
            f' fill="{BLUE}" fill-opacity="0.6"><title>{label}</title></rect>'
        )
    lines.append(f'<text x="{MARGIN + 8}" y="{MARGIN + 16}">expected error {calibration["error"]:.3f}</text>')
    return lines


def _abstention(rows: Sequence[Mapping[str, float]], threshold: float) -> list[str]:
    """Three curves over the threshold, and where the service's own threshold is."""
    x = _at(threshold, 0)[0]
    lines = [f'<path d="M{x:.1f} {MARGIN}V{MARGIN + SIDE}" stroke="{INK}" stroke-dasharray="2 3"/>']
    for number, (name, color, label) in enumerate(CURVES):
        points = " ".join("{:.1f},{:.1f}".format(*_at(row["threshold"], row[name])) for row in rows)
        y = MARGIN + SIDE / 2 + 16 * number  # between the curves, which lie near the edges where the threshold is low
        lines += [
            f'<polyline points="{points}" fill="none" stroke="{color}" stroke-width="2"/>',
            f'<text x="{MARGIN + 8}" y="{y:.1f}" fill="{color}">{label}</text>',
        ]
    return lines


def _at(x: float, y: float) -> tuple[float, float]:
    """Where a point of the unit square stands in a panel."""
    return MARGIN + SIDE * x, MARGIN + SIDE * (1 - y)
