"""Pictures from written prompts, drawn offline by rules and not by a model."""

from producers.drawing.drawing import GENERATOR, TOOLS, Drawing, draw
from producers.drawing.edit import UnreadableImage

__all__ = ["GENERATOR", "TOOLS", "Drawing", "UnreadableImage", "draw"]
