"""A cell: one measurement, by everything that its result depends on."""

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property

from jaxtyping import Array

from gradest.benchmarks.measurement.replicates import cell_key
from gradest.problems.registry.instances import Choice


@dataclass(frozen=True)
class Cell:
    """One measurement: a problem at one θ, an estimator, L and R."""

    problem: Choice
    estimator: Choice
    point: str
    num_samples: int
    replicates: int
    """R; with a precision, the most that it may be."""
    seed: int
    adapt_steps: int
    dtype: str
    reference_replicates: int
    equivalence_margin: float
    precision: float | None = None
    timeout: float | None = None
    generator: str = "threefry"

    @cached_property
    def id(self) -> str:
        """A name made from everything that the result depends on, the same on every machine."""
        return self._digest(self.replicates, self.precision, self.timeout)

    @cached_property
    def series(self) -> str:
        """The same but for R.

        Cells that differ in nothing else are longer and shorter runs of one another.
        """
        return self._digest()

    def _digest(self, *budget: float | None) -> str:
        spec = [
            self.problem.name,
            json.dumps(self.problem.named_by, sort_keys=True),
            self.estimator.name,
            json.dumps(self.estimator.named_by, sort_keys=True),
            self.point,
            self.num_samples,
            self.seed,
            self.adapt_steps,
            self.dtype,
            self.reference_replicates,
            self.equivalence_margin,
            *budget,
        ]
        if self.generator != "threefry":  # which was the only one when the first cells were named
            spec.append(self.generator)
        if self.problem.revision > 1:
            spec.append(f"revision {self.problem.revision}")
        return hashlib.sha256(json.dumps(spec).encode()).hexdigest()[:12]

    @property
    def key(self) -> Array:
        """What the keys of its replicates are made from."""
        return cell_key(self.seed, self.problem.label, self.point, self.num_samples, self.generator)

    @property
    def label(self) -> str:
        """What a person is shown while it runs."""
        return f"{self.problem.name} {self.point} × {self.estimator.name} L={self.num_samples}"
