"""What a process of the fault suite has imported before it is forked: all that commands import."""

import gradest.benchmarks.cli.catalogue
import gradest.benchmarks.cli.main
import gradest.benchmarks.cli.plans
import gradest.benchmarks.cli.results
import gradest.benchmarks.cli.runs
import scipy.stats
