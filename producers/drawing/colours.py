"""Colours: arithmetic, the names that prompts use, and the light of each time of day."""

from __future__ import annotations

import colorsys
from typing import NamedTuple

Colour = tuple[int, int, int]

WHITE: Colour = (255, 255, 255)
BLACK: Colour = (0, 0, 0)
INK: Colour = (24, 22, 34)
CREAM: Colour = (252, 245, 230)


def rgb(text: str) -> Colour:
    """``#ff9a5a`` as a colour."""
    value = int(text.lstrip("#"), 16)
    return value >> 16, value >> 8 & 255, value & 255


def rgbs(text: str) -> tuple[Colour, ...]:
    """Several such colours, with spaces between them."""
    return tuple(rgb(code) for code in text.split())


def mix(a: Colour, b: Colour, share: float) -> Colour:
    """``a`` with this share (0 to 1) of ``b`` in it."""
    rest = 1 - share
    return (
        round(a[0] * rest + b[0] * share),
        round(a[1] * rest + b[1] * share),
        round(a[2] * rest + b[2] * share),
    )


def lighter(colour: Colour, share: float = 0.3) -> Colour:
    return mix(colour, WHITE, share)


def darker(colour: Colour, share: float = 0.3) -> Colour:
    return mix(colour, (12, 10, 32), share)


def luminance(colour: Colour) -> float:
    """Perceived brightness, 0 to 1 (ITU-R BT.601 weights)."""
    return (0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]) / 255


def turned(colour: Colour, degrees: float, saturation: float = 1.0) -> Colour:
    """The colour with its hue turned and its saturation multiplied."""
    hue, lightness, strength = colorsys.rgb_to_hls(*(part / 255 for part in colour))
    parts = colorsys.hls_to_rgb(
        (hue + degrees / 360) % 1, lightness, max(0.0, min(1.0, strength * saturation))
    )
    return round(parts[0] * 255), round(parts[1] * 255), round(parts[2] * 255)


NAMED: dict[str, Colour] = {
    name: rgb(code)
    for name, code in {
        "red": "#d8343c",
        "crimson": "#a51d38",
        "scarlet": "#e2342b",
        "orange": "#f08a2e",
        "amber": "#f5a623",
        "gold": "#f0b93a",
        "golden": "#f0b93a",
        "yellow": "#f6d33c",
        "sunflower": "#f6c93a",
        "sunflowers": "#f6c93a",
        "lime": "#a4d637",
        "green": "#3da35d",
        "emerald": "#1f9d6b",
        "mint": "#8fdcc0",
        "olive": "#7d8240",
        "teal": "#1f9aa0",
        "turquoise": "#2cc4c0",
        "cyan": "#35c7e6",
        "azure": "#3f8fe8",
        "blue": "#3568d4",
        "navy": "#1e2f6b",
        "indigo": "#4338a8",
        "violet": "#7a45c8",
        "purple": "#7a3fb0",
        "lavender": "#b7a2e6",
        "magenta": "#cc3fa6",
        "pink": "#f08bb4",
        "sakura": "#f4a9c6",
        "blossom": "#f4a9c6",
        "rose": "#e5668a",
        "peach": "#ffb992",
        "brown": "#8a5a3c",
        "copper": "#b8683a",
        "beige": "#dccbaa",
        "cream": "#f7ecd2",
        "white": "#f4f4f6",
        "silver": "#bcc4cf",
        "grey": "#8b929d",
        "gray": "#8b929d",
        "black": "#26242f",
    }.items()
}


class Light(NamedTuple):
    """What the time of day does to a picture. ``sky`` runs from the zenith to the horizon."""

    sky: tuple[Colour, ...]
    disc: Colour
    glow: Colour
    far: Colour
    near: Colour
    ambient: Colour
    dimness: float
    """How much of the ambient colour lies over everything: 0 by day, 0.6 by night."""


def _light(sky: str, disc: str, glow: str, far: str, near: str, ambient: str, dim: float) -> Light:
    return Light(rgbs(sky), rgb(disc), rgb(glow), rgb(far), rgb(near), rgb(ambient), dim)


LIGHTS: dict[str, Light] = {
    "day": _light(
        "#2b78cf #62aeeb #a9daf5 #e9f7fa", "#fffbe6", "#fff3c4", "#a5c9df", "#2f6b50", "#ffffff", 0
    ),
    "dawn": _light(
        "#37508f #7f8cc8 #e9b3bd #ffdcb0 #fff0d0",
        "#fff3d6",
        "#ffd9a0",
        "#b9a5c6",
        "#3c4468",
        "#9a8fc0",
        0.18,
    ),
    "sunset": _light(
        "#27195a #6d2c80 #d54b78 #ff8f57 #ffd88c",
        "#fff2c9",
        "#ffb45e",
        "#c2567f",
        "#2a133f",
        "#7a2f66",
        0.38,
    ),
    "dusk": _light(
        "#14133a #33286b #7d4a97 #d9839f #f8c8a4",
        "#ffe9d6",
        "#e89aa8",
        "#7f5c9b",
        "#171433",
        "#372c66",
        0.48,
    ),
    "night": _light(
        "#050820 #0c1644 #1e3373 #4863a6",
        "#f6f2dc",
        "#9fb4ee",
        "#34488a",
        "#060a1e",
        "#101c52",
        0.52,
    ),
    "grey": _light(
        "#56677b #7f93a3 #aebdc6 #d6dee0",
        "#f2f5f5",
        "#e2e9ea",
        "#9fb0ba",
        "#2f3f49",
        "#5a6b78",
        0.25,
    ),
}


def tinted(light: Light, tint: Colour, share: float) -> Light:
    """The light with a colour of the prompt in it, each stop keeping its brightness."""

    def under(colour: Colour) -> Colour:
        level = luminance(colour)
        target = mix(BLACK, tint, level * 2) if level < 0.5 else mix(tint, WHITE, level * 2 - 1)
        return mix(colour, target, share)

    return light._replace(
        sky=tuple(under(stop) for stop in light.sky),
        glow=under(light.glow),
        far=under(light.far),
        near=under(light.near),
        ambient=under(light.ambient),
    )


def varied(light: Light, degrees: float) -> Light:
    """The light with every hue turned a little, so that two sunsets differ."""
    return light._replace(
        sky=tuple(turned(stop, degrees) for stop in light.sky),
        far=turned(light.far, degrees),
        near=turned(light.near, degrees),
    )
