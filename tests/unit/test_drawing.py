"""The offline generator: real images, repeatable, and a different one for each prompt."""

from __future__ import annotations

import io
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageStat

import operations.demo
from producers.drawing import TOOLS, Drawing, UnreadableImage, draw
from producers.drawing.canvas import Canvas
from producers.drawing.chart import scale_of, values_of
from producers.drawing.lettering import font
from producers.drawing.words import understand

PROMPTS = [
    tuple(part.strip() for part in line.split("|", 1))
    for line in (Path(operations.demo.__file__).parent / "prompts.txt").read_text().splitlines()
    if not line.startswith("#")
]
SMALL = (96, 96)


def opened(drawing: Drawing) -> Image.Image:
    image = Image.open(io.BytesIO(drawing.data))
    image.load()
    return image


def brightness(prompt: str) -> float:
    image = opened(draw("generateUserImage", prompt, size=SMALL))
    return float(ImageStat.Stat(image.convert("L")).mean[0])


def test_every_prompt_of_the_demonstration_gives_a_picture_of_its_own() -> None:
    seen: dict[bytes, str] = {}
    for tool, prompt in PROMPTS:
        drawing = draw(tool, prompt, size=SMALL)
        assert drawing.data not in seen, f"{prompt!r} and {seen[drawing.data]!r} look the same"
        seen[drawing.data] = prompt
        colours = opened(drawing).convert("RGB").getcolors(SMALL[0] * SMALL[1])
        assert colours is None or len(colours) > 8, f"{prompt!r} is nearly empty"


@pytest.mark.parametrize("tool", TOOLS)
def test_the_same_call_gives_the_same_bytes(tool: str) -> None:
    first = draw(tool, "a fox in the forest at dusk: Q1 12, Q2 18", size=SMALL)
    assert draw(tool, "a fox in the forest at dusk: Q1 12, Q2 18", size=SMALL) == first
    assert draw(tool, "a fox in the forest at dusk!", size=SMALL).data != first.data


DRAWS_FROM_A_PROMPT = [tool for tool in TOOLS if tool.startswith("generate")]


@pytest.mark.parametrize("tool", DRAWS_FROM_A_PROMPT)
@pytest.mark.parametrize("prompt", ["a blue heart", "a smile", "a red fox"])
def test_what_is_asked_for_in_other_words_or_once_more_is_another_picture(
    tool: str, prompt: str
) -> None:
    asked = [(prompt, None), (f"{prompt} of mine", None), (prompt, "2"), (prompt, "3")]
    assert len({draw(tool, text, size=SMALL, style=style).data for text, style in asked}) == 4


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("odd", ["\x1e", "\x85", "\u2029", "\r\n", "\n", "\t"])
def test_what_has_no_letters_is_no_obstacle_beside_letters_beyond_ascii(
    tool: str, odd: str
) -> None:
    assert draw(tool, f"a{odd}é: 1, 2", size=SMALL).data


@given(tool=st.sampled_from([*TOOLS, "aToolOfTomorrow"]), prompt=st.text(max_size=300))
@settings(max_examples=60, deadline=None)
def test_any_prompt_gives_an_image_of_the_size_asked_for(tool: str, prompt: str) -> None:
    drawing = draw(tool, prompt, size=SMALL)
    image = opened(drawing)
    assert image.size == SMALL == (drawing.width, drawing.height)
    assert Image.MIME[image.format or ""] == drawing.mime_type
    assert drawing.mime_type in {"image/png", "image/jpeg"}


words = st.sampled_from(
    [
        "a",
        "the",
        "red",
        "teal",
        "cat",
        "robot",
        "city",
        "forest",
        "night",
        "sunset",
        "underwater",
        "space",
        "room",
        "rain",
        "noir",
        "pixel",
        "watercolor",
        "poster",
        "sketch",
        "heart",
        "smile",
        "polaroid",
        "blur",
        "frame",
        "pie",
        "line",
        "chart:",
        "1",
        "22,",
        "Q1",
        "3",
        "aurora",
        "rainbow",
        "fireworks",
        "snow",
        "crown",
        "glasses",
        '"Hello',
        'there"',
        "anime",
    ]
)


@given(tool=st.sampled_from(list(TOOLS)), prompt=st.lists(words, max_size=9).map(" ".join))
@settings(max_examples=120, deadline=None)
def test_known_words_in_any_mixture_give_an_image(tool: str, prompt: str) -> None:
    assert opened(draw(tool, prompt, size=SMALL)).size == SMALL


