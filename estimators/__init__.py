"""How a gradient is estimated. To add an estimator: one class, and one line here."""

from estimators.antithetic import ARM, ARMS, DisARM
from estimators.augment_swap import AugmentSwap
from estimators.base import Cost, Estimator, SurrogateEstimator
from estimators.categorical_disarm import CategoricalDisARM
from estimators.double_control_variate import RODEO, DoubleControlVariate
from estimators.finite_differences import SPSA, GaussianSmoothing
from estimators.finite_support import Enumeration, SumAndSample, UnorderedSet, WithoutReplacement
from estimators.generalized_reparameterization import GeneralizedReparameterization, RejectionReparameterization
from estimators.gumbel_softmax import GumbelRao, GumbelSoftmax, StraightThroughGumbel
from estimators.importance_weighted import ImportanceWeighted
from estimators.lax import LAX
from estimators.measure_valued import MeasureValued
from estimators.particles import OVIS, VIMCO
from estimators.path_derivatives import DReG, StickingTheLanding
from estimators.pathwise import Pathwise
from estimators.rao_blackwell import RaoBlackwell
from estimators.rebar import REBAR, RELAX
from estimators.score_function import ScoreFunction
from estimators.stochastic_triple import StochasticTriple
from estimators.straight_through import StraightThrough
from estimators.straight_through_surrogates import GappedStraightThrough, ReinMax
from estimators.weight_noise import Flipout, LocalReparameterization
from problems.arguments import build

ESTIMATORS: dict[str, type[Estimator]] = {
    "score_function": ScoreFunction,
    "rao_blackwell": RaoBlackwell,
    "importance_weighted": ImportanceWeighted,
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


def estimator(name: str, **arguments: object) -> Estimator:
    """The registered estimator `name`.

    >>> estimator("score_function", baseline="leave_one_out").min_samples
    2

    Raises:
        ValueError: an unknown name or argument (naming the nearest), or a refused value.
    """
    return build("estimator", ESTIMATORS, name, arguments)


__all__ = ["ESTIMATORS", "Cost", "Estimator", "SurrogateEstimator", "estimator"]
