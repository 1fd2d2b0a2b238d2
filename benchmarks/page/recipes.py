"""How a run came about, as others can measure it again: a sweep's file, and the command."""

import json
from collections.abc import Mapping
from typing import Any

from gradest.benchmarks.analysis.results import Run
from gradest.benchmarks.presets import preset_names
from gradest.benchmarks.sweeps.schema import OF_PAPERS, load_sweep

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
    keys = {k: v for k, v in sweep.items() if k not in (*TABLES, *OF_PAPERS)}
    parts = ["\n".join(assignments(keys))]
    for kind in TABLES:
        parts += ["\n".join([f"[[{kind}]]", *assignments(each)]) for each in sweep.get(kind, [])]
    return "\n\n".join(parts) + "\n"


def header(run: Run) -> str:
    """What a sweep's file says before its tables, but for what the page chooses."""
    sweep = sweep_of(run)
    if sweep:
        kept = {k: v for k, v in sweep.items() if k not in (*TABLES, *CHOSEN, *OF_PAPERS)}
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
    """What a sweep measures, without what changes no measurement: minibatches, papers' numbers."""
    kept = {k: v for k, v in sweep.items() if k not in (MINIBATCHES, *OF_PAPERS)}
    problems = [{k: v for k, v in each.items() if k != MINIBATCHES} for each in sweep["problem"]]
    return kept | {"problem": problems}


def recorded(sweep: Any) -> dict[str, Any]:
    """A sweep as a manifest has it."""
    return dict(sweep.model_dump(mode="json", by_alias=True, exclude_none=True))
