"""train: against a loop written by hand, and against what is known."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from matplotlib.figure import Figure

import gradest
from gradest.benchmarks.errors import BadInput

LOGITS = {"dim": 3, "t": 0.45}


def loop(problem, gradient, optimizer, steps):
    params = problem.init_params(jax.random.key(0))
    opt_state = optimizer.init(params)
    for _ in range(steps):
        updates, opt_state = optimizer.update(gradient(params), opt_state, params)
        params = optax.apply_updates(params, updates)
    return params


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "optimizer"),
    [
        ("adam", optax.adam(0.05)),
        ("sgd[momentum=0.9]", optax.sgd(0.05, momentum=0.9)),
        (optax.rmsprop(0.05), optax.rmsprop(0.05)),
    ],
)
def test_the_exact_gradient_follows_a_loop_by_hand(name, optimizer):
    """Enumeration has no noise: θ is that of the closed form's gradient."""
    problem = gradest.problem("bernoulli_square", **LOGITS)
    done = gradest.train(problem, "enumeration", steps=30, optimizer=name, learning_rate=0.05)
    expected = loop(problem, problem.exact_gradient, optimizer, 30)
    np.testing.assert_allclose(done.params["logits"], expected["logits"], rtol=1e-5, atol=1e-6)


def test_the_objective_falls_to_its_minimum():
    """E[(x − 3)²] is least at μ = 3, σ = 0."""
    done = gradest.train("gaussian_square", "pathwise", steps=300, learning_rate=0.05)
    assert done.params["mean"] == pytest.approx(3, abs=0.2)
    first, last = done.frame.iloc[0], done.frame.iloc[-1]
    assert first.objective == pytest.approx(5)  # (1 − 3)² + 1
    assert first.objective_kind == "exact"
    assert last.objective < 1


def test_a_learned_state_is_carried_along():
    """With the mean of the draws so far for its baseline the score function comes as far as it
    would not without one."""
    ends = {
        baseline: gradest.train(
            "bernoulli_square",
            f"score_function[baseline={baseline}]",
            steps=200,
            learning_rate=0.1,
            seeds=4,
        )
        .frame.groupby("seed")
        .objective.last()
        for baseline in ("none", "moving_average")
    }
    assert ends["moving_average"].std() <= ends["none"].std() + 0.05


def test_the_frame_counts_steps_and_evaluations():
    done = gradest.train("gaussian_square", "pathwise", steps=105, num_samples=3, seeds=[7, 9])
    frame = done.frame
    assert frame.seed.unique().tolist() == [7, 9]
    one = frame[frame.seed == 7]
    assert one.step.tolist() == [*range(0, 105, 2), 105]
    assert one.f_evals.tolist() == [3 * step for step in one.step]
    assert one.grad_evals.tolist() == one.f_evals.tolist()
    assert (frame.objective_low == frame.objective).all()  # it is exact
    assert (frame.objective == frame.objective_high).all()
    assert len(done.params) == 2


def test_a_seed_is_the_same_alone_or_among_others():
    alone = gradest.train("gaussian_square", "reinforce", steps=20, seeds=[3])
    among = gradest.train("gaussian_square", "reinforce", steps=20, seeds=[1, 3])
    rows = among.frame[among.frame.seed == 3].reset_index(drop=True)
    np.testing.assert_allclose(rows.objective, alone.frame.objective, rtol=1e-5)
    np.testing.assert_allclose(among.params[1]["mean"], alone.params["mean"], rtol=1e-5)


def test_more_steps_go_on_from_fewer():
    short = gradest.train("gaussian_square", "reinforce", steps=10)
    long = gradest.train("gaussian_square", "reinforce", steps=40)
    at = long.frame.set_index("step").objective[10]
    assert at == pytest.approx(short.frame.objective.iloc[-1], rel=1e-5)


@pytest.mark.slow
def test_a_network_is_trained():
    done = gradest.train("vae_bernoulli[num_images=4]", "rloo", steps=100, num_samples=2)
    assert done.frame.objective.iloc[-1] < done.frame.objective.iloc[0] - 5


def test_one_s_own_objective_is_trained():
    import numpyro.distributions as dist

    problem = gradest._own_problem.own_problem(
        lambda theta, x: (x - 2.0) ** 2,
        lambda theta: dist.Normal(theta["mean"], 0.1),
        {"mean": 0.0},
    )
    done = gradest.train(problem, "pathwise", steps=200, learning_rate=0.05)
    assert done.params["mean"] == pytest.approx(2, abs=0.1)


def test_it_shows_itself():
    done = gradest.train("gaussian_square", "pathwise", steps=5, seeds=2)
    assert "objective [95 %]" in repr(done)
    assert isinstance(done.figure(), Figure)


