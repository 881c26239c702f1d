"""Compare Transformer-XL's attention block as published with ours.

    python benchmarks/transformer_xl_attention.py

asserts that all variants give the same numbers, then measures them in turns on one thread. The results are in
results/transformer_xl_attention.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from statistics import median, quantiles
from typing import Any
from unittest import mock

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn

from harness.models.families.transformer_xl.attention import PositionalEmbedding, RelativeAttention
from harness.models.families.transformer_xl.configuration import TransformerXLConfig
from harness.models.families.transformer_xl.memory import Keys, Memory
from harness.ops.device import hardware

PUBLISHED = "published"
NEVER = 2**62
# Ours by name: the attention, and what of it is switched off to see what it gives: a constant's place and its value.
OURS: dict[str, tuple[str, dict[str, Any]]] = {
    "ours, eager": ("eager", {}),
    "ours, SDPA": ("sdpa", {}),
    "· all in one block": ("sdpa", {"blocks.SCORES_AT_LEAST": NEVER, "blocks.QUERIES_AT_MOST": NEVER}),
    "· its kernel in bfloat16": ("sdpa", {"attention.PLAIN_ON_A_CPU": ()}),
}
Step = Callable[[], Any]


@dataclass(frozen=True)
class Shape:
    """A segment that is read: texts, its tokens, those before it, heads, and their width."""

    batch: int
    segment: int
    memory: int
    heads: int
    width: int

    def __str__(self) -> str:
        return f"batch {self.batch}, segment {self.segment}, memory {self.memory}, {self.heads} x {self.width} heads"

    @property
    def keys(self) -> int:
        """Memory and segment."""
        return self.memory + self.segment

    def floating_point_operations(self, *, backward: bool) -> int:
        """What the block has to do at the least: no key after its query, no gradient of memory and positions."""
        pairs = self.segment * self.memory + self.segment * (self.segment + 1) // 2
        inner = self.heads * self.width
        segment_maps = 4 * self.batch * self.segment * inner**2  # query, key, value, output
        memory_maps = (2 * self.batch * self.memory + self.keys) * inner**2  # keys, values; distances
        products = 3 * self.batch * pairs * inner  # with keys, with distances, with values
        if backward:
            return 2 * (3 * segment_maps + 2 * memory_maps + 3 * products)
        return 2 * (segment_maps + memory_maps + products)


SHAPES = (
    Shape(8, 256, 256, 8, 64),
    Shape(8, 512, 0, 8, 64),
    Shape(2, 512, 1024, 12, 64),
    Shape(32, 64, 64, 4, 64),
)


class PublishedAttention(nn.Module):
    """The block in the form of transformers 4.37's: sequence first, explicit scores [queries, keys, batch, heads].

    Written from Dai et al. 2019, section 3.3 and appendix B. Weights have the names of `RelativeAttention`'s.
    """

    def __init__(self, config: TransformerXLConfig) -> None:
        super().__init__()
        self.heads, self.width = config.n_head, config.d_head
        inner = self.heads * self.width
        self.qkv_net = nn.Linear(config.d_model, 3 * inner, bias=False)
        self.r_net = nn.Linear(config.d_model, inner, bias=False)
        self.o_net = nn.Linear(inner, config.d_model, bias=False)
        self.r_w_bias = nn.Parameter(torch.empty(self.heads, self.width))
        self.r_r_bias = nn.Parameter(torch.empty(self.heads, self.width))
        self.layer_norm = nn.LayerNorm(config.d_model, eps=config.layer_norm_epsilon)

    def forward(self, hidden: Tensor, memory: Tensor, positions: Tensor, hide: Tensor) -> Tensor:
        """The output [queries, batch, d_model].

        Args:
            hidden: The segment [queries, batch, d_model].
            memory: What came before [memory, batch, d_model].
            positions: Encodings of the distances keys - 1 … 0 [keys, d_model].
            hide: Where a query may not look [queries, keys, 1].
        """
        queries, batch = hidden.shape[:2]
        query, key, value = (
            part.view(len(part), batch, self.heads, self.width)
            for part in self.qkv_net(torch.cat([memory, hidden])).chunk(3, dim=-1)
        )
        query = query[-queries:]
        distances = self.r_net(positions).view(-1, self.heads, self.width)
        by_content = torch.einsum("ibnd,jbnd->ijbn", query + self.r_w_bias, key)
        by_distance = torch.einsum("ibnd,jnd->ijbn", query + self.r_r_bias, distances)
        scores = (by_content + self._shifted(by_distance)).mul_(self.width**-0.5)
        lowest = torch.finfo(scores.dtype).min
        scores = scores.float().masked_fill(hide[..., None], lowest).type_as(scores)
        sums = torch.einsum("ijbn,jbnd->ibnd", scores.softmax(dim=1), value)
        output: Tensor = self.layer_norm(hidden + self.o_net(sums.reshape(queries, batch, -1)))
        return output

    @staticmethod
    def _shifted(scores: Tensor) -> Tensor:
        queries, keys, *rest = scores.shape
        padded = torch.cat([scores.new_zeros(queries, 1, *rest), scores], dim=1)
        return padded.view(keys + 1, queries, *rest)[1:].view(queries, keys, *rest)


class Blocks:
    """The published block and ours with the same weights, and what they read.

    Encodings and masks are made beforehand for all: a model needs them once, not once a layer.
    """

    def __init__(self, shape: Shape) -> None:
        torch.manual_seed(0)
        self.config = config_of(shape)
        self.ours = RelativeAttention(self.config)
        self.published = PublishedAttention(self.config)
        for name, weight in self.ours.named_parameters():
            if not name.startswith("layer_norm"):
                nn.init.normal_(weight, std=0.05)
        self.published.load_state_dict(self.ours.state_dict())
        self.hidden = torch.randn(shape.batch, shape.segment, self.config.d_model)
        self.sequence_first = self.hidden.transpose(0, 1).contiguous()
        self.wanted = torch.randn_like(self.hidden)
        self.memory = torch.randn(shape.memory, shape.batch, self.config.d_model)
        self.keys = Keys(Memory((self.memory,)), shape.segment)
        self.positions = PositionalEmbedding(self.config)(shape.keys + 1)
        self.visible = self.keys.visible(self.config, self.hidden.device)

    def mask(self) -> Tensor:
        """Ours, in the precision that is switched on."""
        return self.keys.mask(self.config, self.hidden)

    def read(self, name: str, hidden: Tensor, mask: Tensor) -> Tensor:
        """The output of the block of that name, batch or sequence first as `hidden` is."""
        output: Tensor
        if name == PUBLISHED:
            output = self.published(hidden, self.memory, self.positions[1:], ~self.visible[0, 0, :, :, None])
            return output
        self.config._attn_implementation, switched_off = OURS[name]
        with ExitStack() as stack:
            for place, value in switched_off.items():
                stack.enter_context(mock.patch(f"harness.models.families.transformer_xl.{place}", value))
            output = self.ours(hidden, self.keys.of_layer(0, hidden), self.positions, mask)[0]
        return output

    def input_of(self, name: str) -> Tensor:
        """The segment in the block's own layout."""
        return self.sequence_first if name == PUBLISHED else self.hidden

    def step(self, name: str, *, backward: bool) -> Step:
        """The work to measure: a forward pass, or one with gradients of weights and input; its results."""
        mask, hidden = self.mask(), self.input_of(name).clone()
        if not backward:
            return torch.no_grad()(partial(self.read, name, hidden, mask))
        weights = list((self.published if name == PUBLISHED else self.ours).parameters())
        hidden.requires_grad_()
        wanted = self.wanted.transpose(0, 1).contiguous() if name == PUBLISHED else self.wanted

        def step() -> list[Tensor]:
            output = self.read(name, hidden, mask)
            return [output, *torch.autograd.grad(output, [hidden, *weights], wanted.to(output.dtype))]

        return step