@pytest.mark.parametrize("size", [(64, 64), (64, 200), (301, 97), (512, 384)])
def test_any_shape_is_filled(size: tuple[int, int]) -> None:
    for tool in TOOLS:
        side = min(size)
        expected = (side, side) if tool == "generateIconEmoji" else size
        assert opened(draw(tool, "a castle by the lake", size=size)).size == expected


@pytest.mark.parametrize("size", [(63, 100), (100, 1537), (0, 0)])
def test_a_size_out_of_range_is_refused(size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="pixels a side"):
        draw("generateUserImage", "x", size=size)


def test_the_words_show_in_the_picture() -> None:
    for place in ("mountains", "ocean", "city", "meadow"):
        assert brightness(f"{place} at night") < brightness(f"{place} on a sunny day") - 40
    red, blue = (
        ImageStat.Stat(opened(draw("generateIconEmoji", f"a {c} star", size=SMALL)).convert("RGB"))
        for c in ("red", "blue")
    )
    assert red.mean[0] > red.mean[2] + 40
    assert blue.mean[2] > blue.mean[0] + 40
    noir = ImageStat.Stat(opened(draw("generateUserImage", "a city street, noir", size=SMALL)))
    assert max(noir.mean) - min(noir.mean) < 6


def test_tags_are_the_words_that_are_shown() -> None:
    tags = draw("generateUserImage", "An orange cat by the sea at dusk", size=SMALL).tags
    assert tags == ("ocean", "cat", "dusk")
    assert draw("generateUserImage", "qwerty", size=SMALL).tags == ()


def test_an_instruction_is_carried_out_on_the_image_that_is_given() -> None:
    source = draw("generateUserImage", "a meadow at noon", size=SMALL).data
    before = Image.open(io.BytesIO(source)).convert("RGB")
    flipped = opened(draw("imageEditor", "mirror it", source=source)).convert("RGB")
    assert flipped.size == before.size
    assert flipped.getpixel((5, 10)) == pytest.approx(before.getpixel((90, 10)), abs=40)
    dark = opened(draw("imageEditor", "darken it", source=source)).convert("L")
    assert ImageStat.Stat(dark).mean[0] < ImageStat.Stat(before.convert("L")).mean[0] * 0.8


@pytest.mark.parametrize("source", [b"", b"GIF89a", b"\x89PNG\r\n\x1a\n" + b"\0" * 40])
def test_bytes_that_are_no_image_cannot_be_edited(source: bytes) -> None:
    with pytest.raises(UnreadableImage):
        draw("imageEditor", "blur it", source=source)


labels = st.text(alphabet="abcdefghij", min_size=1, max_size=8)
numbers = st.integers(0, 10**6) | st.floats(0, 1e6).map(lambda value: round(value, 2))


@given(pairs=st.lists(st.tuples(labels, numbers), min_size=2, max_size=12))
def test_a_chart_reads_the_numbers_of_its_prompt(pairs: list[tuple[str, float]]) -> None:
    text = ", ".join(f"{label} {value}" for label, value in pairs)
    assert values_of(f"bar chart of things: {text}") == [(label, float(v)) for label, v in pairs]


@given(values=st.lists(st.floats(0, 1e9), min_size=1, max_size=12))
def test_an_axis_holds_every_value_with_a_handful_of_round_steps(values: list[float]) -> None:
    top, step = scale_of(values)
    assert top >= max(values) * (1 - 1e-9)
    assert 1 <= round(top / step) <= 10
    assert f"{step:e}"[0] in "125"


@pytest.mark.parametrize("text", ["Grüße, ça va?", "Привет", "Γειά", "Zażółć"])
def test_letters_of_other_languages_are_drawn_as_themselves(text: str) -> None:
    missing = bytes(font(24, text).getmask("\U0010fffe"))
    for letter in text:
        assert bytes(font(24, text).getmask(letter)) != missing, letter


def test_a_prompt_is_understood_in_the_order_of_its_words() -> None:
    brief = understand('A Robot and a cat in the moonlit CITY, "Hi!", pixel art, teal')
    assert brief.subjects == ("robot", "cat")
    assert brief.places == ("city",)
    assert brief.times == ("night",)
    assert brief.quotes == ("Hi!",)
    assert brief.finishes == ("pixel",)
    assert len(brief.colours) == 1


def test_light_around_a_point_leaves_no_square_behind() -> None:
    canvas = Canvas(100, 100, Random(1))
    canvas.glow((100.0, 100.0), 80.0, (255, 255, 255), 1.0)
    assert canvas.image.getpixel((100, 100)) != (0, 0, 0)
    for place in ((20, 20), (179, 20), (100, 20), (21, 100), (179, 179)):
        assert canvas.image.getpixel(place) == (0, 0, 0)
