"""How a run came about, as others can use it: a sweep's file, the papers, a sentence of methods."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from gradest.benchmarks.analysis.results import Run
from gradest.benchmarks.catalogue.citations import cited, entry, key, references
from gradest.benchmarks.sweeps.schema import load_sweep, preset_names
from gradest.estimators import ESTIMATORS
from gradest.problems import PROBLEMS

TABLES = ("problem", "estimator")
"""What a sweep's file lists, each in tables of its own."""

MINIBATCHES = "minibatch_size"

CHOSEN = ("name", "samples", "replicates", "precision", "max_replicates", "cell_timeout")
"""What the page writes into a sweep's file by what it shows."""


def table_text(kind: str, name: str, arguments: Mapping[str, Any]) -> str:
    """A problem or an estimator in a sweep's file."""
    return "\n".join([f"[[{kind}]]", *assignments({"name": name} | dict(arguments))])


def assignments(values: Mapping[str, Any]) -> list[str]:
    """Lines of TOML; what is None is left out."""
    return [f"{name} = {written(value)}" for name, value in values.items() if value is not None]


def written(value: Any) -> str:
    """A value in TOML, which reads what JSON writes, but for the character DEL."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def sweep_of(run: Run) -> dict[str, Any]:
    """The sweep that the run's manifest records; empty without one."""
    return dict((run.manifest or {}).get("sweep") or {})


def sweep_text(run: Run) -> str:
    """The sweep's file that measures the run again; empty where nobody recorded it."""
    sweep = sweep_of(run)
    if not sweep:
        return ""
    parts = ["\n".join(assignments({k: v for k, v in sweep.items() if k not in TABLES}))]
    for kind in TABLES:
        parts += ["\n".join([f"[[{kind}]]", *assignments(each)]) for each in sweep.get(kind, [])]
    return "\n\n".join(parts) + "\n"


def header(run: Run) -> str:
    """What a sweep's file says before its tables, but for what the page chooses."""
    sweep = sweep_of(run)
    if sweep:
        kept = {k: v for k, v in sweep.items() if k not in (*TABLES, *CHOSEN)}
    else:
        first = run.measurements.iloc[0]
        kept = {"schema": 1, "seed": int(first.seed), "dtype": first["dtype"]}
    return "\n".join(assignments(kept))


def command(run: Run) -> str:
    """The command that measures the run again; empty where nobody recorded its sweep."""
    sweep = sweep_of(run)
    if not sweep:
        return ""
    name = sweep["name"]
    if name in preset_names() and measuring(recorded(load_sweep(name))) == measuring(sweep):
        return f"gradest run {name}"
    return f"gradest run {name}.toml"


def measuring(sweep: Mapping[str, Any]) -> dict[str, Any]:
    """What a sweep measures, without what changes no measurement: the size of minibatches."""
    kept = {k: v for k, v in sweep.items() if k != MINIBATCHES}
    problems = [{k: v for k, v in each.items() if k != MINIBATCHES} for each in sweep["problem"]]
    return kept | {"problem": problems}


def recorded(sweep: Any) -> dict[str, Any]:
    """A sweep as a manifest has it."""
    return dict(sweep.model_dump(mode="json", by_alias=True, exclude_none=True))


def papers_of(estimators: Sequence[tuple[str, str]], places: Sequence[tuple]) -> dict[str, Any]:
    """The papers of what was measured: BibTeX by key, and whose keys are which.

    What is nobody's but the user's has none.
    """
    sources = [source_of(ESTIMATORS, name) for name, _ in estimators]
    problems = [source_of(PROBLEMS, name) for name, *_ in places]
    names = dict.fromkeys(name for source in (*sources, *problems) for name in cited(source))
    papers = {name: references()[name] for name in names}
    return {
        "entries": {key(paper): entry(paper) for paper in papers.values()},
        "estimators": [[key(papers[name]) for name in cited(source)] for source in sources],
        "places": [[key(papers[name]) for name in cited(source)] for source in problems],
    }


def source_of(registry: Mapping[str, Any], name: str) -> str:
    """What a registered class names as its source; empty for a class of the user's."""
    return str(registry[name].source) if name in registry else ""


def methods(run: Run) -> str:
    """A sentence for a paper's section on methods."""
    rows = run.measurements[run.measurements.status != "skipped"]
    counts = sorted({int(value) for value in rows.replicates})
    replicates = f"{counts[0]:,}" if len(counts) == 1 else f"{counts[0]:,} to {counts[-1]:,}"
    seeds = ", ".join(sorted({str(int(value)) for value in rows.seed}))
    precision = ", ".join(sorted(set(rows["dtype"])))
    return (
        f"Variance and bias of the gradient estimators were measured with {software(run)} from "
        f"R = {replicates} independent estimates (seed {seeds}, {precision}{hardware(run)}); "
        "intervals are at 95 %, jackknifed over batches of estimates."
    )


def software(run: Run) -> str:
    """The version and the commit that measured it, as far as they are known."""
    manifest = run.manifest or {}
    environments = manifest.get("environments") or [{}]
    known = environments[0]
    version = known.get("gradest") or known.get("gradvar") or ""
    commit = str((manifest.get("git") or {}).get("commit") or "")[:12]
    inside = [f"commit {commit}" if commit else "", f"JAX {known['jax']}" if "jax" in known else ""]
    details = ", ".join(filter(None, inside))
    return f"gradest {version}".strip() + (f" ({details})" if details else "")


def hardware(run: Run) -> str:
    """What it was measured on, as far as that is known, after a comma."""
    environments = (run.manifest or {}).get("environments") or []
    texts = sorted({f"{each.get('machine')}, {each.get('device')}" for each in environments})
    return f", {'; '.join(texts)}" if texts else ""
