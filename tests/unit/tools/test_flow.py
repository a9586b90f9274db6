"""Every tool goes through the one flow: what it makes is stored and told, and so is a failure."""

from __future__ import annotations

import hashlib
import io
from typing import Any

import pytest
from PIL import Image

from producers.pictures import Picture
from producers.tools import TOOLS, Job, Made, Parameters, Tool, Tools, Wanted
from producers.tools.errors import (
    BadAnswer,
    BadParameters,
    ImageNotFound,
    RateLimited,
    Refused,
    TimedOut,
    ToolError,
)
from producers.tools.flow import UnknownTool
from producers.tools.generators.offline import OfflineGenerator
from schemas.events import ImageFailed, ImageGenerated
from tests.support.tools_world import ToolsWorld

NAMES = {
    "generateUserImage",
    "generateUserAvatar",
    "generateAnimeManga",
    "generateComic",
    "generateIconEmoji",
    "imageEditor",
    "advancedImageEditingWithContext",
    "renderChart",
}
CHART = {"type": "bar", "data": {"labels": ["a", "b"], "datasets": [{"data": [1, 2]}]}}
PARAMETERS: dict[str, dict[str, Any]] = {
    "imageEditor": {"image": "earlier", "operations": [{"op": "flip"}]},
    "advancedImageEditingWithContext": {"images": ["earlier"], "size": "128x128"},
    "renderChart": {"config": CHART, "size": "240x200"},
}


def parameters_of(tool: str) -> dict[str, Any]:
    return PARAMETERS.get(tool, {"size": "96x128", "style": "noir", "quality": "hd"})


def size_of(data: bytes) -> tuple[int, int]:
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        return image.size


class Scripted:
    """A generator that does what it is told to, one after the other."""

    name, model = "scripted", "scripted-1"

    def __init__(self, *script: bytes | ToolError) -> None:
        self._script = list(script)
        self.wanted: list[Wanted] = []

    def make(self, wanted: Wanted) -> Made:
        self.wanted.append(wanted)
        said = self._script.pop(0)
        if isinstance(said, ToolError):
            raise said
        return Made(said, "image/png")

    def close(self) -> None:
        pass


@pytest.fixture
def png() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 6), "teal").save(buffer, "PNG")
    return buffer.getvalue()


def test_the_tools_are_those_of_the_document() -> None:
    assert set(TOOLS) == NAMES
    assert all(name == tool.name for name, tool in TOOLS.items())


@pytest.mark.parametrize("name", sorted(NAMES))
def test_what_a_tool_makes_is_stored_and_told(world: ToolsWorld, name: str) -> None:
    parameters = parameters_of(name)
    world.tools.run("generateIconEmoji", user="1", prompt="A red heart", request_id="earlier")
    made = world.tools.run(
        name,
        user="123",
        prompt="A fox in the forest",
        parameters=parameters,
        username="ada",
        message_id="m-1",
    )
    (data,) = (one for one in world.told() if one.request_id == made.request_id)
    assert isinstance(data, ImageGenerated)
    assert (data.tool_name, data.user_id, data.username) == (name, "123", "ada")
    assert (data.prompt, data.message_id, data.n) == ("A fox in the forest", "m-1", 1)
    assert (data.quality, data.style) == (parameters.get("quality"), parameters.get("style"))
    stored = world.bytes_of(data)
    assert data.sha256 == hashlib.sha256(stored).hexdigest()
    assert data.metadata is not None
    assert size_of(stored) == (data.metadata["width"], data.metadata["height"])
    assert data.model


@pytest.mark.parametrize("name", sorted(NAMES - {"imageEditor", "renderChart"}))
def test_several_images_are_several_events_and_differ(world: ToolsWorld, name: str) -> None:
    world.tools.run("generateIconEmoji", user="1", prompt="A star", request_id="earlier")
    made = world.tools.run(
        name,
        user="1",
        prompt="A fox in the forest",
        parameters=parameters_of(name),
        n=3,
        request_id="r",
    )
    assert [image.request_id for image in made.images] == ["r", "r/2", "r/3"]
    told = {data.request_id: data for data in world.told()}
    assert {told[name].n for name in ("r", "r/2", "r/3")} == {3}
    if name != "advancedImageEditingWithContext":  # its picture is its source
        assert len({image.stored.sha256 for image in made.images}) == 3


