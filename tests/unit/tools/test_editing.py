"""Edits do what they say, to pixels; foreign files cannot do harm."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops, ImageStat
from pydantic import TypeAdapter

from producers.drawing import draw
from producers.tools.editing.applying import applied
from producers.tools.editing.composing import composed
from producers.tools.editing.opening import MAX_PIXELS, opened, saved
from producers.tools.editing.operations import Operation
from producers.tools.errors import BadImage, BadParameters

OPERATIONS: TypeAdapter[list[Operation]] = TypeAdapter(list[Operation])
SIDES = st.integers(1, 60)


def pattern(width: int = 24, height: int = 16, mode: str = "RGB") -> Image.Image:
    """Every pixel is another colour than its neighbours."""
    image = Image.new("RGB", (width, height))
    image.putdata(
        [
            (x * 10 % 256, y * 15 % 256, (x + y) * 7 % 256)
            for y in range(height)
            for x in range(width)
        ]
    )
    return image.convert(mode)


def edited(image: Image.Image, *operations: dict[str, Any]) -> Image.Image:
    return applied(image, OPERATIONS.validate_python(list(operations)))


def pixel(image: Image.Image, place: tuple[int, int]) -> Any:
    return image.getpixel(place)


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def same(a: Image.Image, b: Image.Image) -> bool:
    return (
        a.size == b.size
        and ImageChops.difference(a.convert("RGB"), b.convert("RGB")).getbbox() is None
    )


def mean(image: Image.Image) -> float:
    return ImageStat.Stat(image.convert("L")).mean[0]


def spread(image: Image.Image) -> float:
    return ImageStat.Stat(image.convert("L")).stddev[0]


def colourfulness(image: Image.Image) -> float:
    return ImageStat.Stat(image.convert("RGB").convert("HSV").getchannel("S")).mean[0]


@pytest.fixture(scope="module")
def photo() -> Image.Image:
    return opened(draw("generateUserImage", "A cat by the window", size=(200, 150)).data)[0]


@settings(deadline=None)
@given(st.data(), SIDES, SIDES)
def test_a_crop_is_that_part(data: st.DataObject, width: int, height: int) -> None:
    image = pattern(width, height)
    left, top = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
    across = data.draw(st.integers(1, width - left))
    down = data.draw(st.integers(1, height - top))
    part = edited(image, {"op": "crop", "left": left, "top": top, "width": across, "height": down})
    assert part.size == (across, down)
    assert pixel(part, (0, 0)) == pixel(image, (left, top))
    assert pixel(part, (across - 1, down - 1)) == pixel(image, (left + across - 1, top + down - 1))


@settings(deadline=None)
@given(SIDES, SIDES, SIDES, SIDES, st.sampled_from(["stretch", "contain", "cover"]))
def test_a_resize_has_the_size(width: int, height: int, to: int, by: int, fit: str) -> None:
    image = edited(pattern(width, height), {"op": "resize", "width": to, "height": by, "fit": fit})
    if fit == "contain":
        assert image.width <= to
        assert image.height <= by
        assert image.width == to or image.height == by
    else:
        assert image.size == (to, by)


@settings(deadline=None)
@given(SIDES, SIDES, SIDES)
def test_one_side_keeps_the_proportions(width: int, height: int, to: int) -> None:
    image = edited(pattern(width, height), {"op": "resize", "width": to})
    assert image.size == (to, max(1, round(height * to / width)))


@settings(deadline=None)
@given(SIDES, SIDES, st.integers(-8, 8))
def test_quarter_turns_lose_nothing(width: int, height: int, quarters: int) -> None:
    image = pattern(width, height)
    turned = edited(image, {"op": "rotate", "degrees": quarters * 90})
    assert turned.size == ((height, width) if quarters % 2 else (width, height))
    assert same(edited(turned, {"op": "rotate", "degrees": -quarters * 90}), image)


def test_a_turn_is_clockwise() -> None:
    image = pattern()
    turned = edited(image, {"op": "rotate", "degrees": 90})
    assert pixel(turned, (turned.width - 1, 0)) == pixel(image, (0, 0))
    askew = edited(image.resize((100, 100), 0), {"op": "rotate", "degrees": 45})
    assert pixel(askew, (askew.width // 2, 8))[:3] == pytest.approx((0, 0, 0), abs=40)


@settings(deadline=None)
@given(st.floats(-400, 400), st.booleans())
def test_a_turn_keeps_all_or_the_size(degrees: float, expand: bool) -> None:
    turned = edited(pattern(), {"op": "rotate", "degrees": degrees, "expand": expand})
    if not expand:
        assert turned.size == (24, 16)
    assert turned.width * turned.height >= 24 * 16


def test_new_corners_are_seen_through_or_of_the_colour() -> None:
    turned = edited(pattern(), {"op": "rotate", "degrees": 30})
    assert pixel(turned, (0, 0))[3] == 0
    turned = edited(pattern(), {"op": "rotate", "degrees": 30, "background": "#ff0000"})
    assert (turned.mode, pixel(turned, (0, 0))) == ("RGB", (255, 0, 0))


@pytest.mark.parametrize("direction", ["horizontal", "vertical"])
def test_a_flip_twice_is_none(direction: str) -> None:
    once = edited(pattern(), {"op": "flip", "direction": direction})
    corner = (23, 0) if direction == "horizontal" else (0, 15)
    assert pixel(once, corner) == pixel(pattern(), (0, 0))
    assert same(edited(once, {"op": "flip", "direction": direction}), pattern())


@pytest.mark.parametrize(
    ("name", "measure"),
    [("brightness", mean), ("contrast", spread), ("saturation", colourfulness)],
)
def test_a_factor_changes_what_it_names(photo: Image.Image, name: str, measure: Any) -> None:
    less, as_is, more = (edited(photo, {"op": name, "factor": factor}) for factor in (0.5, 1, 1.5))
    assert same(as_is, photo)
    assert measure(less) < measure(photo) < measure(more)
    assert {image.size for image in (less, as_is, more)} == {photo.size}


def test_blur_and_sharpen_are_opposites(photo: Image.Image) -> None:
    def edges(image: Image.Image) -> float:
        shifted = ImageChops.offset(image.convert("L"), 1, 0)
        return mean(ImageChops.difference(image.convert("L"), shifted))

    soft = edited(photo, {"op": "blur", "radius": 3})
    sharp = edited(photo, {"op": "sharpen", "amount": 2})
    assert edges(soft) < edges(photo) < edges(sharp)


def test_greyscale_has_no_colours_and_sepia_is_warm(photo: Image.Image) -> None:
    assert colourfulness(edited(photo, {"op": "greyscale"})) == 0
    red, green, blue = ImageStat.Stat(edited(photo, {"op": "sepia"})).mean
    assert red > green > blue
    assert same(edited(photo, {"op": "sepia", "amount": 0}), photo)


@settings(deadline=None)
@given(st.integers(1, 30))
def test_a_border_is_around_it(width: int) -> None:
    framed = edited(pattern(), {"op": "border", "width": width, "colour": "teal"})
    assert framed.size == (24 + 2 * width, 16 + 2 * width)
    assert pixel(framed, (width - 1, width - 1)) == (0, 128, 128)
    assert same(framed.crop((width, width, width + 24, width + 16)), pattern())


@settings(deadline=None)
@given(SIDES, SIDES, st.integers(1, 200))
def test_round_corners_are_seen_through(width: int, height: int, radius: int) -> None:
    rounded = edited(pattern(width, height), {"op": "round_corners", "radius": radius})
    assert (rounded.mode, rounded.size) == ("RGBA", (width, height))
    seen = rounded.getchannel("A")
    if min(width, height, 2 * radius) >= 8:
        corners = [(0, 0), (width - 1, 0), (0, height - 1), (width - 1, height - 1)]
        assert max(pixel(seen, corner) for corner in corners) < 100
    assert pixel(seen, (width // 2, height // 2)) > 200 or min(width, height) < 4
    assert same(seen, seen.transpose(Image.Transpose.FLIP_LEFT_RIGHT))


def test_what_was_seen_through_stays_so() -> None:
    image = edited(pattern(), {"op": "round_corners", "radius": 8})
    for operation in (
        {"op": "brightness", "factor": 1.5},
        {"op": "greyscale"},
        {"op": "sepia"},
        {"op": "sharpen"},
        {"op": "flip"},
        {"op": "border", "width": 3},
    ):
        assert edited(image, operation).mode == "RGBA"
    assert pixel(edited(image, {"op": "sepia"}), (0, 0))[3] < 30


@settings(max_examples=60, deadline=None)
@given(
    st.text(min_size=1, max_size=120).filter(lambda text: "\0" not in text),
    st.sampled_from(["top-left", "top", "center", "right", "bottom", "bottom-right"]),
    st.one_of(st.none(), st.integers(6, 300)),
)
def test_any_text_is_drawn_within(text: str, position: str, size: int | None) -> None:
    image = Image.new("RGB", (160, 120), "navy")
    result = edited(image, {"op": "text", "text": text, "position": position, "size": size})
    assert result.size == image.size


def test_text_is_where_it_should_be() -> None:
    image = Image.new("RGB", (300, 200), "black")
    for position, quarter in {"top-left": (0, 0), "bottom-right": (1, 1)}.items():
        text = {"op": "text", "text": "Hi", "position": position, "outline": None}
        box = edited(image, text).getbbox()
        assert box is not None
        assert (box[0] >= 150, box[1] >= 100) == (bool(quarter[0]), bool(quarter[1]))
        assert box[2] <= 300


def test_letters_with_signs_on_them_are_told_apart() -> None:
    image = Image.new("RGB", (120, 60), "black")
    texts = ({"op": "text", "text": text, "size": 30} for text in ("äää", "ööö", "жжж"))
    assert len({edited(image, text).tobytes() for text in texts}) == 3


def test_operations_are_applied_in_their_order() -> None:
    crop = {"op": "crop", "width": 10, "height": 10}
    border = {"op": "border", "width": 5, "colour": "red"}
    assert edited(pattern(), crop, border).size == (20, 20)
    assert pixel(edited(pattern(), border, crop), (0, 0)) == (255, 0, 0)


@pytest.mark.parametrize(
    ("operation", "said"),
    [
        ({"op": "crop", "left": 20, "width": 5, "height": 1}, "width: ends at 25, the image is 24"),
        ({"op": "crop", "top": 16, "width": 1, "height": 1}, "height: ends at 17"),
        ({"op": "resize", "width": 8192, "height": 8192}, "the image has 8192x8192 pixels"),
        ({"op": "resize", "height": 8192}, ""),
    ],
)
def test_what_cannot_be_done_is_named(operation: dict[str, Any], said: str) -> None:
    with pytest.raises(BadParameters) as raised:
        edited(pattern(), {"op": "flip"}, operation)
    assert str(raised.value).startswith("operations[1].")
    assert said in str(raised.value)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"])
def test_all_kinds_are_read(kind: str) -> None:
    image, best = opened(encoded(pattern(), kind))
    assert (image.size, image.mode) == ((24, 16), "RGB")
    assert best == ("jpeg" if kind == "JPEG" else "png")


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "F"])
def test_all_modes_are_read(mode: str) -> None:
    plain = pattern().convert("L") if mode == "I;16" else pattern()
    kind = "TIFF" if mode in {"CMYK", "F"} else "PNG"
    image, _ = opened(encoded(plain.convert(mode), kind))
    assert image.mode in {"RGB", "RGBA"}
    assert image.size == (24, 16)
    assert saved(image, "jpeg")[1] == "image/jpeg"


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_camera_held_askew_makes_no_difference(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    image, _ = opened(encoded(pattern(), "PNG", exif=exif))
    assert image.size == ((16, 24) if orientation >= 5 else (24, 16))
    data, _ = saved(image, "png")
    assert opened(data)[0].size == image.size


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
def test_where_it_was_taken_is_not_told_on(kind: Any) -> None:
    exif = Image.Exif()
    exif[0x010F] = "SECRETCAMERA"
    source = encoded(pattern(), "JPEG", exif=exif, comment=b"SECRETCOMMENT")
    assert b"SECRETCAMERA" in source
    data, _ = saved(edited(opened(source)[0], {"op": "flip"}), kind)
    assert b"SECRET" not in data


def bomb(width: int, height: int) -> bytes:
    """A PNG that says it is so large, in a few bytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"\0" * 4096)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("side", [7_000, 10_000, 60_000])
