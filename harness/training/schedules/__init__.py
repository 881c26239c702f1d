"""Learning rates by step: each file is a schedule that a recipe may name, and gives one `schedule`.

    def schedule(step: int, steps: int) -> float

It is the share of the peak learning rate after `step` of the `steps` steps that follow the warm-up; in the warm-up the
learning rate rises evenly from zero, whatever the schedule.
"""
