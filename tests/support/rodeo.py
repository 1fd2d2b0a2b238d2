"""RODEO's estimate for bits, written out sum by sum as in Shi et al. (2022)."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

Function = Callable[[np.ndarray], np.ndarray]


class Draws(NamedTuple):
    """L draws of D bits with probabilities p, and f and its gradient at each."""

    p: np.ndarray
    x: np.ndarray
    f: np.ndarray
    gradient: np.ndarray

    def others(self, k: int) -> list[int]:
        """All draws but the k-th."""
        return [m for m in range(len(self.x)) if m != k]


class Controls(NamedTuple):
    """Two coefficients, and the two functions of f'(x_m)·(x − x_m) and f(x_m)."""

    alpha: float
    beta: float
    of_baseline: Callable[[float, float], float]
    of_score: Callable[[float, float], float]


def stein(function: Function, x: np.ndarray, p: np.ndarray) -> np.ndarray:
    r"""$\frac1D \sum_i q(\neg x_i) [h(x; x_i = \neg x_i) - h(x)]$: its mean under q is zero."""
    terms = []
    for i in range(len(x)):
        turned = x.copy()
        turned[i] = 1 - x[i]
        rate = p[i] if turned[i] == 1 else 1 - p[i]
        terms.append(rate * (function(turned) - function(x)))
    return np.mean(terms, 0)


def rodeo(draws: Draws, controls: Controls) -> np.ndarray:
    """The estimate."""
    p, x, f, gradient = draws

    def h(network: Callable, k: int, y: np.ndarray) -> float:
        """Made from the other draws."""
        values = [network(gradient[m] @ (y - x[m]), f[m]) for m in draws.others(k)]
        return float(np.mean(values))

    def with_control(m: int) -> np.ndarray:
        return f[m] + controls.alpha * stein(lambda y: h(controls.of_baseline, m, y), x[m], p)

    terms = []
    for k in range(len(x)):
        baseline = np.mean([with_control(m) for m in draws.others(k)])
        score_control = stein(lambda y, k=k: h(controls.of_score, k, y) * (y - p), x[k], p)
        terms.append((f[k] - baseline) * (x[k] - p) + controls.beta * score_control)
    return np.mean(terms, 0)
