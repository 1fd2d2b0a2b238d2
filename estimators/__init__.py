"""How a gradient is estimated. To add an estimator: one class, and one line here."""

from estimators.base import Cost, Estimator, SurrogateEstimator
from estimators.finite_differences import SPSA, GaussianSmoothing
from estimators.generalized_reparameterization import GeneralizedReparameterization, RejectionReparameterization
from estimators.gumbel_softmax import GumbelSoftmax, StraightThroughGumbel
from estimators.importance_weighted import ImportanceWeighted
from estimators.lax import Lax
from estimators.measure_valued import MeasureValued
from estimators.pathwise import Pathwise
from estimators.rao_blackwell import RaoBlackwell
from estimators.score_function import ScoreFunction
from estimators.straight_through import StraightThrough
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
