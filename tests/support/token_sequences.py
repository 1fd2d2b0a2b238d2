"""A policy over tokens in plain Python: its sequences one by one, and p by a recursion.

Nothing of ours is used. θ is a dict of NumPy arrays, `transition` (V, V) and `prompt` (P, V).
"""

import itertools
from typing import NamedTuple

import numpy as np


class Written(NamedTuple):
    """One sequence of one prompt."""

    tokens: tuple[int, ...]
    """With its end, where it has one."""
    log_probs: np.ndarray
    """Of each token."""
    scores: list[dict[str, np.ndarray]]
    """The derivative of each of these in θ."""
    reward: float

    @property
    def probability(self):
        return float(np.exp(self.log_probs.sum()))


def start(vocabulary=3, prompts=2):
    """θ at initialisation, as the issue states it."""
    i, j = np.arange(vocabulary)[:, None], np.arange(vocabulary)
    m = np.arange(prompts)[:, None]
    return {"transition": 0.6 * np.cos(1 + 2 * i + 3 * j), "prompt": 0.5 * np.sin(1 + m + 2 * j)}


def shifted(theta, size):
    """θ and a multiple of d."""
    vocabulary, prompts = theta["transition"].shape[0], len(theta["prompt"])
    i, j = np.arange(vocabulary)[:, None], np.arange(vocabulary)
    m = np.arange(prompts)[:, None]
    d = {"transition": np.sin(1 + 2 * i + 3 * j), "prompt": np.cos(1 + m + 2 * j)}
    return {group: theta[group] + size * d[group] for group in theta}


def softmax_of(theta, before, m):
    """The law of the next token."""
    weights = np.exp(theta["transition"][before] + theta["prompt"][m])
    return weights / weights.sum()


def written(theta, m, horizon=3):
    """All sequences for prompt m."""
    return [sequence(theta, tokens, m) for tokens in all_tokens(len(theta["transition"]), horizon)]


def all_tokens(vocabulary, horizon):
    """Those that end, by their length, and those that do not."""
    going = range(vocabulary - 1)
    ended = [
        (*tokens, vocabulary - 1)
        for length in range(horizon)
        for tokens in itertools.product(going, repeat=length)
    ]
    return [*ended, *itertools.product(going, repeat=horizon)]


def sequence(theta, tokens, m):
    """One of them."""
    vocabulary = len(theta["transition"])
    log_probs, scores = [], []
    for before, token in zip((vocabulary - 1, *tokens), tokens, strict=False):
        p = softmax_of(theta, before, m)
        change = np.eye(vocabulary)[token] - p
        score = {group: np.zeros_like(theta[group]) for group in theta}
        score["transition"][before] = change
        score["prompt"][m] = change
        log_probs.append(np.log(p[token]))
        scores.append(score)
    earned = tokens.count(1) == m + 1 and tokens[-1] == vocabulary - 1
    return Written(tokens, np.array(log_probs), scores, float(earned))


def success_by_recursion(theta, m, horizon):
    """The probability of exactly m + 1 ones and an end, token by token."""
    vocabulary = len(theta["transition"])
    end, won = vocabulary - 1, 0.0
    at = {(end, 0): 1.0}  # of the token before, and how many ones there were
    for _ in range(horizon):
        after = {}
        for (before, ones), mass in at.items():
            for token, share in enumerate(softmax_of(theta, before, m)):
                if token == end:
                    won += mass * share * (ones == m + 1)
                else:
                    place = (token, ones + (token == 1))
                    after[place] = after.get(place, 0.0) + mass * share
        at = after
    return won


def divergence(theta, other, m, horizon):
    """KL(π‖π_ref) of the sequences for prompt m."""
    ours, theirs = written(theta, m, horizon), written(other, m, horizon)
    total = 0.0
    for a, b in zip(ours, theirs, strict=True):
        total += a.probability * (a.log_probs - b.log_probs).sum()
    return total
