"""Groups of θ of any name: measured, kept, read back, drawn and reported as they are."""

import json
import re

import jax.numpy as jnp
import numpyro.distributions as dist
import pytest

import gradest
from gradest.benchmarks.analysis.labels import words
from gradest.benchmarks.drawing.drawing import draw
from gradest.benchmarks.figures.figures import figures
from gradest.benchmarks.markdown import plain
from gradest.benchmarks.paper.latex import escape
from gradest.benchmarks.report.report import texts_of
from gradest.benchmarks.report.summary import Findings

GROUPS = (
    "a/b",
    "NA",
    "null",
    "nan",
    "μ",
    "",
    "None",
    "1e5",
    "A/B",
    "..",
    "$x^2$",
    r"\{_&%#~}",
    "|<b>`",
)


@pytest.fixture(scope="module")
def run():
    return gradest.measure(
        f=lambda theta, x: (x**2).sum(),
        q=lambda theta: dist.Normal(jnp.stack([theta[group] for group in GROUPS]), 1.0),
        theta=dict.fromkeys(GROUPS, 1.0),
        estimators=["pathwise", "score_function"],
        samples=[1, 2, 4],
        replicates=400,
        smooth=True,
    )


def test_names_are_texts():
    with pytest.raises(TypeError, match="theta: 1: expected names of groups"):
        gradest.measure(f=lambda theta, x: x, q=dist.Normal, theta={1: 1.0})


def test_names_come_back_as_they_are(run, tmp_path):
    assert run.read.measurements.jackknifed.notna().all()
    run.frame.to_csv(tmp_path / "measurements.csv", index=False)
    again = gradest.load(tmp_path)
    for each in (run, again):
        assert set(each.frame.group) == set(GROUPS)
        assert len(each.frame) == 6 * len(GROUPS)
    assert len(gradest.compare(run, run, metrics="variance").frame) == 6 * len(GROUPS)


def test_each_has_its_table_and_its_macros(run):
    texts = texts_of(Findings(run.read))
    tables = [name for name in texts if name.endswith(".md") and name.startswith("tables/gradest")]
    assert len({name.lower() for name in tables}) == len(tables) == len(GROUPS)
    assert all(re.fullmatch(r"tables/[\w.-]+\.(md|tex)", name, re.ASCII) for name in {*tables})
    macros = re.findall(r"\\newcommand{\\(\w+)}", texts["numbers.tex"])
    assert len(set(macros)) == len(macros)
    assert any("Mu" in name for name in macros)


def test_tables_say_what_the_names_say(run):
    texts = texts_of(Findings(run.read))
    latex = "".join(text for name, text in texts.items() if name.endswith(".tex"))
    assert not re.search(r"[^\x00-\x7f]", re.sub("^%.*$", "", latex, flags=re.M))
    markdown = "".join(text for name, text in texts.items() if name.endswith(".md"))
    for group in GROUPS:
        assert f"variance, group {plain(group)}\n" in markdown
    page = run.html()
    (data,) = re.findall(r'id="data">(.*?)</script>', page)
    labels = json.loads(data)["places"]["label"]
    for group in filter(None, GROUPS):
        assert any(label.endswith(f"∂/∂ {words(group)}") for label in labels)
    assert "<b>" not in re.sub("<script>.*?</script>", "", page, flags=re.DOTALL)


def test_figures_take_nothing_for_mathematics(run):
    specs = list(figures(run.read.measurements))
    assert specs
    for spec in specs:
        draw(spec).draw_without_rendering()
    assert any("$x^2$" in spec.to_json() for spec in specs)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r"\{}$#^~_&%", r"\textbackslash{}\{\}\$\#\textasciicircum{}\textasciitilde{}\_\&\%"),
        ("μ, µ, Σ, λ, Α", r"$\mu$, $\mu$, $\Sigma$, $\lambda$, A"),
        ("中\n", "[U+4E2D] "),
        ("<a|b>", "$<$a$|$b$>$"),
    ],
)
def test_latex_obeys_nothing(text, expected):
    assert escape(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a|b", r"a\|b"), ("<b>", r"\<b>"), ("`c`", r"\`c\`"), ("a\nb", "a b"), ("\\|", r"\\\|")],
)
def test_markdown_obeys_nothing(text, expected):
    assert plain(text) == expected
