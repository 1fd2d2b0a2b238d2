"""A recommendation from a finished run: the committed reference, and made ones."""

import json
from pathlib import Path

import numpy as np
import pytest

from gradest.benchmarks.analysis.results import read_run
from gradest.benchmarks.comparisons.budgets import Budget
from gradest.benchmarks.errors import BadInput
from gradest.benchmarks.recommending.finished import recommend_from, stem
from gradest.benchmarks.recommending.ranking import Rules
from gradest.benchmarks.recommending.rendering import as_text
from gradest.benchmarks.statistics.times import fit_time
from tests.support.made_errors import row
from tests.support.made_runs import PATHWISE, PLAIN, write

REFERENCE = Path(__file__).parents[3] / "results" / "reference"


@pytest.fixture(scope="module")
def reference():
    """The committed run of `default`."""
    return read_run(REFERENCE)


def at_step(reference, steps, budget, **asked):
    """The answer for the encoder of the Bernoulli VAE."""
    found = recommend_from(
        reference,
        budget,
        Rules(),
        problem="vae_bernoulli",
        at={"train_steps": steps},
        group="encoder",
        **asked,
    )
    return found.answer


def seconds_at(reference, estimator, samples, point):
    """τ(L) of an estimator of the encoder's gradient, by the line through the run's times."""
    rows = reference.measurements
    of_it = (rows.estimator == estimator) & (rows.point == point) & (rows.group == "encoder")
    rows = rows[of_it & (rows.problem == "vae_bernoulli")]
    if estimator == "score_function":
        rows = rows[rows.estimator_args.str.contains("optimal")]
    line = fit_time(rows.num_samples.to_numpy(float), rows.seconds.to_numpy(float))
    return line.fixed + line.per_sample * samples


def batched(seconds):
    """A budget of the seconds that the line is of."""
    return Budget(seconds=seconds, cost="batched")


def first_with(answer, name, *, baseline=""):
    """The rank of an estimator."""
    rows = answer.frame[answer.frame.estimator == name]
    if baseline:
        rows = rows[rows.estimator_args.str.contains(baseline)]
    return int(rows["rank"].iloc[0])


def test_at_initialisation_a_tiny_budget_is_best_spent_on_straight_through(reference):
    tiny = 1.02 * seconds_at(reference, "straight_through", 1, "init")
    answer = at_step(reference, 0, batched(tiny))
    assert answer.best.estimator == "straight_through"
    assert answer.best.biased


def test_the_answer_changes_with_the_budget_and_with_training(reference):
    """users.md, §6.1: from straight-through to measure-valued, and straight-through never again."""
    large = batched(max(1e-3, seconds_at(reference, "measure_valued", 16, "init")))
    assert at_step(reference, 0, large).best.estimator == "measure_valued"
    trained = at_step(reference, 1000, large)
    assert trained.best.estimator == "measure_valued"
    assert not trained.best.biased


def test_trained_straight_through_is_recommended_at_no_budget(reference):
    """Its mean points away from the gradient there."""
    times = reference.measurements.seconds.dropna()
    budgets = [batched(s) for s in np.geomspace(1.5e-6 + times.min(), 1, 40)]
    budgets += [Budget(evaluations=n) for n in (1, 2, 4, 8, 16, 64, 256, 1024)]
    budgets += [Budget(samples=n) for n in (1, 4, 16, 64)]
    answered = 0
    for budget in budgets:
        try:
            answer = at_step(reference, 1000, budget)
        except BadInput:  # nothing is paid for
            continue
        answered += 1
        assert answer.best.estimator != "straight_through", budget
        assert "straight_through" not in answer.ties
    assert answered > 20


def test_at_a_millisecond_reinforce_with_a_baseline_beats_gumbel_softmax_when_trained(reference):
    """The latter's error has a floor, its bias of about −68 %."""
    enough = max(1e-3, seconds_at(reference, "score_function", 130, "step_1000"))
    answer = at_step(reference, 1000, batched(enough))
    reinforce = first_with(answer, "score_function", baseline='"optimal"')
    assert reinforce < first_with(answer, "gumbel_softmax")


def test_measurements_alone_give_the_same_order(reference, tmp_path):
    """Without leave_one_out.csv intervals are wider, and errors the same."""
    content = (REFERENCE / "measurements.csv").read_bytes()
    (tmp_path / "measurements.csv").write_bytes(content)
    alone = at_step(read_run(tmp_path), 1000, Budget(samples=16)).frame
    paired = at_step(reference, 1000, Budget(samples=16)).frame
    assert alone.estimator_text.tolist() == paired.estimator_text.tolist()
    np.testing.assert_allclose(alone.relative_rmse, paired.relative_rmse, rtol=1e-6)
    assert (alone.relative_rmse_high >= alone.relative_rmse).all()


