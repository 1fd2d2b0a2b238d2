"""How texts of figures are printed, in each font."""

import matplotlib as mpl
import pytest
from fontTools.agl import AGL2UV
from fontTools.ttLib import TTFont
from matplotlib.font_manager import findfont
from matplotlib.textpath import TextPath

from gradest.benchmarks.drawing.styles import Print, in_style
from gradest.benchmarks.drawing.texts import (
    COMPUTER_MODERN,
    IN_COMPUTER_MODERN,
    printed,
    text_width,
    wrapped,
)


def glyphs():
    """The names of Computer Modern's glyphs by character, as its file has them."""
    return {
        chr(code): name for code, name in TTFont(findfont(COMPUTER_MODERN)).getBestCmap().items()
    }


def test_what_computer_modern_has_wrong_is_printed_otherwise():
    """`quoteright` and the like are as in all of LaTeX's texts; `ffl` for ² is not."""
    usual = {"'": "quoteright", "`": "quoteleft", "^": "circumflex", "~": "tilde"}
    wrong = {
        char
        for char, name in glyphs().items()
        if char.isprintable() and AGL2UV.get(name) != ord(char) and usual.get(char) != name
    }
    assert {"²", "_", "|", "<"} <= wrong
    assert wrong - {"∙"} <= IN_COMPUTER_MODERN.keys()


@pytest.mark.parametrize(
    "text",
    ["√(tr Cov(g) + ‖bias‖²)/‖∇‖ – τ", "my_estimator {a|b} <c> 95 % ± 1 $", "100 °, ½, Ä, µ"],
)
def test_it_is_drawn_in_both_fonts(text, caplog):
    for font in ("sans", "cm"):
        with in_style(Print(font=font)):
            assert TextPath((0, 0), printed(text), size=7).vertices.size
            assert text_width(text) > text_width(text[:-1])
            assert (mpl.rcParams["font.family"][0] == COMPUTER_MODERN) == (font == "cm")
            assert ("$^2$" in printed("x²")) == (font == "cm")
    assert "does not have a glyph" not in caplog.text


@pytest.mark.parametrize("width", [0.8, 1.2, 1.6, 2.0])
def test_no_line_ends_within_a_groups_name_or_a_step(width):
    with in_style():
        lines = wrapped("VAE Bernoulli, step 1000, ∂/∂ log scale (3 coordinates)", width)
    assert len(lines) > 1
    assert not [line for line in lines if line.endswith(("step", "log", "∂/∂"))]
