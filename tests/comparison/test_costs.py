"""What training cost: of the processor where that is known, never averaged over machines."""

from math import inf

import pytest
from synthetic_runs import add_runs, record

from harness.comparison.comparison import compare
from harness.comparison.costs import cheaper_by, cost_in_use, costs_of
from harness.comparison.recommendation import recommended
from harness.record import Cost, Provenance
from harness.reporting import tables
from harness.runs.inference_cost import INFERENCE, InferenceCost
from harness.training.result import Stopwatch

OLD, NEW = ({"processor": name, "cores": 2, "device": "cpu"} for name in ("Old", "New"))


def timed(clock, processor=None, hardware=OLD, **changes):
    """The record of a run whose training took so long."""
    known = {} if processor is None else {"processor_seconds": {"train": processor}}
    cost = Cost(seconds={"train": clock}, training_flops=changes.pop("flops", 1e12), **known, **changes)
    return record(cost=cost, provenance=Provenance(hardware=hardware))


def test_a_machine_that_others_shared_makes_no_model_dear():
    found = costs_of({"alone": [timed(34, 33), timed(36, 35)], "beside others": [timed(34, 33), timed(198, 36)]})
    assert [cost.training_time for cost in found.values()] == [34.0, 34.5]
    shared = found["beside others"]
    assert (shared.train_seconds, shared.train_seconds_least, shared.train_seconds_most) == (116.0, 34.0, 198.0)


def test_times_of_the_clock_stand_for_all_models_where_one_lacks_the_processors():
    found = costs_of({"earlier version": [timed(40)], "now": [timed(60, 30)]})
    assert [cost.training_time for cost in found.values()] == [40.0, 60.0]
    on_a_gpu = timed(5, 9, hardware={**OLD, "device": "cuda"})  # Its processor waits, or prepares batches.
    assert costs_of({"model": [on_a_gpu]})["model"].training_time == 5.0


def test_what_is_scored_as_it_was_found_costs_nothing_to_train_and_is_recommended_where_it_may_be_the_best(tmp_path):
    as_found = {"config": {"training": {"maximum_steps": 0}}, "cost": Cost(seconds={"train": 0.0, "test": 2.0})}
    add_runs(tmp_path, "found", 0.80, **as_found)
    add_runs(tmp_path, "trained", 0.79)
    (task,) = compare(tmp_path).tasks
    times = {cell.model: cell.cost.training_time for cell in task.cells}
    assert times["found"] == 0.0 < times["trained"]
    assert recommended(task).model == "found"
    (costs,) = [table for table in tables.of_task(task) if "cost" in table.caption]
    assert [row[2].text for row in costs.rows] == ["0 s", "2.1 min"]


def test_runs_of_different_machines_are_not_averaged():
    found = costs_of(
        {
            "a": [timed(100, 90), timed(10, 9, NEW), timed(12, 11, NEW)],
            "b": [timed(20, 19, NEW)],
            "c": [timed(300, 280)],
            "d": [
                timed(70, 60, {**OLD, "cores": 4}),
                *[timed(50, 40, {**OLD, "cores": 8})] * 2,
            ],  # None on the usual one.
        }
    )
    assert [(cost.training_time, cost.timed_runs, cost.machine) for cost in found.values()] == [
        (10.0, 2, "New, 2 cores"),
        (19.0, 1, "New, 2 cores"),
        (280.0, 1, "Old, 2 cores"),
        (40.0, 2, "Old, 8 cores"),
    ]
    assert all(cost.among_machines for cost in found.values())


def test_a_machine_on_which_several_processes_shared_a_run_is_another_one():
    four = timed(30, 28, {**OLD, "processes": 4})
    found = costs_of({"a": [timed(100, 90), timed(100, 90), four], "b": [timed(90, 80)]})
    assert [(cost.training_time, cost.timed_runs) for cost in found.values()] == [(90.0, 2), (80.0, 1)]
    assert all(cost.among_machines for cost in found.values())  # Though what is left is of one.


