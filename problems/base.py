"""The shared type of every problem: θ, q_θ, f, and, where there is one, the exact gradient."""

import functools
import math
from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpyro.distributions as dist
from jaxtyping import Array, Float, Int, PyTree

from gradest.problems.arguments import Configured
from gradest.problems.canonical import made_canonical
from gradest.problems.constants import casting

Params = dict[str, PyTree[Float[Array, "..."]]]
"""θ: named groups of arrays. Variance and bias are reported for each group."""


class Problem(Configured):
    r"""Minimise $E_{x \sim q_\theta}[f(\theta, x)]$.

    A subclass writes `init_params`, `distribution` and `objective`, and `exact_gradient` where the
    gradient is known.
    """

    objective_uses_params: ClassVar[bool] = False
    """Whether f depends on θ other than through x, so that E[∂f/∂θ] is part of the gradient."""

    smooth: ClassVar[bool] = True
    """Whether f is differentiable in x almost everywhere *and* continuous, as gradients that pass
    through f need."""

    not_smooth: ClassVar[str] = "f jumps"
    """What an estimator that differentiates f stumbles over where f is not `smooth`."""

    evaluated: ClassVar[tuple[str, ...]] = ("objective",)
    """The methods of which a call is one evaluation of f: a trait that takes f apart adds the part
    that costs."""

    truth: ClassVar[str] = ""
    """How `exact_gradient` comes about: "closed form", "quadrature", "enumeration", "dynamic
    programming"; "" where it is None."""

    revision: ClassVar[int] = 1
    """Raised with every change that makes the problem's numbers others: runs of different revisions
    do not compare."""

    @classmethod
    def revision_with(cls, arguments: Mapping[str, Any]) -> int:
        """The revision of the problem with these arguments."""
        return cls.revision

    named: ClassVar[bool] = True
    """Whether its class and its arguments say all of it, so that what is made of it may be kept."""

    purpose: ClassVar[str] = ""
    """What it is for, in a few words: a line of `gradest list`."""

    source: ClassVar[str] = ""
    """Who posed the problem (authors, year), or "" where nobody in particular did."""

    def __init_subclass__(cls, **keywords: Any) -> None:
        """A user's class has its constants cast, and gives distributions that estimators know."""
        super().__init_subclass__(**keywords)
        if cls.__module__.startswith("gradest."):
            return
        for name in [name for name in cls.__dict__ if not name.startswith("__")]:
            setattr(cls, name, casting(cls.__dict__[name]))
        if "distribution" in cls.__dict__:
            setattr(cls, "distribution", made_canonical(cls.__dict__["distribution"]))  # noqa: B010

    @abstractmethod
    def init_params(self, key: Array) -> Params:
        """θ at initialisation."""

    @abstractmethod
    def distribution(self, params: Params) -> dist.Distribution:
        """q_θ: its event is one x, its batch axes are the data points (none for a toy)."""

    @abstractmethod
    def objective(self, params: Params, x: Float[Array, "..."]) -> Float[Array, "*batch"]:
        """f for ONE sample x.

        Args:
            params: θ.
            x: one value of every data point's x, of shape batch + event.

        Returns:
            f of each data point, or one number where q_θ has none.
        """

    def exact_gradient(self, params: Params) -> Params | None:
        r"""$\nabla_\theta E_{q_\theta}[f]$ without Monte Carlo error, in the precision of `params`.

        None where it is not known.
        """
        return None

    def exact_objective(self, params: Params) -> Float[Array, ""] | None:
        r"""$E_{q_\theta}[f]$ without Monte Carlo error, summed over data points.

        None where it is not known.
        """
        return None

    def held_out(self) -> "Problem | None":
        """The same problem of data points that this one has not seen; None where there are none."""
        return None

    def objectives(self, params: Params, x: Float[Array, "L ..."]) -> Float[Array, "L *batch"]:
        """f for each of L samples."""
        return jax.vmap(self.objective, in_axes=(None, 0))(params, x)

    @property
    def f_is_sum(self) -> bool:
        """Whether f is known as a sum with a term for each coordinate of x."""
        return False

    def changes_by_coordinate(
        self,
        params: Params,
        x: Float[Array, "L ..."],
        new: Float[Array, "L ..."],
        old: Float[Array, "L ..."],
    ) -> Float[Array, "L ..."]:
        r"""$f(x_l; x_i = n_{li}) - f(x_l; x_i = o_{li})$ for each coordinate i of each sample l.

        Args:
            params: θ.
            x: samples, of which all coordinates but i stay.
            new: n, of x's shape.
            old: o, of x's shape; where it is x itself, f is evaluated there once for all i.
        """
        event = self.abstract_distribution().event_shape
        coordinates = jnp.arange(math.prod(event))

        def f_with(values: Float[Array, "L ..."], i: Array) -> Float[Array, "L *batch"]:
            """f with coordinate i of x replaced."""
            if values is x or len(coordinates) == 1:  # nothing of x stays
                return self.objectives(params, values)
            return self.objectives(params, jnp.where(coordinates.reshape(event) == i, values, x))

        def change(i: Array) -> Float[Array, "L *batch"]:
            return f_with(new, i) - f_with(old, i)

        return jax.vmap(change, out_axes=-1)(coordinates).reshape(new.shape)

    def direct_gradients(self, num_samples: int) -> int:
        """Evaluations of ∂f/∂θ at so many draws: as many where f depends on θ itself, else none."""
        return num_samples if self.objective_uses_params else 0

    def abstract_distribution(self) -> Any:
        """q_θ with shapes in the place of arrays: its type, event and batch, at no cost."""
        leaves, structure = jax.tree.flatten(self)
        shapes = [jax.ShapeDtypeStruct(leaf.shape, leaf.dtype) for leaf in leaves]
        return _abstract_distribution(structure, *shapes)


