"""The tests for bias: how often they see one that is not there, and how often one that is."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float
from scipy.special import ndtr, ndtri
from scipy.stats import false_discovery_control

from gradest.benchmarks.bench.calibration.laws import LAWS, Law, generator
from gradest.benchmarks.bench.calibration.rates import ALPHA, Rate, proportion
from gradest.benchmarks.bench.calibration.summaries import RESOLUTION
from gradest.benchmarks.measurement.batching import number_of_batches
from gradest.benchmarks.statistics.bias import (
    Bias,
    Deviation,
    Truth,
    biases,
    deviation,
    exactly,
    holm,
)
from gradest.benchmarks.statistics.moments import Moments, summarise

DISCOVERY_CELLS = 200
"""The cells of a sweep in which false discoveries are counted."""

MARGIN = 0.05
"""Within which a bias counts as none, as a fraction of ‖∇‖."""


def draw_moments(law: Law, replicates: int, dim: int, rng: np.random.Generator) -> Moments:
    """The batch summaries of so many replicates with independent coordinates."""
    return summarise(law.draw(rng, (replicates, dim)), number_of_batches(replicates))


def bias_against(moments: Moments, gradient: Float[np.ndarray, " P"]) -> Bias:
    """What is reported of the bias against an exact gradient."""
    return biases({"": moments}, {"": exactly(gradient)}, RESOLUTION, MARGIN)[""]


def called_biased(away: Deviation) -> bool:
    """Whether some coordinate is called biased at 5 %, by Holm's adjustment over all of them."""
    return bool(holm(away.p()).min() < ALPHA)


def study_false_alarms(law_name: str, dim: int, replicates: int, studies: int) -> Iterator[Rate]:
    """How often a cell without bias is called biased, at 5 %."""
    law = LAWS[law_name]
    rng = generator("alarms", law_name, dim, replicates)
    truth = np.full(dim, law.mean)
    error = np.full(dim, np.sqrt(law.variance / replicates))
    alarms: dict[str, list[bool]] = {
        "Holm, Hall's correction": [],
        "Holm, no correction": [],
        "no adjustment": [],
        "reference run": [],
        "its error ignored": [],
    }
    for _ in range(studies):
        moments = draw_moments(law, replicates, dim, rng)
        away = deviation(moments, exactly(truth), RESOLUTION)
        reference = truth + error * rng.standard_normal(dim)
        from_reference = deviation(moments, Truth(reference, error, 0.0), RESOLUTION)
        taken_for_exact = deviation(moments, Truth(reference, 0 * error, 0.0), RESOLUTION)
        alarms["Holm, Hall's correction"].append(bias_against(moments, truth).p < ALPHA)
        alarms["Holm, no correction"].append(called_biased(away._replace(skewness=np.zeros(dim))))
        alarms["no adjustment"].append(away.p().min() < ALPHA)
        alarms["reference run"].append(called_biased(from_reference))
        alarms["its error ignored"].append(called_biased(taken_for_exact))
    for method, raised in alarms.items():
        yield Rate(
            part="alarms",
            case=law_name,
            method=method,
            dim=dim,
            replicates=replicates,
            kurtosis=law.kurtosis,
            nominal=ALPHA,
            **proportion(int(np.sum(raised)), studies),
        )


def study_discoveries(law_name: str, share: float, replicates: int, studies: int) -> Iterator[Rate]:
    """The false share of what is called biased in a sweep at 5 % (Benjamini and Hochberg, 1995)."""
    law = LAWS[law_name]
    rng = generator("discoveries", law_name, share, replicates)
    biased = np.arange(DISCOVERY_CELLS) < share * DISCOVERY_CELLS
    truth = law.mean + 5 * biased * np.sqrt(law.variance / replicates)
    false_shares = np.zeros(studies)
    for study in range(studies):
        # a cell with one coordinate has its coordinate's p-value
        moments = draw_moments(law, replicates, DISCOVERY_CELLS, rng)
        p = deviation(moments, exactly(truth), RESOLUTION).p()
        called = false_discovery_control(p) < ALPHA
        false_shares[study] = (called & ~biased).sum() / max(called.sum(), 1)
    mean = float(false_shares.mean())
    half = float(ndtri(1 - ALPHA / 2) * false_shares.std(ddof=1) / np.sqrt(studies))
    yield Rate(
        part="discoveries",
        case=f"{law_name}, {share:.0%} of {DISCOVERY_CELLS} cells biased",
        method="Benjamini–Hochberg",
        dim=1,
        replicates=replicates,
        kurtosis=law.kurtosis,
        nominal=ALPHA * (1 - share),
        studies=studies,
        rate=mean,
        rate_low=mean - half,
        rate_high=mean + half,
    )


def study_equivalence(law_name: str, dim: int, replicates: int, studies: int) -> Iterator[Rate]:
    """How often a cell is called unbiased with a bias as large as the margin, and without any."""
    law = LAWS[law_name]
    rng = generator("equivalence", law_name, dim, replicates)
    error = np.sqrt(law.variance / replicates)
    # a gradient along the first coordinate alone, and a margin of 8 standard errors: any bias
    # within it is visible
    exact = np.zeros(dim)
    exact[0] = 8 * error / MARGIN
    sizes = {"bias at the margin": MARGIN, "bias at the margin, negative": -MARGIN, "no bias": 0.0}
    claims: dict[str, list[bool]] = {case: [] for case in sizes}
    for _ in range(studies):
        unbiased = law.draw(rng, (replicates, dim)) - law.mean + exact
        for case, size in sizes.items():
            moments = summarise(unbiased + size * exact, number_of_batches(replicates))
            claims[case].append(bias_against(moments, exact).equivalence_p < ALPHA)
    power = float((2 * ndtr(8 - ndtri(1 - ALPHA)) - 1) ** dim)
    for case, claimed in claims.items():
        yield Rate(
            part="equivalence",
            case=f"{law_name}, {case}",
            method="two one-sided tests",
            dim=dim,
            replicates=replicates,
            kurtosis=law.kurtosis,
            nominal=power if case == "no bias" else ALPHA,
            **proportion(int(np.sum(claimed)), studies),
        )


def study_power(law_name: str, dim: int, replicates: int, studies: int) -> Iterator[Rate]:
    """How often a bias planted in one coordinate is seen, beside what the normal law predicts."""
    law = LAWS[law_name]
    rng = generator("power", law_name, dim, replicates)
    error = np.sqrt(law.variance / replicates)
    first = float(ndtri(1 - ALPHA / 2 / dim))
    seen: dict[float, list[bool]] = {0.5: [], 1.0: [], 1.5: []}
    detectable = []
    for study in range(studies):
        moments = draw_moments(law, replicates, dim, rng)
        detectable.append(bias_against(moments, np.full(dim, law.mean)).detectable)
        for factor, found in seen.items():
            truth = np.full(dim, law.mean)
            truth[0] -= (-1) ** study * factor * (first + ndtri(0.8)) * error
            found.append(holm(deviation(moments, exactly(truth), RESOLUTION).p())[0] < ALPHA)
    width = float(np.median(detectable) / error)
    for factor, found in seen.items():
        yield Rate(
            part="power",
            case=f"{law_name}, bias {factor:g} × detectable",
            method="Holm, Hall's correction",
            dim=dim,
            replicates=replicates,
            kurtosis=law.kurtosis,
            nominal=float(ndtr(factor * (first + ndtri(0.8)) - first)),
            width=width,
            **proportion(int(np.sum(found)), studies),
        )
