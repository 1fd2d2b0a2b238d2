"""The house rules that a machine can check: who may import whom, how large things are."""

import ast
import itertools
import re
import tomllib
from collections import Counter
from pathlib import Path

import pytest

from tests.support.house import (
    ROOT,
    WINGS,
    floors,
    imported,
    imports,
    modules,
    room_of,
    rooms,
    syntax,
)
from tests.support.metrics import MOST_LINES, page_of

FILES = modules()

FLOORS = (
    {"problems", "benchmarks/statistics", "benchmarks/bench/peers/scripts"},
    {"benchmarks", "problems/distributions", "problems/registry"},
    {"estimators/families"},
    {"problems/toys", "problems/variational", "problems/control", "estimators/sampling"},
    {"problems/__init__", "estimators", "benchmarks/runtime"},
    {
        "estimators/score_function",
        "estimators/pathwise",
        "estimators/differences",
        "estimators/policy",
    },
    {"estimators/discrete"},
    {"estimators/__init__"},
    {
        "benchmarks/measurement",
        "benchmarks/folders",
        "benchmarks/paper_metrics",
        "gradest/monte_carlo",
    },
    {"benchmarks/cells"},
    {"benchmarks/training", "benchmarks/published"},
    {"benchmarks/sweeps"},
    {"benchmarks/analysis", "benchmarks/catalogue"},
    {
        "benchmarks/comparisons",
        "benchmarks/distributing",
        "benchmarks/learning_curves",
        "benchmarks/plans",
    },
    {"benchmarks/figures", "benchmarks/checks", "benchmarks/paper"},
    {"benchmarks/training_shown"},
    {"benchmarks/drawing", "benchmarks/page", "benchmarks/reproductions"},
    {"benchmarks/report", "benchmarks/recommending", "benchmarks/bench/calibration"},
    {"benchmarks/cli"},
    {"benchmarks/bench/speed", "benchmarks/bench/scaling", "gradest", "gradest/__init__"},
    {"benchmarks/bench/peers"},
    {"benchmarks/bench/gpu"},
)
"""The rooms, from the ground up: each may import from those below it, and from no other."""

TOPS = {"problems", "estimators", "benchmarks", "gradest"}
"""A wing's own modules, which its rooms share: few, and no room of their own."""


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_there_are_files_to_look_at():
    counts = Counter(path.relative_to(ROOT).parts[0] for path in FILES)
    assert set(counts) == set(WINGS)
    assert len(FILES) > 150


def test_every_room_is_on_a_floor_and_imports_only_from_below():
    graph = rooms()
    floor = {room: number for number, level in enumerate(FLOORS) for room in level}
    empty = {room for room in graph if not graph[room]} - floor.keys()  # only a docstring
    assert graph.keys() - empty == floor.keys()
    upward = [(r, o) for r in floor for o in graph[r] - empty if floor[o] >= floor[r]]
    assert upward == []


def test_contributing_has_the_floors_as_they_are():
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    _, _, after = page.partition("| rooms, from the top floor down |")
    rows = re.findall(r"^\| (`.*?`) \| \w", after.partition("\n\n")[0], re.MULTILINE)
    assert [set(re.findall("`(.*?)`", row)) for row in reversed(rows)] == list(FLOORS)


def test_no_module_imports_itself_by_way_of_others():
    floors({name_of(path): {*map(name_of, others)} for path, others in imports().items()})


def test_a_circle_is_found():
    with pytest.raises(ValueError, match="circle: a, b"):
        floors({"a": {"b"}, "b": {"a"}, "c": set()})


def test_rooms_have_three_to_nine_modules():
    counts = Counter(room_of(path) for path in FILES if path.name != "__init__.py")
    rooms_alone = {room: count for room, count in counts.items() if room not in TOPS}
    assert len(rooms_alone) > 20
    assert {r: n for r, n in rooms_alone.items() if not 3 <= n <= 9} == {}


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_modules(path):
    """Ours are imported as gradest's, none is a drawer, none too long to read."""
    roots = {name.partition(".")[0] for name in imported(path)}
    assert not roots & {"problems", "estimators", "benchmarks", "tests"}
    assert path.stem not in {"utils", "helpers", "common"}
    assert len(path.stem) > 1
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MOST_LINES


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_the_page_reads_easily(path):
    page = page_of(path)
    assert page.chained_conditionals == 0
    assert page.unformatted == 0
    assert page.shadowed == []


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_nameless_functions_are_registered(path):
    """A function called _ is only reached by what its decorator does with it."""
    functions = [node for node in ast.walk(syntax(path)) if isinstance(node, ast.FunctionDef)]
    assert [f.lineno for f in functions if f.name == "_" and not f.decorator_list] == []


STATISTICS = [path for path in FILES if room_of(path) == "benchmarks/statistics"]


@pytest.mark.parametrize("path", STATISTICS, ids=name_of)
def test_statistics_have_no_jax_in_them(path):
    """Nor anything of ours that has: the room is on the ground floor."""
    roots = {name.partition(".")[0] for name in imported(path)}
    assert not roots & {"jax", "jaxlib", "equinox", "numpyro"}


def test_links_are_packages_and_the_lock_names_no_index():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    links = {
        path.name: path.resolve() for path in (ROOT / "gradest").iterdir() if path.is_symlink()
    }
    assert links == {wing: ROOT / wing for wing in WINGS if wing != "gradest"}
    assert project["project"]["scripts"] == {"gradest": "gradest.benchmarks.cli.main:main"}
    lock = (ROOT / "requirements.lock").read_text()
    assert not re.search(r"https?://|--(extra-)?index|find-links", lock)
    pinned = set(re.findall(r"^([a-z0-9-]+)==", lock, flags=re.M))
    extras = project["project"]["optional-dependencies"]
    wanted = [*project["project"]["dependencies"], *itertools.chain(*extras.values())]
    assert {re.match("[a-z0-9-]+", line)[0] for line in wanted} <= pinned
