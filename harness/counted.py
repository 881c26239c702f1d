"""Numbers with their nouns, in messages."""


def counted(count: int, noun: str) -> str:
    """Return a number with its noun, in the plural unless it is one.

    >>> counted(1, "row"), counted(0, "row"), counted(1_200, "different example")
    ('1 row', '0 rows', '1,200 different examples')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
