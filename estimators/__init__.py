"""How a gradient is estimated. To add an estimator: one class, and one line here."""

from estimators.antithetic import Arm, Arms, Disarm
from estimators.base import Cost, Estimator, SurrogateEstimator
from estimators.double_control_variate import DoubleControlVariate, Rodeo
from estimators.gumbel_softmax import GumbelSoftmax, StraightThroughGumbel
from estimators.measure_valued import MeasureValued
from estimators.particles import OVIS, VIMCO
from estimators.path_derivatives import DReG, StickingTheLanding
from estimators.pathwise import Pathwise
from estimators.rebar import Rebar, Relax
from estimators.score_function import ScoreFunction
from estimators.stochastic_triple import StochasticTriple
from estimators.straight_through import StraightThrough
from estimators.weight_noise import Flipout, LocalReparameterization
from problems.arguments import build

ESTIMATORS: dict[str, type[Estimator]] = {
    "score_function": ScoreFunction,
    "pathwise": Pathwise,
    "measure_valued": MeasureValued,
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
