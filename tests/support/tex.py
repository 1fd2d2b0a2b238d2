"""LaTeX as it is printed: by a TeX where one is installed, or measured by matplotlib's fonts."""

import re
import shutil
import subprocess
import unicodedata
from pathlib import Path

import matplotlib
import pytest
from matplotlib.ft2font import FT2Font

COLUMN = 3.25 * 72.27
"""In TeX's points."""

DOCUMENT = r"""\documentclass{article}
\usepackage{booktabs}
\setlength{\textwidth}{3.25in}
%(preamble)s
\begin{document}
%(body)s
\end{document}
"""

FONTS = {
    bold: FT2Font(str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / name))
    for bold, name in ((False, "cmr10.ttf"), (True, "cmb10.ttf"))
}

SMALLER = 1.03
"""Of the design for 9 points, beside that for 10."""


def compiled(folder: Path, body: str, preamble: str = "") -> str:
    """What TeX says of a document whose lines are as long as a column is wide.

    Skips the test where no TeX is installed.
    """
    tex = shutil.which("pdflatex")
    if tex is None:
        pytest.skip("no pdflatex is installed: nothing is compiled")
    (folder / "paper.tex").write_text(DOCUMENT % {"body": body, "preamble": preamble})
    command = [tex, "-interaction=nonstopmode", "-halt-on-error", "paper.tex"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    return (folder / "paper.log").read_text(encoding="latin-1").replace("\n", "")


def widths(table: str) -> list[float]:
    """The width of each `tabular` of a text, in points at a size of 9, by its widest cells."""
    found = []
    separation = float(re.search(r"tabcolsep}{([\d.]+)pt", table)[1])
    for body in re.findall(r"\\begin{tabular}{@{}l(?:r+)@{}}(.*?)\\end{tabular}", table, re.S):
        lines = [line.strip() for line in body.splitlines() if " & " in line]
        rows = [re.sub(r"\\\\(\[.*?\])?$", "", line).split(" & ") for line in lines]
        columns = zip(*rows, strict=True)
        total = sum(max(width(cell) for cell in column) for column in columns)
        found.append(total + 2 * separation * (len(rows[0]) - 1))
    return found


def width(cell: str) -> float:
    """The width of a cell in points, escapes undone as far as tables have them."""
    bold = r"\textbf" in cell
    text = cell.replace(r"\quad", "MM").replace(r"$^\dagger$", "t").replace(r"\times", "+")
    text = re.sub(r"\\(textbf|boldmath|textbackslash|textasciicircum|[a-z]+)", "", text)
    text = unicodedata.normalize("NFD", re.sub(r"[{}$\\^]", "", text).strip())
    text = re.sub(r"[\u0300-\u036f]", "", text)  # accents are no wider than their letters
    font = FONTS[bold]
    font.set_size(900, 72)  # large enough that no width is rounded to pixels
    font.set_text(re.sub(r"[^ -~]", "m", text.replace("|", "l")))
    return SMALLER * font.get_width_height()[0] / 6400
