"""Where a trained decoder looks in a source as it writes, for one of the test examples that a report shows.

The maps of Bahdanau et al. 2015 (figure 3), from the weights that Vaswani et al. 2017 (section 3.2.3) call
encoder-decoder attention. They are averaged over all heads of all layers: no single layer is the one that aligns in
every model, and `harness explain --attention` draws each of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from accelerate import Accelerator

from harness.data.task import Task
from harness.errors import UserError
from harness.long_texts.written import Writer
from harness.sample_attention import COLUMN, MOST_TOKENS, SampleAttention, sample_places
from harness.tokenization.items import Item
from harness.tokenization.token_texts import TokenTexts
from harness.training.attention import attention_of
from harness.training.forward import Forward
from harness.training.result import Row
from harness.training.task_model import TaskModel, forward_of


def with_sample_attention(rows: Sequence[Row], model: TaskModel, task: Task, accelerator: Accelerator) -> Sequence[Row]:
    """Add the attention of a decoder to the first of the rows that a report shows and whose source is short enough.

    Returns:
        The same rows where the model has no such attention, or writes another text alone than in its batch.
    """
    if not rows or not accelerator.is_main_process or model.objective.head().generation is None:
        return rows
    items = model.features("test").items
    place = next((place for place in sample_places(len(items)) if _is_short(items[place])), None)
    found = None if place is None else _attention(model, place, accelerator)
    if found is None or place is None or task.type.shown(rows[place]["prediction"]) != found[1]:
        return rows
    return [{**row, COLUMN: found[0].row() if number == place else None} for number, row in enumerate(rows)]


def _is_short(item: Item) -> bool:
    return len(item.windows) == 1 and len(item.windows[0].input_ids) <= MOST_TOKENS


@torch.no_grad()
def _attention(model: TaskModel, place: int, accelerator: Accelerator) -> tuple[SampleAttention, str] | None:
    """Return the attention on a test example and the text that is written; None if the model has no such attention."""
    forward = _padded_forward(model, accelerator)
    features = model.features("test")
    alone = replace(features, items=[features.items[place]])
    written = model.objective.written_item(alone, lambda item: forward.scores([item]))
    if written is None:
        return None
    item, text = written
    assert isinstance(forward.scoring, Writer), "it has just written"
    try:
        layers = attention_of(replace(forward, scoring=forward.scoring.silent()), item).layers
    except UserError:
        return None
    window, texts = item.windows[0], TokenTexts(model.loaded.tokenizer)
    tokens, rows = (list(map(texts.bare, ids)) for ids in (window.input_ids, window.target_ids))
    return SampleAttention.of(tokens, rows, layers[:, 0].mean(0).tolist()), text


def _padded_forward(model: TaskModel, accelerator: Accelerator) -> Forward:
    """Return a forward pass by the model's own attention, which packed execution replaces."""
    training = model.training.model_copy(update={"execution": "padded"})
    return forward_of(model.loaded, model.objective, accelerator, training, micro_batch_size=1)
