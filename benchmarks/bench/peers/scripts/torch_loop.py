"""PyTorch as in a training loop: one loss and one backward pass a replicate, vectorised over its samples."""

from importlib.metadata import version

import torch
from protocol import Call, Cell, serve
from torch_surrogates import surrogate, theta_of


def prepare(cell: Cell, replicates: int) -> Call:
    """Nothing but θ."""
    theta = theta_of(cell)
    groups, leaves = list(theta), list(theta.values())

    def call() -> dict[str, torch.Tensor]:
        found = [torch.autograd.grad(surrogate(cell, theta), leaves) for _ in range(replicates)]
        return {
            group: torch.stack(column)
            for group, column in zip(groups, zip(*found, strict=True), strict=True)
        }

    surrogate(cell, theta)  # says what it does not have
    return call


if __name__ == "__main__":
    serve(prepare, version=version("torch"), batched=False)
