"""The peer's end of the conversation: a line of JSON asked on stdin, a line of JSON answered on
stdout.

A peer is a script beside this file, run by the Python of its own environment. It says how it
prepares a cell, and `serve` does the rest. Nothing here may be imported but the standard library
and NumPy. The other end is benchmarks/bench/peers/process.py.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np


class PeerCell(NamedTuple):
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


GradientCall = Callable[[], dict[str, Any]]
"""Makes so many new gradients and waits for them: for each group of θ an array, (replicates, D)."""


def serve(
    prepare: Callable[[PeerCell, int], GradientCall],
    *,
    version: str,
    batched: bool,
    device: str = "cpu",
) -> None:
    """Answers until nothing more is asked.

    Args:
        prepare: makes the call for a cell and a number of replicates.
        version: of the peer.
        batched: whether a call's replicates run at once; where not, they are asked for one at a
            time.
        device: the kind of device that it runs on.
    """
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a library prints is no answer
    call: GradientCall = dict
    for line in sys.stdin:
        question = json.loads(line)
        answer: dict[str, Any] = {}
        try:
            match question.pop("ask"):
                case "hello":
                    answer = {"version": version, "batched": batched, "device": device}
                case "prepare":
                    call = prepare(PeerCell(**question["cell"]), question["replicates"])
                case "run":
                    answer = {"seconds": seconds_of(call, question["calls"])}
                case "gradients":
                    save_gradients(call, **question)
        except DoesNotHave as lacking:
            answer = {"does_not_have": str(lacking)}
        except Exception as error:
            answer = {"failed": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=answers, flush=True)


def seconds_of(call: GradientCall, calls: int) -> float:
    """The seconds that so many calls take."""
    begun = time.perf_counter()
    for _ in range(calls):
        call()
    return time.perf_counter() - begun


def save_gradients(call: GradientCall, calls: int, most: int, file: str) -> None:
    """Writes the first gradients of so many calls, an array for each group of θ."""
    made = [call() for _ in range(calls)]
    arrays: dict[str, Any] = {
        group: np.concatenate([on_host(gradients[group][:most]) for gradients in made])[:most]
        for group in made[0]
    }
    np.savez(file, **arrays)


def on_host(array: Any) -> np.ndarray:
    """An array of any library's: PyTorch's are not copied from a GPU by themselves."""
    return np.asarray(array.cpu() if hasattr(array, "cpu") else array)
