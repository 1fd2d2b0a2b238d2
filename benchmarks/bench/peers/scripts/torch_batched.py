"""PyTorch batched over replicates: θ expanded to (R, D), one backward pass of all their losses."""

from importlib.metadata import version

import torch
from protocol import GradientCall, PeerCell, serve
from torch_surrogates import DEVICE, ended, surrogate, theta_of


def prepare(cell: PeerCell, replicates: int) -> GradientCall:
    """Makes θ, and nothing else: nothing is compiled."""
    theta = theta_of(cell)

    def call() -> dict[str, torch.Tensor]:
        expanded = {group: leaf.expand(replicates, -1) for group, leaf in theta.items()}
        grads = torch.autograd.grad(surrogate(cell, expanded).sum(), list(expanded.values()))
        return ended(dict(zip(expanded, grads, strict=True)))

    surrogate(cell, theta)  # raises where it does not have the estimator
    return call


if __name__ == "__main__":
    serve(prepare, version=version("torch"), batched=True, device=DEVICE)
