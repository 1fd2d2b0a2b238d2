"""A training with one seed: what it is named by, and what comes of it."""

import io
import json
import math
from dataclasses import replace

import jax
import numpy as np
import pandas as pd
import pytest

from gradest.benchmarks.measurement.exact_gradient import exact_gradient
from gradest.benchmarks.sweeps.output import training_tables, training_texts
from gradest.benchmarks.sweeps.plan import resolve
from gradest.benchmarks.sweeps.schema import parse_sweep
from gradest.benchmarks.training.runs import seeds_in
from gradest.benchmarks.training.seeds import DIVERGED, TrainingTask, train
from gradest.benchmarks.training.tables import curve_of, gradients_of
from gradest.estimators.score_function.score_function import ScoreFunction
from gradest.problems.data import breast_cancer
from gradest.problems.toys.bernoulli import BernoulliSquare

SWEEP = """
name = "trained"
samples = [2]
replicates = 800
[[problem]]
name = "bernoulli_square"
t = 0.3
dim = 2
[[estimator]]
name = ["rloo", "enumeration"]
[training]
steps = 60
optimizer = "sgd"
learning_rate = 0.5
seeds = 2
checkpoints = [0, 60]
curve_points = 6
"""


def plan_of(**changes):
    text = SWEEP
    for old, new in changes.get("lines", {}).items():
        assert old in text
        text = text.replace(old, new)
    return resolve(parse_sweep(text, "f"))


@pytest.fixture(scope="module")
def plan():
    return plan_of()


@pytest.fixture(scope="module")
def made(plan):
    """The trainings, by estimator and seed."""
    return {
        (seed.estimator.name, seed.seed): train(TrainingTask(seed, *plan.parts(seed.cell), {}))
        for seed in seeds_in(plan)
    }


def without_times(outcome):
    rows = [{k: v for k, v in row.items() if "seconds" not in k} for row in outcome.rows]
    kept = [{k: v for k, v in row.items() if "work" not in k} for row in rows]
    return json.dumps(kept)


def test_a_seed_alone_is_the_seed_among_others(plan, made):
    seed = seeds_in(plan)[1]
    again = train(TrainingTask(seed, *plan.parts(seed.cell), {}))
    assert without_times(again.outcome) == without_times(made["score_function", 1].outcome)
    assert without_times(again.outcome) != without_times(made["score_function", 0].outcome)


def test_the_curve(made):
    """The objective is exact: p = sigmoid(φ) of each bit says what it is."""
    outcome = made["score_function", 0].outcome
    curve = curve_of(outcome)
    assert outcome.status == "ok"
    assert [row["step"] for row in curve] == [0, 10, 20, 30, 40, 50, 60]
    assert [row["f_evals"] for row in curve] == [2 * row["step"] for row in curve]
    p = 1 / (1 + math.exp(-0.5))
    start = 2 * (p * 0.49 + (1 - p) * 0.09)
    assert curve[0]["objective"] == pytest.approx(start, rel=1e-6)
    assert {row["objective_kind"] for row in curve} == {"exact"}
    assert curve[-1]["objective"] < start - 0.2


def test_both_seeds_start_where_the_cell_is_measured(made):
    starts = {curve_of(each.outcome)[0]["objective"] for each in made.values()}
    assert len(starts) == 1
    first = [gradients_of(made["score_function", seed].outcome)[0] for seed in (0, 1)]
    assert first[0]["exact_norm"] == first[1]["exact_norm"]
    assert first[0]["variance"] != first[1]["variance"]  # the replicates are a seed's own


def test_gradients_at_the_end(plan, made):
    """The truth at θ is smaller by then; of enumeration the variance is 0."""
    for name, _ in made:
        rows = gradients_of(made[name, 0].outcome)
        assert [row["step"] for row in rows] == [0, 60]
        assert {row["group"] for row in rows} == {"logits"}
        assert rows[1]["exact_norm"] < rows[0]["exact_norm"]
        assert rows[0]["adapt_steps"] == 0
    assert gradients_of(made["enumeration", 0].outcome)[1]["variance"] == 0
    problem = plan.problems[seeds_in(plan)[0].problem]
    truth = exact_gradient(problem, problem.init_params(jax.random.key(0)))
    start = gradients_of(made["score_function", 0].outcome)[0]["exact_norm"]
    assert start == pytest.approx(np.linalg.norm(truth["logits"]), rel=1e-6)


def test_what_a_name_depends_on(plan):
    first, second, *_ = seeds_in(plan)
    assert first.id != second.id
    same = plan_of(lines={"seeds = 2": "seeds = 9"})
    assert seeds_in(same)[0].id == first.id
    aimed = plan_of(lines={"seeds = 2": "seeds = 2\ntarget = 0.2"})
    assert seeds_in(aimed)[0].id == first.id
    explicit = plan_of(lines={"seeds = 2": "seeds = 2\nreplicates = 800"})
    assert seeds_in(explicit)[0].id == first.id
    for old, new in {
        "steps = 60\n": "steps = 70\n",
        "learning_rate = 0.5": "learning_rate = 0.25",
        "[0, 60]": "[60]",
        "replicates = 800": "replicates = 1600",
        "t = 0.3": "t = 0.2",
    }.items():
        assert seeds_in(plan_of(lines={old: new}))[0].id != first.id, old
    # the random numbers of training are those of the place and the seed
    others = seeds_in(plan)[2]
    assert others.estimator != first.estimator
    assert (jax.random.key_data(others.key) == jax.random.key_data(first.key)).all()
    assert (jax.random.key_data(second.key) != jax.random.key_data(first.key)).any()


