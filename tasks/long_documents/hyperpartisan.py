"""Is a news article hyperpartisan? 516 + 64 + 65 articles of some 500 words, labelled by people.

Caveat: a test split of 65 tells only large differences. The revision isn't pinned: the Hub takes only whole commits,
and no public source that we could read gives more than the first digits of the newest one, f8b596d. The records of its
runs say so.
"""

from harness.data.sources import Hub
from harness.data.task import Task

task = Task(
    task_type="classification",
    source=Hub("zapsdcn/hyperpartisan_news"),
    metrics=("macro_f1", "accuracy"),
    licence="CC BY 4.0",
    citation="Kiesel et al. 2019, SemEval-2019 Task 4; split of Gururangan et al. 2020, Don't Stop Pretraining",
    labels=("false", "true"),
    examples={"train": 516, "validation": 64, "test": 65},
)
