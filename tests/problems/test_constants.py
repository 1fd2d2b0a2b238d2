"""Constants are of the precision in force, and what is not ours stays as it is."""

import sys
import types

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest

from gradest.problems.base import Problem
from gradest.problems.constants import with_constants
from gradest.problems.registry.own_faults import advice_on

WEIGHTS = np.array([[1.0, 0.1], [0.1, 2.0]])
SHIFT = np.float64(0.3)
COUNT = 0
INDICES = np.array([0, 1])
MASK = np.array([True, False])
BYTES = np.array([51, 204], np.uint8)
HALVES = np.array([0.5, 0.25], np.float16)
JAXS = jnp.array([0.5, 0.25], jnp.float32)
MIXED = {"weights": WEIGHTS, "more": [(INDICES, "name"), 3]}
RING: list = [WEIGHTS]
RING.append(RING)


def test_constants_are_cast_wherever_they_are():
    local = np.ones(2)

    def f(theta, x, weights=WEIGHTS):
        return (lambda: WEIGHTS.dtype.str + local.dtype.str + weights.dtype.str + SHIFT.dtype.str)()

    assert f(0, 0) == "<f8" * 4
    assert with_constants(f, "float32")(0, 0) == "<f4" * 4
    assert f(0, 0) == "<f8" * 4


def test_a_function_that_calls_itself_is_cast():
    def power(x, n):
        return x * power(x, n - 1) if n else WEIGHTS[0, 0]

    assert with_constants(power, "float32")(1.0, 3) == 1


def test_a_function_without_such_constants_is_itself():
    def plain(x):
        return x + COUNT

    assert with_constants(plain, "float32") is plain


def test_a_function_that_writes_a_global_is_itself():
    def counts(x):
        global COUNT
        COUNT += 1
        return x * WEIGHTS

    with_constants(counts, "float32")(1.0)
    assert COUNT == 1


class Weighted(Problem):
    """As a user writes it, with a constant in NumPy's precision."""

    def init_params(self, key):
        return {"mean": jnp.ones(2)}

    def distribution(self, params):
        return dist.Normal(params["mean"], 0.5).to_event(1)

    def objective(self, params, x):
        return x @ WEIGHTS @ x

    def exact_gradient(self, params):
        def value(mean):
            return mean @ WEIGHTS @ mean

        return {"mean": jax.grad(value)(params["mean"])}


def test_a_user_s_methods_are_traced_in_each_precision_one_after_the_other():
    problem, x = Weighted(), jnp.ones(2)
    compiled = []
    for on in (False, True, False, True):
        with jax.enable_x64(on):
            params = {"mean": jnp.ones(2, float)}
            f = jax.jit(jax.grad(problem.objective, argnums=1)).lower(params, x.astype(float))
            compiled.append(f.compile())  # which keeps what it was traced with
            assert problem.exact_gradient(params)["mean"].dtype == jnp.result_type(float)


def test_whole_numbers_and_booleans_stay_what_they_are():
    """But no array that JAX may remember."""

    def f():
        return INDICES, MASK, BYTES

    for new, old in zip(with_constants(f, "float32")(), f(), strict=True):
        assert new is not old
        assert new.dtype == old.dtype
        assert new.tolist() == old.tolist()


def test_arrays_of_jax_are_cast_and_its_tracers_are_not():
    def f():
        return JAXS

    def traced(x):
        return with_constants(lambda: x, "float32")()

    with jax.enable_x64(True):
        assert with_constants(f, "float64")().dtype == "float64"
        assert jax.eval_shape(traced, jnp.ones(2)).dtype == "float64"
    assert with_constants(f, "float32") is f


def test_lists_and_dicts_are_cast_within():
    def f():
        return MIXED, RING

    mixed, ring = with_constants(f, "float32")()
    assert mixed["weights"].dtype == "float32"
    assert mixed["more"][0][0].tolist() == [0, 1]
    assert mixed["more"][0][1] == "name"
    assert ring[1] is RING
    assert MIXED["weights"].dtype == "float64"


