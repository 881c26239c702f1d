import pytest


@pytest.fixture
def samples():
    """References and predictions of each kind, in the form of predictions.parquet; the labels are "no" and "yes"."""
    return {
        "classification": (["no", "yes", "yes"], ["no", "no", "yes"]),
        "multi_label": ([["no"], [], ["no", "yes"]], [["no"], ["yes"], ["yes"]]),
        "regression": ([0.0, 1.0, 2.0], [0.5, 0.5, 3.0]),
        "language_modelling": (
            [{"bytes": 8, "characters": 8}, {"bytes": 24, "characters": 12}],
            [
                {"nats": 2.0, "tokens": 3, "masked_nats": 1.0, "masked_tokens": 4},
                {"nats": 6.0, "tokens": 5, "masked_nats": 3.0, "masked_tokens": 6},
            ],
        ),
        "token_classification": (
            [["B-PER", "I-PER", "O"], ["O", "B-LOC"]],
            [["B-PER", "I-PER", "O"], ["B-LOC", "I-LOC"]],
        ),
        "multiple_choice": (["A", "C", "B"], ["A", "B", "B"]),
        "sequence_to_sequence": (
            ["a cat sat on the mat", "it rains again in Bern"],
            [
                {"text": "a cat sat on a mat", "nats": 3.0, "tokens": 7, "right": 5},
                {"text": "it rained again in Bern", "nats": 4.0, "tokens": 6, "right": 4},
            ],
        ),
        "question_answering": ([["a cat"], [], ["x y"]], ["cat", "dog", "y"]),
    }
