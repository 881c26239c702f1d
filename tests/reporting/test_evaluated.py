"""What `harness evaluate` shows of a model on new rows."""

from types import SimpleNamespace

from synthetic_runs import card, predictions, record

from harness.reporting.evaluated import estimates_of, evaluated_content, evaluated_table


def test_a_metric_that_does_not_apply_to_the_model_is_left_out():
    sizes = [{"bytes": 40, "characters": 40}] * 4
    nothing = {"nats": None, "tokens": None}
    masked = [{**nothing, "masked_nats": nats, "masked_tokens": 9} for nats in (9.0, 10.0, 11.0, 12.0)]
    of_documents = card("bits_per_byte", "language_modelling", higher_is_better=False)
    scores = {"bits_per_byte": float("nan"), "pseudo_bits_per_byte": 0.379}
    rows = predictions(sizes, masked)
    found = SimpleNamespace(record=record(task_card=of_documents), rows=rows, scores=scores, dropped={})
    estimates = estimates_of(found)
    (row,) = evaluated_table(found, estimates).rows
    assert [row[0].text, row[1].text] == ["pseudo-bits per byte", "0.379"]
    assert {*evaluated_content(found, estimates)["scores"]} == {"pseudo_bits_per_byte"}
