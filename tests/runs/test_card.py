"""The model card of a run: its scores, and the settings that it used."""

from synthetic_runs import card, record

from harness.config.training import Training
from harness.runs.card import model_card


def recipe_lines(found):
    return model_card(found).split("## Recipe")[1].split("## Intended use")[0].strip().splitlines()


def run(task_type="classification", metric="accuracy", **settings):
    config = {"task": "t", "model": {"checkpoint": "bert"}, "training": Training(**settings).model_dump()}
    scores = {"validation": {metric: 0.5}, "test": {metric: 0.5}}
    return record(config=config, task_card=card(metric, task_type), scores=scores)


def test_a_score_that_is_no_number_or_missing_is_a_dash_in_the_card():
    scores = {"validation": {"accuracy": 0.5}, "test": {"accuracy": float("nan"), "macro_f1": 0.25}}
    found = model_card(run().model_copy(update={"scores": scores}))
    assert "| accuracy | 0.5000 | – |" in found
    assert "| macro_f1 | – | 0.2500 |" in found
    assert "nan" not in found


def test_the_card_leaves_out_settings_of_other_task_types_methods_and_strategies():
    names = {line.removeprefix("- ").partition(":")[0] for line in recipe_lines(run())}
    assert {"learning_rate", "batch_size", "epochs", "strategy", "focal_gamma"} <= names
    assert not names & {"mask_stride", "beams", "empty_windows", "thresholds"}
    assert not names & {"rank", "segment", "gradient_segments", "pool", "baseline_penalty"}


def test_the_card_has_the_settings_of_the_task_type_method_and_strategy_that_were_used():
    lines = recipe_lines(run(method="lora", rank=4, strategy="segment_recurrence", segment=64, pool="last"))
    used = {"- method: lora", "- rank: 4", "- strategy: segment_recurrence", "- segment: 64", "- pool: last"}
    assert used <= {*lines}
    assert "- beams: 2" in recipe_lines(run("sequence_to_sequence", "bleu", beams=2))
    answers = recipe_lines(run("question_answering", "qa_f1"))
    assert "- empty_windows: 1.0" in answers
    assert "- strategy: head" not in answers  # Contexts are read in windows.


def test_the_card_of_a_probe_or_an_untrained_model_has_no_settings_of_steps():
    for settings in ({"method": "probe"}, {"maximum_steps": 0}):
        found = " ".join(recipe_lines(run(**settings)))
        assert "learning_rate" not in found
        assert "max_grad_norm" not in found
    assert "not trained on this task" in model_card(run(maximum_steps=0))


def test_the_card_of_a_simple_baseline_has_only_what_it_reads_and_no_step():
    found = run(baseline_penalty=2.0).model_copy(update={"family": "tfidf", "simple_baseline": True, "best_step": None})
    names = {line.removeprefix("- ").partition(":")[0] for line in recipe_lines(found)}
    assert "baseline_penalty" in names
    assert "learning_rate" not in names
    assert "None" not in model_card(found)
