"""A pretraining that is killed, whenever it may be, and given again ends like one that was never killed."""

import os
import signal

import pytest
from small_corpora import Pretraining, own_cache, write_recipe, write_texts
from subprocesses import Forked, finish, kill, kill_when

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


def has_state(run, step):
    """Whether the state of `step` or of a later one is there."""
    return any(int(state.name.removeprefix("step-")) >= step for state in run.partial.glob("state/step-*"))


MIDDLE = "in the middle"
# Early: `test_what_a_killed_writer_of_a_checkpoint_left_is_not_part_of_the_result`.
MOMENTS = {
    MIDDLE: lambda run: has_state(run, STEPS // 2 + 3),
    "while a state is written": lambda run: has_state(run, 5) and (run.partial / "state/.writing").exists(),
    "while a checkpoint is kept": lambda run: (run.partial / "checkpoint-50").exists(),
    "after the last step": lambda run: has_state(run, STEPS - 1),
    "while the result is saved": lambda run: (run.partial / "checkpoint").exists(),
}


@pytest.mark.parametrize(
    ("name", "moment"),
    [*(("pairs", moment) for moment in MOMENTS), ("full sentences", MIDDLE), ("without a memory", MIDDLE)],
)
def test_a_killed_pretraining_ends_bit_for_bit_like_one_that_was_not(name, moment, never_killed, tmp_path):
    whole = never_killed(name)
    run = Pretraining(whole.recipe, tmp_path)
    words = [*run.words, "--checkpoint-seconds=0"]
    ended = kill_when(Forked(words), lambda: MOMENTS[moment](run))
    assert ended is None, f"it ended before it could be killed: {ended}"
    assert not (run.folder / "pretraining.json").exists()
    code, output = finish(Forked(words))
    assert code == 0, output
    assert_same(run, whole)


def test_what_a_killed_writer_of_a_checkpoint_left_is_not_part_of_the_result(never_killed, tmp_path):
    whole = never_killed("pairs")
    run = Pretraining(whole.recipe, tmp_path)
    words = [*run.words, "--checkpoint-seconds=0"]
    assert kill_when(Forked(words), lambda: has_state(run, 1)) is None
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
        assert kill_when(Forked(words), lambda step=step: has_state(run, step)) is None
    assert finish(Forked(words))[0] == 0
    assert_same(run, whole)


def test_a_run_under_way_is_not_gone_on_with_by_another_recipe(never_killed, tmp_path):
    whole = never_killed("pairs")
    run = Pretraining(whole.recipe, tmp_path)
    assert kill_when(Forked([*run.words, "--checkpoint-seconds=0"]), lambda: has_state(run, 5)) is None
    code, output = finish(Forked([*run.words, "--set", "learning_rate=1e-4"]))
    assert code == 2
    assert "training.learning_rate: recorded 0.003, wanted 0.0001" in " ".join(output.split())
    assert has_state(run, 5)
    code, output = finish(Forked([*run.words, "--set", "learning_rate=1e-4", "--redo"]))
    assert code == 0, output
    assert run.record()["first_losses"][0] == whole.record()["first_losses"][0]
    assert run.record()["first_losses"][-1] != whole.record()["first_losses"][-1]


def test_of_two_commands_on_one_place_the_second_is_told(never_killed, tmp_path):
    whole = never_killed("pairs")
    run = Pretraining(whole.recipe, tmp_path)
    first = Forked([*run.words, "--checkpoint-seconds=0"])
    try:
        while not has_state(run, 1):
            assert first.poll() is None, first.communicate()
        os.kill(first.pid, signal.SIGSTOP)
        for more in ([], ["--redo"]):
            code, output = finish(Forked([*run.words, *more]))
            assert code == 2
            assert "another process is working on it" in " ".join(output.split())
        os.kill(first.pid, signal.SIGCONT)
        code, output = finish(first)
        assert code == 0, output
    finally:
        if first.poll() is None:
            kill(first)
    assert_same(run, whole)