def test_each_tool_draws_the_same_prompt_differently(world: ToolsWorld) -> None:
    drawing = [name for name in NAMES if name not in PARAMETERS]
    made = [
        world.tools.run(name, user="1", prompt="A wise owl", parameters={"size": "128x128"})
        for name in drawing
    ]
    assert len({one.images[0].stored.sha256 for one in made}) == len(drawing)


@pytest.mark.parametrize(
    ("name", "parameters", "n", "said"),
    [
        ("generateUserImage", {"sise": "64x64"}, 1, "sise: there is no such parameter"),
        ("generateUserImage", {"size": "64"}, 1, "size: must be WIDTHxHEIGHT in pixels"),
        ("generateUserImage", {"size": "9x99999"}, 1, "size: must be 64 to 1536 pixels a side"),
        ("generateUserImage", {"style": "x" * 21}, 1, "style: must have at most 20 "),
        ("generateUserImage", {"style": "a\0b"}, 1, "style: has a control character"),
        ("generateUserImage", {"style": "\ud800"}, 1, "style: has half a character"),
        (
            "generateUserImage",
            {"quality": "best", "a": 1, "b": 2},
            1,
            "quality: input should be 'sta",
        ),
        ("generateUserImage", {}, 0, "n: must be 1 to 10, not 0"),
        ("generateUserImage", {}, 11, "n: must be 1 to 10, not 11"),
        ("generateComic", {"speech": ["a"] * 9}, 1, "speech: must have at most 8, not 9"),
        ("imageEditor", {"image": "x"}, 1, "operations: is missing"),
        ("imageEditor", {"operations": [{"op": "flip"}]}, 1, "image: one image has to be named"),
        (
            "imageEditor",
            {"image": "x", "operations": [{"op": "melt"}]},
            1,
            "operations[0]: 'op' must be one of 'crop', ",
        ),
        (
            "imageEditor",
            {"image": "x", "operations": [{"op": "blur", "radius": -1}]},
            1,
            "operations[0].blur.radius: ",
        ),
        ("advancedImageEditingWithContext", {}, 1, "images: 1 to 6 have to be named"),
        (
            "advancedImageEditingWithContext",
            {"images": ["x"] * 7},
            1,
            "images: must have at most 6",
        ),
        ("renderChart", {}, 1, "config: is missing, and the prompt names no numbers"),
        ("renderChart", {"config": CHART | {"type": "map"}}, 1, "config.type: "),
    ],
)
def test_bad_parameters_are_named_and_told(
    world: ToolsWorld, name: str, parameters: dict[str, Any], n: int, said: str
) -> None:
    with pytest.raises(BadParameters) as raised:
        world.tools.run(name, user="1", prompt="p", parameters=parameters, n=n, request_id="r")
    assert str(raised.value).startswith(said)
    assert "\n" not in str(raised.value)
    failure = world.the_failure()
    assert (failure.request_id, failure.error_code) == ("r", "BadParameters")
    assert failure.error == str(raised.value)
    assert list(world.storage.list()) == []


@pytest.mark.parametrize(
    "error",
    [Refused("no"), RateLimited("slow down", 3.0), TimedOut("late"), BadAnswer("noise")],
    ids=lambda error: error.error_code,
)
def test_a_refusal_is_told_with_its_code(world: ToolsWorld, error: ToolError) -> None:
    tools = world.with_generator(Scripted(error))
    with pytest.raises(type(error)):
        tools.run("generateUserImage", user="1", prompt="p", parameters={"size": "64x64"})
    failure = world.the_failure()
    assert (failure.error_code, failure.error) == (error.error_code, str(error))
    assert (failure.model, failure.size) == ("scripted-1", "64x64")


def test_what_was_made_before_a_refusal_stays(world: ToolsWorld, png: bytes) -> None:
    tools = world.with_generator(Scripted(png, Refused("not a second time")))
    with pytest.raises(Refused):
        tools.run("generateUserImage", user="1", prompt="p", n=3, request_id="r")
    made, failed = world.told()
    assert (made.request_id, failed.request_id) == ("r", "r/2")
    assert isinstance(made, ImageGenerated)
    assert isinstance(failed, ImageFailed)
    assert failed.error_code == "Refused"


def test_a_generator_that_makes_no_image_is_told(world: ToolsWorld) -> None:
    with pytest.raises(BadAnswer):
        world.with_generator(Scripted(b"<html>")).run("generateUserImage", user="1", prompt="p")
    assert world.the_failure().error_code == "BadAnswer"


def test_a_tool_that_is_not_there_records_nothing(world: ToolsWorld) -> None:
    with pytest.raises(UnknownTool, match="there is no tool 'paint'"):
        world.tools.run("paint", user="1", prompt="p")
    assert world.told() == []


