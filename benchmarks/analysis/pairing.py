"""What two runs have in common: whether they may be compared, and whether their cells share random numbers."""

from typing import Any

from gradest.benchmarks.analysis.results import LEFT_OUT, Run
from gradest.benchmarks.errors import BadInput

PAIRED_BY = {
    "seed": "seed",
    "dtype": "precision",
    "theta": "θ",
    "replicates": "R",
    "batches": "number of batches",
}
"""The columns in which two cells must agree to share their random numbers, and what each is called."""

HARDWARE = ("machine", "device")
GENERATOR = "prng"
"""Keys of a run's environment; all others are versions."""


def same_draws(first: Any, second: Any) -> bool:
    """Whether two cells of one problem, θ and L used the same random numbers, batch by batch, as far as rows tell."""
    known = first.jackknifed is not None and second.jackknifed is not None
    return known and all(bool(getattr(first, key) == getattr(second, key)) for key in PAIRED_BY)


def refuse_revisions(first: Run, second: Run) -> None:
    """Raises BadInput where a problem that both runs measured was another problem in one of them."""
    faults = []
    a, b = (run.measurements.dropna(subset="problem_revision") for run in (first, second))
    for problem in sorted(set(a.problem) & set(b.problem)):
        here, there = (
            sorted({int(n) for n in t[t.problem == problem].problem_revision}) for t in (a, b)
        )
        if here != there:
            faults.append(
                f"problem {problem}: revision {', '.join(map(str, here))} in {first.folder}, "
                f"{', '.join(map(str, there))} in {second.folder}: their numbers are those of different problems; "
                "expected runs of one revision: measure the older one again"
            )
    if faults:
        raise BadInput("\n".join(faults))


def generators(run: Run) -> set[str]:
    """The random number generators that a run used; none where it does not say."""
    return {environment.get(GENERATOR, "") for environment in environments(run)}


def environments(run: Run) -> list[dict[str, str]]:
    """Versions and hardware that a run was measured with."""
    return (run.manifest or {}).get("environments", [])


def differing(first: Run, second: Run, keys: tuple[str, ...]) -> list[str]:
    """What differs in these keys of the environments, in words."""
    found = []
    for key in keys:
        here, there = (
            ", ".join(sorted({e.get(key, "unknown") for e in environments(r)}))
            for r in (first, second)
        )
        if here != there:
            found.append(f"{key} {here or 'unknown'} in A, {there or 'unknown'} in B")
    return found


def warn_of_files(*runs: tuple[Run, str]) -> list[str]:
    """What a run's folder lacks."""
    warnings = []
    for run, name in runs:
        if run.manifest is None:
            warnings.append(
                f"{name}: manifest.json is not there: its hardware and versions are unknown; not paired"
            )
        if not run.jackknifed:
            warnings.append(f"{name}: {LEFT_OUT} is not there: not paired")
    return warnings


def warn_of_environments(first: Run, second: Run) -> list[str]:
    """On what the runs differ: hardware and versions, a line each, and the generator."""
    keys = list(
        dict.fromkeys(key for run in (first, second) for e in environments(run) for key in e)
    )
    versions = tuple(key for key in keys if key not in (*HARDWARE, GENERATOR))
    kinds = (
        ("different hardware", HARDWARE, "times do not compare"),
        ("different versions", versions, "numbers may differ for that"),
        ("different random number generators", (GENERATOR,), "not paired"),
    )
    lines = ((kind, differing(first, second, keys), so) for kind, keys, so in kinds)
    return [f"{kind}: {'; '.join(found)}: {so}" for kind, found, so in lines if found]


def warn_of_cells(cells: list[tuple[dict[str, Any], dict[str, Any]]]) -> list[str]:
    """What differs between matched cells so that they are not paired, a line for each."""
    rows = [(a[g], b[g]) for a, b in cells for g in sorted(a.keys() & b.keys() - {""})]
    warnings = []
    for column, name in PAIRED_BY.items():
        pairs = [(getattr(a, column), getattr(b, column)) for a, b in rows]
        other = [(here, there) for here, there in pairs if here != there]
        if other:
            here, there = other[0]
            warnings.append(
                f"different {name}: {here} in A, {there} in B, in {len(other)} of {len(rows)} rows: not paired"
            )
    return warnings
