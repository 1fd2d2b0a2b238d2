"""The random walk in NumPy, by its rule alone: all ways that it can go, and its triples."""

import itertools
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np


def up(position: int, decay: float) -> float:
    """The probability of a step up."""
    return float(np.exp(-position / decay))


def slope_of_up(position: int, decay: float) -> float:
    """Its derivative by p."""
    return up(position, decay) * position / decay**2


class Way(NamedTuple):
    """One way from 0."""

    probability: float
    last: int
    score: float
    """The derivative of the logarithm of its probability by p."""


def ways(steps: int, decay: float) -> list[Way]:
    """All sequences of steps that may be gone."""
    found = []
    for moves in itertools.product((1, -1), repeat=steps):
        position, probability, score = 0, 1.0, 0.0
        for move in moves:
            rise, slope = up(position, decay), slope_of_up(position, decay)
            chance = rise if move == 1 else 1 - rise
            probability *= chance
            score += (slope if move == 1 else -slope) / chance if chance else 0.0
            position += move
        if probability:
            found.append(Way(probability, position, score))
    return found


def gradient_by_matrix(steps: int, decay: float) -> float:
    """Of E[X²] by p, from the matrix of moves, by a complex step."""
    h = 1e-20
    positions = np.arange(steps + 1)
    rise = np.exp(-positions / (decay + 1j * h))
    moves = np.diag(rise[:-1], -1) + np.diag(1 - rise[1:], 1)
    last = np.eye(steps + 1)[0]
    for _ in range(steps):
        last = moves @ last
    return float((positions**2 @ last).imag / h)


class Alternative(NamedTuple):
    """Where a walk with one jump is, and the weight of its jump, with the sign of the change."""

    position: int
    weight: float


def jump(before: int, move: int, decay: float, side: str) -> list[Alternative]:
    """The jump of one step: from below, 1/(1 − r) of what r gains; from above, 1/r of it."""
    rise, slope = up(before, decay), slope_of_up(before, decay)
    if slope == 0:
        return []
    share = 0.5 if side == "both" else 1.0
    if move == -1 and side != "left":
        return [Alternative(before + 1, share * slope / (1 - rise))]
    if move == 1 and side != "right":
        return [Alternative(before - 1, -share * slope / rise)]
    return []


Choice = tuple[float, list[Alternative]]
"""The alternatives that are gone on with, and how likely they are."""


def kept(old: list[Alternative], new: list[Alternative]) -> Iterator[Choice]:
    """One of two, by their weights, with the weight of both."""
    total = sum(abs(each.weight) for each in old + new)
    for each in old + new:
        weight = abs(each.weight)
        yield weight / total, [Alternative(each.position, np.copysign(total, each.weight))]
    if not old + new:
        yield 1.0, []


def outcomes(steps: int, decay: float, side: str, pruned: bool) -> np.ndarray:
    """All that the triples' estimate may be, in rows of a probability and the estimate.

    Every step is by one uniform number for the walk and its alternatives: what they do is the same
    between any two of their probabilities of a step up.
    """
    found = []

    def go(left: int, position: int, others: list[Alternative], probability: float) -> None:
        if left == 0:
            estimate = sum(o.weight * (o.position**2 - position**2) for o in others)
            found.append((probability, estimate))
            return
        if pruned:
            others = [other for other in others if other.position != position]
        rises = {up(each, decay) for each in (position, *(o.position for o in others))}
        edges = sorted({0.0, 1.0, *rises})
        for low, high in itertools.pairwise(edges):
            middle = (low + high) / 2

            def moved(start: int, middle: float = middle) -> int:
                return 1 if middle < up(start, decay) else -1

            move = moved(position)
            old = [Alternative(o.position + moved(o.position), o.weight) for o in others]
            new = jump(position, move, decay, side)
            choices = kept(old, new) if pruned else [(1.0, old + new)]
            for chance, chosen in choices:
                go(left - 1, position + move, chosen, probability * (high - low) * chance)

    go(steps, 0, [], 1.0)
    return np.array(found)
