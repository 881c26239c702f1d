"""The pure parts of the training benchmark; nothing here is timed."""

import pytest

from benchmarks.families import families_table
from benchmarks.loops.grid import Grid, Whole, grid_table, suite
from benchmarks.loops.job import LOOPS
from benchmarks.loops.measured import Case, Spread
from benchmarks.loops.shapes import SHAPES
from benchmarks.loops.tables import Table, case_table, spread_text
from benchmarks.loops.texts import Texts, evenly_spaced, read_texts, write_texts
from benchmarks.loops.turns import ROOT, Turn, Worker, interleaved
from harness.task_types.question_answering.examples import Answer, QuestionExample
from harness.task_types.texts import TextExample


def turns(*seconds, loss=0.5):
    return [Turn(each, each, loss) for each in seconds]


def case(**changes):
    facts = {
        "shape": "mini", "data": "SST-2", "mode": "training", "examples": 100, "batch_size": 10, "tokens": 1400,
        "flops": 80e9,
        "turns": {"a": turns(8.0, 10.0, 12.0), "b": turns(2.0, 2.5, 2.0), "d": turns(1.0, 1.0, 2.0, loss=0.25)},
        "peaks": {"fp32": 80e9, "bf16": 160e9}, "physical": {"bf16": 200e9},
        "precisions": {"a": "fp32", "b": "bf16", "d": "bf16"},
    }  # fmt: skip
    return Case(**{**facts, **changes})


def test_flops_are_those_of_the_matrix_products_counted_by_hand():
    # tiny, 10 tokens, a layer: 10 · 2 · (4 · 128² + 2 · 128 · 512) = 3,932,160 for the projections and the feed-forward
    # layers, 2 · 2 · 10² · 128 = 51,200 for attention; the pooler and two labels: 2 · 128² + 2 · 128 · 2 = 33,280.
    assert SHAPES["tiny"].flops(10, outputs=2, per_token=False) == 2 * (3_932_160 + 51_200) + 33_280 == 8_000_000
    assert SHAPES["tiny"].flops(10, outputs=2, per_token=True) == 2 * (3_932_160 + 51_200) + 10 * 512


@pytest.mark.slow
def test_flops_agree_with_those_that_torch_counts():
    import torch
    from torch.utils.flop_counter import FlopCounterMode
    from transformers import BertConfig, BertForSequenceClassification

    shape = SHAPES["tiny"]
    config = BertConfig(
        vocab_size=20, hidden_size=shape.width, num_hidden_layers=shape.layers, num_attention_heads=shape.heads,
        intermediate_size=4 * shape.width, num_labels=3, attn_implementation="eager",
    )  # fmt: skip
    model = BertForSequenceClassification(config).eval()
    with FlopCounterMode(display=False) as counter:
        model(input_ids=torch.ones(1, 17, dtype=torch.long))
    assert shape.flops(17, outputs=3, per_token=False) == counter.get_total_flops()


def test_every_round_gives_each_loop_a_turn_and_the_first_round_is_not_counted():
    taken = []

    def taker(name):
        return lambda: taken.append(name) or len(taken)

    found = interleaved({name: taker(name) for name in "abc"}, 2)
    assert "".join(taken) == "abcabcabc"
    assert found == {"a": [4, 7], "b": [5, 8], "c": [6, 9]}


def test_ratios_are_of_neighbours_in_a_round_and_not_of_medians():
    ratio = case().times_as_fast("d", "a")
    assert (ratio.middle, ratio.low, ratio.high) == (8.0, 6.0, 10.0)  # 8 / 1, 10 / 1, 12 / 2


def test_the_share_of_the_peak_is_of_the_peak_in_the_loops_own_precision():
    found = case()
    assert found.share_of_peak("a") == pytest.approx(80e9 / 10.0 / 80e9)
    assert found.share_of_peak("d") == pytest.approx(80e9 / 1.0 / 160e9)
    assert found.share_of_physical("d") == pytest.approx(80e9 / 1.0 / 200e9)
    assert found.share_of_physical("a") is None  # Not known in fp32 here.


def test_a_table_shows_the_loss_beside_the_time():
    table = case_table(case())
    shown = dict(zip(table.headings, table.rows[2], strict=True))
    assert shown == {
        "loop": "d harness, bf16", "ms an example": "10.00 (10.00–20.00)", "x a": "8.00 (6.00–10.00)",
        "x b": "2.00 (1.00–2.50)", "share of peak": "50 %", "of physical": "40 %", "loss": "0.2500",
    }  # fmt: skip


def test_a_table_says_when_others_had_the_machine_and_when_losses_cannot_be_compared():
    slow = {"a": [Turn(1.0, 2.0, 0.5)], "b": [Turn(1.0, 2.0, 0.5)], "d": [Turn(1.0, 2.0, 0.5)]}
    assert any("busy: 2.0 s" in note for note in case_table(case(turns=slow)).notes)
    assert not any("busy" in note for note in case_table(case()).notes)
    assert any("padding" in note for note in case_table(case(data="SQuAD")).notes)
    assert not any("padding" in note for note in case_table(case()).notes)


