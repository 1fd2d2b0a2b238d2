"""The normal–normal model, on which more particles make the inference network's gradient noisier,
not better."""

import math
from collections.abc import Callable
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
from jaxtyping import Array, Float

from gradest.problems.arguments import Number, as_float, integer, number
from gradest.problems.base import Params, WithData
from gradest.problems.bounds import ImportanceWeightedBound, particles
from gradest.problems.distributions.quadrature import Function, agreed, evenly, interpolated

Z_STEP = 1 / 16
"""Of the trapezoid rule in z, in standard deviations of q."""

LOG_T_STEP = 1 / 4
"""Of the trapezoid rule in log t."""

STRETCH = 1.25
"""Of the rule in log t that another must agree with: wider, and as much coarser."""

ALONG, ACROSS = 1 / 4, 1 / 16
"""In several dimensions: the steps of the rules in u, in standard deviations, and in the variable
of v."""

LARGEST = 9.0
"""|u|, beyond which a Gaussian is not."""

DEGREE = 24
"""Of the polynomial in a², by whose values a bound is known at every data point."""


class NormalNormalBound(ImportanceWeightedBound, WithData):
    r"""The K-sample bound of $z \sim N(\mu, I)$, $x_n | z \sim N(z, I)$ under
    $q_\theta(z | x_n) = N(A x_n + b, s^2 I)$.

    $f = -\frac1N \log \frac1K \sum_k w_k$ at each of N points, drawn once from the model, in
    several dimensions with a μ that is drawn too. θ starts about the optimum, where the means of q
    are those of the posterior: its variance is ½.

    Shapes: the particles z are (N, K, D). In one dimension the points are (N,), and the groups
    `model` (μ) and `encoder` (A, b) are scalars; in several the points are (N, D), and the groups
    `model` (μ) and `offset` (b) (D,), `slope` (A) (D, D). Truth: for any K, two integrals over one
    dimension each, in several dimensions one over two, by the trapezoid rule, which converges
    exponentially in its steps; not known so far from the optimum that two rules differ.
    """

    variance: Number = number(
        2 / 3, "s², the variance of q; at ¼ and below that of the weights is infinite", above=0.25
    )
    offset: Number = number(0.01, "standard deviation of θ's start about the optimum")
    num_points: int = integer(8, "N, the data points")
    dim: int = integer(1, "D, the dimensions of z and of a data point", later=True)
    points: Float[Array, "points *dim"] = eqx.field(default=None)

    purpose: ClassVar[str] = "a K-sample bound with a known posterior"
    data_fields: ClassVar[tuple[str, ...]] = ("points",)
    truth: ClassVar[str] = "quadrature"
    source: ClassVar[str] = "Rainforth, Kosiorek, Le, Maddison, Igl, Wood and Teh, 2018"

    def __post_init__(self) -> None:
        generator = np.random.default_rng(0)
        if self.dim == 1:
            self.points = as_float(generator.normal(0, np.sqrt(2), self.num_points))
            return
        mean = generator.normal(size=self.dim)
        self.points = as_float(generator.normal(mean, np.sqrt(2), (self.num_points, self.dim)))

    @property
    def factor(self) -> float:
        return 1 / len(self.points)

    def init_params(self, key: Array) -> Params:
        # the optimum: μ = x̄, and the posterior's mean (x_n + x̄)/2
        shape = self.points.shape[1:]
        mean = self.points.mean(0)
        cuts = [self.dim, self.dim + self.dim**2]
        steps = self.offset * jax.random.normal(key, (self.dim + cuts[1],), mean.dtype)
        model, slope, shift = jnp.split(steps, cuts)
        half = jnp.eye(self.dim, dtype=mean.dtype).reshape(shape + shape) / 2
        encoder = {
            "slope": half + slope.reshape(half.shape),
            "offset": mean / 2 + shift.reshape(shape),
        }
        groups = {"model": {"mean": mean + model.reshape(shape)}}
        return groups | ({"encoder": encoder} if self.dim == 1 else encoder)

    def proposal_mean(self, params: Params) -> Float[Array, "points *dim"]:
        """The mean of q at each point."""
        encoder = params.get("encoder", params)
        if self.dim == 1:
            return encoder["slope"] * self.points + encoder["offset"]
        return self.points @ encoder["slope"].T + encoder["offset"]

    def distribution(self, params: Params) -> dist.Distribution:
        mean = self.proposal_mean(params).reshape(-1, self.dim)
        scale = jnp.broadcast_to(jnp.sqrt(self.variance), mean.shape)
        return particles(dist.Normal(mean, scale).to_event(1), self.num_particles)

    def log_joint(
        self, params: Params, x: Float[Array, "points particles dim"]
    ) -> Float[Array, "points particles"]:
        z = x[..., 0] if self.dim == 1 else x
        log_prior = standard_log_density(z - params["model"]["mean"])
        terms = log_prior + standard_log_density(z - self.points[:, None])
        return terms if self.dim == 1 else terms.sum(-1)

    def exact_gradient(self, params: Params) -> Params:
        if self.dim > 1:
            return self.gradient_by_distance(params)(self)
        gradient = jax.grad(self.negative_bound)
        # far from the optimum log w varies by more than the nodes span
        return agreed(gradient(params, 1.0), gradient(params, STRETCH))

    def gradient_of_points(self, params: Params) -> Callable[[WithData], Params | None]:
        if self.dim > 1:
            return self.gradient_by_distance(params)
        return super().gradient_of_points(params)

    def exact_objective(self, params: Params) -> Float[Array, ""]:
        bound = agreed(self.negative_bound(params, 1.0), self.negative_bound(params, STRETCH))
        return bound + jnp.log(jnp.asarray(self.num_particles, bound.dtype))

    def negative_bound(self, params: Params, stretch: float) -> Float[Array, ""]:
        """E[f] less log K.

        Args:
            params: θ.
            stretch: of the rules.
        """
        log_sums = self.log_sums_by_place if self.dim == 1 else self.log_sums_by_distance
        return -log_sums(params, stretch).sum() * self.factor

    def log_sums_by_place(self, params: Params, stretch: float) -> Float[Array, " points"]:
        """In one dimension: log w at nodes of z, of every data point.

        Args:
            params: θ.
            stretch: of the rule in log t.
        """
        u = jnp.arange(-12, 12, Z_STEP, dtype=self.points.dtype)
        q = Z_STEP * jnp.exp(standard_log_density(u))
        scale = jnp.sqrt(self.variance)
        z = self.proposal_mean(params)[:, None] + scale * u
        log_joint = self.log_joint(params, z[..., None])
        log_w = log_joint - standard_log_density(u) + jnp.log(scale)
        return self.expected_log_sum(log_w, q, stretch)

    def log_sums_by_distance(self, params: Params, stretch: float) -> Float[Array, " points"]:
        r"""In several dimensions: at a point log w is that of two numbers.

        With $z = m + s \varepsilon$, m the mean of q, and $d = \mu + x - 2 m$,
        $\log w = c + a u - (s^2 - \frac12) (u^2 + v)$: u ~ N(0, 1) is ε along d, v the square of
        the rest of ε, chi-squared with D − 1 degrees of freedom, and $a = s \|d\|$. So a point's
        bound is c, log w at m, and a function of a², for which one polynomial serves all points.

        Args:
            params: θ.
            stretch: of all rules.
        """
        bound = self.bound_at_distance(stretch)
        squares = self.squares(params)
        polynomial = interpolated(
            lambda square: bound(jnp.sqrt(square)), squares.max(), degree_at(stretch)
        )
        return self.at_the_mean(params) + polynomial(squares)

    def gradient_by_distance(self, params: Params) -> Callable[[WithData], Params]:
        """In several dimensions: the exact gradient with some of the points, or all.

        Args:
            params: θ.
        """
        fine, coarse = (self.slopes_by_distance(params, stretch) for stretch in (1.0, STRETCH))

        def gradient(some: WithData) -> Params:
            assert isinstance(some, NormalNormalBound)
            return agreed(some.gradient_with(fine, params), some.gradient_with(coarse, params))

        return gradient

    def slopes_by_distance(self, params: Params, stretch: float) -> Function:
        """The derivative by a² of a point's bound, as a function of a² up to the largest here.

        Args:
            params: θ.
            stretch: of all rules.
        """
        bound = self.bound_at_distance(stretch)

        def slope(square: Float[Array, ""]) -> Float[Array, ""]:
            a = jnp.sqrt(square)
            return jax.grad(bound)(a) / (2 * a)

        return interpolated(slope, self.squares(params).max(), degree_at(stretch))

    def gradient_with(self, slope: Function, params: Params) -> Params:
        """The gradient of `negative_bound`.

        Args:
            slope: the derivative by a² of a point's bound.
            params: θ.
        """
        slopes = slope(self.squares(params))

        def negative_bound(params: Params) -> Float[Array, ""]:
            terms = self.at_the_mean(params) + slopes * self.squares(params)
            return -terms.sum() * self.factor

        return jax.grad(negative_bound)(params)

    def bound_at_distance(self, stretch: float) -> Callable[[Float[Array, ""]], Float[Array, ""]]:
        """The bound of a point as a function of a, less c."""
        u, v, q = pair_nodes(self.dim, stretch)
        excess = self.variance - 0.5

        def bound(a: Float[Array, ""]) -> Float[Array, ""]:
            return self.expected_log_sum((a * u - excess * (u**2 + v))[None], q, stretch)[0]

        return bound

    def squares(self, params: Params) -> Float[Array, " points"]:
        """a² of each point."""
        d = params["model"]["mean"] + self.points - 2 * self.proposal_mean(params)
        return self.variance * (d**2).sum(-1)

    def at_the_mean(self, params: Params) -> Float[Array, " points"]:
        """c, log w of each point where z is the mean of q."""
        mean = self.proposal_mean(params)
        log_q = -self.dim / 2 * jnp.log(2 * jnp.pi * self.variance)
        return self.log_joint(params, mean[:, None])[:, 0] - log_q

    def expected_log_sum(
        self,
        log_w: Float[Array, "points nodes"],
        q: Float[Array, " nodes"],
        stretch: float,
    ) -> Float[Array, " points"]:
        r"""$E[\log \sum_k w_k]$ for K independent weights.

        $= \int_0^\infty (e^{-t} - E[e^{-t w}]^K) / t\, dt$; in log t, dt/t is d log t. The weights
        are taken relative to $e^c$, c = E[log w], about which the integrand stands:
        $\log \sum w_k = c + \log \sum w_k e^{-c}$.

        Args:
            log_w: log w of one particle at nodes.
            q: the probability of each node.
            stretch: of the rule in log t.
        """
        nodes = jnp.arange(-35, 45, LOG_T_STEP, dtype=log_w.dtype)
        center = (log_w * q).sum(-1, keepdims=True)
        log_t = stretch * nodes
        log_tw = log_t[:, None] + (log_w - center)[:, None, :]
        transform = jnp.exp(-jnp.exp(log_tw)) @ q  # E[e^{−t w}]
        excess = jnp.exp(-jnp.exp(log_t)) - transform**self.num_particles
        return center[:, 0] + stretch * LOG_T_STEP * excess.sum(-1)


