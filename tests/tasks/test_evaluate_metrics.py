"""Our metrics in the `evaluate` library's hands, and its metrics in ours. Importing it takes seconds: all slow."""

import math

import pytest

from harness.errors import UserError
from harness.metrics.lookup import find_metric, known_metrics, scores
from harness.registry import TASK_TYPES

pytestmark = pytest.mark.slow

SCRIPT = """
import datasets
import evaluate


class Named(evaluate.Metric):
    def _info(self):
        features = datasets.Features({features})
        return evaluate.MetricInfo(description="", citation="", inputs_description="", features=features)

    def _compute(self, predictions, references):
        {compute}
"""
INDICES = '{"predictions": datasets.Value("int32"), "references": datasets.Value("int32")}'
SQUAD = """{
    "predictions": {"id": datasets.Value("string"), "prediction_text": datasets.Value("string")},
    "references": {
        "id": datasets.Value("string"),
        "answers": datasets.Sequence({"text": datasets.Value("string"), "answer_start": datasets.Value("int32")}),
    },
}"""


@pytest.fixture
def script(tmp_path, monkeypatch):
    import evaluate

    monkeypatch.setattr(evaluate.config, "HF_METRICS_CACHE", tmp_path / "metrics")

    def write(name, compute, features=INDICES):
        file = tmp_path / name / f"{name}.py"
        file.parent.mkdir()
        file.write_text(SCRIPT.replace("{features}", features).replace("{compute}", compute))
        return f"evaluate:{file}"

    return write


def test_batches_add_up_to_the_score_of_the_whole():
    from harness.metrics.as_evaluate import EvaluateMetric

    one = EvaluateMetric("accuracy")
    one.add_batch(references=["a", "b"], predictions=["a", "a"])
    one.add_batch(references=["b"], predictions=["b"])
    assert one.compute() == {"accuracy": pytest.approx(2 / 3)}


def test_our_metrics_can_be_combined():
    import evaluate

    from harness.metrics.as_evaluate import EvaluateMetric

    both = evaluate.combine([EvaluateMetric("accuracy"), EvaluateMetric("macro_f1")])
    assert both.compute(references=["a", "b"], predictions=["a", "a"]) == {
        "accuracy": 0.5,
        "macro_f1": pytest.approx(1 / 3),
    }


@pytest.mark.parametrize("name", known_metrics())
def test_every_metric_is_an_evaluate_metric_with_the_same_score(name, samples):
    from harness.metrics.as_evaluate import EvaluateMetric

    judged = [task_type for task_type in TASK_TYPES.names() if find_metric(name) in TASK_TYPES.load(task_type).metrics]
    several = judged == ["multi_label"]
    references, predictions = samples[judged[0]]
    found = EvaluateMetric(name, labels=("no", "yes"), several=several).compute(
        references=references, predictions=predictions
    )
    assert found == {name: pytest.approx(find_metric(name).function(references, predictions, ("no", "yes")))}


def test_a_users_metric_is_fed_label_indices(script):
    name = script("indices", 'return {"sum": sum(predictions) + 10 * sum(references)}')
    assert scores([name, "accuracy"], ["yes", "yes"], ["no", "yes"], ("no", "yes")) == {name: 21.0, "accuracy": 0.5}


def test_further_values_are_named_after_the_metric(script):
    name = script("two_values", 'return {"first": 0.5, "second": 0.25, "table": [1, 2]}')
    assert scores([name], ["no"], ["no"], ("no",)) == {name: 0.5, f"{name}.second": 0.25}


def test_a_metric_whose_lower_values_are_better_says_so_in_its_name(script):
    name = script("mistakes", 'return {"first": 0.5, "second": 0.25}')
    assert scores([f"{name}:lower"], ["no"], ["no"], ("no",)) == {f"{name}:lower": 0.5, f"{name}.second": 0.25}
    assert find_metric(f"{name}:lower").function(["no"], ["no"], ("no",)) == 0.5


def test_answers_are_told_in_the_form_of_the_squad_metrics(script):
    compute = 'return {"right": sum(one["prediction_text"] in two["answers"]["text"] for one, two in PAIRS)}'
    compute = compute.replace("PAIRS", "zip(predictions, references)")
    name = script("answers", compute, SQUAD)
    assert scores([name], [["cat", "a cat"], []], ["cat", "dog"]) == {name: 1.0}


def test_a_metric_of_tags_is_fed_their_names_in_their_order(script):
    names = 'datasets.Sequence(datasets.Value("string"))'
    texts = f'{{"predictions": {names}, "references": {names}}}'
    compute = 'return {"same": sum(a == b for one, two in zip(predictions, references) for a, b in zip(one, two))}'
    name = script("tags", compute, texts)
    references, predictions = [["B-X", "O"], ["O"]], [["B-X", "B-X"], ["O"]]
    assert scores([name], references, predictions, ("B-X", "O")) == {name: 2.0}


def test_a_metric_of_numbers_is_fed_the_index_of_each_tag_and_of_sets_whether_each_label_is_there(script):
    lists = '{"predictions": SEVERAL, "references": SEVERAL}'.replace(
        "SEVERAL", 'datasets.Sequence(datasets.Value("int32"))'
    )
    compute = 'return {"same": sum(a == b for one, two in zip(predictions, references) for a, b in zip(one, two))}'
    name = script("numbered", compute, lists)
    references, predictions = [["N", "V", "N"], ["V"]], [["V", "N", "N"], ["V"]]
    assert scores([name], references, predictions, ("N", "V", "X")) == {name: 2.0}
    assert scores([name], [["N", "V"], []], [["V", "N"], ["X"]], ("N", "V", "X")) == {name: 5.0}


def test_a_metric_of_texts_is_fed_written_texts_and_names_of_labels(script):
    texts = '{"predictions": datasets.Value("string"), "references": datasets.Value("string")}'
    compute = 'return {"same": sum(map(str.__eq__, predictions, references))}'
    name = script("texts", compute, texts)
    written = [{"text": text, "nats": 1.0, "tokens": 2, "right": 1} for text in ("a cat", "a dog")]
    assert scores([name], ["a cat", "a cow"], written) == {name: 1.0}
    assert math.isnan(scores([name], ["a cat"], [{**written[0], "text": None}])[name])
    assert scores([name], ["no", "yes"], ["no", "no"], ("no", "yes")) == {name: 1.0}


def test_a_metric_for_other_data_is_the_users_error(script):
    name = script("unfit", 'return {"first": 1.0}')
    with pytest.raises(UserError, match="can't score this task"):
        scores([name], [["some answer"]], ["some text"])


def test_an_unknown_metric_without_a_network_says_what_to_do():
    with pytest.raises(UserError, match=r"evaluate:nowhere: the metric is not available .* use a built-in metric"):
        scores(["evaluate:nowhere"], ["a"], ["a"], ("a",))
