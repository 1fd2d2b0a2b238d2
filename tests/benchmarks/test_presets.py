"""One place knows all presets."""

from gradest.benchmarks.presets import paper_names, preset_names, preset_text, purpose_of
from tests.support.house import ROOT


def test_they_are_the_files():
    ours = {path.stem for path in (ROOT / "benchmarks/sweeps/presets").glob("*.toml")}
    papers = {path.stem for path in (ROOT / "benchmarks/catalogue/papers").glob("*.toml")}
    assert set(preset_names()) == ours | papers
    assert set(paper_names()) == papers
    assert not ours & papers


def test_a_purpose_is_the_first_line():
    assert preset_text("quick").startswith(f"# {purpose_of('quick')}")
