"""No import changes the process: what a measurement needs is set when it is asked for."""

import json
import subprocess
import sys

from gradest.benchmarks.runtime import configure
from tests.support.house import dotted, modules

SEEN = """
import json, os, sys

import jax
from jax.extend.random import threefry2x32_p
from jax.interpreters import mlir


def seen():
    lowering = mlir._platform_specific_lowerings["cpu"].get(threefry2x32_p)
    return {
        "lowering": repr(lowering),
        "environ": dict(os.environ),
        "path": list(sys.path),
        "config": {name: repr(value) for name, value in jax.config.values.items()},
        "threads": os.environ.get("OPENBLAS_NUM_THREADS"),
    }
"""

IMPORTS = """
import importlib

before = seen()
for name in json.loads(sys.argv[1]):
    importlib.import_module(name)
after = seen()
changed = {key: [before[key], after[key]] for key in before if before[key] != after[key]}
print(json.dumps([len(sys.modules), changed]))
"""

CONFIGURES = """
from gradest.benchmarks.runtime.configure import configure

before = seen()["lowering"]
configure()
import numpy, threadpoolctl
pools = threadpoolctl.threadpool_info()
threads = [pool["num_threads"] for pool in pools if pool["user_api"] == "blas"]
print(json.dumps([before, seen()["lowering"], threads]))
"""


def run(program: str, *arguments: str) -> list:
    """What a program prints as JSON, in a fresh process."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SEEN + program, *arguments],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_no_import_changes_the_process():
    ours = [f"gradest.{dotted(path)}".removesuffix(".gradest") for path in modules()]
    ours = [name.replace("gradest.gradest", "gradest") for name in ours]
    apart = ("scripts", "__main__")  # those run in other environments, or are the command
    names = [name for name in ours if not any(part in name.split(".") for part in apart)]
    assert len(names) > 120
    loaded, changed = run(IMPORTS, json.dumps(names))
    assert loaded > 1000
    assert changed == {}


def test_configure_writes_the_rounds_out_and_limits_threads():
    before, after, threads = run(CONFIGURES)
    assert before != after
    assert threads
    assert set(threads) == {1}


def test_each_kind_of_device_has_options_of_its_own(monkeypatch):
    """An option of a processor's compiler is known to a GPU's, and obeyed."""
    here = configure.compiler_options(configure.COMPILER, configure.SUMS_IN_ONE_LOOP)
    assert here["xla_backend_optimization_level"] == 1
    assert here["xla_disable_hlo_passes"] == "tree_reduction_rewriter"
    assert not [name for name in here if "gpu" in name]
    monkeypatch.setattr(configure.jax, "default_backend", lambda: "gpu")
    on_gpu = configure.compiler_options(configure.COMPILER, configure.SUMS_IN_ONE_LOOP)
    assert on_gpu == {"xla_gpu_autotune_level": 0}


def test_options_that_the_compiler_has_not_are_left_out():
    made_up = {"cpu": {"xla_no_such_option": 1, "xla_backend_optimization_level": 1}}
    assert configure.compiler_options(made_up) == {"xla_backend_optimization_level": 1}
