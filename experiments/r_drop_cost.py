"""How much longer a step takes with R-Drop: two passes with different dropout, with a loss on their difference.

    python -m experiments.r_drop_cost

Source: Wu et al. 2021, "R-Drop: Regularized dropout for neural networks", section 2; both passes as one batch, as in
the authors' code. A plain PyTorch loop trains all parameters of MiniLM in bf16 on one thread, on random token ids.
"""

from __future__ import annotations

import time
from typing import Annotated, Any

import torch
import typer
from torch import Tensor
from torch.nn import functional
from transformers import AutoModelForSequenceClassification

from harness.config.model import find_model
from harness.models.checkpoint import find_checkpoint

TEXTS, TOKENS, ALPHA = 16, 30, 1.0


def plain_loss(model: Any, ids: Tensor, targets: Tensor) -> Tensor:
    """The cross-entropy of one pass."""
    return functional.cross_entropy(model(ids).logits.float(), targets)


def r_drop_loss(model: Any, ids: Tensor, targets: Tensor) -> Tensor:
    """The cross-entropy of two passes, and how far their predictions are apart."""
    one, other = model(torch.cat([ids, ids])).logits.float().log_softmax(-1).chunk(2)
    apart = sum(
        functional.kl_div(a, b, reduction="batchmean", log_target=True) for a, b in ((one, other), (other, one))
    )
    return functional.nll_loss(torch.cat([one, other]), torch.cat([targets, targets])) + ALPHA * apart / 2


def seconds(loss_of: Any, model: Any, optimizer: torch.optim.Optimizer, steps: int) -> float:
    """Processor time of a step, on average."""
    started = time.process_time()
    for _ in range(steps):
        ids = torch.randint(1000, 30_000, (TEXTS, TOKENS))
        with torch.autocast("cpu", torch.bfloat16):
            loss = loss_of(model, ids, ids[:, 0] % 2)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    return (time.process_time() - started) / steps


def main(
    steps: Annotated[int, typer.Option(help="Steps of each, timed together.")] = 5,
    rounds: Annotated[int, typer.Option(help="How often.")] = 3,
) -> None:
    """Print the seconds of both, round by round."""
    torch.set_num_threads(1)
    known = find_model("minilm")
    assert known.checkpoint is not None
    folder = find_checkpoint(known.checkpoint, known.revision).folder
    model = AutoModelForSequenceClassification.from_pretrained(folder, num_labels=2).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5)
    seconds(r_drop_loss, model, optimizer, 1)
    for _ in range(rounds):
        plain, both = (seconds(loss_of, model, optimizer, steps) for loss_of in (plain_loss, r_drop_loss))
        typer.echo(f"plain {plain:.2f} s, R-Drop {both:.2f} s a step: {both / plain:.2f} times")


if __name__ == "__main__":
    typer.run(main)
