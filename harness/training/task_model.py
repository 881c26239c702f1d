"""TaskModel: a model with a task's head and examples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from accelerate import Accelerator
from torch import Tensor

from harness.config.run import RunConfig
from harness.config.training import Training
from harness.data.splits import relabelled, texts_of
from harness.data.task import Splits, Task
from harness.long_texts.continued import Continued
from harness.long_texts.scoring import scoring_for
from harness.long_texts.windows import Windows
from harness.models.head import Head
from harness.models.loaded import Loaded
from harness.ops.device import seed_dropout, seed_layers
from harness.ops.fast_dropout import with_fast_dropout
from harness.ops.fused_norm import with_fused_norms
from harness.task_types.objective import Objective
from harness.tokenization.as_text import has_markers
from harness.tokenization.items import Collator, Features
from harness.tokenization.reading import Reader, reader_for
from harness.training.forward import Forward


@dataclass(frozen=True)
class TaskModel:
    """A model with a task's head and examples.

    Attributes:
        loaded: The model, on its device, with its tokenizer.
        objective: The training objective of the task.
        reader: Encodes texts for the model.
        splits: The examples of the task, with targets in the order of the model's labels.
        training: The recipe.
        encoded: The splits encoded so far.
    """

    loaded: Loaded
    objective: Objective
    reader: Reader
    splits: Splits
    training: Training
    encoded: dict[str, Features] = field(default_factory=dict)

    def features(self, split: str) -> Features:
        """Return the encoded split, encoded on first use. Without training steps, the training split is empty."""
        if split not in self.encoded:
            is_train = split == "train"
            examples = () if is_train and self.training.maximum_steps == 0 else getattr(self.splits, split)
            found = self.objective.features(examples, self.reader)
            self.encoded[split] = self.objective.training_subset(found) if is_train else found
        return self.encoded[split]

    @property
    def wants_used_rows(self) -> bool:
        """Whether only the embeddings of tokens in the data should be trained; never if the model predicts words."""
        head = self.objective.head()
        return self.training.vocabulary == "used" and head.auto_class is not None and head.generation is None

    def save(self, folder: Path, whole: Mapping[str, Tensor] | None = None) -> None:
        """Save a stock Hugging Face checkpoint, whose tokenizer truncates as the reader did.

        Args:
            folder: The destination.
            whole: The full tensors of the model, if its parameters are sharded.
        """
        save_checkpoint(self.loaded, self.reader, folder, head=self.objective.head(), whole=whole)


def load_task_model(
    family: Any, task: Task, splits: Splits, *, config: RunConfig, accelerator: Accelerator
) -> TaskModel:
    """Load the model of a configuration and prepare it for the task.

    Raises:
        UserError: If the checkpoint is not available or does not fit.
    """
    head = task.type.objective(splits.labels, config.training).head()
    loaded = _loaded(family, head, splits, config=config, accelerator=accelerator)
    objective = task.type.objective(loaded.labels, config.training).following(splits.train, loaded.tokenizer)
    reader = reader_of(loaded, objective, config.training)
    return TaskModel(loaded, objective, reader, relabelled(splits, loaded.labels), config.training)


def _loaded(family: Any, head: Head, splits: Splits, *, config: RunConfig, accelerator: Accelerator) -> Loaded:
    """Load the model to its device. Seeds are set before new layers are created, and again for dropout in training."""
    seed_layers(config.seed)
    loaded: Loaded = family.load(
        config.model,
        head,
        labels=splits.labels,
        dropout=config.training.dropout,
        texts=lambda: texts_of(splits.train),
    )
    loaded.model.to(accelerator.device)
    if not config.training.compile:  # torch compiles stock dropout; ours it can't look into.
        with_fast_dropout(loaded.model)
    seed_dropout(config.seed, accelerator.process_index)
    return loaded


def reader_of(loaded: Loaded, objective: Objective, training: Training) -> Reader:
    """Create the reader that encodes texts for the model."""
    return reader_for(
        training,
        loaded.tokenizer,
        limit=loaded.limit,
        stride=objective.stride,
        strategy=objective.strategy,
        shared=objective.shared,
        causal=loaded.causal,
        layout=loaded.layout,
    )


def forward_of(
    loaded: Loaded, objective: Objective, accelerator: Accelerator, training: Training, *, micro_batch_size: int
) -> Forward:
    """Prepare a loaded model for scoring items, according to the recipe.

    Raises:
        UserError: If the recipe's memory is longer than the model's.
    """
    if not training.compile:
        with_fused_norms(loaded.model)
    scoring = scoring_for(loaded, objective, accelerator, training)
    left = loaded.tokenizer.padding_side == "left" and isinstance(scoring, Windows | Continued)
    collator = Collator(loaded.pad_id, left, loaded.uses_token_type_ids, accelerator.device)
    return Forward(loaded.model, scoring, objective, collator, accelerator, micro_batch_size)


def save_checkpoint(
    loaded: Loaded, reader: Reader, folder: Path, *, head: Head, whole: Mapping[str, Tensor] | None = None
) -> None:
    """Save a stock Hugging Face checkpoint, whose tokenizer truncates as the reader did and returns the same inputs.

    The tokenizer therefore treats special tokens in a text as plain text, except for a language model, whose prompts
    contain "[MASK]", and for tokenizers with tokens for use within texts, such as entity markers.
    """
    loaded.model.save_pretrained(folder, state_dict=whole)
    tokenizer = loaded.tokenizer
    tokenizer.model_max_length = reader.window
    names = [name for name in tokenizer.model_input_names if loaded.uses_token_type_ids or name != "token_type_ids"]
    tokenizer.model_input_names = tokenizer.init_kwargs["model_input_names"] = names
    if tokenizer.is_fast and head.auto_class is not None and not has_markers(tokenizer):
        tokenizer.split_special_tokens = tokenizer.init_kwargs["split_special_tokens"] = True
    tokenizer.save_pretrained(folder)
