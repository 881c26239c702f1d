"""What the charts of the results have in common: a separate SVG file, colours, a legend."""

from __future__ import annotations

from collections.abc import Mapping
from xml.etree.ElementTree import Element

from harness.reporting.charts.canvas import add, drawing, path

# Told apart also by those who see no red or green (Okabe & Ito 2008).
GREY, BLUE, GREEN, RED, PINK, BLACK = "#999999", "#0072b2", "#009e73", "#d55e00", "#cc79a7", "#000000"
STYLE = """
text { font: 13px sans-serif; fill: #222 } .axis { fill: #555 } .tick { fill: #555; font-size: 12px }
.grid { stroke: #ddd } path { fill: none; stroke-width: 2 } .title { font-weight: bold }
"""


LINES = """
path, .interval { stroke: currentColor } .mark, .label { fill: currentColor }
.label { paint-order: stroke; stroke: white; stroke-width: 4px }
"""


def coloured(colours: Mapping[str, str]) -> str:
    """The style of a report's lines and marks, each class in its colour."""
    return LINES + " ".join(f".{name} {{ color: {colour} }}" for name, colour in colours.items())


def picture(height: float, description: str, *, width: float) -> Element:
    """An empty chart on white that can be opened without a page around it."""
    root = drawing(height, description, width=width)
    root.set("xmlns", "http://www.w3.org/2000/svg")
    add(root, "style", STYLE)
    add(root, "rect", width="100%", height="100%", fill="white")
    return root


def legend(root: Element, colours: Mapping[str, str], *, left: float, y: float, width: float = 125) -> None:
    """A stroke of its colour and its name for each line, in a row."""
    for place, (name, colour) in enumerate(colours.items()):
        x = left + place * width
        add(root, "path", d=path([(x, y), (x + 18, y)]), stroke=colour)
        add(root, "text", name, x=x + 24, y=y + 4)
