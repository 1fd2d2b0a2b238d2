"""Draws the figures of this run anew, from its CSV files: python figures.py [FOLDER]

The folder is drawn/ beside this file, unless another is named. Change what you like.
"""

import sys
from pathlib import Path

import gradest

HERE = Path(__file__).resolve().parent
FOLDER = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "drawn"
FOLDER.mkdir(parents=True, exist_ok=True)

run = gradest.load(HERE, unverified=True)
for name in run.figures:
    figure = run.figure(name, style="paper", width="3.25in", legend="right", font="cm")
    figure.savefig(FOLDER / f"{name}.pdf")
