"""Models, texts and questions so small that a test can train on them, and what it takes to do so."""

import json
import random
from pathlib import Path

import torch
from tokenizers.processors import TemplateProcessing
from transformers import AutoConfig, AutoModel, AutoModelForCausalLM, AutoModelForMaskedLM

import harness.models.families  # noqa: F401 -- the Auto classes learn our own architecture
from harness.config.model import ModelConfig
from harness.config.run import LocalData
from harness.config.training import Training
from harness.ops.device import fresh_accelerator, seed_dropout, seed_layers
from harness.registry import FAMILIES, TASK_TYPES
from harness.suites.expansion import single_runs
from harness.task_types.language_modelling import DocumentExample
from harness.task_types.multiple_choice.examples import ChoiceExample, letter
from harness.task_types.question_answering.examples import Answer, QuestionExample
from harness.task_types.texts import TextExample
from harness.task_types.token_classification.examples import TaggedSentence
from harness.tokenization.trained_tokenizer import train_tokenizer
from harness.training.adaptation import adapt
from harness.training.optimisation import learning_rates, make_optimizer, make_scheduler
from harness.training.task_model import forward_of, reader_of
from harness.training.trainer import Trainer

FILLERS = [
    *("the", "film", "plot", "actor", "scene", "was", "seen", "by", "many", "people"),
    *("in", "town", "on", "a", "rainy", "day", "and", "then", "again"),
]
OPINIONS = {"bad": ("dull", "awful", "boring"), "good": ("lovely", "superb", "witty")}
LABELS = ("bad", "good")
TAGS = ("B-PER", "I-PER", "O")
NAMES = ["anna", "bert", "carla", "david", "emma", "frank", "greta"]

ENCODER = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 48}
WIDE = {"initializer_range": 0.15}  # So narrow a model needs larger weights than the usual 0.02 to tell words apart.
ARCHITECTURES = {
    "bert": {**ENCODER, **WIDE, "max_position_embeddings": 64},
    "roberta": {**ENCODER, **WIDE, "max_position_embeddings": 66, "type_vocab_size": 1},
    "xlnet": {"d_model": 32, "n_layer": 2, "n_head": 2, "d_inner": 48, **WIDE},
    "scratch": ENCODER,
    "bigbird": {**ENCODER, **WIDE, "max_position_embeddings": 64},
    "transformer_xl": {
        "d_model": 32, "d_embed": 32, "n_layer": 2, "n_head": 2, "d_head": 16, "d_inner": 48, "init_std": 0.15,
        "cutoffs": [40, 80], "div_val": 2, "mem_len": 8, "same_length": False,
    },
    "distilbert": {"dim": 32, "hidden_dim": 48, "n_layers": 2, "n_heads": 2, "max_position_embeddings": 64, **WIDE},
    "electra": {**ENCODER, **WIDE, "embedding_size": 16, "max_position_embeddings": 64},
    "albert": {**ENCODER, **WIDE, "embedding_size": 16, "max_position_embeddings": 64},
    "mpnet": {**ENCODER, **WIDE, "max_position_embeddings": 66},
    "modernbert": {**ENCODER, **WIDE, "local_attention": 12, "global_attn_every_n_layers": 2},
    "deberta": {
        **ENCODER, **WIDE, "max_position_embeddings": 64, "relative_attention": True, "position_buckets": 8,
        "norm_rel_ebd": "layer_norm", "share_att_key": True, "pos_att_type": ["p2c", "c2p"],
        "position_biased_input": False, "type_vocab_size": 0,
    },
}  # fmt: skip
# Stock encoders that differ from BERT in how they are packed, and in nothing else that the harness knows of.
PACKED_ALONE = ("distilbert", "electra", "albert", "mpnet", "modernbert", "deberta")
DISTINCT = tuple(family for family in ARCHITECTURES if family not in PACKED_ALONE)
# Where each family's own tokenizers put their special tokens; the others' as BERT's.
TEMPLATES = {
    "bert": ("[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1"),
    "roberta": ("[CLS] $A [SEP]", "[CLS] $A [SEP] [SEP] $B [SEP]"),
    "xlnet": ("$A [SEP] [CLS]:2", "$A [SEP] $B:1 [SEP]:1 [CLS]:2"),
}


