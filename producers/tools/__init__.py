"""The eight tools: small declarations over one flow."""

from producers.tools.catalogue import TOOLS
from producers.tools.errors import ToolError
from producers.tools.flow import Tools
from producers.tools.generator import Generator, Made, Wanted
from producers.tools.parameters import Parameters
from producers.tools.sources import ImageSource
from producers.tools.tool import Job, Tool

__all__ = [
    "TOOLS",
    "Generator",
    "ImageSource",
    "Job",
    "Made",
    "Parameters",
    "Tool",
    "ToolError",
    "Tools",
    "Wanted",
]
