"""What a written prompt asks for, as far as this program knows the words."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from producers.drawing.colours import NAMED, Colour


def _index(groups: dict[str, str]) -> dict[str, str]:
    return {word: name for name, words in groups.items() for word in words.split()}


TIMES = _index(
    {
        "sunset": "sunset sundown evening golden-hour autumn fiery",
        "dawn": "dawn sunrise morning daybreak pastel spring",
        "dusk": "dusk twilight gloaming purple-hour vaporwave",
        "night": (
            "night dark midnight moonlit moonlight moon starry stars starlit aurora neon nocturnal "
            "northern"
        ),
        "grey": "fog foggy mist misty rain rainy storm stormy overcast noir gloomy grey-day",
        "day": "day noon sunny daylight summer midday bright",
    }
)

PLACES = _index(
    {
        "mountains": (
            "mountain mountains peak peaks alps summit valley cliff cliffs glacier volcano"
        ),
        "ocean": "ocean sea beach coast shore island waves harbour harbor bay seaside surf",
        "lake": "lake pond river reflection fjord",
        "city": (
            "city skyline town street downtown metropolis skyscrapers rooftop rooftops cyberpunk"
        ),
        "forest": "forest woods woodland trees jungle grove pines taiga",
        "desert": "desert dunes dune sand oasis sahara canyon",
        "meadow": (
            "meadow field fields garden hills hill countryside grass flowers prairie village "
            "farm park"
        ),
        "space": (
            "space galaxy nebula planet planets cosmos orbit stars-and-planets universe mars "
            "asteroid"
        ),
        "underwater": "underwater reef coral seabed submarine aquarium deep-sea",
        "snow": "snow snowy winter ice arctic christmas blizzard",
        "room": (
            "room window desk table kitchen cafe café library study interior bedroom cozy "
            "cosy indoors still-life"
        ),
        "sky": "sky clouds cloud",
    }
)

SUBJECTS = _index(
    {
        "cat": "cat kitten cats kitty",
        "dog": "dog puppy corgi hound wolf",
        "fox": "fox foxes",
        "owl": "owl owls",
        "rabbit": "rabbit bunny hare",
        "bear": "bear panda cub",
        "bird": "bird birds gull gulls seagull crane geese swallows",
        "whale": "whale whales orca",
        "fish": "fish fishes koi goldfish shark dolphin",
        "turtle": "turtle tortoise",
        "jellyfish": "jellyfish medusa",
        "dragon": "dragon dragons wyvern",
        "robot": "robot robots android mech automaton droid",
        "astronaut": "astronaut cosmonaut spaceman",
        "wizard": "wizard mage witch sorceress sorcerer",
        "knight": "knight samurai warrior ninja hero heroine swordsman",
        "traveller": (
            "traveller traveler hiker wanderer person girl boy man woman child student "
            "detective kid"
        ),
        "boat": "boat sailboat ship yacht sailing junk fishing-boat",
        "rocket": "rocket spaceship spacecraft starship shuttle",
        "lighthouse": "lighthouse beacon",
        "castle": "castle fortress palace tower",
        "balloon": "balloon balloons airship",
        "cottage": "cottage house cabin hut barn home",
        "train": "train locomotive tram railway",
        "car": "car van truck roadster",
        "windmill": "windmill mill turbine",
        "tree": "tree oak bonsai cherry willow maple blossom sakura",
        "flower": "flower rose tulip sunflower poppy lotus lavender-field daisy sunflowers poppies",
        "mushroom": "mushroom mushrooms toadstool",
        "cactus": "cactus cacti succulent",
        "cup": "coffee tea cup mug latte espresso",
        "books": "book books novel",
        "lamp": "lantern lanterns lamp candle",
        "butterfly": "butterfly butterflies moth",
        "ghost": "ghost spirit phantom",
        "cake": "cake cupcake birthday",
        "guitar": "guitar ukulele violin",
        "umbrella": "umbrella parasol",
        "penguin": "penguin penguins",
    }
)

GLYPHS = _index(
    {
        "heart": "heart love like",
        "star": "star favourite favorite rating",
        "flame": "fire flame hot streak",
        "bolt": "lightning bolt thunder energy power",
        "leaf": "leaf eco plant nature",
        "music": "music note song",
        "bell": "bell notification alarm",
        "chat": "chat message speech comment",
        "check": "check done success tick",
        "gear": "gear settings cog",
        "trophy": "trophy award win winner",
        "crown": "crown king queen",
        "gem": "gem diamond jewel crystal",
        "moon": "moon crescent sleep",
        "sun": "sun",
        "rainbow": "rainbow pride",
        "smile": "smile smiling happy emoji grin laughing",
        "sad": "sad crying tear",
        "wink": "wink winking cheeky",
        "cool": "cool sunglasses",
        "pizza": "pizza slice",
        "camera": "camera photo",
        "lock": "lock security padlock",
        "cloud": "cloud weather",
        "drop": "drop water droplet rain",
    }
)

EXTRAS = _index(
    {
        "aurora": "aurora borealis northern",
        "rain": "rain rainy storm stormy drizzle",
        "snowfall": "snow snowy snowfall blizzard christmas",
        "moon": "moon moonlit moonlight",
        "stars": "starry stars starlit",
        "fireflies": "fireflies magical enchanted fairy glowing",
        "birds": "birds geese gulls swallows",
        "rainbow": "rainbow",
        "fireworks": "fireworks celebration festival",
        "petals": "petals blossom sakura cherry",
        "leaves": "autumn leaves",
        "planet": "planet planets saturn rings",
        "neon": "neon cyberpunk vaporwave synthwave",
    }
)

FIRST_PLACES = ("underwater", "space", "room")
"""These say where all the others are: a whale in the ocean, underwater."""

FINISHES = _index(
    {
        "watercolour": "watercolor watercolour aquarelle wash",
        "noir": "noir monochrome black-and-white b&w",
        "pixel": "pixel 8-bit pixelart 16-bit retro-game",
        "poster": "poster screenprint travel-poster vintage flat",
        "pastel": "pastel soft dreamy",
        "vivid": "vivid neon vibrant cyberpunk vaporwave synthwave",
        "sketch": "sketch pencil drawing etching",
        "sepia": "sepia antique old-photo",
    }
)

NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?")
QUOTED = re.compile(r"[\"“]([^\"“”]{1,80})[\"”]")


@dataclass(frozen=True, slots=True)
class Brief:
    """A prompt, understood: every field is in the order in which the words came."""

    prompt: str
    words: tuple[str, ...] = ()
    times: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()
    glyphs: tuple[str, ...] = ()
    extras: frozenset[str] = frozenset()
    finishes: tuple[str, ...] = ()
    colours: tuple[Colour, ...] = ()
    quotes: tuple[str, ...] = ()
    tags: tuple[str, ...] = field(default=())


def understand(prompt: str, style: str | None = None) -> Brief:
    """Read a prompt.

    What is quoted is only shown as text; unknown words change nothing but the random seed.
    """
    text = f"{QUOTED.sub(' ', prompt)} {style or ''}".lower().replace("golden hour", "golden-hour")
    text = text.replace("black and white", "black-and-white").replace("pixel art", "pixel")
    words = tuple(re.findall(r"[a-zé0-9&]+(?:-[a-zé0-9&]+)*", text))
    singles = _flat(words)

    def known(index: dict[str, str]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(index[word] for word in singles if word in index))

    times, places, subjects = known(TIMES), known(PLACES), known(SUBJECTS)
    return Brief(
        prompt=prompt,
        words=words,
        times=times,
        places=tuple(sorted(places, key=lambda place: place not in FIRST_PLACES)),
        subjects=subjects,
        glyphs=known(GLYPHS),
        extras=frozenset(known(EXTRAS)),
        finishes=known(FINISHES),
        colours=tuple(dict.fromkeys(NAMED[word] for word in singles if word in NAMED)),
        quotes=tuple(found.strip() for found in QUOTED.findall(prompt)),
        tags=tuple(dict.fromkeys((*places, *subjects, *times))),
    )


def _flat(words: tuple[str, ...]) -> list[str]:
    """Each word, and the parts of those with hyphens: ``star-lit`` is found as itself or parts."""
    result: list[str] = []
    for word in words:
        result.append(word)
        if "-" in word:
            result.extend(word.split("-"))
    return result
