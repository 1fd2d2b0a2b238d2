"""PyTorch as in a training loop: one backward pass a replicate, vectorised over its samples."""

from importlib.metadata import version

import torch
from protocol import GradientCall, PeerCell, serve
from torch_surrogates import DEVICE, ended, surrogate, theta_of


def prepare(cell: PeerCell, replicates: int) -> GradientCall:
    """Makes θ, and nothing else: nothing is compiled."""
    theta = theta_of(cell)
    groups = list(theta)
    leaves = list(theta.values())

    def call() -> dict[str, torch.Tensor]:
        grads = [torch.autograd.grad(surrogate(cell, theta), leaves) for _ in range(replicates)]
        by_group = zip(*grads, strict=True)
        made = zip(groups, by_group, strict=True)
        return ended({group: torch.stack(rows) for group, rows in made})

    surrogate(cell, theta)  # raises where it does not have the estimator
    return call


if __name__ == "__main__":
    serve(prepare, version=version("torch"), batched=False, device=DEVICE)
