"""The estimators as one writes them in PyTorch: surrogate losses whose gradient is the estimate.

θ has the shape (D,) for one replicate, or (R, D) for as many as have a θ of their own; so has the
loss, less D.
"""

import torch
from protocol import DoesNotHave, PeerCell
from torch.distributions import Bernoulli, Distribution, Normal, RelaxedBernoulli

Theta = dict[str, torch.Tensor]

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
"""What everything runs on: a GPU where there is one."""


def theta_of(cell: PeerCell) -> Theta:
    """θ as tensors, to be differentiated by."""
    return {
        group: torch.tensor(values, device=DEVICE, requires_grad=True)
        for group, values in cell.params.items()
    }


def ended(grads: Theta) -> Theta:
    """The gradients, when they are there: a GPU returns before they are."""
    if DEVICE == "cuda":
        torch.cuda.synchronize()
    return grads


def distribution(cell: PeerCell, theta: Theta) -> Distribution:
    """The distribution of x, or its relaxation."""
    if cell.problem == "gaussian_square":
        return Normal(theta["mean"], theta["scale"], validate_args=False)
    if cell.estimator == "gumbel_softmax":
        temperature = torch.tensor(cell.constants["temperature"], device=DEVICE)
        return RelaxedBernoulli(temperature, logits=theta["logits"], validate_args=False)
    return Bernoulli(logits=theta["logits"], validate_args=False)


def surrogate(cell: PeerCell, theta: Theta) -> torch.Tensor:
    """The loss of one estimate from L samples."""
    q = distribution(cell, theta)
    target = cell.constants["k" if cell.problem == "gaussian_square" else "t"]
    if cell.estimator in ("pathwise", "gumbel_softmax") and q.has_rsample:
        return ((q.rsample((cell.num_samples,)) - target) ** 2).sum(-1).mean(0)
    if cell.estimator not in ("score_function", "score_function[leave_one_out]"):
        raise DoesNotHave(f"{cell.estimator} on {cell.problem}")
    x = q.sample((cell.num_samples,))
    f = ((x - target) ** 2).sum(-1)
    if cell.estimator == "score_function[leave_one_out]":
        f = f - (f.sum(0) - f) / (cell.num_samples - 1)
    return (f * q.log_prob(x).sum(-1)).mean(0)