def module_of(name: str, text: str, folder, monkeypatch) -> types.ModuleType:
    """A module with a text, as if imported from a file in a folder."""
    module = types.ModuleType(name)
    module.__file__ = str(folder / f"{name}.py")
    monkeypatch.setitem(sys.modules, name, module)
    exec(text, vars(module))
    return module


@pytest.mark.parametrize("folder", ["here", "elsewhere"])
def test_modules_in_the_folder_of_the_function_s_own_are_cast(monkeypatch, tmp_path, folder):
    table = "import numpy as np\nTABLE = np.ones(2)\ndef f(): return TABLE.dtype.str"
    held = module_of("held", table, tmp_path / folder, monkeypatch)
    text = "import held\nfrom held import f\ndef g(): return held.TABLE.dtype.str + f()"
    user = module_of("user", text, tmp_path / "here", monkeypatch)
    expected = "<f4<f4" if folder == "here" else "<f8<f8"
    assert with_constants(user.g, "float32")() == expected
    assert held.TABLE.dtype == "float64"


class Indexed(Weighted):
    def objective(self, params, x):
        return (x[..., INDICES] ** 2 * BYTES / 255).sum()


class Masked(Weighted):
    def objective(self, params, x):
        return (x[MASK] ** 2).sum() + jnp.where(MASK, x, HALVES).sum()


class Counted(Weighted):
    def objective(self, params, x):
        return (x**2 * INDICES).sum()


class OfItsClass(Weighted):
    weights = np.array([0.1, 0.7])
    parts = (np.array([0, 1]), "name")

    def objective(self, params, x):
        return ((x - self.weights)[self.parts[0]] ** 2).sum()


class ByItsHelpers(Weighted):
    @staticmethod
    def difference(x):
        return x - WEIGHTS[0]

    @property
    def scale(self):
        return WEIGHTS[1]

    def square(self, x):
        return (self.difference(x) / self.scale) ** 2

    def objective(self, params, x):
        return self.square(x).sum()


class OfTables(Weighted):
    def objective(self, params, x):
        return JAXS[(x > 0).astype(int)].sum() + MIXED["weights"][1] @ x


class Whirled(Weighted):
    def objective(self, params, x):
        return jnp.abs((x * np.exp(1j * WEIGHTS[0])).sum()) + jnp.abs((x * (WEIGHTS + 0j)).sum())


OWN = [Weighted, Indexed, Masked, Counted, OfItsClass, ByItsHelpers, OfTables, Whirled]


@pytest.mark.parametrize("cls", OWN)
def test_f_is_the_same_in_both_precisions_one_after_the_other(cls):
    """Compiled first, so that JAX remembers; then in each way that a check calls f in."""
    problem, x = cls(), jnp.array([[0.3, -1.2], [2.0, 0.7]])
    params = {"mean": jnp.ones(2)}
    narrow = jax.jit(problem.objectives)(params, x)
    assert narrow.dtype == "float32"
    with jax.enable_x64(True):
        wide_params, wide_x = {"mean": jnp.ones(2)}, x.astype("float64")
        for objectives in (problem.objectives, jax.jit(problem.objectives)):
            wide = objectives(wide_params, wide_x)
            assert wide.dtype == "float64"
            np.testing.assert_allclose(narrow, wide, rtol=1e-6)
        jax.jit(jax.grad(lambda x: problem.objectives(wide_params, x).sum()))(wide_x)
    assert jax.jit(problem.objectives)(params, x).dtype == "float32"


def test_a_class_s_own_array_is_left_in_the_precision_that_it_was_written_in():
    assert OfItsClass.__dict__["weights"].value.dtype == "float64"
    assert OfItsClass().weights.dtype == "float32"
    with jax.enable_x64(True):
        assert OfItsClass().weights.tolist() == [0.1, 0.7]


def test_whole_numbers_beyond_32_bits_have_advice():
    with pytest.raises(OverflowError) as raised:
        jax.jit(lambda x: x * 3_000_000_000)(jnp.ones(2))
    assert "as a float" in advice_on(raised.value)
