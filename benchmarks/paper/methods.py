"""A sentence for a paper's section on methods: how a run was measured, from its own files."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from gradest.benchmarks.analysis.numerals import several
from gradest.benchmarks.analysis.results import Run
from gradest.benchmarks.training.settings import Training


def name_of(run: Run) -> str:
    """What the run is called: as its sweep, whatever its folder's name."""
    sweep = (run.manifest or {}).get("sweep")
    return str(sweep["name"] if sweep else run.folder.name)


def methods(run: Run) -> str:
    """The sentence; what nobody recorded is left out."""
    rows = run.measurements[run.measurements.status != "skipped"]
    how = [
        f"seed {', '.join(sorted({str(int(value)) for value in rows.seed}))}",
        ", ".join(sorted(set(rows["dtype"]))),
        *known(run, "random numbers of {prng}"),
        *machines(run),
    ]
    return (
        f"Variance and bias of the gradient estimators were measured with {software(run)} from "
        f"R = {span(rows.replicates)} independent estimates each ({', '.join(how)}); intervals are "
        f"at 95 %, by the jackknife over {span(rows.batches)} batches of estimates, with quantiles "
        f"of Student's t, or of the bootstrap-t where tails are heavy.{training_sentence(run)}"
    )


NOT_OPTIMIZER_S = frozenset(Training.model_fields)
"""Keys of [training] that are not arguments of the optimizer."""


def training_sentence(run: Run) -> str:
    """How θ was trained, with a space before it; empty where it was not, or nobody recorded it."""
    how = ((run.manifest or {}).get("sweep") or {}).get("training")
    if not how:
        return ""
    own = [f"{key} = {value}" for key, value in sorted(how.items()) if key not in NOT_OPTIMIZER_S]
    arguments = f" ({', '.join(own)})" if own else ""
    asked = Training.model_validate(how)
    verb = "maximised" if asked.maximize else "minimised"
    rate = f"learning rate {asked.learning_rate:g}, {asked.schedule}"
    if asked.exponent is not None:
        rate += f" to the power {asked.exponent:g}"
    return (
        f" The objective was {verb} by {asked.optimizer}{arguments} with {rate}, for "
        f"{several(asked.steps, 'step')} of training with {several(asked.seeds, 'seed')} each."
    )


def span(values: Iterable[Any]) -> str:
    """Whole numbers in words: the only one, or the least and the largest.

    >>> span([1000, 20000]), span([32, 32])
    ('1,000 to 20,000', '32')
    """
    counts = sorted({int(value) for value in values if not pd.isna(value)})
    if not counts:
        return "an unknown number of"
    return f"{counts[0]:,}" if len(counts) == 1 else f"{counts[0]:,} to {counts[-1]:,}"


def software(run: Run) -> str:
    """The version and the commit that measured it, as far as they are known."""
    commit = str(((run.manifest or {}).get("git") or {}).get("commit") or "")[:12]
    details = [*([f"commit {commit}"] if commit else []), *known(run, "JAX {jax}")]
    name = f"gradest {version_of(run)}".strip()
    return f"{name} ({', '.join(details)})" if details else name


def version_of(run: Run) -> str:
    """gradest's version that measured it; empty where nobody recorded it."""
    first = next(iter(environments(run)), {})
    return str(first.get("gradest") or first.get("gradvar") or "")  # its name until 0.3


def environments(run: Run) -> list[Mapping[str, Any]]:
    """The versions and hardware that cells were measured with, as the manifest has them."""
    return list((run.manifest or {}).get("environments") or [])


def machines(run: Run) -> list[str]:
    """What the cells were measured on: a list of one, or of none where nobody recorded it.

    The processor and its cores are known of a run on one kind of machine.
    """
    about = [each for each in environments(run) if {"machine", "device"} <= each.keys()]
    found = sorted({machine_of(each) for each in about})
    hardware = (run.manifest or {}).get("hardware")
    if len(found) == 1 and hardware:
        count = hardware["cores"]
        machine = machine_of(about[0], hardware["processor"])
        return [f"{machine}, {count} core{'s' * (count > 1)}"]
    return ["; ".join(found)] if found else []


def machine_of(environment: Mapping[str, Any], processor: str = "") -> str:
    """A processor by its name, with its architecture, after the accelerator where there is one.

    An @ in it would begin an entry of refs.bib.

    >>> machine_of({"machine": "x86_64", "device": "cpu: cpu"}, "Some(R) CPU @ 2GHz")
    'Some CPU, 2GHz (x86_64)'
    >>> machine_of({"machine": "x86_64", "device": "gpu: NVIDIA H200 × 2"})
    'NVIDIA H200 × 2 on x86_64'
    """
    machine = environment["machine"]
    plain = re.sub(r"\s*@\s*", ", ", re.sub(r"\((R|TM)\)", "", processor))
    host = f"{plain} ({machine})" if plain not in ("", machine) else machine
    kind, _, device = environment["device"].partition(": ")
    return host if kind == "cpu" else f"{device} on {host}"


def known(run: Run, text: str) -> list[str]:
    """A text that names what every environment has, filled in: a list of one, or of none.

    Args:
        run: a finished one.
        text: with the names of what the environments have in braces.
    """
    try:
        texts = sorted({text.format_map(each) for each in environments(run)})
    except KeyError:
        return []
    return ["; ".join(texts)] if texts else []
