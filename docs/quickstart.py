# ---
# jupyter:
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
# ---

# %% [markdown]
# # Quickstart
#
# Which Monte Carlo gradient estimator is best for an objective of your own, how noisy is one that
# you wrote, and how do the figure and the table get into the paper? Open this file in VS Code,
# Jupyter (jupytext) or marimo, or run it: `python docs/quickstart.py`.

# %%
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist

import gradest as ge
from gradest.estimators.base import Evaluations, SurrogateEstimator
from gradest.estimators.sampling import sample

# %% [markdown]
# ## An objective of your own
#
# Minimise $E_{x \sim q_\theta}[f(\theta, x)]$: give f for one x, q as a numpyro distribution, and
# the θ at which to look. Here x are the eight bits of a cut of a graph, f counts the edges that it
# does not cut. NumPy constants are fine.

# %%
rng = np.random.default_rng(0)
EDGES = np.triu(rng.random((8, 8)) < 0.5, 1).astype(float)


def uncut(theta, x):
    """The edges between nodes on the same side."""
    same = x[:, None] * x + (1 - x[:, None]) * (1 - x)
    return (EDGES * same).sum()


def sides(theta):
    """Each node is on one side or the other, independently."""
    return dist.Bernoulli(logits=theta["logits"])


theta = {"logits": jnp.asarray(rng.normal(size=8), jnp.float32)}

run = ge.measure(
    f=uncut,
    q=sides,
    theta=theta,
    estimators=["reinforce", "rloo", "disarm", "straight_through"],
    samples=[2, 8],
    replicates=2_000,
)
print(run)  # the value of a notebook's cell has curves, too

# %% [markdown]
# Without `estimators` every one that fits is measured. The error is that of one estimate,
# √(variance + bias²) / ‖gradient‖, with its 95 % interval; what is biased has an asterisk. All
# numbers are in `run.frame`, a pandas table.

# %%
run.leaderboard(evaluations=16)[["label", "num_samples", "relative_rmse", "biased"]]


# %% [markdown]
# ## An estimator of your own
#
# An estimator is mostly a surrogate loss whose gradient is the estimate. This one is the score
# function with f at the most probable x for a baseline (Rennie et al., 2017).


# %%
class SelfCritical(SurrogateEstimator):
    r"""$\frac1L \sum_l [f(x_l) - f(\hat x)] \nabla \log q(x_l)$, $\hat x$ the most probable bits.

    Unbiased. Cost: L + 1 evaluations of f.
    """

    unbiased: ClassVar[bool] = True
    source: ClassVar[str] = "Rennie, Marcheret, Mroueh, Ross and Goel, 2017"

    def surrogate(self, problem, params, state, key, num_samples):
        q = problem.distribution(params)
        x = sample(q, key, num_samples)
        baseline = problem.objective(params, jnp.round(q.mean))
        advantage = jax.lax.stop_gradient(problem.objectives(params, x) - baseline)
        return (advantage * q.log_prob(x)).mean(0).sum(), state

    def refuses(self, problem):
        is_bits = problem.abstract_distribution().support.is_discrete
        return None if is_bits else "the most probable x is known for bits alone"

    def evaluations(self, problem, num_samples):
        return Evaluations(f=num_samples + 1, grad=0)


mine = ge.measure(
    f=uncut,
    q=sides,
    theta=theta,
    estimators=[SelfCritical, "rloo", "reinforce"],
    samples=8,
    replicates=2_000,
)
print(mine)

# %% [markdown]
# Is it unbiased, as it claims? `ge.check(SelfCritical)` tries everything that an estimator must do,
# on every problem that it fits; any function from (θ, key, L) to a gradient can be tested, too:


# %%
def half_the_gradient(theta, key, num_samples):
    """Somebody's mistake."""
    bits = ge.problem("bernoulli_square", dim=4)
    grads, _ = ge.estimator("rloo").estimate(bits, theta, (), key, num_samples)
    return {"logits": grads["logits"] / 2}


report = ge.check(
    half_the_gradient,
    problem=ge.problem("bernoulli_square", dim=4),
    claims="unbiased",
    samples=(4,),
    replicates=2_000,
)
print(report)

# %% [markdown]
# ## A figure and a table
#
# A figure is matplotlib's; the table is LaTeX for booktabs; `run.save("results/cuts")` writes all
# of both, with the numbers and a page, and `ge.load("results/cuts")` reads them back.

# %%
print(run.figures)
figure = run.figure()

# %%
print(run.to_latex(samples=8))

# %% [markdown]
# ## Which one to use, and training with it

# %%
print(ge.recommend("bernoulli_square[dim=4]", ["rloo", "disarm"], evaluations=16))

# %%
training = ge.train("vae_bernoulli[num_images=4]", "disarm", steps=100, num_samples=4)
print(training)