def sentence(chooser, label, words):
    """A sentence of `words` words, one of which says its label."""
    chosen = chooser.choices(FILLERS, k=words - 1)
    chosen.insert(chooser.randrange(words), chooser.choice(OPINIONS[LABELS[label]]))
    return " ".join(chosen)


def text_examples(count, *, seed=0, shortest=4, longest=12, pairs=False):
    """Examples whose label a model can learn, of many lengths."""
    chooser = random.Random(seed)
    return [
        TextExample(
            f"t-{index}",
            sentence(chooser, index % 2, chooser.randint(shortest, longest)),
            index % 2,
            pair=" ".join(chooser.choices(FILLERS, k=chooser.randint(2, 6))) if pairs else None,
        )
        for index in range(count)
    ]


def question_examples(count, *, seed=0, words=20, unanswerable=0):
    """Who came? A name stands somewhere in the context; in the first `unanswerable` contexts it does not."""
    chooser = random.Random(seed)
    examples = []
    for index in range(count):
        name, place = chooser.choice(NAMES), chooser.randrange(words)
        context = chooser.choices(FILLERS, k=words)
        if index >= unanswerable:
            context[place] = name
        start = len(" ".join(context[:place])) + (place > 0)
        answers = (Answer(name, start),) if index >= unanswerable else ()
        examples.append(QuestionExample(f"q-{index}", "who was seen ?", " ".join(context), answers))
    return examples


def tagged_examples(count, *, seed=0, shortest=4, longest=12):
    """Sentences in each of which somebody of one name or two is to be found."""
    chooser = random.Random(seed)
    examples = []
    for index in range(count):
        words = chooser.choices(FILLERS, k=chooser.randint(shortest, longest))
        tags = [TAGS.index("O")] * len(words)
        place = chooser.randrange(len(words) - 1)
        for offset in range(chooser.randint(1, 2)):
            words[place + offset], tags[place + offset] = chooser.choice(NAMES), offset  # B-PER, then I-PER
        examples.append(TaggedSentence(f"s-{index}", tuple(words), tuple(tags)))
    return examples


def choice_examples(count, *, seed=0, shortest=4, longest=12):
    """Which choice praises? Two to four choices, one with a word of praise, the others with words of blame."""
    chooser = random.Random(seed)
    examples = []
    for index in range(count):
        choices = [sentence(chooser, 0, chooser.randint(2, 4)) for _ in range(chooser.randint(1, 3))]
        right = chooser.randint(0, len(choices))
        choices.insert(right, sentence(chooser, 1, chooser.randint(2, 4)))
        text = " ".join(chooser.choices(FILLERS, k=chooser.randint(shortest, longest)))
        examples.append(ChoiceExample(f"c-{index}", (text,), tuple(choices), right))
    return examples


def small_tokenizer(family):
    """A tokenizer of this file's words, with the family's template."""
    tokenizer = train_tokenizer(
        [*FILLERS, *NAMES, *sum(OPINIONS.values(), ()), "who ? , . abcdefghijklmnopqrstuvwxyz"] * 3,
        vocabulary_size=300,
    )
    single, pair = TEMPLATES.get(family, TEMPLATES["bert"])
    special = [(name, tokenizer.convert_tokens_to_ids(name)) for name in ("[CLS]", "[SEP]")]
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(single=single, pair=pair, special_tokens=special)
    tokenizer.padding_side = FAMILIES.load(family).padding_side
    return tokenizer


