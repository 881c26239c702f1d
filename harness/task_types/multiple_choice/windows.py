"""Token windows of choices: the question with the whole choice, and a part of a long context in the remaining space."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from harness.task_types.multiple_choice.examples import ChoiceExample
from harness.tokenization.encoding import encode
from harness.tokenization.reading import Reader, Template, Window, covered, learnt_template


@dataclass(frozen=True, slots=True)
class ReadChoice:
    """An encoded choice.

    Attributes:
        windows: One window, or several if the context is long, each with the choice.
        total: Number of tokens of context and choice, without special tokens.
        seen: Number of tokens that are in some window.
    """

    windows: tuple[Window, ...]
    total: int
    seen: int


def read_choices(reader: Reader, examples: Sequence[ChoiceExample]) -> list[list[ReadChoice]]:
    """Encode the choices of each question, each as a pair of texts: the context and the choice.

    As in Devlin et al. 2019, section 4.4 (SWAG). For a passage with a question, the question precedes the choice, as in
    Liu et al. 2019, section 5 (RACE).
    """
    template = learnt_template(reader.tokenizer, 2)
    contexts = encode(reader.tokenizer, [example.context for example in examples], return_offsets=False)
    texts = [choice for example in examples for choice in example.read_choices]
    choices = iter(encode(reader.tokenizer, texts, return_offsets=False))
    asked = encode(reader.tokenizer, [example.question for example in examples], return_offsets=False)
    return [
        [_read(reader, template, context.ids, next(choices).ids, len(question.ids)) for _ in example.choices]
        for example, context, question in zip(examples, contexts, asked, strict=True)
    ]


def _read(reader: Reader, template: Template, context: Sequence[int], choice: list[int], asked: int) -> ReadChoice:
    """Encode a choice in at most half of a window, or what the context leaves of it. The strategy selects the context.

    Of the question's `asked` tokens before the choice, those are kept that fit beside it.
    """
    room = reader.window - template.size
    most = max(room // 2, room - len(context))
    own = choice[asked:][:most]
    tail = [*choice[: min(asked, most - len(own))], *own]
    left = room - len(tail)
    # If a choice leaves less than a stride of space, its windows use a smaller stride so that they advance.
    advancing = replace(reader, stride=left // 2) if left <= reader.stride < room else reader
    spans = advancing.spans(len(context), left)
    windows = tuple(_windows(template, [[context[place] for place in span] for span in spans], tail))
    return ReadChoice(windows, len(context) + len(choice), covered(spans) + len(tail))


def _windows(template: Template, heads: Sequence[list[int]], tail: list[int]) -> Iterator[Window]:
    for head in heads:
        input_ids, token_type_ids, first = template.around(head, tail)
        yield Window(input_ids, token_type_ids, first, range(len(tail)))
