"""Finished runs of tiny models, for what begins where a run ends."""

from small_models import (
    Silent,
    choice_examples,
    document_examples,
    own_data,
    own_run,
    question_examples,
    tagged_examples,
    text_examples,
)

from harness.runs.execution import execute
from harness.runs.options import Options

EXAMPLES = {
    "classification": text_examples,
    "language_modelling": document_examples,
    "multiple_choice": choice_examples,
    "question_answering": question_examples,
    "token_classification": tagged_examples,
}


def finished_run(folder, task_type, checkpoint, *, family="bert", **training):
    """The folder of a run of a few steps on 60 examples."""
    own = own_data(folder / f"{task_type} data", EXAMPLES[task_type](60), task_type=task_type)
    run = own_run(folder / "runs", own, checkpoint, family=family, **training)
    record = execute(run, Options(), Silent())
    assert record.status == "complete", record.reason
    return run.folder
