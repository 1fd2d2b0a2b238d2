"""The page's charts as Vega-Lite specifications, to which the page gives the rows.

Each row has x, y, low, high, a label, a colour, a shape and its family; a reader's choice of a
family is the parameter `highlighted`, empty where there is none.
"""

from typing import Any

from gradest.benchmarks.comparisons.budgets import COSTS

Spec = dict[str, Any]

SHAPES = {
    "o": "circle",
    "s": "square",
    "D": "diamond",
    "d": "M0-1L.5 0L0 1L-.5 0Z",
    "^": "triangle-up",
    "v": "triangle-down",
    "<": "triangle-left",
    ">": "triangle-right",
    "P": "cross",
    "X": "M-1-.6L-.6-1L0-.4L.6-1L1-.6L.4 0L1 .6L.6 1L0 .4L-.6 1L-1 .6L-.4 0Z",
    "*": "M0-1L.24-.32L.95-.31L.38.12L.59.81L0 .4L-.59.81L-.38.12L-.95-.31L-.24-.32Z",
    "p": "M0-1L.95-.31L.59.81L-.59.81L-.95-.31Z",
    "h": "M0-1L.87-.5L.87.5L0 1L-.87.5L-.87-.5Z",
    "8": "M.41-1L1-.41L1 .41L.41 1L-.41 1L-1 .41L-1-.41L-.41-1Z",
}
"""Vega's shape, or a path, for each of matplotlib's markers."""

HEIGHTS = {
    "variance": ("tr Cov g", "log"),
    "error": ("relative RMSE", "log"),
    "bias": ("bias along the gradient / ‖gradient‖", "linear"),
    "snr": ("signal to noise, ‖E g‖ / √tr Cov g", "log"),
}
"""What a curve may show: the axis's title and its scale."""

WIDTHS = {
    "samples": ("L", "log"),
    **{name: (model.title, "log") for name, model in COSTS.items()},
    "swept": ("", "linear"),
    "swept_far": ("", "log"),
}
"""Over what; the page gives a swept argument its title, and the second where its values are all
positive and far apart."""

HIGHLIGHTED = "highlighted === '' || datum.family === highlighted || datum.label === highlighted"
"""Whether a row is of what a reader chose."""

FADED = 0.12


def specs() -> dict[str, Any]:
    """Every chart of the page: curves by what they show and over what, and the profile."""
    return {
        "curves": {y: {x: curve(x, y) for x in WIDTHS} for y in HEIGHTS},
        "profile": profile(),
    }


def curve(x: str, y: str) -> Spec:
    """Lines with points and error bars."""
    title, scale = HEIGHTS[y]
    height = {"field": "y", "type": "quantitative", "title": title, "scale": scale_of(scale)}
    lows = {**height, "field": "low"}
    highs = {"field": "high"}
    layers: list[Spec] = [
        {"mark": {"type": "line", "strokeWidth": 1.6}, "encoding": {"y": height}},
        {"mark": {"type": "rule"}, "encoding": {"y": lows, "y2": highs}},
        {
            "mark": {"type": "point", "filled": True, "size": 60},
            "encoding": {
                "y": height,
                "shape": {"field": "shape", "type": "nominal", "scale": None},
            },
        },
    ]
    return chart(layers, *WIDTHS[x], ("label", "x", "y", "low", "high"))


def profile() -> Spec:
    """The share of places at which an estimator is within a factor of the best one."""
    height: Spec = {"field": "y", "type": "quantitative", "title": "share of places"}
    height["scale"] = {"domain": [0, 1]}
    mark = {"type": "line", "interpolate": "step-after", "strokeWidth": 1.8}
    dash = {"field": "dash", "type": "nominal", "scale": None}
    shape = {"field": "shape", "type": "nominal", "scale": None}
    layers: list[Spec] = [
        {"mark": mark, "encoding": {"y": height, "strokeDash": dash}},
        {
            "mark": {"type": "point", "filled": True, "size": 60},
            "transform": [{"filter": "datum.isEnd"}],
            "encoding": {"y": height, "shape": shape},
        },
    ]
    return chart(layers, "error within this factor of the best", "log", ("label", "x", "y"))


def chart(layers: list[Spec], title: str, scale: str, shown: tuple[str, ...]) -> Spec:
    """Layers over one x, each series in its colour, those of other families faded."""
    opacity = {
        "condition": {
            "test": HIGHLIGHTED,
            "value": 1,
        },
        "value": FADED,
    }
    return {
        "width": "container",
        "height": 300,
        "data": {"name": "shown", "values": []},
        "params": [{"name": "highlighted", "value": ""}],
        "encoding": {
            "x": {"field": "x", "type": "quantitative", "title": title, "scale": scale_of(scale)},
            "color": {"field": "color", "type": "nominal", "scale": None},
            "detail": {"field": "label", "type": "nominal"},
            "opacity": opacity,
            "tooltip": [{"field": name} for name in shown],
        },
        "layer": layers,
        "config": {
            "view": {"stroke": None},
            "axis": {
                "tickCount": 6,
                "labelFontSize": 12,
                "titleFontSize": 13,
                "labelExpr": "replace(datum.label, '-', '−')",
            },
        },
    }


def scale_of(kind: str) -> Spec:
    """A scale; one of ratios begins where the numbers do."""
    return (
        {"type": kind, "nice": kind == "linear", "zero": False} if kind != "log" else {"type": kind}
    )
