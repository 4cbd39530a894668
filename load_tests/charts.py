"""Line charts as SVG, without a plotting library: the worker's own packages suffice."""

from __future__ import annotations

from html import escape
from math import ceil, floor, log10

from load_tests.figures import Chart

WIDTH, HEIGHT = 720, 336
LEFT, RIGHT, TOP, BOTTOM = 72, 170, 56, 44
COLORS = ("#2a6fbb", "#d1662b", "#3b9a57", "#8b54a8", "#777777")
STEPS = (2, 2.5, 5, 10, 20)


def svg(chart: Chart) -> str:
    """The chart; both axes begin at 0.

    Raises:
        ValueError: it has no points.
    """
    points = [point for line in chart.lines.values() for point in line]
    if not points:
        raise ValueError(f"chart {chart.title!r} has no points")
    x_ticks, y_ticks = ticks(max(x for x, _ in points)), ticks(max(y for _, y in points))
    width, height = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

    def place(x: float, y: float) -> tuple[float, float]:
        return (
            LEFT + width * x / x_ticks[-1],
            TOP + height - height * y / y_ticks[-1],
        )

    parts = [_text(LEFT, 20, chart.title, size=15)]
    for tick in y_ticks:
        x, y = place(0, tick)
        parts += [_rule(x, y, LEFT + width, y), _text(x - 6, y + 4, _number(tick), "end")]
    for tick in x_ticks:
        x, y = place(tick, 0)
        parts += [_rule(x, y, x, y + 4), _text(x, y + 18, _number(tick), "middle")]
    parts.append(_text(LEFT + width / 2, HEIGHT - 8, chart.x, "middle"))
    parts.append(_text(8, TOP - 14, chart.y))
    for index, (name, line) in enumerate(chart.lines.items()):
        color = COLORS[index % len(COLORS)]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in (place(*point) for point in line))
        parts.append(f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2"/>')
        parts.append(_text(LEFT + width + 12, TOP + 14 + 18 * index, name, color=color))
    head = f'xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"'
    ground = '<rect width="100%" height="100%" fill="white"/>'
    return "\n".join([f'<svg {head} font-family="sans-serif">', ground, *parts, "</svg>\n"])


def ticks(largest: float) -> list[float]:
    """Round numbers from 0 to the first that is not below `largest`, at most six."""
    if largest <= 0:
        return [0.0, 1.0]
    unit = 10.0 ** (floor(log10(largest)) - 1)
    step = next(size * unit for size in STEPS if 5 * size * unit >= largest)
    return [round(n * step, 10) for n in range(ceil(largest / step - 1e-9) + 1)]


def _number(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) else f"{value:g}"


def _rule(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="#ddd"/>'


def _text(
    x: float, y: float, text: str, anchor: str = "start", size: int = 12, color: str = "#333"
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}"'
        f' fill="{color}">{escape(text)}</text>'
    )
