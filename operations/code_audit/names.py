"""What making and saving images looks like in code. Ends of dotted names; more by --names FILE."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

SUPPRESSED = "omega: untracked-ok"
"""In a comment on the line or the one above: somebody has looked."""

IMAGE_NAME = re.compile(r"\.(png|jpe?g|gif|webp|avif|bmp|tiff?)\b", re.IGNORECASE)
IMAGE_MODEL = re.compile(r"[\"'`/][\w./-]*(?:-image\b|imagen-|dall-e)[\w.-]*[\"'`:]")
"""A model that draws, in quotes or in a URL: gemini-3-pro-image-preview."""
MODEL = re.compile(r"model(?:Name)?[\"']?\s*[=:]\s*[\"'`]")
ENDPOINT = re.compile(r"/images/(?:generations|edits|variations)\b")
"""Of OpenAI's HTTP API, for those who use no SDK."""
INSERT = re.compile(r"insert\s+into\s+\"?generated_images", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Names:
    """Which calls make an image, save one, or tell of one."""

    makes: tuple[str, ...] = (
        "images.generate",
        "images.edit",
        "images.create_variation",
        "images.createVariation",
        "generate_images",
        "generateImages",
        "generateImage",
    )
    makes_when_asked: tuple[str, ...] = ("generate_content", "generateContent")
    """Make one when IMAGE is among the modalities they ask for, or the model is one that draws: as
    it is named in the call, else anywhere in the file."""
    saves: tuple[str, ...] = ("uploadToGitHub", "upload_to_github", "generatedImage.create")
    saves_files: tuple[str, ...] = (
        "open",
        "write_bytes",
        "writeFile",
        "writeFileSync",
        "createWriteStream",
        "save",
        "toFile",
        "savefig",
        "imsave",
        "imwrite",
        "put_object",
        "putObject",
        "PutObjectCommand",
        "upload_file",
        "upload_fileobj",
        "createOrUpdateFileContents",
    )
    """Save one when a name that ends as an image's is among their arguments."""
    tells: tuple[str, ...] = (
        "track",
        "saveGeneratedImage",
        "save_generated_image",
        "publish",
        "publish_async",
        "producer.send",
    )
    """Whoever calls one of these within the same function has told."""


def load_names(path: Path | None) -> Names:
    """Ours, and those of a TOML file with lists of the same names. Raises ValueError, OSError."""
    ours = Names()
    if path is None:
        return ours
    more = tomllib.loads(path.read_text(encoding="utf-8"))
    unknown = more.keys() - Names.__dataclass_fields__.keys()
    if unknown:
        known = ", ".join(Names.__dataclass_fields__)
        raise ValueError(f"{min(unknown)} is none of {known}")
    joined = {key: (*getattr(ours, key), *more.get(key, ())) for key in Names.__dataclass_fields__}
    return Names(**joined)


def ends_with(dotted: str, names: tuple[str, ...]) -> bool:
    """Whether the dotted name is one of these, or ends in one after a dot."""
    return any(dotted == name or dotted.endswith(f".{name}") for name in names)


def judged(dotted: str, arguments: str, names: Names, *, draws: bool) -> str | None:
    """What a call of this name with these arguments (as source) does; None when nothing.

    ``draws``: a model that draws is named somewhere in the file.
    """
    if ends_with(dotted, names.makes) or ENDPOINT.search(arguments):
        return f"{dotted} makes an image"
    if ends_with(dotted, names.makes_when_asked) and _asks_for_one(arguments, draws=draws):
        return f"{dotted} makes an image"
    if ends_with(dotted, names.saves):
        return f"{dotted} saves an image"
    if ends_with(dotted, names.saves_files) and IMAGE_NAME.search(arguments):
        return f"{dotted} writes an image file"
    if INSERT.search(arguments):
        return f"{dotted} writes into generated_images, which only the projection does"
    return None


def _asks_for_one(arguments: str, *, draws: bool) -> bool:
    if "IMAGE" in arguments or IMAGE_MODEL.search(arguments):
        return True
    return draws and MODEL.search(arguments) is None
