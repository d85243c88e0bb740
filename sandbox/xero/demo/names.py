"""Invented names in several scripts, put together from word lists; no firm or person is meant.

They hold what trips software: accents, an apostrophe, an ampersand, Chinese, Japanese, Greek, Cyrillic and Arabic
letters, a name of two hundred characters, a name that differs from another by its accents alone.
"""

from __future__ import annotations

from random import Random

_FIRST = [
    "Harbour",
    "Maple",
    "Granite",
    "Lark",
    "Juniper",
    "Saffron",
    "Tidal",
    "Willow",
    "Cobalt",
    "Meadow",
    "Orchid",
    "Pepper",
    "Raven",
    "Sable",
    "Thistle",
]
_SECOND = [
    "Point",
    "Ridge",
    "Hollow",
    "Brook",
    "Field",
    "Crossing",
    "Grove",
    "Landing",
    "Bend",
    "Meadow",
    "Bluff",
    "Gate",
    "Quarry",
    "Terrace",
    "Wharf",
]
_TRADES = [
    "Provisions",
    "Interiors",
    "Joinery",
    "Roasters",
    "Stationers",
    "Printing",
    "Ceramics",
    "Textiles",
    "Chandlery",
    "Nurseries",
]
_ABROAD = [
    "Kräuterhaus Übermut",
    "Fromagerie L'Été",
    "Ångström & Søn",
    "Piñón y Ñame",
    "Žluťoučký kůň",
    "Ελαιώνας",
    "Снежный ёж",
    "青竹文具店",
    "つばめ製作所",
    "متجر الياسمين",
]
_GOODS = [
    "Teapot",
    "Notebook",
    "Candle",
    "Apron",
    "Basket",
    "Blanket",
    "Lampshade",
    "Tray",
    "Vase",
    "Stool",
    "Kettle",
    "Mirror",
    "Cushion",
    "Planter",
    "Rug",
]
_LOOKS = [
    "Blue",
    "Oak",
    "Linen",
    "Brass",
    "Striped",
    "Tall",
    "Folding",
    "Glazed",
    "Woven",
    "Round",
]
TWINS = ("Cafe Lumiere", "Café Lumière Nord")
LONG = "The Honourable Company of " + "Very " * 40 + "Patient Clockmakers"


def parties(chance: Random, count: int) -> list[str]:
    """That many different names, those that trip software first."""
    made = [f"{first} {second} {trade}" for first in _FIRST for second in _SECOND for trade in _TRADES]
    return [*TWINS, LONG, *_ABROAD, *chance.sample(made, count - len(_ABROAD) - 3)]


def goods(chance: Random, count: int) -> list[str]:
    return chance.sample([f"{look} {thing}" for look in _LOOKS for thing in _GOODS], count)