@pytest.mark.parametrize(
    ("optimizer", "learning_rate", "step"),
    [("sgd", 50.0, 20), (optax.sgd(float("nan")), 0.01, 1)],
)
def test_a_divergence_is_said_with_its_step(optimizer, learning_rate, step):
    """Not with the objective of a step before, as pandas' last() would have it."""
    done = gradest.train(
        "gaussian_square", "pathwise", steps=60, optimizer=optimizer, learning_rate=learning_rate
    )
    last = done.frame.iloc[-1]
    assert (last.status, last.step, last.objective_kind) == ("diverged", step, "exact")
    assert np.isnan([last.objective, last.objective_low, last.objective_high]).all()
    assert (done.frame.status.iloc[:-1] == "ok").all()
    assert not np.isfinite(done.params["mean"]).all()
    assert repr(done).endswith(f"{step:<4}  diverged: θ is no longer finite")


@pytest.mark.parametrize("rate", [-1.0, 0.0, float("nan"), float("inf"), True, "0.1"])
def test_a_learning_rate_is_finite_and_positive(rate):
    """Alone and among several, as in a sweep."""
    for estimator in ("pathwise", ["pathwise"]):
        with pytest.raises(BadInput, match=r"learning_rate = .*expected"):
            gradest.train("gaussian_square", estimator, steps=1, learning_rate=rate)


def test_an_argument_of_the_optimizer_is_in_its_range():
    for estimator in ("pathwise", ["pathwise"]):
        with pytest.raises(BadInput, match="b1 = 2: expected 0 or more, and less than 1"):
            gradest.train("gaussian_square", estimator, steps=1, optimizer="adam[b1=2]")


def test_what_is_wrong_is_said():
    for words, given in {
        "optimizer 'adamm': expected one of optax's; did you mean adam": {"optimizer": "adamm"},
        r"optimizer 'adam\[c=1\]': .*unexpected keyword": {"optimizer": "adam[c=1]"},
    }.items():
        with pytest.raises(BadInput, match=words):
            gradest.train("gaussian_square", "pathwise", steps=1, **given)
    with pytest.raises(BadInput, match="expected at least 2"):
        gradest.train("gaussian_square", "rloo", steps=1)
    with pytest.raises(BadInput, match="made for Bernoulli"):
        gradest.train("gaussian_square", "disarm", steps=1, num_samples=2)


def test_jax_is_left_as_it_was():
    gradest.train("gaussian_square", "pathwise", steps=2)
    assert jnp.zeros(()).dtype == jnp.float32


@pytest.fixture(scope="module")
def several():
    return gradest.train(
        "gaussian_square",
        ["pathwise", "score_function"],
        steps=60,
        learning_rate=0.1,
        optimizer="adam[b1=0.8]",
        seeds=2,
        num_samples=4,
        replicates=400,
        checkpoints=[0, 60],
    )


def test_several_are_compared(several):
    """As in a sweep: one who asks for the same has the same numbers."""
    sweep = {
        "name": "same",
        "samples": [4],
        "replicates": 400,
        "problem": [{"name": "gaussian_square"}],
        "estimator": [{"name": ["pathwise", "score_function"]}],
        "training": {
            "steps": 60,
            "learning_rate": 0.1,
            "b1": 0.8,
            "seeds": 2,
            "checkpoints": [0, 60],
        },
    }
    same = gradest.sweep(sweep)
    assert several.training.objective.tolist() == same.training.objective.tolist()
    assert several.trajectory.variance.tolist() == same.trajectory.variance.tolist()
    assert several.trajectory.groupby(["estimator", "seed"]).step.unique().map(list).tolist() == (
        [[0, 60]] * 4
    )


def test_a_run_of_several_is_seen(several):
    assert "## Training" in several.summary()
    name = next(each for each in several.figures if each.startswith("training_gaussian"))
    assert isinstance(several.figure(name), Figure)


@pytest.mark.slow
def test_a_run_of_several_is_saved(several, tmp_path):
    several.save(tmp_path / "run")
    loaded = gradest.load(tmp_path / "run")
    assert loaded.training.objective.tolist() == several.training.objective.tolist()


def test_what_is_of_one_or_of_several_alone_is_said():
    with pytest.raises(BadInput, match="checkpoints = 3: expected only with a list of estimators"):
        gradest.train("gaussian_square", "pathwise", steps=1, checkpoints=3)
    with pytest.raises(BadInput, match="expected a name with a list of estimators"):
        gradest.train("gaussian_square", ["pathwise"], steps=1, optimizer=optax.sgd(0.1))
    with pytest.raises(BadInput, match="optimizer 'adamm'"):
        gradest.train("gaussian_square", ["pathwise"], steps=1, optimizer="adamm")
