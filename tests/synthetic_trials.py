"""Synthetic trials: what a suite leaves that tunes its models, made up."""

from synthetic_runs import guesses, predictions, record, save

from harness.record import Cost, Counts, write_record
from harness.trial import Trial, Tuning

SCORES = (0.70, 0.80, 0.78, None)


def recipe(rate, **more):
    return {"training": {"learning_rate": rate, "batch_size": 16, **more}}


def add_trials(folder, model="bert-mini", scores=SCORES, *, space="sha256:s", **changes):
    """Trials with these validation scores; None: it failed."""
    for number, score in enumerate(scores):
        place = folder / "reviews/rotten_tomatoes" / model / f"trials/trial-{number:03}"
        place.mkdir(parents=True)
        settings = {
            "config": recipe(10.0**-number / 100) | {"evaluate": "validation"},
            "trial": Trial(number=number, space=space),
            "status": "complete" if score is not None else "failed",
            "scores": {} if score is None else {"validation": {"accuracy": score}},
            "cost": Cost(seconds={"train": 10.0}),
            "counts": Counts(examples={"validation": 400}),
        }
        write_record(record(model=model, seed=2**31 + number, **(settings | changes)), place)


def add_tuned(folder, model="bert-mini", *, best=1, used=None, share=0.8, trials=4, fresh=(0.80, 0.79, 0.81), **how):
    """Seeds that were trained with the recipe of a trial."""
    for seed, score in enumerate(fresh):
        references, predicted = guesses(share, 1000 * seed + len(model))
        rate = 10.0 ** -(best if used is None else used) / 100
        run = record(
            model=model,
            seed=seed,
            scores={"validation": {"accuracy": score}},
            config=recipe(rate),
            tuning=Tuning(trials=trials, best=best if used is None else used, space="sha256:s", **how),
        )
        save(folder, run, predictions(references, predicted))