def test_a_model_is_told_what_the_tool_makes(world: ToolsWorld, png: bytes) -> None:
    generator = Scripted(png)
    world.with_generator(generator).run(
        "generateComic",
        user="1",
        prompt="Two cats {n}",
        parameters={"speech": ["Hello?"], "style": "noir"},
    )
    (wanted,) = generator.wanted
    assert wanted.prompt == 'Two cats {n}: "Hello?"'
    assert wanted.instruction.startswith("A page of a comic")
    assert wanted.instruction.endswith('Two cats {n}: "Hello?"\nStyle: noir')


def test_sources_are_linked_and_handed_to_the_model(world: ToolsWorld, png: bytes) -> None:
    for name in ("a", "b"):
        world.tools.run("generateIconEmoji", user="1", prompt=f"A star {name}", request_id=name)
    generator = Scripted(png)
    world.with_generator(generator).run(
        "advancedImageEditingWithContext",
        user="1",
        prompt="Put them together",
        parameters={"images": ["b", "a"]},
        files=[png],
        request_id="c",
    )
    data = world.told()[2]
    assert isinstance(data, ImageGenerated)
    assert data.metadata is not None
    assert data.metadata["sources"] == ["b", "a"]
    assert [size_of(source) for source in generator.wanted[0].sources] == [
        (256, 256),
        (256, 256),
        (8, 6),
    ]


@pytest.mark.parametrize("name", ["imageEditor", "advancedImageEditingWithContext"])
def test_a_source_that_is_not_there_is_told(world: ToolsWorld, name: str) -> None:
    parameters = PARAMETERS[name]
    with pytest.raises(ImageNotFound):
        world.tools.run(name, user="1", prompt="p", parameters=parameters)
    assert world.the_failure().error_code == "ImageNotFound"


def test_an_image_may_come_along_with_the_call(world: ToolsWorld, png: bytes) -> None:
    operations = [{"op": "rotate", "degrees": 90}, {"op": "border", "width": 2}]
    made = world.tools.run(
        "imageEditor",
        user="1",
        prompt="Turn it",
        parameters={"operations": operations},
        files=[png],
        request_id="r",
    )
    (data,) = world.told()
    assert isinstance(data, ImageGenerated)
    assert data.size == "10x12"
    assert size_of(world.bytes_of(data)) == (10, 12)
    assert data.metadata is not None
    assert data.metadata["operations"][0] == {"op": "rotate", "degrees": 90.0, "expand": True}
    assert made.images[0].stored.url == data.storage_url


def test_files_for_a_tool_that_takes_none_are_refused(world: ToolsWorld, png: bytes) -> None:
    with pytest.raises(BadParameters, match="starts from no image"):
        world.tools.run("renderChart", user="1", prompt="p", files=[png])
    assert world.the_failure().error_code == "BadParameters"


def test_a_ninth_tool_is_a_declaration(world: ToolsWorld) -> None:
    class Plain(Parameters):
        colour: str = "teal"

    def fill(job: Job) -> Picture:
        buffer = io.BytesIO()
        Image.new("RGB", (4, 4), job.parameters.colour).save(buffer, "PNG")
        return Picture(buffer.getvalue(), "image/png")

    ninth = {"fill": Tool("fill", "One colour.", Plain, fill, model=lambda _: "none")}
    tools = Tools(world.tracker, OfflineGenerator(), tools=TOOLS | ninth)
    tools.run("fill", user="1", prompt="Red", parameters={"colour": "red"})
    (data,) = world.told()
    assert isinstance(data, ImageGenerated)
    with Image.open(io.BytesIO(world.bytes_of(data))) as image:
        assert image.getpixel((0, 0)) == (255, 0, 0)


@pytest.mark.parametrize(
    ("prompt", "said", "told"),
    [
        ("a\0b", "contains NUL", "a\N{SYMBOL FOR NULL}b"),
        ("a\ud83db", "surrogate", "a?b"),
        ("ü" * 140_000, "280,000 bytes, limit 262,144", "ü" * 131_072),
    ],
)
def test_a_prompt_that_no_event_can_hold_is_a_bad_parameter(
    world: ToolsWorld, prompt: str, said: str, told: str
) -> None:
    with pytest.raises(BadParameters, match=said):
        world.tools.run("generateComic", user="1", prompt=prompt)
    failure = world.the_failure()
    assert (failure.error_code, failure.prompt) == ("BadParameters", told)
