"""What comes next in a Wikipedia article, as a word-level model reads it? 28,475 + 60 + 60 articles.

Split at blanks, with `<unk>` for rare words: the form whose perplexity is published for Transformer-XL. Published
figures read the test split on and on; here each article begins anew, and its first line's end is not predicted.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from harness.data.sources import Hub
from harness.data.task import Row, Task

_TITLE = re.compile(r" = [^=\n](?:.*[^=\n])? = \n")


def articles(rows: Sequence[Row]) -> list[Row]:
    r"""One row per article, from one row per line; empty lines have lost their ends and are given them back.

    An article starts at the empty line before its title, so that every token of its title is predicted, from a line's
    end, as in published figures.

    >>> lines = ["", " = A = \n", "", " a b \n", " = = C = = \n", "", " = D = \n", "", " d \n"]
    >>> [row["text"] for row in articles([{"text": line} for line in lines])]
    ['\n = A = \n \n a b \n = = C = = \n', '\n = D = \n \n d \n']
    """
    lines = [str(row["text"]) for row in rows]
    bounds = [*_starts(lines), len(lines)]
    texts = ["\n" + "".join(line or " \n" for line in lines[start + 1 : stop]) for start, stop in pairwise(bounds)]
    return [{"text": text} for text in texts]


def _starts(lines: Sequence[str]) -> Iterator[int]:
    """Where a title stands between two empty lines: the place of the first of them."""
    for place, (before, line, after) in enumerate(zip(lines, lines[1:], lines[2:], strict=False)):
        if not before.strip() and not after.strip() and _TITLE.fullmatch(line):
            yield place


task = Task(
    task_type="language_modelling",
    source=Hub(
        "Salesforce/wikitext",
        config="wikitext-103-v1",
        revision="b08601e04326c79dfdd32d625aee71d232d685c3",
        prepare=articles,
    ),
    metrics=("perplexity", "bits_per_byte", "bits_per_character", "pseudo_perplexity", "pseudo_bits_per_byte"),
    licence="CC BY-SA 3.0 and GFDL",
    citation="Merity et al. 2016, Pointer Sentinel Mixture Models",
    examples={"train": 28_475, "validation": 60, "test": 60},
)