def config_of(shape: Shape) -> TransformerXLConfig:
    """A model of one such layer."""
    inner = shape.heads * shape.width
    sizes = {"d_model": inner, "d_embed": inner, "n_head": shape.heads, "d_head": shape.width, "n_layer": 1}
    free = {"dropout": 0.0, "dropatt": 0.0, "same_length": False, "clamp_len": -1, "mem_len": shape.memory}
    return TransformerXLConfig(vocab_size=100, cutoffs=[], div_val=1, **sizes, **free)


def assert_equal(blocks: Blocks, *, tolerance: float) -> float:
    """The largest difference from the published block's output and gradients, as a share of each one's largest number.

    Raises:
        AssertionError: It is above `tolerance`.
    """
    output, inputs, *weights = blocks.step(PUBLISHED, backward=True)()
    wanted = [output.transpose(0, 1), inputs.transpose(0, 1), *weights]
    largest = 0.0
    for name in OURS:
        for got, expected in zip(blocks.step(name, backward=True)(), wanted, strict=True):
            difference = ((got - expected).abs().max() / expected.abs().max()).item()
            assert difference <= tolerance, f"{name}: off by {difference:.1e}"
            largest = max(largest, difference)
    return largest


def seconds(step: Step) -> float:
    """CPU seconds of this process for `step`: of one thread, whatever else runs on the machine."""
    start = time.process_time()
    step()
    return time.process_time() - start


