"""Storchastic: its methods, batched over replicates by declaring them independent, as its users do
with data points.

A cost is averaged over independent replicates, so the gradient of one of them is divided by how
many there are. It has no measure-valued gradient.
"""

from importlib.metadata import version

import storch
import torch
from protocol import DoesNotHave, GradientCall, PeerCell, serve
from storch.method import GumbelSoftmax, Method, Reparameterization, ScoreFunction
from torch.distributions import Bernoulli, Distribution, Normal
from torch_surrogates import DEVICE, ended


def method_of(cell: PeerCell) -> Method:
    """The method of Storchastic's that is the cell's estimator."""
    match cell.problem, cell.estimator:
        case _, "score_function":
            return ScoreFunction("x", n_samples=cell.num_samples)
        case _, "score_function[leave_one_out]":
            return ScoreFunction("x", n_samples=cell.num_samples, baseline_factory="batch_average")
        case "gaussian_square", "pathwise":
            return Reparameterization("x", n_samples=cell.num_samples)
        case "bernoulli_square", "gumbel_softmax":
            temperature = cell.constants["temperature"]
            return GumbelSoftmax(
                "x", n_samples=cell.num_samples, initial_temperature=temperature, annealing_rate=0.0
            )
    raise DoesNotHave(f"{cell.estimator} on {cell.problem}")


def prepare(cell: PeerCell, replicates: int) -> GradientCall:
    """Makes the method and θ."""
    method = method_of(cell)
    target = cell.constants["k" if cell.problem == "gaussian_square" else "t"]
    theta = {group: torch.tensor(values, device=DEVICE) for group, values in cell.params.items()}

    def distribution(theta: dict[str, torch.Tensor]) -> Distribution:
        independent = {
            group: storch.denote_independent(values, 0, "replicates")
            for group, values in theta.items()
        }
        if cell.problem == "gaussian_square":
            return Normal(independent["mean"], independent["scale"], validate_args=False)
        return Bernoulli(logits=independent["logits"], validate_args=False)

    def call() -> dict[str, torch.Tensor]:
        expanded = {
            group: values.expand(replicates, -1).clone().requires_grad_()
            for group, values in theta.items()
        }
        x = method(distribution(expanded))
        storch.add_cost(((x - target) ** 2).sum(-1), "f")
        storch.backward()
        return ended({group: replicates * values.grad for group, values in expanded.items()})

    return call


if __name__ == "__main__":
    serve(prepare, version=version("storchastic"), batched=True, device=DEVICE)
