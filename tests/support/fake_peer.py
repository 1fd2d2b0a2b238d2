"""A peer for the project's own Python: pathwise gradients of the quadratic.

The last argument asks for something else. "spread 1.2" gives gradients 1.2 times as far from their
mean, and "shift 0.2" adds to them; "dies 4" ends the process at L = 4; "memory 99" has
none for more replicates; "rubbish", "silent", "raises", "infinite", "transposed" and "one at a
time" do what they say.
"""

import os
import sys
import time

import numpy as np
from protocol import DoesNotHave, GradientCall, PeerCell, serve

what, _, amount = sys.argv[1].partition(" ")
random = np.random.default_rng(0)


def prepare(cell: PeerCell, replicates: int) -> GradientCall:
    if cell.estimator != "pathwise":
        raise DoesNotHave(f"{cell.estimator} on {cell.problem}")
    if what == "raises":
        raise RuntimeError("out of luck\non purpose")
    if what == "memory" and replicates > int(amount):
        raise MemoryError(f"{replicates} replicates")
    print("a library greets its user")

    def call() -> dict[str, np.ndarray]:
        if what == "dies" and cell.num_samples == int(amount):
            print("no more", file=sys.stderr)
            os._exit(3)
        if what == "silent":
            time.sleep(60)
        return {group: changed(g, group) for group, g in gradients(cell, replicates).items()}

    return call


def gradients(cell: PeerCell, replicates: int) -> dict[str, np.ndarray]:
    """Of (x − k)², R rows."""
    mean = np.array(cell.params["mean"])
    noise = random.normal(size=(replicates, cell.num_samples, len(mean)))
    x = mean + np.array(cell.params["scale"]) * noise
    slope = 2 * (x - cell.constants["k"])
    return {"mean": slope.mean(1), "scale": (slope * noise).mean(1)}


def changed(g: np.ndarray, group: str) -> np.ndarray:
    """As it was asked for."""
    if what == "spread":
        return g.mean(0) + float(amount) * (g - g.mean(0))
    if what == "shift":
        return g + float(amount)
    if what == "transposed":
        return g.T
    if what == "infinite" and group == "scale":
        g[-1] = np.inf
    return g


if __name__ == "__main__":
    if what == "rubbish":
        sys.stdin.readline()
        print("hello yourself", flush=True)
        sys.stdin.readline()
    serve(prepare, version="0.fake", batched=what != "one")
