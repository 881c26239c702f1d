"""Numbers with their nouns, in messages."""


def counted(count: int, noun: str) -> str:
    """Return a number with its noun, in the plural unless it is one.

    >>> counted(1, "row"), counted(0, "row"), counted(1_200, "different example")
    ('1 row', '0 rows', '1,200 different examples')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def counted_are(count: int, noun: str) -> str:
    """Return a number with its noun and "is" or "are".

    >>> counted_are(1, "row"), counted_are(2, "row")
    ('1 row is', '2 rows are')
    """
    return f"{counted(count, noun)} {'is' if count == 1 else 'are'}"
