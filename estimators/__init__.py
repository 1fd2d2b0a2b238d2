"""How a gradient is estimated. To add an estimator: one class, and one line here."""

from estimators.antithetic import Arm, Arms, Disarm
from estimators.base import Cost, Estimator, SurrogateEstimator
from estimators.double_control_variate import DoubleControlVariate, Rodeo
from estimators.finite_differences import SPSA, GaussianSmoothing
from estimators.generalized_reparameterization import GeneralizedReparameterization, RejectionReparameterization
from estimators.gumbel_softmax import GumbelSoftmax, StraightThroughGumbel
from estimators.importance_weighted import ImportanceWeighted
from estimators.lax import Lax
from estimators.measure_valued import MeasureValued
from estimators.particles import OVIS, VIMCO
from estimators.path_derivatives import DReG, StickingTheLanding
from estimators.pathwise import Pathwise
from estimators.rao_blackwell import RaoBlackwell
from estimators.rebar import Rebar, Relax
from estimators.score_function import ScoreFunction
from estimators.stochastic_triple import StochasticTriple
from estimators.straight_through import StraightThrough
from estimators.weight_noise import Flipout, LocalReparameterization
from problems.arguments import build

ESTIMATORS: dict[str, type[Estimator]] = {
    "score_function": ScoreFunction,
    "rao_blackwell": RaoBlackwell,
    "importance_weighted": ImportanceWeighted,
    "pathwise": Pathwise,
    "generalized_reparameterization": GeneralizedReparameterization,
    "rejection_reparameterization": RejectionReparameterization,
    "lax": Lax,
    "measure_valued": MeasureValued,
    "gaussian_smoothing": GaussianSmoothing,
    "spsa": SPSA,
    "gumbel_softmax": GumbelSoftmax,
    "straight_through_gumbel": StraightThroughGumbel,
    "straight_through": StraightThrough,
    "sticking_the_landing": StickingTheLanding,
    "dreg": DReG,
    "vimco": VIMCO,
    "ovis": OVIS,
    "local_reparameterization": LocalReparameterization,
    "flipout": Flipout,
    "rebar": Rebar,
    "relax": Relax,
    "arm": Arm,
    "disarm": Disarm,
    "arms": Arms,
    "double_control_variate": DoubleControlVariate,
    "rodeo": Rodeo,
    "stochastic_triple": StochasticTriple,
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
