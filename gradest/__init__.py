"""gradest measures Monte Carlo gradient estimators.

```python
import gradest as ge

ge.measure("gaussian_square", ["pathwise", "rloo"], samples=[1, 4, 16])
```

Nothing is imported but what is used: `import gradest` takes no time, and does not start JAX.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gradest import benchmarks, estimators, monte_carlo, problems
    from gradest._catalogue import catalogue
    from gradest._check import check
    from gradest._measure import compare, load, measure, sweep
    from gradest._recommend import recommend
    from gradest._run import Run
    from gradest._train import train
    from gradest.benchmarks.errors import BadInput
    from gradest.benchmarks.runtime.configure import configure
    from gradest.estimators import estimator
    from gradest.problems import problem

    __version__: str

HOMES = {
    "BadInput": "gradest.benchmarks.errors",
    "OwnProblem": "gradest._own_problem",
    "Run": "gradest._run",
    "catalogue": "gradest._catalogue",
    "check": "gradest._check",
    "compare": "gradest._measure",
    "configure": "gradest.benchmarks.runtime.configure",
    "estimator": "gradest.estimators",
    "load": "gradest._measure",
    "measure": "gradest._measure",
    "problem": "gradest.problems",
    "recommend": "gradest._recommend",
    "sweep": "gradest._measure",
    "train": "gradest._train",
}
"""The module of each name that is imported when it is first used."""

__all__ = [
    "BadInput",
    "Run",
    "benchmarks",
    "catalogue",
    "check",
    "compare",
    "configure",
    "estimator",
    "estimators",
    "load",
    "measure",
    "monte_carlo",
    "problem",
    "problems",
    "recommend",
    "sweep",
    "train",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return _version()
    if name in HOMES:
        value = getattr(importlib.import_module(HOMES[name]), name)
        globals()[name] = value  # a name's second use does not come here
        return value
    if name in __all__:
        return importlib.import_module(f"gradest.{name}")
    raise AttributeError(f"module 'gradest' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, "__version__"})


def _version() -> str:
    """The version that is installed; that of a copy which is not says so."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("gradest")
    except PackageNotFoundError:
        return "0+uninstalled"