def test_on_different_machines_the_cheaper_model_is_the_one_with_fewer_operations():
    found = costs_of({"small": [timed(100, 90, flops=1e12)], "large": [timed(10, 9, NEW, flops=8e12)]})
    expense, name = cheaper_by([*found.values()])
    assert ([expense(cost) for cost in found.values()], name) == ([1e12, 8e12], "training operations")
    expense, name = cheaper_by([found["small"], None])
    assert (expense(found["small"]), expense(None), name) == (90.0, inf, "training time")


def test_a_model_that_lacks_seeds_costs_no_less():
    found = costs_of({"three": [timed(30, 30)] * 3, "one": [timed(30, 30)], "none": []})
    assert [cost and cost.training_time for cost in found.values()] == [30.0, 30.0, None]


def test_a_report_tells_both_times_and_how_busy_others_were(tmp_path):
    for seed, clock in enumerate((34.0, 198.0)):
        cost = Cost(seconds={"train": clock}, processor_seconds={"train": 36.0}, others=1.8)
        for model, share in {"bert": 0.95, "other": 0.6}.items():
            add_runs(tmp_path, model, share, [seed], cost=cost, provenance=Provenance(hardware=OLD))
    comparison = compare(tmp_path)
    table = tables.costs(comparison.tasks[0])
    row = dict(zip(table.headings, (entry.text for entry in table.rows[0]), strict=True))
    times = row["Training time"], row["On the clock"], row["Others busy"]
    assert times == ("36 s", "34 s – 3.3 min", "1.8")
    assert "Machine" not in row
    assert any("which other work on the machine hardly changes" in note for note in tables.footnotes(comparison))
    assert "A training run of bert took 36 s of processor time." in recommended(comparison.tasks[0]).reasons


def test_a_run_whose_time_was_not_measured_took_no_least_time():
    (found,) = costs_of({"model": [timed(0.0), timed(30.0), timed(50.0)]}).values()
    assert (found.train_seconds, found.train_seconds_least, found.train_seconds_most) == (40.0, 30.0, 50.0)
    (unknown,) = costs_of({"model": [timed(0.0)]}).values()
    assert (unknown.train_seconds, unknown.train_seconds_least, unknown.train_seconds_most) == (None, None, None)
    assert unknown.trained_parameters is None


def test_operations_that_were_not_counted_make_no_mean_smaller():
    (found,) = costs_of({"model": [timed(0.5, flops=0.0), timed(0.5, flops=1e12)]}).values()
    assert (found.training_flops, found.train_seconds) == (1e12, 0.5)


def test_what_a_model_costs_in_use_is_read_of_the_first_run_that_was_measured(tmp_path):
    damaged, not_measured, *folders = (tmp_path / name for name in ("damaged", "not measured", "first", "second"))
    for number, folder in enumerate((damaged, *folders)):
        cost = InferenceCost(
            latency_p50=float(number), latency_p95=2.0, texts_per_second=9.0, batch_size=8, peak_memory_bytes=1,
            disk_bytes=1, texts=100, others=0.0, hardware={"cores": 2},
        )  # fmt: skip
        folder.mkdir()
        (folder / INFERENCE).write_text(cost.model_dump_json())
    (damaged / INFERENCE).write_text("{")
    found, problems = cost_in_use([damaged, not_measured, *folders])
    assert found.latency_p50 == 1.0
    assert len(problems) == 1
    assert str(damaged) in problems[0]
    assert cost_in_use([not_measured]) == (None, [])


def test_a_stopwatch_counts_the_processor_of_all_processes():
    watch = Stopwatch(processes=2)
    watch.add("train", 10.0, 9.0)
    watch.add("train", 1.0, 1.0)
    assert (watch.seconds, watch.processor_seconds) == ({"train": 11.0}, {"train": pytest.approx(20.0)})
