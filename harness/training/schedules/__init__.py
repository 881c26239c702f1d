"""Learning rate schedules: each file defines a `schedule` that a recipe can name.

    def schedule(step: int, steps: int) -> float

It returns the learning rate as a share of the peak, after `step` of the `steps` steps that follow the warm-up. During
warm-up the learning rate increases linearly from zero, whatever the schedule.
"""