def test_a_bomb_is_not_unpacked(side: int) -> None:
    with pytest.raises(BadImage, match=r"pixels"):
        opened(bomb(side, side))
    assert side * side > MAX_PIXELS


@pytest.mark.parametrize(
    "data",
    [b"", b"GIF89a", b"<svg/>", b"%!PS-Adobe-3.0 EPSF-3.0", b"not an image at all" * 50],
)
def test_what_is_no_image_is_refused(data: bytes) -> None:
    with pytest.raises(BadImage):
        opened(data)


# Pillow warns of strange metadata, and reads on.
@pytest.mark.filterwarnings("ignore::UserWarning")
@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(["PNG", "JPEG", "WEBP", "GIF", "TIFF", "BMP"]),
    st.integers(0, 10_000),
    st.binary(min_size=1, max_size=8),
    st.booleans(),
)
def test_a_broken_image_is_refused_or_read(kind: str, at: int, noise: bytes, cut: bool) -> None:
    data = encoded(pattern(), kind)
    at %= len(data)
    broken = data[:at] if cut else data[:at] + noise + data[at + len(noise) :]
    try:
        image, _ = opened(broken)
    except BadImage:
        return
    assert image.mode in {"RGB", "RGBA"}


@pytest.mark.parametrize("count", range(2, 7))
@pytest.mark.parametrize("size", [(400, 300), (200, 500)])
def test_a_collage_shows_every_image(count: int, size: tuple[int, int]) -> None:
    colours = ["red", "lime", "blue", "yellow", "cyan", "magenta"][:count]
    sources = [encoded(Image.new("RGB", (50, 70), colour)) for colour in colours]
    data, how = composed(sources, "side by side", size)
    assert how == "collage"
    page, _ = opened(data)
    assert page.size == size
    found = {colour: number for number, colour in page.getcolors(2**16) or []}
    for colour in colours:
        share = found[pixel(Image.new("RGB", (1, 1), colour), (0, 0))]
        assert share > 0.6 * size[0] * size[1] / count


def test_a_blend_has_something_of_each() -> None:
    sources = [encoded(Image.new("RGB", (40, 40), colour)) for colour in ("red", "blue")]
    data, how = composed(sources, "Blend the two", (64, 64))
    assert how == "blend"
    red, green, blue = pixel(opened(data)[0], (32, 32))[:3]
    assert (green, red, blue) == (0, pytest.approx(128, abs=2), pytest.approx(127, abs=2))
