"""PyTorch batched over replicates: θ expanded to (R, D), one backward pass of the sum of all replicates' losses."""

from importlib.metadata import version

import torch
from protocol import Call, Cell, serve
from torch_surrogates import surrogate, theta_of


def prepare(cell: Cell, replicates: int) -> Call:
    """Nothing but θ."""
    theta = theta_of(cell)

    def call() -> dict[str, torch.Tensor]:
        expanded = {group: leaf.expand(replicates, -1) for group, leaf in theta.items()}
        found = torch.autograd.grad(surrogate(cell, expanded).sum(), list(expanded.values()))
        return dict(zip(expanded, found, strict=True))

    surrogate(cell, theta)  # says what it does not have
    return call


if __name__ == "__main__":
    serve(prepare, version=version("torch"), batched=True)
