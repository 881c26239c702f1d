"""Check that a causal language model does not see later words, by running the model.

An encoder that was saved with a decoder's head, but without `is_decoder` in its configuration, sees the whole text. Its
perplexity would be close to 1, and training would teach it to copy.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from harness.errors import UserError
from harness.models.padding import CLOSE, MOST_TOKENS, probe_texts, unreadable
from harness.ops.device import all_to_device
from harness.tokenization.items import Collator


def check_left_to_right(loaded: Any) -> None:
    """Reject a language model that sees the words it predicts. The random state is left unchanged.

    Args:
        loaded: A `harness.models.loaded.Loaded` with a language model scored by `Language.scores`.

    Raises:
        UserError: If the model sees them, fails on plain texts, or scores them by NaN.
    """
    if not loaded.language.causal:
        return
    kind = loaded.model.config.model_type
    try:
        scores, others = _before_and_after_a_change(loaded)
    except Exception as error:  # Architectures that need other inputs raise all kinds of errors.
        raise unreadable(kind, error) from error
    if scores.isnan().any() or others.isnan().any():
        raise UserError(
            f"{kind}: this model's scores of a plain text are not numbers (NaN). Choose another checkpoint."
        )
    if (scores - others).abs().max() > CLOSE * scores.abs().max():
        raise UserError(
            f"{kind}: this model sees the words that it has to predict, so its scores would be meaningless. If it was "
            "trained as a decoder, set is_decoder to true in its config.json; otherwise choose another checkpoint."
        )


def _before_and_after_a_change(loaded: Any) -> tuple[Tensor, Tensor]:
    """Score the first half of a text, before and after its second half is changed."""
    model, training = loaded.model, loaded.model.training
    _, text, _ = probe_texts(loaded.tokenizer, min(loaded.limit or MOST_TOKENS, MOST_TOKENS), paired=False)
    collator = Collator(loaded.pad_id, False, loaded.uses_token_type_ids, model.device)
    before = all_to_device(collator([text]).inputs, model.device)
    half = before["input_ids"].shape[1] // 2
    ids = before["input_ids"].clone()
    ids[:, half:] = (ids[:, half:] + 1) % model.get_input_embeddings().num_embeddings  # Others, in any vocabulary.
    changed = {**before, "input_ids": ids}
    try:
        model.eval()
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            scores, others = (loaded.language.scores(model, inputs)[:, 1 : half + 1] for inputs in (before, changed))
    finally:
        model.train(training)
    return scores, others
