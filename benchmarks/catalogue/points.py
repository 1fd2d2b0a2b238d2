"""The trained points of our presets, which are shipped.

`python -m gradest.benchmarks.catalogue.points` trains them and writes their files.

Whoever changes what training makes of θ raises `training_revision`, and makes them anew.
"""

from collections.abc import Iterator

from gradest.benchmarks.measurement.checkpoints import is_trained, recipe_of, shippable
from gradest.benchmarks.presets import preset_names
from gradest.benchmarks.sweeps.plan import resolve
from gradest.benchmarks.sweeps.schema import load_sweep
from gradest.problems.trained_points import FOLDER, as_file
from gradest.problems.variational.image_model import ImageModel


def preset_points() -> Iterator[tuple[str, ImageModel, int]]:
    """Every trained point that a preset measures at, once: its name, the problem and the seed."""
    seen = set()
    for preset in preset_names():
        plan = resolve(load_sweep(preset))
        for choice, problem in plan.problems.items():
            if not is_trained(problem):
                continue
            recipe = recipe_of(problem, plan.sweep.seed)
            if recipe not in seen:
                seen.add(recipe)
                name = f"{choice.name}_{int(problem.train_steps)}_{plan.sweep.seed}"
                yield name, problem, plan.sweep.seed


def main() -> None:
    """Writes the points of all presets, and removes those of none."""
    FOLDER.mkdir(exist_ok=True)
    points = {name: shippable(problem, seed) for name, problem, seed in preset_points()}
    for file in FOLDER.glob("*.npz"):
        file.unlink()
    for name, point in points.items():
        (FOLDER / f"{name}.npz").write_bytes(as_file(point))


if __name__ == "__main__":
    main()
