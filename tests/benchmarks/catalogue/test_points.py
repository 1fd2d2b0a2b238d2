"""The trained points that presets measure at."""

from gradest.benchmarks.catalogue import points
from gradest.benchmarks.measurement.checkpoints import recipe_of
from gradest.problems.trained_points import FOLDER, TrainedPoint, read_point, shipped_points


def test_every_point_of_a_preset_is_shipped_and_no_other():
    found = {name: recipe_of(made, seed) for name, made, seed in points.preset_points()}
    assert set(found.values()) == set(shipped_points())
    assert {f"{name}.npz" for name in found} == {file.name for file in FOLDER.glob("*.npz")}


def test_points_are_written_anew_and_those_of_no_preset_are_removed(tmp_path, monkeypatch):
    monkeypatch.setattr(points, "FOLDER", tmp_path / "trained")
    made = [TrainedPoint(str(seed), [0.5, seed], "code") for seed in (1, 2)]
    monkeypatch.setattr(points, "shippable", lambda problem, seed: made[seed - 1])
    monkeypatch.setattr(points, "preset_points", lambda: [("a", None, 1), ("b", None, 2)])
    points.main()
    monkeypatch.setattr(points, "preset_points", lambda: [("a", None, 2)])
    points.main()
    (file,) = (tmp_path / "trained").iterdir()
    assert (file.name, read_point(file).recipe) == ("a.npz", "2")
