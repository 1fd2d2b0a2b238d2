"""The score-function gradient, also known as REINFORCE or the likelihood-ratio method."""

from typing import Any, ClassVar

import jax
from jax.lax import stop_gradient
from jaxtyping import Array, Float

from gradest.estimators.base import Evaluations, State, SurrogateEstimator
from gradest.estimators.learning import Trainable
from gradest.estimators.sampling.couplings import Coupling
from gradest.estimators.sampling.draws import numbers_per_draw, sample
from gradest.estimators.score_function.baselines import (
    BASELINES,
    Baseline,
    Drawn,
    LeaveOneOut,
    TrainedBaseline,
)
from gradest.estimators.score_function.control_variates import CONTROL_VARIATES, ControlVariate
from gradest.estimators.score_function.listed_couplings import SCORED_COUPLINGS
from gradest.problems.arguments import choice
from gradest.problems.base import Params, Problem


class ScoreFunction(SurrogateEstimator, Trainable):
    r"""f, less what is known of it, on the score of each draw.

    $\frac1L \sum_l [f(\theta, x_l) - h(x_l) - b_l] \nabla_\theta \log q_\theta(x_l)
    + \partial_\theta f + \nabla_\theta E_{q_\theta}[h]$

    b is the baseline and h the control variate. Unbiased for any f, discontinuous or not, and any q
    with a density or mass function: b_l never depends on the x_l that it multiplies, and the
    expectation of h is known. Cost: L evaluations of f and what h costs, L more with the baseline
    sample; where f depends on θ, L of its gradient.

    Under other names: VarGrad (Richter et al., 2020) is the baseline leave_one_out; the first
    derivative of DiCE (Foerster et al., 2018) is this estimate; NVIL (Mnih and Gregor, 2014) is the
    baseline input_dependent, MuProp (Gu et al., 2016) the control variate first_order; evolution
    strategies with antithetic pairs (Salimans et al., 2017) are the coupling antithetic where q is
    a Gaussian about θ.
    """

    baseline: Baseline = choice(BASELINES, "none", "what is subtracted from f", static=False)
    control_variate: ControlVariate = choice(
        CONTROL_VARIATES, "none", "h, of known expectation", static=False
    )
    coupling: Coupling = choice(
        SCORED_COUPLINGS, "independent", "how the draws hang together", static=False
    )

    purpose: ClassVar[str] = "REINFORCE: any f, any q, any baseline"
    unbiased: ClassVar[bool] = True
    source: ClassVar[str] = "Glynn, 1990; Williams, 1992"

    def surrogate(
        self, problem: Problem, params: Params, state: State, key: Array, num_samples: int
    ) -> tuple[Float[Array, ""], State]:
        drawn, f, expected_h = self.draw_and_evaluate(problem, params, key, num_samples)
        b = self.baseline.value(drawn, state)
        advantage = stop_gradient(drawn.signal - b)
        score_term = advantage * drawn.log_q
        surrogate = (score_term + f).mean(0).sum() + expected_h
        return surrogate, self.baseline.update(drawn, state)

    def draw_and_evaluate(
        self, problem: Problem, params: Params, key: Array, num_samples: int
    ) -> tuple[Drawn, Float[Array, "L *batch"], Float[Array, ""] | float]:
        """L draws with f − h at them, constant in θ; f at them and E[h], as functions of θ."""
        q = problem.distribution(params)
        x, log_q = self.coupling.sample_and_log_prob(q, key, num_samples)
        f = problem.objectives(params, x)
        h, expected_h = self.control_variate(problem, params, q, x)
        drawn = Drawn(problem, params, q, x, log_q, stop_gradient(f - h))
        if self.baseline.draws_afresh:
            afresh = sample(q, jax.random.fold_in(key, 1), num_samples)
            f_there = problem.objectives(stop_gradient(params), afresh)
            h_there, _ = self.control_variate(problem, params, q, afresh)
            drawn = drawn._replace(afresh=stop_gradient(f_there - h_there))
        return drawn, f, expected_h

    def trained(self, state: State) -> Any:
        if isinstance(self.baseline, TrainedBaseline):
            return self.baseline.trained(state)
        return None

    def training_objective(
        self,
        learned: Any,
        problem: Problem,
        params: Params,
        state: State,
        key: Array,
        num_samples: int,
    ) -> tuple[Float[Array, ""], Any]:
        assert isinstance(self.baseline, TrainedBaseline)
        drawn, *_ = self.draw_and_evaluate(problem, params, key, num_samples)
        return self.baseline.training_objective(learned, drawn, state), None

    def init(self, problem: Problem, params: Params, key: Array) -> State:
        return self.baseline.init(problem, key)

    @property
    def min_samples(self) -> int:
        return self.baseline.min_samples

    def claims_one_over_samples(self) -> bool:
        return self.coupling.independent and not self.baseline.joins_samples

    def variance_terms(self, num_samples: int) -> tuple[float, ...]:
        # a mean over the pairs of draws, each with f_l − f_m (Hoeffding, 1948)
        if isinstance(self.baseline, LeaveOneOut) and num_samples > 1:
            return 1 / num_samples, 1 / (num_samples * (num_samples - 1))
        return super().variance_terms(num_samples)

    def refuses_samples(self, num_samples: int) -> str | None:
        return super().refuses_samples(num_samples) or self.coupling.refuses_samples(num_samples)

    def refuses(self, problem: Problem) -> str | None:
        if self.baseline.joins_samples and not self.coupling.independent:
            return "a baseline made from the other samples needs independent draws"
        q = problem.abstract_distribution()
        return (
            self.baseline.refuses(problem)
            or self.control_variate.refuses(problem)
            or self.coupling.refuses(q)
        )

    def draws(self, problem: Problem, num_samples: int) -> int:
        q = problem.abstract_distribution()
        further = self.further_draws(num_samples) * numbers_per_draw(q)
        return self.coupling.draws(q, num_samples) + further

    def further_draws(self, num_samples: int) -> int:
        """How many x are drawn for the baseline alone."""
        return num_samples if self.baseline.draws_afresh else 0

    def evaluations(self, problem: Problem, num_samples: int) -> Evaluations:
        of_h = self.control_variate.evaluations(problem)
        direct = problem.direct_gradients(num_samples)
        of_f = num_samples + self.further_draws(num_samples)
        return Evaluations(f=of_f + of_h.f, grad=direct + of_h.grad)
