"""Inputs of windows of all lengths, and the comparison of packed logits with padded ones."""

import torch

from harness.long_texts.windows import Windows
from harness.registry import FAMILIES

FAMILIES_PACKED = [name for name in FAMILIES.names() if getattr(FAMILIES.load(name), "packing", None) is not None]
LONGEST = 64  # what the small models allow
LENGTHS = {
    "of one token": [1, 1, 1],
    "equal": [7, 7, 7, 7],
    "one": [13],
    "one of one token": [1],
    "the longest": [LONGEST, 1, LONGEST, 3],
    "any": [5, 12, 1, 30, 6, 31, 2, 12, 44],
}


def padded_inputs(lengths, *, uses_token_type_ids, pad=0):
    """Random tokens, padded on the right as the collator does."""
    generator = torch.Generator().manual_seed(len(lengths))
    mask = (torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]).long()
    inputs = {"input_ids": torch.randint(5, 90, mask.shape, generator=generator) * mask + pad * (1 - mask)}
    inputs["attention_mask"] = mask
    if uses_token_type_ids:
        inputs["token_type_ids"] = torch.randint(0, 2, mask.shape, generator=generator) * mask
    return inputs


def assert_same_logits(packed, inputs, *, tolerance=1e-5):
    padded = Windows(packed.model, packed.outputs, packed.accelerator)
    with torch.no_grad():
        expected, found = padded.logits(inputs, 100), packed.logits(inputs, 100)
    mask = inputs["attention_mask"].bool()
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.shape == theirs.shape
        if packed.per_token:
            ours, theirs = ours[mask], theirs[mask]
        torch.testing.assert_close(ours, theirs, atol=tolerance, rtol=0)
