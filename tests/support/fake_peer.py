"""A peer for the project's own Python: pathwise gradients of the quadratic, or what the last
argument asks for instead.

"spread 1.2" gives gradients 1.2 times as far from their mean and "shift 0.2" adds to them; "dies 4"
ends the process at L = 4; "rubbish", "silent", "raises", "infinite", "transposed" and "one at a
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
    print("a library greets its user")
    shape = (replicates, cell.num_samples, len(cell.params["mean"]))

    def call() -> dict[str, np.ndarray]:
        if what == "dies" and cell.num_samples == int(amount):
            print("no more", file=sys.stderr)
            os._exit(3)
        if what == "silent":
            time.sleep(60)
        noise = random.normal(size=shape)
        slope = 2 * (
            np.array(cell.params["mean"])
            + np.array(cell.params["scale"]) * noise
            - cell.constants["k"]
        )
        found = {"mean": slope.mean(1), "scale": (slope * noise).mean(1)}
        if what == "spread":
            found = {
                group: g.mean(0) + float(amount) * (g - g.mean(0)) for group, g in found.items()
            }
        if what == "shift":
            found = {group: g + float(amount) for group, g in found.items()}
        if what == "infinite":
            found["scale"][-1] = np.inf
        return {group: g.T for group, g in found.items()} if what == "transposed" else found

    return call


if __name__ == "__main__":
    if what == "rubbish":
        sys.stdin.readline()
        print("hello yourself", flush=True)
        sys.stdin.readline()
    serve(prepare, version="0.fake", batched=what != "one")
