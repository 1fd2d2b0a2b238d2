"""The peer's end of the conversation: a line of JSON asked on stdin, a line of JSON answered on
stdout.

A peer is a script beside this file, run by the Python of its own environment. It says how it
prepares a cell, and `serve` does the rest. Nothing here may be imported but the standard library
and NumPy. The other end is benchmarks/peer.py.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np


class Cell(NamedTuple):
    """What is to be estimated, and how."""

    problem: str
    estimator: str
    """As in the table of results: "pathwise", "score_function[leave_one_out]"."""
    num_samples: int
    """L."""
    params: dict[str, list[float]]
    """θ."""
    constants: dict[str, float]
    """The numbers in f and in the estimator, by name."""


class DoesNotHave(Exception):
    """The peer has no such estimator; the message is the estimator, in words."""


Call = Callable[[], dict[str, Any]]
"""Makes so many new gradients, waits for them, and gives an array of them, (replicates, D), for each group of θ."""


def serve(prepare: Callable[[Cell, int], Call], *, version: str, batched: bool) -> None:
    """Answers until nothing more is asked.

    Args:
        prepare: makes the call for a cell and a number of replicates.
        version: of the peer.
        batched: whether a call's replicates run at once; where not, they are asked for one at a
            time.
    """
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a library prints is no answer
    call: Call = dict
    for line in sys.stdin:
        question = json.loads(line)
        answer: dict[str, Any] = {}
        try:
            match question.pop("ask"):
                case "hello":
                    answer = {"version": version, "batched": batched}
                case "prepare":
                    call = prepare(Cell(**question["cell"]), question["replicates"])
                case "run":
                    begun = time.perf_counter()
                    for _ in range(question["calls"]):
                        call()
                    answer = {"seconds": time.perf_counter() - begun}
                case "gradients":
                    found = [call() for _ in range(question["calls"])]
                    arrays: dict[str, Any] = {
                        group: np.concatenate([np.asarray(one[group]) for one in found])
                        for group in found[0]
                    }
                    np.savez(question["file"], **arrays)
        except DoesNotHave as lacking:
            answer = {"does_not_have": str(lacking)}
        except Exception as error:
            answer = {"failed": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=answers, flush=True)