def write_checkpoint(family, folder, *, model_type=None):
    """A checkpoint's folder, as a Hub model's would be: an encoder with random weights, and its tokenizer."""
    tokenizer = small_tokenizer(family)
    settings = {"vocab_size": len(tokenizer), "pad_token_id": tokenizer.pad_token_id, **ARCHITECTURES[family]}
    config = AutoConfig.for_model(model_type or FAMILIES.load(family).model_types[0], **settings)
    torch.manual_seed(11)
    AutoModel.from_config(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def loaded_model(family, checkpoint, task_type="classification", *, labels=LABELS, dropout=0.0, seed=0, training=None):
    """The family's model with the head of the task type's objective, and the objective."""
    objective = TASK_TYPES.load(task_type).objective(labels, training or Training())
    seed_layers(seed)
    spec = ModelConfig(family=family, checkpoint=str(checkpoint))
    loaded = FAMILIES.load(family).load(spec, objective.head(), labels=labels, dropout=dropout, texts=list)
    return loaded, objective


def trainer_for(loaded, objective, training, *, steps=10, seed=0):
    """What takes optimiser steps on the model, and what reads texts for it."""
    accelerator = fresh_accelerator(training.precision, tracker=None, folder=Path())
    reader = reader_of(loaded, objective, training)
    adapted = adapt(loaded.model, training, seed)
    forward = forward_of(loaded, objective, accelerator, training, micro_batch_size=training.micro_batch_size)
    optimizer = make_optimizer(loaded.model, training, learning_rates(loaded.model, training))
    seed_dropout(seed, 0)
    scheduler = make_scheduler(optimizer, training, steps)
    return Trainer(forward, optimizer, scheduler, training.max_grad_norm, notes=[], frozen=adapted.frozen), reader


class Silent:
    """Callbacks that say nothing."""

    def on_step(self, step, steps, *, loss, items):
        pass

    def on_evaluate(self, point):
        pass


def own_data(folder, examples, *, task_type=None, sizes=(None, 20, 20)):
    """Three files of the examples: the last two hold `sizes[1:]` of them."""
    cuts = [len(examples) - sizes[1] - sizes[2], len(examples) - sizes[2], len(examples)]
    folder.mkdir(parents=True, exist_ok=True)
    files, start = {}, 0
    for name, stop in zip(("train", "validation", "test"), cuts, strict=True):
        files[name] = str(write_rows(examples[start:stop], folder / f"{name}.jsonl"))
        start = stop
    columns = {"question": "question"} if isinstance(examples[0], QuestionExample) else {}
    text = ("text", "pair") if getattr(examples[0], "pair", None) is not None else ()
    return LocalData(**files, task_type=task_type, text=text, **columns)


def own_run(folder, own, checkpoint, *, family="bert", seed=0, **training):
    """The run of a short run on the user's own files."""
    settings = {"batch_size": 8, "learning_rate": 1e-3, "maximum_steps": 6, "evaluations_per_epoch": 1, **training}
    model = ModelConfig(family=family, checkpoint=str(checkpoint) if checkpoint else None)
    recipe = Training(**settings)
    (run,) = single_runs("own", own, {family: (model, recipe)}, seeds=[seed], runs=folder)
    return run


def write_language_checkpoint(family, folder, **settings):
    """The same with the family's language head, for families that have one."""
    tokenizer = small_tokenizer(family)
    known = {"vocab_size": len(tokenizer), "pad_token_id": tokenizer.pad_token_id, **ARCHITECTURES[family], **settings}
    config = AutoConfig.for_model(FAMILIES.load(family).model_types[0], **known)
    torch.manual_seed(11)
    head = AutoModelForCausalLM if FAMILIES.load(family).language.causal else AutoModelForMaskedLM
    head.from_config(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def document_examples(count, *, seed=0, shortest=30, longest=60):
    """Texts without labels, of many lengths."""
    return [DocumentExample(e.id, e.text) for e in text_examples(count, seed=seed, shortest=shortest, longest=longest)]


def weights(model):
    """A copy of the model's tensors."""
    return {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}


def write_rows(examples, file):
    """Text examples, or questions in SQuAD's form, as jsonl."""
    with file.open("w") as stream:
        for example in examples:
            if isinstance(example, QuestionExample):
                answers = {
                    "text": [a.text for a in example.answers],
                    "answer_start": [a.start for a in example.answers],
                }
                row = {"question": example.question, "context": example.context, "answers": answers}
            elif isinstance(example, TaggedSentence):
                row = {"tokens": example.words, "tags": [TAGS[tag] for tag in example.tags]}
            elif isinstance(example, DocumentExample):
                row = {"text": example.text}
            elif isinstance(example, ChoiceExample):
                row = {"text": example.texts[0], "choices": example.choices, "label": letter(example.right)}
            else:
                row = {"text": example.text, "label": LABELS[example.target]}
                row |= {"pair": example.pair} if example.pair is not None else {}
            stream.write(json.dumps(row) + "\n")
    return file
