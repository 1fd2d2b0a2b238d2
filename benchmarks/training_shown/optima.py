"""The least objective that there is, of problems of which it is known in closed form."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from gradest.benchmarks.learning_curves.curves import Contest
from gradest.problems.toys.bernoulli import BernoulliShared

Arguments = Mapping[str, Any]


def of_bits(arguments: Arguments) -> float:
    """Of $(b - t)^2$: at the bit that is nearer to t."""
    nearer = min(arguments["t"] ** 2, (1 - arguments["t"]) ** 2)
    return float(nearer if arguments["reduce"] == "mean" else arguments["dim"] * nearer)


def of_shared_bits(arguments: Arguments) -> float:
    """All bits have one p, in which E[f] is a straight line: the least is at 0 or at 1."""
    del arguments
    targets = BernoulliShared.targets
    return float(min(sum(t**2 for t in targets), sum((1 - t) ** 2 for t in targets)))


def of_bump(arguments: Arguments) -> float:
    """Of $e^{-k x^2}$: 0 far away, and 1 at the middle where k makes it a bowl."""
    return 0.0 if arguments["k"] > 0 else float(arguments["dim"])


def of_cosine(arguments: Arguments) -> float:
    r"""Of $\cos(k x)$: −1, and 1 everywhere where k is 0."""
    return float(-arguments["dim"] if arguments["k"] else arguments["dim"])


INFIMA: dict[str, Callable[[Arguments], float]] = {
    # a Gaussian may be as narrow as it likes, about any point: the least of h itself
    "gaussian_square": lambda _: 0.0,
    "gaussian_exponential": of_bump,
    "gaussian_step": lambda _: 0.0,
    "gaussian_cosine": of_cosine,
    "bernoulli_square": of_bits,
    "bernoulli_shared": of_shared_bits,
}
"""By the problem's name, from its arguments. It is come near to, and never reached."""


def optimum_of(contest: Contest) -> float | None:
    """The least objective of a contest, where it is known and so is every objective, exactly."""
    infimum = INFIMA.get(contest.problem)
    if infimum is None or contest.sign < 0 or not contest.is_exact:
        return None
    return infimum(json.loads(contest.problem_args))
