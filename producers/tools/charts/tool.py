"""renderChart."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from producers.drawing.chart import KINDS, values_of
from producers.pictures import Picture
from producers.tools.charts.configuration import ChartConfiguration
from producers.tools.charts.drawing import drawn
from producers.tools.errors import BadParameters
from producers.tools.parameters import ChartSize, Parameters, parsed, pixels
from producers.tools.tool import Job, Tool

TYPES = {"ring": "doughnut", "line": "line", "area": "line"}


class Chart(Parameters):
    """A configuration as for Chart.js; without one, the numbers are read from the prompt."""

    config: ChartConfiguration | None = Field(
        None, description="type, data and options, as for Chart.js"
    )
    size: ChartSize = Field("960x600", description="WIDTHxHEIGHT in pixels")
    theme: Literal["light", "dark"] = Field("light", description="light or dark")


def _render(job: Job) -> Picture:
    asked: Chart = job.parameters
    chart = asked.config or _of_prompt(job.prompt)
    width, height = pixels(asked.size)
    metadata: dict[str, Any] = {
        "generator": "matplotlib",
        "width": width,
        "height": height,
        "chart": {
            "type": chart.type,
            "title": chart.options.heading,
            "datasets": len(chart.data.datasets),
            "points": sum(len(one.data) for one in chart.data.datasets),
        },
    }
    return Picture(drawn(chart, (width, height), asked.theme), "image/png", {"metadata": metadata})


def _of_prompt(prompt: str) -> ChartConfiguration:
    """``Pie chart of stores: github 72, local 28``. Raises BadParameters."""
    pairs = values_of(prompt)
    if len(pairs) < 2:
        raise BadParameters("config: is missing, and the prompt names no numbers to draw")
    found = (KINDS[word] for word in prompt.lower().replace(",", " ").split() if word in KINDS)
    kind = next(found, "bars")
    data = {"data": [value for _, value in pairs], "fill": kind == "area"}
    return parsed(
        ChartConfiguration,
        {
            "type": TYPES.get(kind, "bar"),
            "data": {"labels": [label for label, _ in pairs], "datasets": [data]},
            "options": {"title": prompt.partition(":")[0].strip()[:120]},
        },
    )


RENDER_CHART = Tool(
    "renderChart",
    "A bar, line, pie, doughnut, scatter or radar chart.",
    Chart,
    _render,
    model=lambda _: "matplotlib",
)
