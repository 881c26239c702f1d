"""Sentences of random tags, references and predictions, to score beside other implementations."""

import random

SCHEMES = {"BIO": "BI", "IOBES": "BIES"}
TYPES = ("PER", "LOC", "ORG-X")
CASES = 250  # of each scheme, whose scores are recorded


def random_cases(scheme, count=CASES):
    """Cases of one to six sentences each. Tags follow no rule: half of all prefixes are out of place."""
    chooser = random.Random(scheme)
    names = ["O", "O", *(f"{prefix}-{kind}" for prefix in SCHEMES[scheme] for kind in TYPES)]
    return [_case(chooser, names) for _ in range(count)]


def _case(chooser, names):
    references = [chooser.choices(names, k=chooser.randint(1, 12)) for _ in range(chooser.randint(1, 6))]
    references[0][0] = "B-PER"  # scores of no entity at all are a matter of convention
    return references, [[tag if chooser.random() < 0.8 else chooser.choice(names) for tag in row] for row in references]
