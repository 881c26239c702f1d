"""A pretraining that is killed, whenever it may be, and given again ends like one that was never killed."""

import pytest
from small_corpora import Pretraining, own_cache, write_recipe, write_texts
from subprocesses import Forked, Moment, finish, held, kill

pytestmark = pytest.mark.slow

STEPS = 60
PLAN = {"tokens": STEPS * 256, "keep": [0.5, 1.0], "evaluations": 4, "dropout": 0.1}
RECIPES = {
    "pairs": ("bert", "bert", {"duplicates": 2}),
    "full sentences": ("scratch", "roberta", {}),
    "with a memory": ("transformer_xl", "causal", {"memory": 48, "micro_batch_size": 3}),
    "without a memory": ("transformer_xl", "causal", {"memory": 0}),
}


@pytest.fixture(autouse=True)
def _cache(monkeypatch, tmp_path_factory):
    own_cache(tmp_path_factory.getbasetemp() / "pretraining-cache", monkeypatch)


@pytest.fixture(scope="module")
def never_killed(tmp_path_factory):
    """A recipe's run that nobody disturbs."""
    done = {}

    def run(name):
        if name not in done:
            folder = tmp_path_factory.mktemp("whole")
            family, objective, settings = RECIPES[name]
            write_texts(folder)
            recipe = write_recipe(folder / "mine.toml", family, objective, **PLAN, **settings)
            whole = Pretraining(recipe, folder / "runs")
            code, output = finish(Forked(whole.words))
            assert code == 0, output
            done[name] = whole
        return done[name]

    return run


def state(step):
    """The path of the state of a step."""
    return f"*/state/step-{step:09d}"


MIDDLE = "in the middle"
# What the command has just made, and for which time. Early:
# `test_what_a_killed_writer_of_a_checkpoint_left_is_not_part_of_the_result`.
MOMENTS = {
    MIDDLE: (state(STEPS // 2 + 3), 1),
    "while a state is written": ("*/state/.writing", 6),
    "while a checkpoint is kept": ("*/.partial/checkpoint-50", 1),
    "after the last step": (state(STEPS - 1), 1),
    "while the result is saved": ("*/.partial/checkpoint", 1),
}


@pytest.mark.parametrize(
    ("name", "moment"),
    [*(("pairs", moment) for moment in MOMENTS), ("full sentences", MIDDLE), ("without a memory", MIDDLE)],
)
def test_a_killed_pretraining_ends_bit_for_bit_like_one_that_was_not(name, moment, never_killed, tmp_path):
    whole = never_killed(name)
    run = Pretraining(whole.recipe, tmp_path)
    words = [*run.words, "--checkpoint-seconds=0"]
    pattern, times = MOMENTS[moment]
    kill(held(Forked, words, pattern, times=times))
    assert not (run.folder / "pretraining.json").exists()
    code, output = finish(Forked(words))
    assert code == 0, output
    assert_same(run, whole)


def test_what_a_killed_writer_of_a_checkpoint_left_is_not_part_of_the_result(never_killed, tmp_path):
    whole = never_killed("pairs")
    run = Pretraining(whole.recipe, tmp_path)
    words = [*run.words, "--checkpoint-seconds=0"]
    kill(held(Forked, words, state(1)))
    for name in ("checkpoint-50", "checkpoint"):
        # safetensors writes to such a file first, and moves it into place.
        (run.partial / name).mkdir(exist_ok=True)
        (run.partial / name / ".tmpWSaf48").write_bytes(bytes(100))
    code, output = finish(Forked(words))
    assert code == 0, output
    assert_same(run, whole)


def assert_same(run, whole):
    """The runs left the same, but for how long they took."""
    ours, theirs = run.record(), whole.record()
    same = ("status", "config", "corpus", "parameters", "steps", "tokens", "curve", "first_losses", "notes")
    assert {key: ours[key] for key in same} == {key: theirs[key] for key in same}
    assert ours["steps"] == len(ours["first_losses"]) == STEPS
    assert sorted(path.name for path in run.folder.iterdir()) == ["checkpoint", "checkpoint-50", "pretraining.json"]
    files = sorted(path.relative_to(whole.folder) for path in whole.folder.glob("*/*"))
    assert sorted(path.relative_to(run.folder) for path in run.folder.glob("*/*")) == files
    for file in files:
        if file.name != "README.md":  # It says how long it took.
            assert (run.folder / file).read_bytes() == (whole.folder / file).read_bytes(), file


def test_a_pretraining_that_is_killed_again_and_again_comes_to_its_end(never_killed, tmp_path):
    whole = never_killed("with a memory")
    run = Pretraining(whole.recipe, tmp_path)
    words = [*run.words, "--checkpoint-seconds=0"]
    for step in (7, 21, 48):
        kill(held(Forked, words, state(step)))
    assert finish(Forked(words))[0] == 0
    assert_same(run, whole)


def test_a_run_under_way_is_not_gone_on_with_by_another_recipe(never_killed, tmp_path):
    whole = never_killed("pairs")
    run = Pretraining(whole.recipe, tmp_path)
    kill(held(Forked, [*run.words, "--checkpoint-seconds=0"], state(5)))
    code, output = finish(Forked([*run.words, "--set", "learning_rate=1e-4"]))
    assert code == 2
    assert "training.learning_rate: recorded 0.003, wanted 0.0001" in " ".join(output.split())
    assert any(run.partial.glob("state/step-*"))
    code, output = finish(Forked([*run.words, "--set", "learning_rate=1e-4", "--redo"]))
    assert code == 0, output
    assert run.record()["first_losses"][0] == whole.record()["first_losses"][0]
    assert run.record()["first_losses"][-1] != whole.record()["first_losses"][-1]


def test_of_two_commands_on_one_place_the_second_is_told(never_killed, tmp_path):
    whole = never_killed("pairs")
    run = Pretraining(whole.recipe, tmp_path)
    moment = Moment(state(1))
    first = Forked([*run.words, "--checkpoint-seconds=0"], **moment.variables)
    try:
        moment.wait(first)
        for more in ([], ["--redo"]):
            code, output = finish(Forked([*run.words, *more]))
            assert code == 2
            assert "another process is working on it" in " ".join(output.split())
        moment.end()
        code, output = finish(first)
        assert code == 0, output
    finally:
        if first.poll() is None:
            kill(first)
    assert_same(run, whole)
