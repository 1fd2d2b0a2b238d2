"""How a gradient is estimated. To add an estimator: one class, and one line here."""

from collections.abc import Mapping
from typing import Any

from gradest.estimators.aliases import ALIASES
from gradest.estimators.base import Estimator, Evaluations, SurrogateEstimator
from gradest.estimators.differences.finite_differences import SPSA, GaussianSmoothing
from gradest.estimators.differences.measure_valued import MeasureValued
from gradest.estimators.differences.stochastic_triple import StochasticTriple
from gradest.estimators.discrete.antithetic import ARM, ARMS, DisARM
from gradest.estimators.discrete.augment_swap import AugmentSwap
from gradest.estimators.discrete.categorical_disarm import CategoricalDisARM
from gradest.estimators.discrete.double_control_variate import RODEO, DoubleControlVariate
from gradest.estimators.discrete.finite_support import (
    Enumeration,
    SumAndSample,
    UnorderedSet,
    WithoutReplacement,
)
from gradest.estimators.discrete.gumbel_softmax import (
    GumbelRao,
    GumbelSoftmax,
    StraightThroughGumbel,
)
from gradest.estimators.discrete.rebar import REBAR, RELAX
from gradest.estimators.discrete.straight_through import StraightThrough
from gradest.estimators.discrete.straight_through_surrogates import GappedStraightThrough, ReinMax
from gradest.estimators.pathwise.generalized_reparameterization import (
    GeneralizedReparameterization,
    RejectionReparameterization,
)
from gradest.estimators.pathwise.path_derivatives import DReG, StickingTheLanding
from gradest.estimators.pathwise.pathwise import Pathwise
from gradest.estimators.pathwise.weight_noise import Flipout, LocalReparameterization
from gradest.estimators.policy.kl_gradient import KLGradient
from gradest.estimators.policy.policy_gradient import PolicyGradient
from gradest.estimators.score_function.importance_weighted import ImportanceWeighted
from gradest.estimators.score_function.lax import LAX
from gradest.estimators.score_function.particles import OVIS, VIMCO
from gradest.estimators.score_function.rao_blackwell import RaoBlackwell
from gradest.estimators.score_function.score_function import ScoreFunction
from gradest.problems.registry.lookup import KINDS, build, spelled
from gradest.problems.registry.naming import resolve

ESTIMATORS: dict[str, type[Estimator]] = {
    "score_function": ScoreFunction,
    "rao_blackwell": RaoBlackwell,
    "importance_weighted": ImportanceWeighted,
    "policy_gradient": PolicyGradient,
    "kl_gradient": KLGradient,
    "pathwise": Pathwise,
    "generalized_reparameterization": GeneralizedReparameterization,
    "rejection_reparameterization": RejectionReparameterization,
    "lax": LAX,
    "sticking_the_landing": StickingTheLanding,
    "dreg": DReG,
    "local_reparameterization": LocalReparameterization,
    "flipout": Flipout,
    "measure_valued": MeasureValued,
    "gaussian_smoothing": GaussianSmoothing,
    "spsa": SPSA,
    "vimco": VIMCO,
    "ovis": OVIS,
    "rebar": REBAR,
    "relax": RELAX,
    "arm": ARM,
    "disarm": DisARM,
    "arms": ARMS,
    "disarm_categorical": CategoricalDisARM,
    "arsm": AugmentSwap,
    "double_control_variate": DoubleControlVariate,
    "rodeo": RODEO,
    "stochastic_triple": StochasticTriple,
    "enumeration": Enumeration,
    "sum_and_sample": SumAndSample,
    "without_replacement": WithoutReplacement,
    "unordered_set": UnorderedSet,
    "gumbel_softmax": GumbelSoftmax,
    "straight_through_gumbel": StraightThroughGumbel,
    "gumbel_rao": GumbelRao,
    "gapped_straight_through": GappedStraightThrough,
    "straight_through": StraightThrough,
    "reinmax": ReinMax,
}
KINDS["estimator"] = {**ESTIMATORS, **ALIASES}


def estimator(name: str, **arguments: object) -> Estimator:
    """The estimator that `name` stands for.

    Args:
        name: registered or another name of it ("rloo"), `name[argument=value,…]`, or
            `module:Class`, a user's own.
        arguments: of the estimator.

    Raises:
        ValueError: an unknown name or argument (naming the nearest), or a refused value.

    >>> estimator("score_function", baseline="leave_one_out").min_samples
    2
    >>> estimator("rloo").min_samples
    2
    """
    registered, filled = named_estimator(name, arguments)
    return build("estimator", ESTIMATORS, registered, filled)


def is_estimator(name: str) -> bool:
    """Whether a name, in any spelling, is an estimator's: registered, or another name of it."""
    return spelled(name) in ESTIMATORS or spelled(name) in ALIASES


def named_estimator(
    text: str, arguments: Mapping[str, Any] | None = None
) -> tuple[str, dict[str, Any]]:
    """The registered name that a text stands for, and all arguments with it.

    Args:
        text: a name, another name or `module:Class`, each with arguments in brackets or without.
        arguments: those given apart from the text.

    Raises:
        ValueError: no such name (naming the nearest), or arguments that contradict one another.

    >>> named_estimator("ARS")
    ('arsm', {'merge': False})
    """
    return resolve("estimator", ESTIMATORS, text, arguments, ALIASES)


__all__ = [
    "ESTIMATORS",
    "Estimator",
    "Evaluations",
    "SurrogateEstimator",
    "estimator",
    "is_estimator",
    "named_estimator",
]
