"""The presets that repeat papers, and what the command line says of them."""

import json

import pytest

from gradest.benchmarks.catalogue.citations import references
from gradest.benchmarks.catalogue.papers import paper_presets
from gradest.benchmarks.presets import paper_names, preset_names, preset_text
from gradest.benchmarks.sweeps.plan import resolve
from gradest.benchmarks.sweeps.schema import load_sweep

NUMBERS = {"dimitriev2021": 34, "gadetsky2020": 9, "grathwohl2018": 14, "titsias2022": 13}
"""How many each has at least: as many as were read."""


def test_all_are_presets():
    assert {"mohamed2020", "liu2019", "kool2020", *NUMBERS} <= set(paper_names())
    assert set(paper_names()) < set(preset_names())


@pytest.mark.parametrize("name", paper_names())
def test_each_has_a_reference_and_numbers_of_cells_that_it_has(name):
    sweep = load_sweep(name)
    assert sweep.name == name
    assert sweep.paper.reference in references()
    plan = resolve(sweep)
    numbers = [match.number for match in plan.published]
    assert len(numbers) >= NUMBERS.get(name, 0)
    assert all(number.entry.source.strip() for number in numbers)
    named = {
        (m.cell.id, m.number.step, m.number.entry.group, m.number.entry.metric)
        for m in plan.published
    }
    assert len(named) == len(numbers)  # no cell has two


def test_no_line_is_too_long_to_check():
    for name in paper_names():
        assert max(map(len, preset_text(name).splitlines())) < 400


def test_list_papers(run_command):
    status, out, _ = run_command("list", "--papers")
    assert status == 0
    for paper in paper_presets():
        (line,) = [line for line in out.splitlines() if line.split()[:1] == [paper.name]]
        assert str(paper.published) in line.split()
    listed = json.loads(run_command("list", "--papers", "--json")[1])["papers"]
    assert [each["name"] for each in listed] == paper_names()
    assert run_command("list", "--papers", "--long")[0] == 2


def test_describe(run_command):
    out = run_command("describe", "kool2020")[1]
    assert "wouterkool/estimating-gradients-without-replacement @ 20494fe" in out
    bibtex = run_command("describe", "kool2020", "--bibtex")[1]
    assert bibtex.startswith("@inproceedings{kool2020estimating,")