def test_a_spread_of_nothing_is_not_shown():
    assert spread_text(Spread(1.0, 0.999, 1.001), 2) == "1.00"
    assert spread_text(Spread(1.0, 0.9, 1.2), 1) == "1.0 (0.9–1.2)"


def test_a_grids_ratios_are_of_the_clock_and_of_the_processors():
    grid = Grid(ROOT, ("tiny", "mini"), ("SST-2",), (0, 1), bf16=True)
    found = {
        "b": [Whole(40.0, 70.0, 0.5), Whole(60.0, 70.0, 0.7)],
        "d": [Whole(10.0, 18.0, 0.5), Whole(10.0, 18.0, 0.5)],
    }
    table = grid_table(grid, found)
    assert table.rows[0] == ("b Trainer, best flags", "50.0 (40.0–60.0)", "70.0", "5.00 (4.00–6.00)", "3.89", "60.0")
    assert table.rows[1][3] == "1.00"
    assert "2 models x 1 tasks x 2 seeds" in table.title


def test_a_family_s_row_is_packed_beside_padded_within_rounds():
    changes = {"turns": {"padded": turns(3.0, 2.0, 4.0), "packed": turns(1.0, 1.0, 2.0)}}
    table = families_table({"mpnet": case(**changes, precisions=dict.fromkeys(changes["turns"], "fp32"))})
    assert table.rows[0][:4] == ("mpnet", "30.00 (20.00–40.00)", "10.00 (10.00–20.00)", "2.00 (2.00–3.00)")
    assert table.title.endswith("batches of 10, fp32")


def test_a_table_is_markdown_too():
    text = Table("Fast", ("loop", "ms"), [("a", "1"), ("b", "2")], ["Said below."]).markdown()
    assert text.splitlines() == [
        "### Fast", "", "| loop | ms |", "| --- | ---: |", "| a | 1 |", "| b | 2 |", "", "Said below."
    ]  # fmt: skip


def test_a_pool_has_the_batches_of_a_large_sorted_stretch_evenly_spaced():
    lengths = {index: index // 2 for index in range(100)}  # ten batches of ten, when sorted
    chosen = evenly_spaced(lengths, batch_size=10, batches=2)
    # Batches 2 and 7 of 0 to 9: the middles of the shorter and of the longer half.
    assert sorted(chosen) == [*range(20, 30), *range(70, 80)]
    assert chosen != sorted(chosen)
    assert chosen == evenly_spaced(lengths, batch_size=10, batches=2)


def test_texts_come_back_from_their_file_as_they_were(tmp_path):
    pairs = Texts("classification", ("no", "yes"), 128, (TextExample("1", "a", 1, pair="b"), TextExample("2", "c", 0)))
    asked = QuestionExample("1", "who?", "it was bert", (Answer("bert", 7),))
    for texts in (pairs, Texts("question_answering", (), 384, (asked,))):
        assert read_texts(write_texts(texts, tmp_path / "texts.json")) == texts


def test_a_loop_that_dies_is_told_with_what_it_said(tmp_path):
    with (
        Worker({"module": "no_such_loop"}, folder=tmp_path, environment={}) as worker,
        pytest.raises(RuntimeError, match="no_such_loop"),
    ):
        worker.turn()


def test_every_loop_has_its_file():
    assert LOOPS
    assert all((ROOT / "benchmarks" / "loops" / f"{loop.module}.py").is_file() for loop in LOOPS.values())


def test_the_grid_is_a_suite_that_the_harness_reads(tmp_path):
    from harness.suites.suite import read_suite

    for name in ("tiny", "mini"):
        (tmp_path / name).mkdir()
        (tmp_path / f"{name}.toml").write_text(f'checkpoint = "./{name}"\n')
    file = tmp_path / "grid.toml"
    file.write_text(suite(Grid(tmp_path, ("tiny", "mini"), ("SST-2", "MNLI"), (0, 1), bf16=False)))
    read = read_suite(file)
    assert (tuple(read.models), read.tasks, read.seeds) == (("tiny", "mini"), ("SST-2", "MNLI"), (0, 1))
    assert read.local["MNLI"].text == ("text", "pair")
    assert read.recipes["MNLI", "mini"].max_length == 128


def test_made_texts_have_the_lengths_that_were_drawn():
    from transformers import AutoTokenizer

    from benchmarks.gpu.made import LIKE, made_texts

    lengths = LIKE["MNLI"].drawn(200)
    assert (min(lengths) >= 4, max(lengths) <= 128) == (True, True)
    assert 34 < sum(lengths) / len(lengths) < 42  # MNLI's mean is 38.
    tokenizer = AutoTokenizer.from_pretrained(ROOT / "configs/models/bert-mini")
    texts = made_texts(tokenizer, lengths[:20])
    assert [len(ids) for ids in tokenizer([text.text for text in texts])["input_ids"]] == lengths[:20]


@pytest.mark.slow
def test_a_core_s_physical_peak_is_measured_where_there_is_a_compiler():
    from benchmarks.loops.registers import physical_peaks

    found = physical_peaks()
    if not found:
        pytest.skip("nothing compiles C here")
    assert 1e9 < found["fp32"] < 1e12
