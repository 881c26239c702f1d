"""Where GLUE's tasks come from, and who to cite for all of them."""

from harness.data.sources import Hub

REVISION = "bcdcba79d07bc864c1c254ccfcedcce55bcc9a8c"
CITATION = "Wang et al. 2018, GLUE: A Multi-Task Benchmark and Analysis Platform"


def glue(config: str, *, test: str = "validation") -> Hub:
    """A GLUE task's rows, judged by the validation split: the labels of the test split are withheld.

    Our own validation split is carved out of the training rows, so that nothing is chosen on what judges.
    """
    return Hub("nyu-mll/glue", config, REVISION, splits={"train": "train", "test": test})
