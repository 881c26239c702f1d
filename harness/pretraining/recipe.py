"""The settings of a file of configs/pretraining: texts, tokenizer, objective and length of a pretraining run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, ValidationError, model_validator

from harness.config.checking import Strict, checked, read_toml
from harness.config.files import config_file, config_files
from harness.config.run import Seed
from harness.config.training import OptimizerName, ScheduleName
from harness.errors import UserError, nearest
from harness.registry import CORPORA, FAMILIES, OBJECTIVES
from harness.runs.identity import differences


class CorporaRecipe(Strict):
    """The texts to pretrain on.

    Attributes:
        names: Corpora that come with the harness (`harness list corpora`).
        files: Your own UTF-8 text files; patterns are allowed. Relative paths must stay below the folder of this file.
        documents: The unit that counts as one document in your files.
        hub: A Hub data set, which is streamed.
        hub_config: The configuration of the Hub data set.
        hub_revision: A commit, tag or branch of the Hub data set.
        hub_split: The split of the Hub data set.
        hub_column: The column with the text.
        held_out: Fraction of each corpus's documents that is held out from training.
        exclude_tasks: Tasks whose validation and test examples must not occur in the texts. Default: every task whose
            data needs no network.
    """

    names: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    documents: Literal["file", "blank_line", "line"] = "file"
    hub: str | None = None
    hub_config: str | None = None
    hub_revision: str | None = None
    hub_split: str = "train"
    hub_column: str = "text"
    held_out: float = Field(0.01, gt=0, lt=1)
    exclude_tasks: tuple[str, ...] | None = None

    @model_validator(mode="after")
    def _texts_come_from_somewhere(self) -> Self:
        if not (self.names or self.files or self.hub):
            raise ValueError("needs texts. Give names, files, or hub")
        return self


class TokenizerRecipe(Strict):
    """The tokenizer.

    Attributes:
        kind: The tokenizer to train on the texts: byte-level byte-pair encoding (Radford et al. 2019) or WordPiece
            (Devlin et al. 2019).
        vocabulary_size: Vocabulary size, including special tokens.
        lowercase: Lower-case texts first; WordPiece then also strips accents.
        checkpoint: Use the tokenizer of this checkpoint instead of training one.
    """

    kind: Literal["byte_bpe", "wordpiece"] = "byte_bpe"
    vocabulary_size: int = Field(8192, ge=300)
    lowercase: bool = False
    checkpoint: str | None = None


class PretrainingPlan(Strict):
    """How the model is trained on the texts.

    Attributes:
        tokens: Total number of tokens to train on, including special tokens.
        batch_tokens: Tokens per optimizer step.
        length: Maximum number of tokens in a sequence, including special tokens; for a causal stream, the length of a
            segment.
        optimizer: The name of an optimizer (`harness list optimizers`).
        schedule: The learning rate schedule after the peak (`harness list schedules`).
        learning_rate: The peak learning rate.
        warmup_ratio: Fraction of the steps during which the learning rate rises to its peak.
        weight_decay: Weight decay of weight matrices.
        max_grad_norm: Gradients are clipped to this norm.
        precision: "fp32", "bf16" (autocast; weights stay in fp32), or "auto", which uses bf16 if the device has
            instructions for it, and else fp32.
        micro_batch_size: Maximum number of sequences per forward pass. A smaller value needs less memory and gives the
            same gradient, except that dropout is drawn once per pass.
        dropout: Overrides every dropout probability of the architecture.
        masked: Fraction of a sequence's tokens to predict (masked objectives).
        duplicates: Number of copies of each text with different masks that are made once (static masking).
        memory: States per layer that a segment sees of the previous ones (causal objectives). Default: the length of a
            segment.
        evaluations: Number of evaluations on the held-out texts.
        evaluation_tokens: Held-out tokens of each corpus to evaluate on; the same ones each time.
        keep: Fractions of the run after which a checkpoint is kept.
        save: Data type of the saved weights.
        seed: The random seed of held-out documents, weights, text order, masks and dropout.
    """

    tokens: int = Field(ge=1)
    batch_tokens: int = Field(8192, ge=8)
    length: int = Field(128, ge=8)
    optimizer: OptimizerName = "adamw"
    schedule: ScheduleName = "linear"
    learning_rate: float = Field(1e-3, gt=0, lt=1)
    warmup_ratio: float = Field(0.06, ge=0, le=1)
    weight_decay: float = Field(0.01, ge=0)
    max_grad_norm: float = Field(1.0, gt=0)
    precision: Literal["fp32", "bf16", "auto"] = "auto"
    micro_batch_size: int = Field(64, ge=1)
    dropout: float | None = Field(None, ge=0, lt=1)
    masked: float = Field(0.15, gt=0, lt=1)
    duplicates: int = Field(10, ge=1)
    memory: int | None = Field(None, ge=0)
    evaluations: int = Field(20, ge=1)
    evaluation_tokens: int = Field(32768, ge=8)
    keep: tuple[float, ...] = (0.1, 0.3, 1.0)
    save: Literal["fp32", "bf16"] = "fp32"
    seed: Seed = 0

    @model_validator(mode="after")
    def _sizes_fit(self) -> Self:
        if self.batch_tokens < self.length:
            raise ValueError(f"batch_tokens {self.batch_tokens} holds no sequence of {self.length}. Raise it")
        if self.tokens < self.batch_tokens:
            raise ValueError(f"tokens {self.tokens} is less than a step's batch_tokens, {self.batch_tokens}. Raise it")
        if any(not 0 < share <= 1 for share in self.keep):
            raise ValueError(f"keep: each share must be above 0 and at most 1 (got {list(self.keep)})")
        return self

    @property
    def steps(self) -> int:
        """Number of optimiser steps of the whole run."""
        return self.tokens // self.batch_tokens

    @property
    def memory_length(self) -> int:
        """Number of states per layer that a segment sees of earlier ones."""
        return self.length if self.memory is None else self.memory


class PretrainingRecipe(Strict):
    """The content of a file of configs/pretraining.

    Attributes:
        family: A model family (`harness list families`).
        objective: The pretraining objective (`harness list objectives`).
        architecture: Values of the transformers configuration, on top of the family's own small one.
        start: "random" weights; "local_attention", random weights whose first layer also attends to neighbouring tokens
            (harness/models/local_attention.py); or "checkpoint" to continue from the weights of a checkpoint, with its
            architecture and tokenizer.
        checkpoint: The checkpoint for start = "checkpoint": a folder or a Hub id.
        corpora: The texts.
        tokenizer: The tokenizer.
        training: How the model is trained on them.
    """

    renamed_values: ClassVar[Mapping[str, Mapping[str, str]]] = {"start": {"neighbours": "local_attention"}}

    family: str
    objective: str
    architecture: dict[str, int | float | str | bool | list[int]] = Field({})
    start: Literal["random", "local_attention", "checkpoint"] = "random"
    checkpoint: str | None = None
    corpora: CorporaRecipe
    tokenizer: TokenizerRecipe = Field(default_factory=lambda: TokenizerRecipe.model_validate({}))
    training: PretrainingPlan

    @model_validator(mode="before")
    @classmethod
    def _a_checkpoint_brings_its_tokenizer(cls, content: Any) -> Any:
        if isinstance(content, dict) and content.get("start") == "checkpoint" and "tokenizer" not in content:
            return {**content, "tokenizer": {"checkpoint": content.get("checkpoint")}}
        return content

    @model_validator(mode="after")
    def _start_is_whole(self) -> Self:
        if (self.start == "checkpoint") != (self.checkpoint is not None):
            raise ValueError('start = "checkpoint" and checkpoint, the weights to start from, go together. Give both')
        if self.checkpoint is not None and self.tokenizer.checkpoint != self.checkpoint:
            raise ValueError('start = "checkpoint" keeps that checkpoint\'s tokenizer. Leave [tokenizer] out')
        if self.checkpoint is not None and self.architecture:
            raise ValueError('start = "checkpoint" keeps that checkpoint\'s architecture. Leave [architecture] out')
        return self

    def resolved(self) -> dict[str, Any]:
        """Return the recipe as recorded: JSON-serialisable."""
        return self.model_dump(mode="json")


def settings_that_differ(recorded: object, recipe: PretrainingRecipe) -> list[str]:
    """List the settings in which a recorded recipe differs; settings that it lacks count as their defaults."""
    if not isinstance(recorded, Mapping):
        return ["no configuration"]
    try:
        recorded = PretrainingRecipe.model_validate(recorded).resolved()
    except ValidationError:  # Recorded by another version: compare the settings as they are.
        recorded = dict(recorded)
    return differences(recorded, recipe.resolved())


def find_recipe(name: str, overrides: Mapping[str, Any]) -> tuple[PretrainingRecipe, Path]:
    """Read the recipe called `name`; the second value is the folder that its file patterns start from.

    Args:
        name: A file of configs/pretraining, or the path of a .toml file.
        overrides: Settings of [training], from `--set`.

    Raises:
        UserError: If there is none, or if it is invalid (with all of its mistakes).
    """
    known = config_files("pretraining")
    if name not in known and not name.endswith(".toml"):
        raise UserError(f"{name!r}: no such recipe in configs/pretraining, and no .toml file.{nearest(name, known)}")
    file = config_file("pretraining", name) if name in known else Path(name)
    content = read_toml(file)
    if isinstance(content.get("training"), dict):
        content["training"] = {**content["training"], **overrides}
    mistakes: list[str] = []
    recipe = checked(PretrainingRecipe, content, f"{file}: ", mistakes)
    mistakes += [f"{file}: {line}" for line in _unknown(content)]
    if mistakes or recipe is None:
        raise UserError(*mistakes)
    return recipe, file.parent


def _unknown(content: Mapping[str, Any]) -> Iterator[str]:
    """Yield an error line for each name that is not in its registry."""
    for key, registry in (("family", FAMILIES), ("objective", OBJECTIVES)):
        name = content.get(key)
        if isinstance(name, str) and name not in registry.names():
            yield f"{key}: {name!r}: no such {registry.noun}.{nearest(name, registry.names())}"
    corpora = content.get("corpora")
    names = corpora.get("names", ()) if isinstance(corpora, dict) else ()
    for name in names if isinstance(names, list) else ():
        if isinstance(name, str) and name not in CORPORA.names():
            yield f"corpora.names: {name!r}: no such corpus.{nearest(name, CORPORA.names())}"
