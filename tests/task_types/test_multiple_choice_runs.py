"""Whole runs on questions with choices: they learn, are judged, used on new questions, and read by transformers."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from command_line import read_predictions
from small_models import (
    Silent,
    choice_examples,
    loaded_model,
    own_data,
    own_run,
    small_tokenizer,
    trainer_for,
)

from harness.config.training import Training
from harness.errors import UserError
from harness.registry import FAMILIES, TASK_TYPES
from harness.runs.execution import Options, execute
from harness.runs.explain import example_of, run_explainer
from harness.runs.mistakes import worst
from harness.runs.predict import predict_rows
from harness.task_types.multiple_choice.baselines import BASELINES
from harness.task_types.multiple_choice.examples import ChoiceExample, letter
from harness.task_types.multiple_choice.objective import ChoiceObjective
from harness.task_types.multiple_choice.windows import read_choices
from harness.tokenization.reading import Reader

TASK_TYPE = "multiple_choice"
LEARNING = {"learning_rate": 3e-3, "epochs": 20}


def trained(tmp_path, family, checkpoint, *, count=60, **settings):
    own = own_data(tmp_path / "data", choice_examples(count), task_type=TASK_TYPE, sizes=(None, 10, 20))
    run = own_run(tmp_path / "runs", own, checkpoint, family=family, **settings)
    return run.folder, execute(run, Options(), Silent())


@pytest.fixture(scope="module")
def finished(tmp_path_factory, checkpoints):
    """The folder of a finished run of a BERT that has learnt a little, and its record."""
    folder = tmp_path_factory.mktemp("choices")
    return trained(folder, "bert", checkpoints["bert"], maximum_steps=12, **LEARNING)


@pytest.mark.slow
@pytest.mark.parametrize("family", ["scratch", "transformer_xl", "xlnet"])
def test_a_model_learns_which_choice_is_right(family, checkpoints, tmp_path):
    folder, record = trained(tmp_path, family, checkpoints[family], count=160, maximum_steps=160, **LEARNING)
    assert record.scores["test"]["accuracy"] > 0.85  # chance: 0.36
    assert record.task_card.labels == ()
    for one in read_predictions(folder):
        assert one["prediction"] == letter(int(np.argmax(one["logits"])))
        assert len(one["choices"]) == len(one["logits"])


@pytest.mark.slow
def test_plain_transformers_scores_the_choices_side_by_side_as_they_were_judged(finished):
    folder, _ = finished
    assert "pipeline_tag: multiple-choice" in (folder / "checkpoint" / "README.md").read_text()
    model = transformers.AutoModelForMultipleChoice.from_pretrained(folder / "checkpoint").eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder / "checkpoint")
    rows = read_predictions(folder)
    questions = {one.id: one for one in choice_examples(60)}
    asked = list(questions.values())[-20:]
    for row, example in zip(rows, asked, strict=True):
        assert row["choices"] == list(example.choices)
        pairs = [example.texts[0]] * len(example.choices), list(example.choices)
        inputs = tokenizer(*pairs, padding=True, return_tensors="pt")
        with torch.no_grad():
            logits = model(**{name: tensor[None] for name, tensor in inputs.items()}).logits[0]
        assert row["logits"] == pytest.approx(logits.tolist(), abs=1e-5)


@pytest.mark.slow
def test_a_new_question_gets_the_probability_of_each_of_its_choices(finished):
    folder, _ = finished
    choices = ["was superb", "was dull", "was awful", "boring", "was dull"]  # more than any question of training had
    (found,) = predict_rows(folder, [{"text": "the film", "choices": choices}])
    assert sum(found["probabilities"]) == pytest.approx(1, abs=1e-3)
    assert found["prediction"] == choices[int(np.argmax(found["probabilities"]))]
    assert choices[ord(found["letter"]) - ord("A")] == found["prediction"]
    backwards = predict_rows(folder, [{"text": "the film", "choices": choices[::-1]}])[0]["probabilities"]
    assert backwards[::-1] == pytest.approx(found["probabilities"], abs=2e-4)


@pytest.mark.slow
def test_the_command_line_asks_with_as_many_choices_as_are_given(finished, command):
    folder, _ = finished
    words = [word for choice in ("was dull", "was superb", "boring") for word in ("--choices", choice)]
    found = json.loads(command("predict", folder, "--text", "the film", *words).output)
    assert len(found["probabilities"]) == len(found["choices"]) == 3
    assert "a question needs two choices (got 1)" in command("predict", folder, "--text", "a", "--choices", "b").errors
    assert "reads --text and --choices" in command("predict", folder, "--text", "the film").errors


def test_the_worst_answers_are_those_whose_right_choice_surprises_most(finished):
    folder, record = finished
    found = worst(folder, 3)
    assert [one["wrongness"] for one in found] == sorted((one["wrongness"] for one in found), reverse=True)
    assert all(one["reference"] != one["prediction"] and len(one["texts"][0].split("\n")) > 2 for one in found)
    assert len(found) == 3 or record.scores["test"]["accuracy"] > 0.85


@pytest.mark.slow
def test_the_score_of_the_chosen_answer_or_of_another_is_explained(finished):
    folder, _ = finished
    example = example_of(folder, {"text": "the film", "choices": ["was superb", "was dull"]})
    (predicted,) = predict_rows(folder, [{"text": "the film", "choices": list(example.choices)}])
    by_letter = {name: run_explainer(folder).explained(example, label=name, steps=20) for name in ("A", "B")}
    for name, choice in zip("AB", example.choices, strict=True):
        found = by_letter[name]
        assert found.label == f"{name}, {choice}"
        assert "".join(found.tokens).strip() == f"the film {choice}"
        assert sum(found.values) == pytest.approx(found.score - found.empty_score, abs=0.05)
    odds = np.exp(by_letter["A"].score - by_letter["B"].score)
    assert odds / (1 + odds) == pytest.approx(predicted["probabilities"][0], abs=1e-4)
    assert run_explainer(folder).explained(example, label=None, steps=2).label.startswith(predicted["letter"])
    with pytest.raises(UserError, match="--label C: no label of this run"):
        run_explainer(folder).explained(example, label="C", steps=2)


def test_a_score_depends_on_no_other_choice_and_the_loss_is_a_softmax_over_them(checkpoints):
    loaded, objective = loaded_model("bert", checkpoints["bert"], TASK_TYPE, labels=())
    trainer, reader = trainer_for(loaded, objective, Training())
    examples = choice_examples(6)
    loss, outputs = trainer.forward.evaluate(objective.features(examples, reader), examples)
    expected = [float(np.log(np.exp(o - o[e.right]).sum())) for o, e in zip(outputs, examples, strict=True)]
    assert loss == pytest.approx(np.mean(expected), abs=1e-5)
    first = [ChoiceExample(e.id, e.texts, e.choices[:2], 0) for e in examples]
    _, fewer = trainer.forward.evaluate(objective.features(first, reader), first)
    for some, every in zip(fewer, outputs, strict=True):
        np.testing.assert_allclose(some, every[:2], atol=1e-5)


def test_questions_of_one_choice_more_or_less_give_finite_gradients(checkpoints):
    loaded, objective = loaded_model("scratch", checkpoints["scratch"], TASK_TYPE, labels=())
    trainer, reader = trainer_for(loaded, objective, Training(learning_rate=1e-3, warmup_ratio=0.0))
    examples = [e for e in choice_examples(20) if len(e.choices) in (2, 4)][:6]
    assert {len(e.choices) for e in examples} == {2, 4}
    assert np.isfinite(trainer.step(objective.features(examples, reader).items))
    assert all(torch.isfinite(p).all() for p in loaded.model.parameters())


def reader_of(window, strategy, stride=0):
    return Reader(small_tokenizer("bert"), window, strategy, stride=stride, max_windows=64)


LONG = ChoiceExample(
    "1", ("the film was seen by many people " * 3_000,), ("superb", "dull in town"), 0
)  # 100,000 letters


@pytest.mark.parametrize(("strategy", "windows"), [("head", 1), ("head_tail", 1), ("windows", 64)])
def test_a_long_context_makes_room_for_a_whole_choice_in_each_window(strategy, windows):
    reader = reader_of(64, strategy, stride=8)
    ((first, second),) = read_choices(reader, [LONG])
    tokens = [reader.tokenizer(choice, add_special_tokens=False)["input_ids"] for choice in LONG.choices]
    for found, own in zip((first, second), tokens, strict=True):
        assert len(found.windows) == windows
        assert all(len(window.input_ids) <= 64 for window in found.windows)
        assert all(window.input_ids[window.first : window.first + len(own)] == own for window in found.windows)
    assert first.total == 21_000 + len(tokens[0])
    assert first.seen == len(tokens[0]) + (
        64 - 3 - len(tokens[0]) if windows == 1 else 64 * (61 - len(tokens[0])) - 63 * 8
    )


def test_windows_share_half_where_a_choice_leaves_no_more_than_they_were_to_share():
    reader = reader_of(16, "windows", stride=8)  # 16 - 3 special tokens - 5 of the choice: 8 of the context.
    words = "the film plot actor scene was seen by many people in town on a rainy day"
    ((found, _),) = read_choices(reader, [ChoiceExample("1", (words,), ("film " * 5, "dull"), 0)])
    context = reader.tokenizer(words, add_special_tokens=False)["input_ids"]
    assert [window.input_ids[1:9] for window in found.windows] == [context[0:8], context[4:12], context[8:16]]
    assert (found.total, found.seen) == (21, 21)


def test_a_choice_that_is_too_long_keeps_half_of_the_window():
    example = ChoiceExample("1", ("film " * 50,), ("dull " * 90, "superb"), 1)
    ((first, _),) = read_choices(reader_of(64, "head"), [example])
    assert len(first.windows[0].input_ids) == 64
    assert len(first.windows[0].positions) == 30
    assert first.seen == 61


def test_a_long_question_before_the_choices_is_cut_and_no_choice():
    example = ChoiceExample("1", ("film " * 50, "what did many people see " * 20), ("superb", "dull"), 0)
    reader = reader_of(64, "head")
    found = read_choices(reader, [example])[0]
    for choice, own in zip(example.choices, found, strict=True):
        tokens = reader.tokenizer(choice, add_special_tokens=False)["input_ids"]
        (window,) = own.windows
        read = window.input_ids[window.first : window.first + len(window.positions)]
        assert len(read) == 30
        assert read[-len(tokens) :] == tokens
    assert found[0].windows != found[1].windows


def test_scores_are_pooled_over_the_windows_of_each_choice(checkpoints):
    loaded, objective = loaded_model("bert", checkpoints["bert"], TASK_TYPE, labels=())
    training = Training(strategy="windows", max_length=16, stride=2)
    trainer, reader = trainer_for(loaded, objective, training)
    examples = choice_examples(4, shortest=20, longest=40)
    features = objective.features(examples, reader)
    assert all(len(item.windows) > len(item.target.windows) for item in features.items)
    _, outputs = trainer.forward.evaluate(features, examples)
    for item, scores in zip(features.items, outputs, strict=True):
        batch = trainer.forward.collator([item])
        with torch.no_grad():
            windows = trainer.forward.scoring.logits(batch.inputs, 100)[0][:, 0].split(list(item.target.windows))
        np.testing.assert_allclose(scores, [float(part.mean()) for part in windows], atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("family", ["transformer_xl", "xlnet"])
def test_a_memory_reads_each_choice_to_its_end_with_the_same_gradient_whatever_fits_into_a_pass(family, checkpoints):
    found = []
    for limit in (100, 3):  # All choices of a question side by side, or each alone and read again in the backward pass.
        loaded, objective = loaded_model(family, checkpoints[family], TASK_TYPE, labels=())
        settings = {"strategy": "segment_recurrence", "segment": 8, "memory": 8, "pool": "last"}
        training = Training(micro_batch_size=limit, gradient_segments=2, **settings)
        trainer, reader = trainer_for(loaded, objective, training)
        examples = choice_examples(3, shortest=20, longest=40)
        items = objective.features(examples, reader).items
        assert all(trainer.forward.scoring.size(item) > 3 * len(item.windows) for item in items)
        for group in trainer.forward.passes(items):
            trainer.forward.losses(group).sum().backward()
        found.append({name: p.grad for name, p in loaded.model.named_parameters() if p.grad is not None})
    assert found[0].keys() == found[1].keys()
    for name, gradient in found[0].items():
        torch.testing.assert_close(found[1][name], gradient, atol=1e-5, rtol=1e-4)


@pytest.mark.slow
def test_an_architecture_without_such_a_head_gets_a_classifier_with_one_output(tmp_path):
    tokenizer = small_tokenizer("bert")
    config = transformers.GPT2Config(
        vocab_size=len(tokenizer), n_positions=64, n_embd=32, n_layer=2, n_head=2, pad_token_id=tokenizer.pad_token_id
    )
    transformers.AutoModel.from_config(config).save_pretrained(tmp_path / "gpt2")
    tokenizer.save_pretrained(tmp_path / "gpt2")
    folder, record = trained(tmp_path, "auto", tmp_path / "gpt2", maximum_steps=2)
    assert record.status == "complete", record.reason
    assert any("no stock model for multiple choice" in note for note in record.notes)
    model = transformers.AutoModelForSequenceClassification.from_pretrained(folder / "checkpoint")
    assert model.config.num_labels == 1
    rows = read_predictions(folder)
    again = predict_rows(folder, [{"text": e.texts[0], "choices": list(e.choices)} for e in choice_examples(60)[-20:]])
    assert [one["letter"] for one in again] == [row["prediction"] for row in rows]


def questions(*rights, choices=("no", "perhaps not", "a very long one")):
    return [ChoiceExample(str(n), ("which one ?",), choices, right) for n, right in enumerate(rights)]


def test_the_most_frequent_place_is_taken_and_its_share_is_its_probability(tmp_path):
    fitted = BASELINES["majority"].fit(questions(1, 1, 1, 0), ())
    (scores,) = fitted.outputs(questions(0)[:1])
    np.testing.assert_allclose(np.exp(scores) / np.exp(scores).sum(), [2 / 7, 4 / 7, 1 / 7])  # (1, 3, 0) and one each
    assert fitted.outputs([ChoiceExample("", ("?",), tuple("abcdef"), 0)])[0].argmax() == 1


@pytest.mark.parametrize(("name", "choices", "chosen"), [
    ("longest_answer", ("no", "perhaps not", "a very long one"), 2),
    ("tfidf", ("an owl", "the film was superb", "a dog"), 1),
])  # fmt: skip
def test_simple_baselines_choose_by_length_and_by_shared_words(name, choices, chosen, tmp_path):
    asked = [ChoiceExample("0", ("how was the film ?",), choices, chosen), *questions(0, 1)]
    fitted = BASELINES[name].fit(asked, ())
    fitted.save(tmp_path / name)
    again = BASELINES[name].load(tmp_path / name, ())
    for one in (fitted, again):
        assert one.outputs(asked)[0].argmax() == chosen
    np.testing.assert_array_equal(fitted.outputs(asked)[0], again.outputs(asked)[0])


def test_how_sure_the_longest_answer_is_follows_training():
    often, seldom = (BASELINES["longest_answer"].fit(questions(*rights), ()) for rights in ((2, 2, 2, 0), (2, 0, 1, 0)))
    assert often.steepness > seldom.steepness > 0


@pytest.mark.slow_but_first
@pytest.mark.parametrize("model", ["majority", "tfidf", "longest_answer"])
def test_a_file_with_a_column_for_each_choice_runs_from_the_command_line(model, command):
    lines = [f"q{n} w{n},superb {n},dull {n},{'' if n % 3 else f'boring {n}'},{'AB'[n % 2]}" for n in range(60)]
    Path("q.csv").write_text("question,a,b,c,answer\n" + "\n".join(lines) + "\n")
    result = command("run", "--model", model, "--train", "q.csv", "--choices", "a,b,c", "--label", "answer")
    assert result.code == 0, result.errors
    (record,) = Path("runs").rglob("run.json")
    assert "accuracy" in json.loads(record.read_text())["scores"]["test"]
    found = json.loads(command("predict", record.parent, "--text", "q", "--choices", "x", "--choices", "y").output)
    assert len(found["probabilities"]) == 2
    assert (
        "its task has 3 choices (got 4)"
        in command("predict", record.parent, "--text", "q", *(["--choices", "x"] * 4)).errors
    )


@pytest.mark.slow
def test_choosing_understands_choices(command):
    lines = [f"q{n} w{n},superb {n},dull {n},{'AB'[n % 2]}" for n in range(60)]
    Path("q.csv").write_text("question,a,b,answer\n" + "\n".join(lines) + "\n")
    said = command("choose", "q.csv", "--models=tfidf", "--write", "suite.toml").output
    assert "multiple choice (questions with choices): text question, choices a and b, label answer" in said
    assert command("choose", "q.csv", "--choices=a,b", "--models=tfidf", "--write", "other.toml").code == 0


def test_what_a_text_has_no_model_for_is_refused(checkpoints):
    with pytest.raises(UserError, match='"probe" does not support tasks of type multiple_choice'):
        TASK_TYPES.load(TASK_TYPE).linear()


def test_every_family_has_a_head_or_says_what_stands_for_it():
    head = ChoiceObjective("mean").head()
    made = [name for name in FAMILIES.names() if name != "auto" and not hasattr(FAMILIES.load(name), "fit")]
    known = transformers.AutoModelForMultipleChoice._model_mapping
    configs = {name: type(transformers.AutoConfig.for_model(FAMILIES.load(name).model_types[0])) for name in made}
    assert len(made) >= 12
    assert [name for name, config in configs.items() if config not in known] == []
    assert head.instead == "AutoModelForSequenceClassification"