def peak(dtype: torch.dtype) -> Step:
    """A large matrix product, of 2 x 2048^3 floating-point operations."""
    one, other = (torch.randn(2048, 2048).to(dtype) for _ in range(2))
    return lambda: one @ other


@contextmanager
def precision(dtype: torch.dtype) -> Iterator[None]:
    """Single precision, or bfloat16 by autocast."""
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=dtype == torch.bfloat16):
        yield


def in_turns(steps: dict[str, Step], *, rounds: int) -> dict[str, list[float]]:
    """Seconds of each step in each round; the first round, in which memory is got, is left out."""
    found: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(rounds + 1):
        for name, step in steps.items():
            found[name].append(seconds(step))
    return {name: measured[1:] for name, measured in found.items()}


def measure(shape: Shape, *, rounds: int, console: Console) -> None:
    """Print what each block takes for `shape`, and how many times as fast as the published one it is."""
    blocks = Blocks(shape)
    console.print(f"\n{shape}: the same to {assert_equal(blocks, tolerance=1e-5):.0e}")
    table = Table("", "ms", "middle half", "times as fast", "middle half", "of the peak, GF/s")
    for dtype in (torch.float32, torch.bfloat16):
        for backward in (False, True):
            with precision(dtype):
                steps = {name: blocks.step(name, backward=backward) for name in (PUBLISHED, *OURS)}
                found = in_turns({**steps, "peak": peak(dtype)}, rounds=rounds)
            best = 2 * 2048**3 / median(found.pop("peak")) / 1e9
            table.add_section()
            table.add_row(f"{str(dtype).removeprefix('torch.')}, {'with backward' if backward else 'forward'}")
            for name, measured in found.items():
                ratios = [old / new for old, new in zip(found[PUBLISHED], measured, strict=True)]
                share = shape.floating_point_operations(backward=backward) / median(measured) / 1e9 / best
                table.add_row(
                    f"  {name}",
                    f"{median(measured) * 1e3:.1f}",
                    middle_half([1e3 * each for each in measured], digits=1),
                    f"{median(ratios):.2f}",
                    middle_half(ratios, digits=2),
                    f"{share:.0%} of {best:.0f}",
                )
    console.print(table)


def middle_half(numbers: list[float], *, digits: int) -> str:
    """Where the middle half of the numbers lies."""
    low, _, high = quantiles(numbers, n=4)
    return f"{low:.{digits}f} – {high:.{digits}f}"


def main() -> None:
    """Measure all shapes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15, help="measurements of each; the median counts")
    parser.add_argument("--shapes", type=int, default=len(SHAPES), help="how many of the shapes, the first ones")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    console = Console(width=110)
    console.print(f"{hardware(None)['processor']}, 1 thread; torch {torch.__version__}; {chosen.rounds} rounds")
    for shape in SHAPES[: chosen.shapes]:
        measure(shape, rounds=chosen.rounds, console=console)


if __name__ == "__main__":
    main()
