"""transformers' own generation tests, run on the encoder-decoder Transformer from scratch.

    python -m experiments.generation_mixin SOURCE                   # names of tests for some

pip does not install these tests: SOURCE is a checkout of transformers, preferably of the installed version, with its
folder tests/. They need the package parameterized. The result of each test is written to a dated file, with the reason
if it failed or was skipped.
"""

from __future__ import annotations

import argparse
import inspect
import os
import re
import sys
import unittest
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

import harness.models.families  # noqa: F401 -- the Auto classes learn our own architecture
from harness.models.families.scratch.configuration import ScratchEncoderDecoderConfig
from harness.models.families.scratch.encoder_decoder import ScratchForSeq2SeqLM

RESULTS = Path(__file__).parent / "results" / "generation_mixin"
SMALL = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 37}
TEXTS, LENGTH, WORDS = 13, 7, 99
OUTCOMES = ("failed", "passed", "skipped")
FIRST_WORD = 5  # Special tokens stand before it.


class SmallModel:
    """What the tests ask for a configuration and inputs."""

    batch_size = TEXTS
    seq_length = encoder_seq_length = LENGTH
    is_training = False

    def prepare_config_and_inputs_for_common(self) -> tuple[Any, Mapping[str, torch.Tensor]]:
        """A configuration, and sources and targets of random words."""
        config = ScratchEncoderDecoderConfig(vocab_size=WORDS, decoder_start_token_id=2, eos_token_id=3, **SMALL)
        sources, targets = torch.randint(FIRST_WORD, WORDS, (2, TEXTS, LENGTH))
        return config, {
            "input_ids": sources,
            "attention_mask": torch.ones_like(sources),
            "decoder_input_ids": targets,
            "decoder_attention_mask": torch.ones_like(targets),
        }


def made_test_case(mixin: type) -> type[unittest.TestCase]:
    """The tests of the mixin on the model."""

    class ScratchGenerationTest(mixin, unittest.TestCase):  # type: ignore[misc, valid-type]
        all_model_classes = all_generative_model_classes = (ScratchForSeq2SeqLM,)
        is_encoder_decoder = has_attentions = True

        def setUp(self) -> None:
            torch.manual_seed(0)
            self.model_tester = SmallModel()

    return ScratchGenerationTest


def outcomes(case: type[unittest.TestCase], names: Sequence[str]) -> dict[str, dict[str, str]]:
    """What came of each test, and why."""
    found = {}
    for name in names:
        result = unittest.TestResult()
        case(name).run(result)
        reasons = {
            "failed": [_last_lines(text) for _, text in (*result.failures, *result.errors)],
            "skipped": [reason for _, reason in result.skipped],
        }
        outcome = next((outcome for outcome, given in reasons.items() if given), "passed")
        found[name] = {"outcome": outcome, **({"why": reasons[outcome][0]} if outcome in reasons else {})}
        print(f"{outcome:8}{name}  {found[name].get('why', '')}", flush=True)
    return found


def _last_lines(traceback: str) -> str:
    """Where an error was raised, and what it says."""
    lines = traceback.strip().splitlines()
    place = next((line.strip() for line in reversed(lines) if line.lstrip().startswith("File ")), "")
    file, line = (re.search(r'([^/"]+)", line (\d+)', place) or re.match("()()", "")).groups()  # type: ignore[union-attr]
    return f"{lines[-1]} ({file}, line {line})"


def _version_of(source: Path) -> str:
    text = (source / "src" / "transformers" / "__init__.py").read_text(encoding="utf-8")
    found = re.search(r'^__version__ = "(.+)"', text, re.MULTILINE)
    return found.group(1) if found else "unknown"


def _page(found: Mapping[str, Mapping[str, str]], date: str, source: Path) -> Iterator[str]:
    """What came of the tests, in Markdown."""
    counts = Counter(one["outcome"] for one in found.values())
    yield f"# transformers' own generation tests on the whole Transformer from scratch, {date}\n"
    yield f"transformers {version('transformers')}, tests of {_version_of(source)}, torch {version('torch')}, by"
    yield "`python -m experiments.generation_mixin SOURCE`. Of the tests:"
    yield f"{', '.join(f'{counts[outcome]} {outcome}' for outcome in OUTCOMES)}.\n"
    yield "| test | | why |\n|---|---|---|"
    for outcome in OUTCOMES:
        for name, one in found.items():
            if one["outcome"] == outcome:
                yield f"| `{name}` | {outcome} | {one.get('why', '').replace('|', '&#124;')} |"


def main() -> None:
    """Run the tests, and write what came of them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("source", type=Path, help="a checkout of transformers, with its folder tests/")
    parser.add_argument("tests", nargs="*", help="names of tests; default: all of the mixin, into a dated file")
    given = parser.parse_args()
    if not (given.source / "tests" / "generation" / "test_utils.py").is_file():
        parser.error(f"{given.source}: has no tests/generation/test_utils.py. Name a checkout of transformers.")
    os.environ.update({"TRANSFORMERS_TEST_DEVICE": "cpu", "RUN_SLOW": "1"})
    sys.path.insert(0, str(given.source.resolve()))
    mixin = import_module("tests.generation.test_utils").GenerationTesterMixin
    case = made_test_case(mixin)
    own = {name for name, _ in inspect.getmembers(mixin, inspect.isfunction) if name in vars(mixin)}
    found = outcomes(case, given.tests or sorted(name for name in own if name.startswith("test_")))
    print(dict(Counter(one["outcome"] for one in found.values())))
    if given.tests:
        return
    RESULTS.mkdir(parents=True, exist_ok=True)
    date = f"{datetime.now(UTC):%Y-%m-%d}"
    (RESULTS / f"{date}.md").write_text("\n".join(_page(found, date, given.source)) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
