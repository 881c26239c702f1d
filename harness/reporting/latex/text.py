r"""Escape any text for LaTeX, for all engines.

pdfLaTeX stops at characters that its fonts lack. So characters beyond Latin letters go through \unicodetext{...}{...},
which a report defines: LuaLaTeX and XeLaTeX print the text, pdfLaTeX its code points.
"""

from __future__ import annotations

import re
import unicodedata

DEFINITION = r"""\providecommand{\unicodetext}[2]{%
  \ifdefined\directlua#1\else\ifdefined\XeTeXversion#1\else\texttt{#2}\fi\fi}"""
_SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "[": "{[}",  # At the start of a row, a bracket or star would belong to the end of the previous row.
    "]": "{]}",
    "*": "{*}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "`": "{`}",
    "'": "{'}",
    '"': "{''}",
    "±": r"$\pm$",
    "−": "$-$",
    "×": r"$\times$",
    "↑": r"$\uparrow$",
    "↓": r"$\downarrow$",
    "≥": r"$\geq$",
    "≤": r"$\leq$",
    "·": r"\textperiodcentered{}",
    "°": r"$^\circ$",
    "…": r"\dots{}",
    "–": "--",
    "—": "---",
    "“": "``",
    "”": "''",
    "’": "{'}",
}
_ACCENTS = frozenset("\u0300\u0301\u0302\u0303\u0304\u0307\u0308\u030a\u030b\u030c\u0327")
"""The combining accents that LaTeX can set above or below any letter, in every font encoding."""
_LETTERS = frozenset("ßæÆøØœŒåÅłŁı")


def escaped(text: str) -> str:
    r"""Escape everything in `text` that LaTeX would take for a command, or that pdfLaTeX can't print.

    >>> escaped("50 % of a_b"), escaped("André"), escaped("東京")
    ('50 \\% of a\\_b', 'André', '\\unicodetext{東京}{U+6771 U+4EAC}')
    """
    pieces = re.split("(--+)", " ".join(unicodedata.normalize("NFC", text).split()))
    return "".join(_piece(piece) for piece in pieces)


def _piece(text: str) -> str:
    if text.startswith("--"):
        return "{}".join(text)  # Two hyphens would become a dash.
    runs = re.findall(r"[^\x00-\x7f]+|[\x00-\x7f]+", text)
    return "".join(_run(run) for run in runs)


def _run(run: str) -> str:
    """Escape a run of characters that are all ASCII or all not."""
    out, foreign = [], ""
    for letter in run:
        if letter in _SPECIAL or _is_latin(letter):
            out += [_by_code_point(foreign), _SPECIAL.get(letter, letter)]
            foreign = ""
        else:
            foreign += letter
    return "".join([*out, _by_code_point(foreign)])


def _is_latin(letter: str) -> bool:
    """Return whether every LaTeX engine prints the letter: ASCII, or an ASCII letter with a common accent."""
    if letter.isascii() or letter in _LETTERS:
        return True
    parts = unicodedata.normalize("NFD", letter)
    return len(parts) == 2 and parts[0].isascii() and parts[0].isalpha() and parts[1] in _ACCENTS


def _by_code_point(text: str) -> str:
    if not text:
        return ""
    return rf"\unicodetext{{{text}}}{{{' '.join(f'U+{ord(letter):04X}' for letter in text)}}}"
