"""The shared types of every estimator."""

from abc import abstractmethod
from typing import Any, ClassVar, NamedTuple

import jax
from jaxtyping import Array, Float

from gradest.estimators.sampling.draws import numbers_per_draw
from gradest.problems.arguments import Configured
from gradest.problems.base import Params, Problem

State = Any
"""What an estimator carries from one estimate to the next: any pytree of arrays, () for most."""


class Evaluations(NamedTuple):
    """How often one estimate evaluates f (at one x, for all data points), and its gradient."""

    f: int
    grad: int


class Estimator(Configured):
    r"""Estimates $\nabla_\theta E_{x \sim q_\theta}[f(\theta, x)]$ from L samples.

    A subclass writes `refuses`, `evaluations` and `estimate`, most by way of a `surrogate`
    (`SurrogateEstimator`), and declares what it claims. Every claim is tested.
    """

    unbiased: ClassVar[bool]
    """Whether the expectation of the estimate is the gradient, on every problem not refused."""

    biased_by: ClassVar[str] = ""
    """What makes the expectation another than the gradient, in a few words, where it claims to be
    on problems whose f is smooth; "" where it never is."""

    differentiates_f: ClassVar[bool] = False
    """Whether the gradient passes through f's dependence on x: right only where f is smooth."""

    independent_terms: ClassVar[bool] = False
    """Whether the estimate is the mean of L independent, equally distributed terms.

    Its variance is then ∝ 1/L.
    """

    purpose: ClassVar[str] = ""
    """What it is for, in a few words: a line of `gradest list`."""

    source: ClassVar[str]
    """The paper (authors, year)."""

    @abstractmethod
    def refuses(self, problem: Problem) -> str | None:
        """None, or the reason why this estimator cannot be used on this problem."""

    @abstractmethod
    def estimate(
        self, problem: Problem, params: Params, state: State, key: Array, num_samples: int
    ) -> tuple[Params, State]:
        """One estimate.

        Args:
            problem: one that is not refused.
            params: θ.
            state: from `init`, or from the estimate before. What this one learns goes into the new
                state alone: it may not depend on its own draws through the state.
            key: of all that is drawn; the same key gives the same estimate.
            num_samples: L, a number that is not refused.

        Returns:
            The estimate, of the structure and shapes of θ, and the state for the next.
        """

    @abstractmethod
    def evaluations(self, problem: Problem, num_samples: int) -> Evaluations:
        """What one estimate costs; a gradient that comes with a value counts once as each."""

    def seen(self, problem: Problem) -> Problem:
        """The problem as one estimate has it: all of it, unless that is on some data points."""
        return problem

    def draws(self, problem: Problem, num_samples: int) -> int:
        """How many random numbers one estimate is made of: here, those of L draws of x.

        A number is one that a sampler of jax.random gives, of whatever distribution: it takes one
        word of random bits. Numbers that are drawn twice from one key are the same and count once;
        those that the estimate does not depend on do not count, nor do those that start or train
        the state, nor what a sampler by rejection (gamma, Poisson, von Mises) draws and drops.
        """
        return num_samples * numbers_per_draw(problem.abstract_distribution())

    def numbers_held(self, problem: Problem, num_samples: int, of_f: int) -> int:
        """How many numbers one estimate holds, within a factor of a few: by them as many estimates
        are made at a time as memory allows.

        Here: what all its evaluations of f write, or its random numbers where those are more.

        Args:
            problem: what is estimated.
            num_samples: L.
            of_f: how many numbers one evaluation of f writes.
        """
        written = of_f * sum(self.evaluations(problem, num_samples))
        return max(written, self.draws(problem, num_samples))

    def init(self, problem: Problem, params: Params, key: Array) -> State:
        """The state before the first estimate; () for an estimator that learns nothing."""
        return ()

    @property
    def min_samples(self) -> int:
        """The least L for which the estimate is defined."""
        return 1

    def refuses_samples(self, num_samples: int) -> str | None:
        """None, or the reason why this estimator cannot take so many samples."""
        if num_samples >= self.min_samples:
            return None
        return (
            f"num_samples = {num_samples}: expected at least {self.min_samples} with this estimator"
        )

    def claims_unbiased(self, problem: Problem) -> bool:
        """Whether the estimate is unbiased on this very problem."""
        return self.unbiased and (problem.smooth or not self.differentiates_f)

    def claims_one_over_samples(self) -> bool:
        """Whether the variance, given the state, is exactly proportional to 1/L."""
        return self.independent_terms

    def variance_terms(self, num_samples: int) -> tuple[float, ...]:
        """The functions of L that the variance, given the state, is exactly a sum of multiples of.

        None where that is not known. The multiples depend on θ, and not on L.
        """
        return (1 / num_samples,) if self.claims_one_over_samples() else ()


class SurrogateEstimator(Estimator):
    """An estimator that is the gradient of a surrogate loss, so that its body is the paper's line.

    In a surrogate, what `stop_gradient` goes round is a constant: `stop_gradient(f) * log_q` has
    the gradient of the score function.
    """

    @abstractmethod
    def surrogate(
        self, problem: Problem, params: Params, state: State, key: Array, num_samples: int
    ) -> tuple[Float[Array, ""], State]:
        """The surrogate loss of one estimate; its arguments are those of `estimate`.

        Returns:
            A scalar whose gradient with respect to `params` is the estimate, summed over data
            points, and the state for the next one.
        """

    def estimate(
        self, problem: Problem, params: Params, state: State, key: Array, num_samples: int
    ) -> tuple[Params, State]:
        grad = jax.grad(self.surrogate, argnums=1, has_aux=True)
        return grad(problem, params, state, key, num_samples)
