"""Times of several actions, taken in turns, so that a noisy machine disturbs them alike."""

import statistics
import time


def seconds(action, repeats=1):
    """The mean time of an action over `repeats` calls, in seconds."""
    begin = time.perf_counter()
    for _ in range(repeats):
        action()
    return (time.perf_counter() - begin) / repeats


def times(actions, rounds=11, seconds_each=0.15, timer=seconds):
    """The times of each of `actions` (a dict of functions), a list of `rounds` per name, in seconds.

    Each turn repeats an action for about `seconds_each`; two calls before that are not counted.
    `timer(action, repeats)` takes the time, where an action is not a call in this process.
    """
    repeats = {}
    for name, action in actions.items():
        timer(action, 1)
        repeats[name] = max(1, round(seconds_each / timer(action, 1)))
    found = {name: [] for name in actions}
    for _ in range(rounds):
        for name, action in actions.items():
            found[name].append(timer(action, repeats[name]))
    return found


def ratio(numerator, denominator):
    """The median of the ratios of two lists of times taken in turns."""
    return statistics.median(a / b for a, b in zip(numerator, denominator, strict=True))
