"""The source of GLUE's tasks, and their common citation."""

from harness.data.sources import Hub

REVISION = "bcdcba79d07bc864c1c254ccfcedcce55bcc9a8c"
CITATION = "Wang et al. 2018, GLUE: A Multi-Task Benchmark and Analysis Platform"


def glue(config: str, *, test: str = "validation") -> Hub:
    """Return a GLUE task whose test split is the published validation split, since the test labels are withheld.

    The validation split is taken from the training rows, so that nothing is chosen on the test split.
    """
    return Hub("nyu-mll/glue", config, REVISION, splits={"train": "train", "test": test})
