"""Which run begins next: the suite's order, but no long run alone at the end."""

from harness.suites.order import Queue


class Waiting:
    """As much of a run as its order asks for."""

    def __init__(self, model, seed):
        self.model, self.seed, self.looks = model, seed, 0

    @property
    def task_and_model(self):
        self.looks += 1
        return "t", self.model


def order(runs, seconds, *, workers):
    queue, found = Queue(runs), []
    while queue:
        run = queue.take({("t", model): value for model, value in seconds.items()}, workers=workers)
        found.append(f"{run.model}{run.seed}")
    return found


CELLS = [Waiting(model, seed) for seed in (0, 1, 2) for model in ("a", "b")]


def test_runs_that_take_the_same_keep_the_suites_order():
    expected = ["a0", "b0", "a1", "b1", "a2", "b2"]
    assert order(CELLS, {}, workers=2) == expected
    assert order(CELLS, {"a": 5.0, "b": 5.0}, workers=2) == expected


def test_a_long_run_at_the_suites_end_begins_as_soon_as_the_others_fill_the_time_no_longer():
    runs = [*(Waiting("a", seed) for seed in range(6)), Waiting("long", 0)]
    # Two workers, seconds 1 and 2.5: it goes first once the others take 2 x 2.5 seconds together.
    assert order(runs, {"a": 1.0, "long": 2.5}, workers=2) == ["a0", "long0", "a1", "a2", "a3", "a4", "a5"]


def test_of_two_that_take_as_long_the_first_in_order_begins():
    runs = [Waiting("short", 0), *(Waiting(model, seed) for seed in (0, 1) for model in ("a", "b"))]
    assert order(runs, {"short": 1.0, "a": 9.0, "b": 9.0}, workers=9) == ["a0", "b0", "a1", "b1", "short0"]


def test_a_long_run_goes_first_where_all_others_take_less_than_it():
    runs = [*(Waiting("a", seed) for seed in range(3)), Waiting("long", 0)]
    assert order(runs, {"a": 1.0, "long": 9.0}, workers=2)[0] == "long0"


def test_a_model_that_never_ran_is_taken_for_average():
    assert order(CELLS[:2], {"b": 9.0}, workers=1) == ["a0", "b0"]
    assert order([Waiting("new", 0), Waiting("b", 0)], {"a": 1.0, "b": 9.0}, workers=2) == ["b0", "new0"]


def test_a_run_is_looked_at_no_more_often_the_more_there_are():
    runs = [Waiting(model, seed) for seed in range(30) for model in ("a", "b")] + [Waiting("long", 0)]
    found = order(runs, {"a": 1.0, "b": 1.0, "long": 20.0}, workers=2)
    assert sorted(found) == sorted(f"{run.model}{run.seed}" for run in runs)
    assert found.index("long0") == 20  # From here on the others take 2 x 20 seconds together, or less.
    assert max(run.looks for run in runs) <= 2
