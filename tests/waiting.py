"""Waiting for what other processes and threads do, as long as it takes on a machine that is slow or busy."""

import time

LONGEST = 900.0
"""Seconds after which something hangs for certain."""


def wait_for(condition, *, every=0.05, otherwise=lambda: "it hangs"):
    """What the condition gives once it gives something.

    Args:
        condition: Called every so many seconds.
        every: These seconds.
        otherwise: Gives what the failure says.
    """
    until = time.monotonic() + LONGEST
    while not (found := condition()):
        assert time.monotonic() < until, otherwise()
        time.sleep(every)
    return found
