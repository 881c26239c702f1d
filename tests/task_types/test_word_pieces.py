"""Where words are read in windows that overlap, by hand."""

from harness.task_types.token_classification.pieces import places_in_windows
from harness.tokenization.reading import Document, Window

PIECES = [[5], [6, 7, 8], [9], [4, 4], [3]]  # from the tokens 0, 1, 4, 5 and 7 on


def places(*spans, first):
    return places_in_windows(PIECES, Document(tuple(Window([], [], first, span) for span in spans), 8, 8, []))


def test_a_word_is_read_at_its_first_piece_in_the_window_that_has_the_most_around_it():
    assert places(range(8), first=0) == ((0, 0), (0, 1), (0, 4), (0, 5), (0, 7))
    # The windows share the tokens 3 and 4, the second of which is the second window's.
    assert places(range(5), range(3, 8), first=1) == ((0, 1), (0, 2), (1, 2), (1, 3), (1, 5))
    assert places(range(4), range(2, 6), range(4, 8), first=2) == ((0, 2), (0, 3), (1, 4), (2, 3), (2, 5))
