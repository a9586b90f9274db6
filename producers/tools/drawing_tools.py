"""Tools that draw from a prompt alone."""

from __future__ import annotations

from producers.pictures import Picture
from producers.tools.generator import Wanted
from producers.tools.measuring import described
from producers.tools.parameters import Drawn, pixels
from producers.tools.tool import Job, Tool


def drawn_by(name: str, summary: str, parameters: type[Drawn], brief: str = "{prompt}") -> Tool:
    """A tool whose images the generator draws; ``brief`` tells a model what kind they are."""

    def make(job: Job) -> Picture:
        asked: Drawn = job.parameters
        words = getattr(asked, "words", None)
        made = job.generator.make(
            Wanted(
                tool=name,
                prompt=words(job.prompt) if words else job.prompt,
                size=pixels(asked.size),
                brief=brief,
                style=asked.style,
                quality=asked.quality,
                number=job.number,
            )
        )
        return described(made, job.generator.name)

    return Tool(name, summary, parameters, make)
