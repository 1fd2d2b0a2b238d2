"""refs.bib: valid BibTeX with a key for each paper, and the sentence on methods."""

import re
import tomllib

import numpy as np
import pytest

from gradest.benchmarks.analysis.results import read_run
from gradest.benchmarks.catalogue.citations import accented, bibtex
from gradest.benchmarks.paper.methods import methods
from gradest.benchmarks.paper.references import citations, refs
from gradest.estimators import ESTIMATORS
from gradest.problems import PROBLEMS
from tests.support.house import ROOT
from tests.support.made_runs import BATCHES, PATHWISE, PLAIN, cell, jackknifed, write


@pytest.fixture
def run(tmp_path):
    one = jackknifed(1.0, np.zeros(BATCHES))
    own = cell(one, ("own:Mine", {}), ("own:Problem", {}))
    folder = write(
        tmp_path / "run", [cell(one, PATHWISE), cell(one, PLAIN), own], {"gradest": "9.1"}
    )
    return read_run(folder)


def parsed(text):
    """The entries of a file in BibTeX: type and fields, by key. What is not BibTeX is refused."""
    entries, rest = {}, re.sub(r"(?m)^%.*\n", "", text)
    while rest.strip():
        head = re.match(r"\s*@(\w+)\{([^,\s]+),", rest)
        assert head, rest[:50]
        assert head[2] not in entries
        fields, rest = {}, rest[head.end() :]
        while not re.match(r"\s*\}", rest):
            name = re.match(r"\s*(\w+) = \{", rest)
            assert name, rest[:50]
            value, rest = braced(rest[name.end() :])
            assert name[1] not in fields
            fields[name[1]] = value
            rest = rest.removeprefix(",")
        rest = rest.partition("}")[2]
        entries[head[2]] = {"type": head[1], **fields}
    return entries


def braced(text):
    """What stands before the brace that closes, and what after it."""
    depth = 1
    for place, char in enumerate(text):
        depth += {"{": 1, "}": -1}.get(char, 0)
        if depth == 0:
            return text[:place], text[place + 1 :]
    raise AssertionError(text[:50])


NEEDED = {"misc": set(), "inproceedings": {"booktitle"}, "article": {"journal"}, "book": set()}


@pytest.mark.parametrize("classes", [PROBLEMS, ESTIMATORS])
def test_all_papers_are_valid_bibtex_in_ascii(classes):
    entries = parsed(bibtex(cls.source for cls in classes.values()))
    for entry in entries.values():
        assert {"author", "title", "year"} | NEEDED.get(entry["type"], set()) <= entry.keys()
        assert "".join(entry.values()).isascii()


def test_refs_have_the_papers_of_the_run_and_its_software(run):
    entries = parsed(refs(run))
    assert {"gradest", "jax", "salmon2011parallel"} < entries.keys()
    assert entries["gradest"]["note"] == "Version 9.1"
    assert "williams1992simple" in entries
    found = citations(run)
    assert found["estimators"]["score_function"] == ["glynn1990likelihood", "williams1992simple"]
    assert found["estimators"]["own:Mine"] == found["problems"]["own:Problem"] == []
    assert found["entries"].keys() == entries.keys()
    used = {key for keys in found["estimators"].values() for key in keys}
    assert used <= entries.keys()


def test_gradest_s_own_entry_is_what_citation_cff_says(run):
    cff = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    said = dict(re.findall(r'^(?:  - )?(\w[\w-]*): "?(.*?)"?$', cff, re.M))
    ours = parsed(refs(run))["gradest"]
    assert ours["title"] == said["title"]
    assert ours["author"] == "{" + said["name"] + "}"
    assert ours["year"] == said["date-released"][:4]


def test_citation_cff_is_of_this_version():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    cff = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {project['version']}\n" in cff
    assert f"\nlicense: {project['license']}\n" in cff
    assert not re.search(r"https?:|doi:", cff)  # there is none


def test_accents_are_commands():
    assert accented("é ö ç ž ñ å ł") == r"{\'e} {\"o} {\c{c}} {\v{z}} {\~n} {\r{a}} {\l}"
    assert accented("plain ½") == "plain ½"


def test_the_sentence_names_what_is_known_and_nothing_else(run):
    text = methods(run)
    for part in ("gradest 9.1", "JAX 0.4.38", "R = 20,000", "seed 0", "float32", "threefry2x32"):
        assert part in text
    assert "threefry2x32, x86_64); intervals" in text
    assert f"jackknife over {BATCHES} batches" in text
    bare = methods(run._replace(manifest=None))
    assert "measured with gradest from R" in bare
    assert "threefry" not in bare


CPU = {"machine": "x86_64", "device": "cpu: cpu"}
H200 = CPU | {"device": "gpu: NVIDIA H200 × 2"}
M9 = {"machine": "arm64", "device": "cpu: cpu"}
XEON = "Xeon(R) CPU @ 2.20GHz"


@pytest.mark.parametrize(
    ("environments", "hardware", "expected"),
    [
        ([CPU], {"processor": XEON, "cores": 8}, "Xeon CPU, 2.20GHz (x86_64), 8 cores"),
        ([CPU], {"processor": XEON, "cores": 1}, "Xeon CPU, 2.20GHz (x86_64), 1 core"),
        ([CPU | {"jax": "0.1"}, CPU], None, "x86_64"),
        (
            [H200],
            {"processor": XEON, "cores": 8},
            "NVIDIA H200 × 2 on Xeon CPU, 2.20GHz (x86_64), 8 cores",
        ),
        ([CPU, M9], {"processor": XEON, "cores": 8}, "arm64; x86_64"),
        ([M9], {"processor": "arm64", "cores": 4}, "arm64, 4 cores"),
    ],
)
def test_the_machine_is_called_by_its_name(run, environments, hardware, expected):
    manifest = run.manifest | {"environments": environments, "hardware": hardware}
    text = methods(run._replace(manifest=manifest))
    assert f"float32, {expected}); intervals" in text
    assert "@" not in text  # it would begin an entry of refs.bib


def test_software_is_read_from_the_package():
    text = (ROOT / "benchmarks" / "paper" / "software.toml").read_text(encoding="utf-8")
    assert {"gradest", "jax"} < tomllib.loads(text).keys()