def degree_at(stretch: float) -> int:
    """Of the polynomial in a², where the rules are stretched."""
    return round(DEGREE / stretch)


def pair_nodes(dim: int, stretch: float) -> tuple[Float[Array, " nodes"], ...]:
    """Nodes of u ~ N(0, 1) and of v, chi-squared with one degree of freedom less than `dim`.

    Args:
        dim: D.
        stretch: by which the rules' steps are longer.

    Returns:
        u, v, and the probability of each pair.
    """
    u = evenly(LARGEST, ALONG * stretch)
    of_u = jax.nn.softmax(-(u**2) / 2)
    # v/2 is a gamma variable: its logarithm is about c + s sinh t, t even
    shape = (dim - 1) / 2
    t = evenly(5.0, ACROSS * stretch)
    log_half = math.log(shape) + jnp.sinh(t) / math.sqrt(shape)
    of_v = jax.nn.softmax(shape * log_half - jnp.exp(log_half) + jnp.log(jnp.cosh(t)))
    most = shape + 10 * math.sqrt(shape) + 50  # from there on of_v is 0
    v = 2 * jnp.minimum(jnp.exp(log_half), most)
    pairs = jnp.broadcast_arrays(u[:, None], v, of_u[:, None] * of_v)
    u, v, q = (each.ravel() for each in pairs)
    return u, v, q


def standard_log_density(u: Float[Array, "..."]) -> Float[Array, "..."]:
    r"""The log-density of N(0, 1), $-\frac12 (u^2 + \log 2 \pi)$."""
    return -(u**2) / 2 - jnp.log(2 * jnp.pi) / 2
