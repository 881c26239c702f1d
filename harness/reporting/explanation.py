"""Show an explanation: tokens on red and blue, in a terminal, in plain text or as a page."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from harness.printable import printable
from harness.reporting.attention_maps import STYLE, attention_maps

if TYPE_CHECKING:  # It needs torch.
    from harness.runs.explain import Explanation

FOR, AGAINST = (214, 96, 77), (67, 147, 195)
_MARKED = 0.25
"""Plain text shows the numbers of tokens with at least this share of the largest value."""


def show_explanation(found: Explanation, console: Console) -> None:
    """Print the tokens, on colours if the terminal supports them, else with the largest numbers."""
    console.print(Text(printable(heading(found)), style="bold"), soft_wrap=True)
    if console.color_system is None:
        console.print(printable(in_plain_text(found)), soft_wrap=True)
    else:
        console.print(_coloured(found))
    console.print(Text(accuracy(found), style="dim"), soft_wrap=True)


def heading(found: Explanation) -> str:
    """Name the target of the score, and compare it with that of the empty text."""
    what = f"{found.label}: score" if found.label else "Score"
    return f"{what} {found.score:.3f}, of the empty text {found.empty_score:.3f}"


def accuracy(found: Explanation) -> str:
    """Say how well the values add up."""
    difference = abs(found.score - found.empty_score)
    share = f", {abs(found.error) / difference:.1%} of the difference" if difference else ""
    return f"The tokens' parts miss the difference by {found.error:+.4f}{share}."


def in_plain_text(found: Explanation) -> str:
    """The text, with the values of the most important tokens after them in brackets."""
    largest = _largest(found.values)
    parts = (
        f"{token}[{value:+.2f}]" if abs(value) >= _MARKED * largest else token
        for token, value in zip(found.tokens, found.values, strict=True)
    )
    return "".join(parts).strip()


def page(found: Sequence[Explanation]) -> str:
    """A self-contained page of explanations."""
    parts = "\n".join(
        f"<h2>{escape(printable(heading(one)))}</h2>\n<p>{_spans(one)}</p>\n<p><small>{escape(accuracy(one))}</small></p>"
        f"{attention_maps(one.attention) if one.attention else ''}"
        for one in found
    )
    return (
        '<!doctype html>\n<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">\n'
        "<title>What each token adds</title>\n<style>body{font:16px/1.7 system-ui,sans-serif;max-width:50em;"
        "margin:2em auto;padding:0 1em;color:#111;background:#fff}span{border-radius:3px}"
        f"{STYLE}</style>\n"
        "<h1>What each token adds to the score</h1>\n<p>Red adds, blue takes away; a token's title has the number. "
        f"Integrated gradients, from a text of empty tokens.</p>\n{parts}\n</html>\n"
    )


def _spans(found: Explanation) -> str:
    largest = _largest(found.values)
    return "".join(
        f'<span title="{value:+.4f}" style="background:rgb({",".join(map(str, _colour(value / largest)))})">'
        f"{escape(printable(token))}</span>"
        for token, value in zip(found.tokens, found.values, strict=True)
    )


def _coloured(found: Explanation) -> Text:
    largest, shown = _largest(found.values), Text()
    for token, value in zip(found.tokens, found.values, strict=True):
        red, green, blue = _colour(value / largest)
        shown.append(printable(token), style=f"rgb(17,17,17) on rgb({red},{green},{blue})")
    return shown


def _largest(values: Sequence[float]) -> float:
    return max(map(abs, values), default=0.0) or 1.0


def _colour(share: float) -> tuple[int, int, int]:
    """A colour from white to full, by the size of a value and its sign."""
    towards = FOR if share > 0 else AGAINST
    red, green, blue = (round(255 + (end - 255) * min(abs(share), 1.0)) for end in towards)
    return red, green, blue
