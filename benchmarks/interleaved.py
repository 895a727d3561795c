"""Times of several actions, taken in turns, so that a noisy machine disturbs them alike."""

import statistics
import time


def times(actions, rounds=15, seconds_each=0.15):
    """The times of each of `actions` (a dict of functions), a list of `rounds` per name, in seconds.

    Each turn repeats an action for about `seconds_each`; two calls before that are not counted.
    """
    repeats = {}
    for name, action in actions.items():
        action()
        repeats[name] = max(1, round(seconds_each / seconds(action)))
    found = {name: [] for name in actions}
    for _ in range(rounds):
        for name, action in actions.items():
            found[name].append(seconds(action, repeats[name]))
    return found


def seconds(action, repeats=1):
    """The mean time of an action over `repeats` calls, in seconds."""
    begin = time.perf_counter()
    for _ in range(repeats):
        action()
    return (time.perf_counter() - begin) / repeats


def ratio(numerator, denominator):
    """The median of the ratios of two lists of times taken in turns."""
    return statistics.median(a / b for a, b in zip(numerator, denominator, strict=True))