def test_each_place_has_an_answer_and_none_is_averaged(reference):
    found = recommend_from(reference, Budget(samples=16), Rules(), problem="vae_bernoulli")
    places = {answer.place[2:] for answer in found.answers}
    steps = ("init", "step_1000")
    assert places == {(step, group) for step in steps for group in ("encoder", "decoder")}
    with pytest.raises(BadInput, match="4 places have an answer each"):
        found.best  # noqa: B018
    text = as_text(found)
    assert text.count("Use ") == 4
    assert max(map(len, text.splitlines())) <= 80


def made(folder, *rows):
    """A made run of Gaussian square."""
    return read_run(write(folder, list(rows)))


def test_an_l_between_the_measured_ones_is_where_the_variance_is_known(tmp_path):
    """Pathwise, 1/L exactly: of 8 samples 2 · 4/8, with bias 0; one's own only as measured."""
    own = ("mine:Mine", {})
    run = made(
        tmp_path,
        *(row(8 / n, PATHWISE, samples=n, f_evals=n, grad_evals=n) for n in (4, 16)),
        *(row(20 / n, own, samples=n, f_evals=n, grad_evals=0) for n in (4, 16)),
    )
    frame = recommend_from(run, Budget(samples=8), Rules()).frame.set_index("estimator")
    assert frame.num_samples.to_dict() == {"pathwise": 8, "mine:Mine": 4}
    assert frame.relative_rmse["pathwise"] == pytest.approx(np.sqrt(8 / 8) / 4)
    assert frame.relative_rmse["mine:Mine"] == pytest.approx(np.sqrt(20 / 4) / 4)
    assert frame.paid_samples["mine:Mine"] == 8
    frame = recommend_from(run, Budget(evaluations=64), Rules()).frame.set_index("estimator")
    assert frame.num_samples.to_dict() == {"pathwise": 32, "mine:Mine": 16}


def test_a_bias_stays_where_the_variance_falls(tmp_path):
    """Variance 3 at L = 4, and bias² = 1: at L = 8, which 12 pay for, they are 1.5 and 1."""
    rows = [row(1 + 12 / n, PATHWISE, bias=1.0, samples=n, f_evals=n, grad_evals=n) for n in (2, 4)]
    found = recommend_from(made(tmp_path, *rows), Budget(samples=12), Rules())
    assert found.best.relative_rmse.value == pytest.approx(np.sqrt(2.5) / 4)


def test_all_of_theta_and_the_gradient_of_f_can_be_asked_for(tmp_path):
    rows = [
        row(error, name, group=group, cell=str(name))
        for name, error in ((PATHWISE, 1.0), (PLAIN, 3.0))
        for group in ("mean", "scale")
    ]
    run = made(tmp_path, *rows)
    found = recommend_from(run, Budget(), Rules(), group="all of θ")
    assert found.best.relative_rmse.value == pytest.approx(np.sqrt(2) / np.hypot(4, 4))
    found = recommend_from(run, Budget(), Rules(), group="mean", grad_f=False)
    assert found.best.estimator == "score_function"
    assert found.left_out == {"pathwise": "differentiates f"}


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (
            {"problem": "gaussian_squar"},
            "'gaussian_squar': .* did you mean gaussian_square",
        ),
        ({"at": {"kk": 3}}, "argument 'kk': expected one of dim, k, mean, scale; did you mean k"),
        ({"at": {"k": 4}}, r"k = 4: expected what was measured: 3\.0"),
        ({"group": "meen"}, "group 'meen': expected one of all of θ, mean; did you mean mean"),
    ],
)
def test_a_place_that_is_not_there_is_said(asked, said, tmp_path):
    run = made(tmp_path, row(1.0, PATHWISE))
    with pytest.raises(BadInput, match=said):
        recommend_from(run, Budget(), Rules(), **asked)


def test_a_budget_that_pays_for_nothing_is_said(tmp_path):
    run = made(tmp_path, row(1.0, PATHWISE, bias=0.5))
    with pytest.raises(BadInput, match="nothing that was measured is within the budget"):
        recommend_from(run, Budget(samples=1), Rules())
    with pytest.raises(BadInput, match="or biased ones to be allowed"):
        recommend_from(run, Budget(samples=16), Rules(only_unbiased=True))


def test_a_users_class_is_found_by_its_path_too(tmp_path):
    name = ("pol:Policy", {})
    run = made(tmp_path, row(1.0, PATHWISE, problem=name))
    assert stem("sub/pol.py:Policy") == "pol:Policy"
    found = recommend_from(run, Budget(), Rules(), problem="sub/pol.py:Policy")
    assert json.loads(found.answer.place[1]) == {}