class SumOfTerms(Problem):
    r"""The trait of a problem whose f is a sum with a term for each coordinate of x,
    $f(\theta, x) = \sum_i f_i(\theta, x_i)$."""

    evaluated: ClassVar[tuple[str, ...]] = ("objective", "terms")

    @abstractmethod
    def terms(self, params: Params, x: Float[Array, "..."]) -> Float[Array, "*batch dim"]:
        """Every f_i for ONE sample x."""

    @property
    def f_is_sum(self) -> bool:
        return type(self).objective is SumOfTerms.objective  # a subclass may have another f

    def objective(self, params: Params, x: Float[Array, "..."]) -> Float[Array, "*batch"]:
        return self.terms(params, x).sum(-1)

    def changes_by_coordinate(
        self,
        params: Params,
        x: Float[Array, "L ..."],
        new: Float[Array, "L ..."],
        old: Float[Array, "L ..."],
    ) -> Float[Array, "L ..."]:
        r"""$f_i(n_{li}) - f_i(o_{li})$: of all other terms nothing changes, and none is made."""
        if not self.f_is_sum:
            return super().changes_by_coordinate(params, x, new, old)
        terms = jax.vmap(self.terms, in_axes=(None, 0))
        return terms(params, new) - terms(params, old)


class WithInputs(Problem):
    """The trait of a problem whose data points have inputs, from which a network may guess f."""

    @property
    @abstractmethod
    def inputs(self) -> Float[Array, "points features"]:
        """A row for each data point."""


class WithData(Problem):
    r"""The trait of a problem whose f has a term for each of N data points, $f = \sum_i f_i$ and
    what belongs to no data point, or the mean of N terms.

    A minibatch of n of them, drawn without replacement, stands for all: $\frac Nn \sum f_i$.
    """

    weight: Float[Array, ""] | None = eqx.field(default=None)
    """How many data points each row stands for, where f is a sum over them; None for one."""

    data_fields: ClassVar[tuple[str, ...]]
    """The arrays that have a row for each data point."""

    averaged: ClassVar[bool] = True
    """Whether f is a mean over the data points, or a sum, of which `of_all` is taken."""

    @property
    def data_rows(self) -> tuple[Array, ...]:
        """The arrays that have a row for each data point."""
        return tuple(getattr(self, name) for name in self.data_fields)

    @property
    def num_points(self) -> int:
        """N, the data points."""
        return len(self.data_rows[0])

    def with_data(self, data: tuple[Array, ...]) -> "WithData":
        """The problem of other data points.

        Args:
            data: in the place of `data_rows`, with as many rows each as one likes.
        """
        fields = self.data_fields
        return eqx.tree_at(lambda problem: [getattr(problem, name) for name in fields], self, data)

    def at_points(self, chosen: Int[Array, " n"]) -> "WithData":
        """The problem of some of its data points, which stand for all.

        Args:
            chosen: their numbers.
        """
        made = self.with_data(tuple(rows[chosen] for rows in self.data_rows))
        if self.averaged or len(chosen) == self.num_points:
            return made
        share = jnp.asarray(self.num_points / len(chosen), jnp.result_type(float))
        weight = self.of_all(share)
        return eqx.tree_at(lambda each: each.weight, made, weight, is_leaf=lambda x: x is None)

    def gradient_of_points(self, params: Params) -> Callable[["WithData"], Params | None]:
        """The exact gradient as a function of the problem with other data points, of these some.

        What costs and is the same for all points is found once.

        Args:
            params: θ.
        """
        return lambda some: some.exact_gradient(params)

    def of_all(self, total: Float[Array, ""]) -> Float[Array, ""]:
        """A sum over the rows, each of which counts for the data points that it stands for."""
        return total if self.weight is None else self.weight * total

    def minibatch(self, key: Array, size: int) -> "WithData":
        """The problem of a fresh minibatch: E over minibatches of its gradient is that of all N.

        Args:
            key: of the choice.
            size: n.
        """
        return self.at_points(chosen_points(key, self.num_points, size))


def chosen_points(key: Array, points: int, size: int) -> Int[Array, " n"]:
    """A minibatch of n of N data points, each set of n as likely as any other.

    Args:
        key: of the choice.
        points: N.
        size: n; of all N no random number is drawn.
    """
    if size == points:
        return jnp.arange(points)
    return jax.random.choice(key, points, (size,), replace=False)


@functools.cache
def _abstract_distribution(structure: Any, *leaves: jax.ShapeDtypeStruct) -> Any:
    def distribution(problem: Problem) -> dist.Distribution:
        params = problem.init_params(jax.random.key(0))  # of which only the shapes count
        return problem.distribution(params)

    return eqx.filter_eval_shape(distribution, jax.tree.unflatten(structure, leaves))


def with_methods(problem: Problem, methods: Mapping[str, Any]) -> Problem:
    """The same problem with some methods of its replaced, and `objectives` made of them.

    Its class is a subclass, so that whoever asks for the type still finds it.
    """
    # objectives are the base class's, whatever the problem made of them: f, vmapped
    body = {
        "__doc__": type(problem).__doc__,
        "__module__": __name__,
        "objectives": Problem.objectives,
    }
    metaclass: Any = type(type(problem))
    return in_class(metaclass("Twin", (type(problem),), {**body, **methods}), problem)


def in_class(cls: type[Problem], problem: Problem) -> Problem:
    """A problem with the fields of another, whose class is another's subclass or parent."""
    made = object.__new__(cls)
    for name, value in vars(problem).items():
        object.__setattr__(made, name, value)
    return made