def test_leave_one_out_reaches_the_optimum():
    """The least is at b = 0 in both coordinates: 2 · 0.3²."""
    longer = plan_of(
        lines={"steps = 60": "steps = 2000", "[0, 60]": "[]", "seeds = 2": "seeds = 1"}
    )
    seed = seeds_in(longer)[0]
    end = curve_of(train(TrainingTask(seed, *longer.parts(seed.cell), {})).outcome)[-1]
    assert 0.18 < end["objective"] < 0.19


class Turned(ScoreFunction):
    """It climbs."""

    def surrogate(self, problem, params, state, key, num_samples):
        value, state = super().surrogate(problem, params, state, key, num_samples)
        return -value, state


class TooShort(ScoreFunction):
    """A tenth of the gradient."""

    def surrogate(self, problem, params, state, key, num_samples):
        value, state = super().surrogate(problem, params, state, key, num_samples)
        return value / 10, state


def test_wrong_estimators_are_told_by_the_objective(plan, made):
    seed = replace(seeds_in(plan)[0], how=plan_of(lines={"[0, 60]": "[]"}).sweep.training)
    problem, right = plan.parts(seed.cell)
    start, *_, end = curve_of(made["score_function", 0].outcome)
    gained = start["objective"] - end["objective"]

    def gain_of(cls):
        outcome = train(TrainingTask(seed, problem, cls(baseline=right.baseline), {})).outcome
        first, *_, last = curve_of(outcome)
        return first["objective"] - last["objective"]

    assert gain_of(Turned) < -0.1
    assert 0 < gain_of(TooShort) < gained / 3


def test_a_rate_that_is_too_large_ends_the_seed():
    diverging = resolve(
        parse_sweep(
            SWEEP.replace('"bernoulli_square"\nt = 0.3', '"gaussian_square"\nk = 3.0')
            .replace('["rloo", "enumeration"]', '"pathwise"')
            .replace("learning_rate = 0.5", "learning_rate = 1e30"),
            "f",
        )
    )
    seed = seeds_in(diverging)[0]
    outcome = train(TrainingTask(seed, *diverging.parts(seed.cell), {})).outcome
    assert outcome.status == DIVERGED
    *before, last = curve_of(outcome)
    assert last["status"] == DIVERGED
    assert last["reason"] == f"θ is not finite at step {last['step']}"
    assert "objective" not in last
    assert all(row["status"] == "ok" for row in before)
    assert {row["step"] for row in gradients_of(outcome)} == {0}


def test_a_fault_is_the_training_s(plan):
    class Faulty(ScoreFunction):
        def surrogate(self, problem, params, state, key, num_samples):
            raise KeyError("mine")

    seed = seeds_in(plan)[0]
    problem, _ = plan.parts(seed.cell)
    outcome = train(TrainingTask(seed, problem, Faulty(), {})).outcome
    assert outcome.status == "failed"
    assert "test_seeds.py:" in outcome.reason
    assert "KeyError: 'mine'" in outcome.reason
    assert train(TrainingTask(seed, problem, Faulty(), {}, "it fails")).outcome.reason == "it fails"


class Split(BernoulliSquare):
    """Bits that have others to be tried on."""

    def held_out(self):
        return BernoulliSquare(t=0.9, dim=2)


def test_the_objective_of_data_that_are_held_out(plan, made):
    """E[(b − t)²] is known of both, at the same θ."""
    seed = seeds_in(plan)[0]
    _, estimator = plan.parts(seed.cell)
    curve = curve_of(train(TrainingTask(seed, Split(t=0.3, dim=2), estimator, {})).outcome)
    p = 1 / (1 + math.exp(-0.5))
    assert curve[0]["held_out"] == pytest.approx(2 * (p * 0.01 + (1 - p) * 0.81), rel=1e-6)
    assert curve[-1]["held_out"] > curve[0]["held_out"]
    assert curve[-1]["objective"] < curve[0]["objective"]
    assert "held_out" not in curve_of(made["score_function", 0].outcome)[0]


ON_MINIBATCHES = """
name = "trained"
samples = [2]
replicates = 400
minibatch = 32
[[problem]]
name = "logistic_regression"
[[estimator]]
name = "pathwise"
[training]
steps = 1
checkpoints = [0]
curve_points = 1
"""


def at_the_start(how):
    """The row of trajectory.csv of the mean."""
    plan = resolve(parse_sweep(ON_MINIBATCHES + how, "f"))
    (seed,) = seeds_in(plan)
    outcome = train(TrainingTask(seed, *plan.parts(seed.cell), {})).outcome
    text = training_texts(training_tables(plan, {seed.id: outcome}))["trajectory.csv"]
    table = pd.read_csv(io.StringIO(text))
    return next(table[table.group == "mean"].itertuples())


def test_checkpoints_on_all_points_are_without_the_noise_of_minibatches():
    """At w = ε the gradient of the mean is −Xᵀ(y σ(−y Xw)) and what does not depend on ε."""
    partly, wholly = at_the_start(""), at_the_start('checkpoints_on = "all"')
    features, labels = (np.asarray(each) for each in breast_cancer())
    noise = np.random.default_rng(0).normal(size=(20_000, features.shape[1]))
    pulls = labels / (1 + np.exp(labels * (noise @ features.T)))
    of_one_draw = (pulls @ features).var(0, ddof=1).sum()
    assert wholly.variance == pytest.approx(of_one_draw / 2, rel=0.1)
    assert partly.variance > 1.5 * wholly.variance
    assert partly.minibatch == 32
    assert math.isnan(wholly.minibatch)
    assert math.isnan(wholly.own_variance)
    assert partly.own_variance == partly.variance - partly.minibatch_variance
