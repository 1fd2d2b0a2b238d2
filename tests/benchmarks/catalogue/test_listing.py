"""`gradest list`: 80 columns, a purpose for each, filters."""

import pytest

from gradest.benchmarks.catalogue.facts import changes
from gradest.benchmarks.catalogue.listing import (
    NAMES,
    PURPOSES,
    WIDTH,
    as_json,
    as_list,
    presets,
    purposes,
    row,
    wanted,
)
from gradest.benchmarks.errors import BadInput
from gradest.benchmarks.presets import preset_names
from gradest.estimators import ESTIMATORS
from gradest.problems import PROBLEMS


def test_every_class_has_a_purpose_of_its_own_that_fits():
    known = purposes() | presets()
    assert known.keys() == {*PROBLEMS, *ESTIMATORS, *preset_names()}
    assert len(set(known.values())) == len(known)
    room = dict.fromkeys(known, PURPOSES) | dict.fromkeys(preset_names(), WIDTH - NAMES - 2)
    assert {name: text for name, text in known.items() if not 8 <= len(text) <= room[name]} == {}
    assert [text for text in known.values() if text.endswith(".") or text != text.strip()] == []
    biased = {name for name in ESTIMATORS if not ESTIMATORS[name].unbiased}
    assert {name for name, text in known.items() if "biased" in text} <= biased


def test_the_list_fits_80_columns_and_has_all():
    lines = as_list(wanted()).splitlines()
    assert max(map(len, lines)) <= WIDTH
    first = [line.split()[0] for line in lines if line and not line.startswith(" ")]
    heads = [["estimator", *ESTIMATORS], ["problem", *PROBLEMS], ["preset", *preset_names()]]
    assert first == [name for names in heads for name in names]
    assert all(text in "\n".join(lines) for text in presets().values())


def test_a_long_name_has_a_line_to_itself():
    assert row("n" * 25, "bits", "what") == "n" * 25 + "\n" + " " * 26 + "bits         what"


def test_one_variable():
    found = wanted("bernoulli")
    assert {"bernoulli_square", "vae_bernoulli"} <= {each.name for each in found.problems}
    assert "gaussian_square" not in {each.name for each in found.problems}
    names = {each.name for each in found.estimators}
    assert {"disarm", "score_function", "measure_valued"} <= names
    assert not {"pathwise", "arsm"} & names
    assert wanted("bits") == found


def test_unbiased_estimators_alone():
    found = wanted(only_unbiased=True)
    names = {each.name for each in found.estimators}
    assert {"pathwise", "rebar"} <= names
    assert not {"gumbel_softmax", "spsa", "straight_through"} & names
    assert (found.problems, found.presets) == ([], {})
    lines = as_list(found).splitlines()
    assert lines[0].split()[0] == "estimator"
    assert max(map(len, lines)) <= WIDTH
    place = next(number for number, line in enumerate(lines) if line.startswith("rebar"))
    assert lines[place + 1].strip() == "may be biased: where f jumps"


def test_what_is_asked_for_is_listed_alone():
    assert [bool(part) for part in wanted("bits")] == [True, True, False, False]
    assert [bool(part) for part in wanted("bits", only_unbiased=True)] == [True, True, False, True]
    assert "preset" not in as_list(wanted("bits"))
    assert as_json(wanted("bits"))["presets"] == []


def test_where_a_claim_depends_on_the_problem_or_on_arguments_that_is_said():
    """It does where some variant is not claimed to be unbiased on some problem."""
    problems = [PROBLEMS[name]() for name in ("gaussian_step", "vae_bernoulli_bound")]
    problems.append(PROBLEMS["token_policy"](kl=0.5))
    depends = set()
    for name, cls in ESTIMATORS.items():
        variants = [cls(**dict([change])) for change in changes(cls)]
        variants += [cls(gamma=1.0)] if name == "ovis" else []
        claims = [e.claims_unbiased(p) for p in problems for e in (cls(), *variants)]
        if cls.unbiased and not all(claims):
            depends.add(name)
    caveats = wanted(only_unbiased=True).caveats
    assert caveats.keys() == depends
    assert {"sticking_the_landing", "rebar", "relax", "ovis", "pathwise"} <= depends
    assert "score_function" not in caveats
    assert caveats["relax"].endswith("where f jumps, but for relaxed_f = False")
    assert "several particles" in caveats["sticking_the_landing"]
    assert "γ other than 0" in caveats["ovis"]


def test_an_unknown_variable_is_refused_with_the_nearest():
    with pytest.raises(BadInput, match=r"--variable 'Bernouli': .*did you mean Bernoulli\?"):
        wanted("Bernouli")
