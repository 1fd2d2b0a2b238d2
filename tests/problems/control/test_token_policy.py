"""The token policy: its law, its truth and its goals, against a policy in plain Python."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gradest.estimators import estimator
from gradest.estimators.sampling.draws import sample
from gradest.problems import problem
from gradest.problems.distributions.enumeration import all_log_probs, all_states
from tests.support import token_sequences as plain
from tests.support.derivatives import along, unrolled
from tests.support.estimates import as_vector
from tests.support.statistical import assert_mean, assert_z, initial, moments_of, truth_of

SIZES = [(3, 3, 2), (3, 2, 1), (4, 5, 4), (5, 3, 2)]


def sized(vocabulary, horizon, prompts, **arguments):
    return problem(
        "token_policy", vocabulary=vocabulary, horizon=horizon, prompts=prompts, **arguments
    )


def test_theta_as_stated():
    params = initial(problem("token_policy"))
    for group, numbers in plain.start().items():
        np.testing.assert_allclose(params[group], numbers, rtol=1e-6)
    toy = problem("token_policy", drift=0.7, reference_shift=-0.3)
    for found, size in ((toy.behaviour(params), -0.7), (toy.reference(), -0.3)):
        for group, numbers in plain.shifted(plain.start(), size).items():
            np.testing.assert_allclose(found[group], numbers, rtol=1e-5, atol=1e-6)


def test_without_drift_the_behaviour_is_the_policy_to_the_bit():
    toy = problem("token_policy")
    params = initial(toy)
    for group, numbers in toy.behaviour(params).items():
        np.testing.assert_array_equal(numbers, params[group])


@pytest.mark.parametrize(("size", "count"), [(SIZES[0], 15), (SIZES[2], 364)])
def test_all_sequences(size, count):
    """As many as there are, each with its probability, its reward and its length."""
    vocabulary, horizon, prompts = size
    toy = sized(*size)
    params = initial(toy)
    q = toy.policy(params)
    states = all_states(q)
    assert len(states) == count
    log_probs = np.asarray(jax.jit(all_log_probs)(q))
    np.testing.assert_allclose(np.exp(log_probs).sum(-1), 1, rtol=1e-5)
    x = jnp.broadcast_to(states[:, None], (count, prompts, horizon)).astype(jnp.float32)
    rewards = np.asarray(jax.jit(lambda x: toy.rewards(params, x))(x))
    lengths = np.asarray(jax.jit(lambda x: q.mask(x))(x)).sum(-1)
    for m in range(prompts):
        for each in plain.written(plain.start(vocabulary, prompts), m, horizon):
            padded = np.full(horizon, vocabulary - 1.0)
            padded[: len(each.tokens)] = each.tokens
            place = int(np.flatnonzero((states == padded).all(-1))[0])
            assert log_probs[m, place] == pytest.approx(each.log_probs.sum(), rel=1e-5)
            assert rewards[place, m] == each.reward
            assert lengths[place, m] == len(each.tokens)


@pytest.mark.parametrize("size", SIZES)
def test_success_by_a_recursion(size):
    vocabulary, horizon, prompts = size
    toy = sized(*size)
    theta = plain.start(vocabulary, prompts)
    expected = [plain.success_by_recursion(theta, m, horizon) for m in range(prompts)]
    np.testing.assert_allclose(
        jax.jit(lambda params: toy.success(params))(initial(toy)), expected, rtol=1e-5
    )


WANTED = {
    "mean": lambda p: p,
    "pass_at_k": lambda p: 1 - (1 - p) ** 3,
    "log": np.log,
}
CASES = [
    {"goal": "mean"},
    {"goal": "pass_at_k", "k": 3},
    {"goal": "log"},
    {"goal": "log", "kl": 0.4, "reference_shift": 0.6},
    {"kl": 2.0, "reference_shift": -0.5, "drift": 0.8},
]


@pytest.mark.parametrize(
    ("size", "arguments"), [*((SIZES[0], case) for case in CASES), (SIZES[3], CASES[3])], ids=str
)
def test_truth(size, arguments):
    """J of p by the recursion and of KL sequence by sequence, and its differences, in float64."""
    vocabulary, horizon, prompts = size
    kl = arguments.get("kl", 0.0)
    reference = plain.shifted(
        plain.start(vocabulary, prompts), arguments.get("reference_shift", 0.0)
    )
    with jax.enable_x64(True):
        toy = sized(*size, **arguments)
        params = jax.tree.map(lambda leaf: leaf * 1.3, initial(toy))
        vector, rolled = unrolled(params)

        def objective(theta):
            theta = {group: np.asarray(leaf) for group, leaf in rolled(theta).items()}
            total = 0.0
            for m in range(prompts):
                h = WANTED[toy.goal](plain.success_by_recursion(theta, m, horizon))
                cost = kl * plain.divergence(theta, reference, m, horizon) if kl else 0.0
                total += (cost - h) / prompts
            return total

        value, gradient = jax.jit(lambda p: (toy.exact_objective(p), toy.exact_gradient(p)))(params)
        assert float(value) == pytest.approx(objective(vector), rel=1e-12)
        gradient = as_vector(gradient)
        expected = along(objective, vector)
        np.testing.assert_allclose(
            [gradient @ direction for direction in directions_of(vector)], expected, rtol=1e-7
        )


def directions_of(vector):
    return np.random.default_rng(0).normal(size=(4, len(vector)))


def test_f_is_less_the_reward():
    """To the bit, where h(p) = p, for each prompt its share."""
    toy = problem("token_policy")
    params = initial(toy)

    @jax.jit
    def drawn(params):
        x = sample(toy.policy(params), jax.random.key(0), 50)
        return toy.objectives(params, x), toy.rewards(params, x)

    f, rewards = drawn(params)
    assert 0 < rewards.mean() < 1
    np.testing.assert_array_equal(f, -rewards / 2)


def test_draws():
    """Each sequence as often as its probability says."""
    toy = problem("token_policy")
    q = toy.policy(initial(toy))
    draws = 20_000
    x = np.asarray(jax.jit(lambda q: sample(q, jax.random.key(1), draws))(q))
    probability = np.exp(np.asarray(jax.jit(all_log_probs)(q), float))
    is_state = (x[:, :, None] == np.asarray(all_states(q))).all(-1)
    assert is_state.sum() == draws * 2
    expected = draws * probability
    assert_z((is_state.sum(0) - expected) / np.sqrt(expected * (1 - probability)))


def test_greedy():
    """Token by token the likeliest."""
    toy = sized(4, 5, 4)
    theta = plain.start(4, 4)
    found = np.asarray(jax.jit(lambda params: toy.policy(params).greedy())(initial(toy)))
    for m in range(4):
        before, expected = 3, []
        while len(expected) < 5:
            before = int(plain.softmax_of(theta, before, m).argmax())
            expected.append(before)
            if before == 3:
                expected += [3] * (5 - len(expected))
        assert found[m].tolist() == expected


@pytest.mark.parametrize("arguments", [CASES[0], CASES[2], CASES[3]], ids=str)
def test_score_function(arguments):
    """What knows nothing of language models is unbiased too, whatever the goal."""
    toy = problem("token_policy", **arguments)
    moments = moments_of(toy, estimator("score_function"), 2, str(arguments))
    for group, truth in truth_of(toy).items():
        assert_mean(moments[group], truth)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"prompts": 3}, "prompts = 3: expected at most horizon − 1 = 2"),
        ({"vocabulary": 9, "horizon": 5}, "sequences: expected at most 4,096"),
        ({"vocabulary": 2}, "vocabulary = 2: expected a whole number, at least 3"),
        ({"goal": "pass"}, "did you mean pass_at_k"),
    ],
)
def test_what_is_refused(arguments, said):
    with pytest.raises(ValueError, match=said):
        problem("token_policy", **arguments)
