"""Invented names, in several scripts, put together from word lists.

No firm or person is meant: each list is of common words or given names, and the combinations come from a seeded
generator. Names hold what trips software (accents, an apostrophe, an ampersand, Chinese, Japanese, Greek, Cyrillic and
Arabic letters), and never a colon, tab or newline, which QuickBooks refuses.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

ADJECTIVES = [
    "Amber",
    "Brisk",
    "Copper",
    "Dapper",
    "Electric",
    "Fuzzy",
    "Gentle",
    "Hollow",
    "Indigo",
    "Jolly",
    "Kindly",
]
ADJECTIVES += ["Lucky", "Mellow", "Nimble", "Olive", "Plucky", "Quiet", "Rustic", "Sturdy", "Tidy", "Upbeat", "Velvet"]
NOUNS = ["Anvil", "Badger", "Cactus", "Dumpling", "Ember", "Falcon", "Gazebo", "Heron", "Icicle", "Juniper", "Kettle"]
NOUNS += ["Lantern", "Marmot", "Nutmeg", "Otter", "Pebble", "Quill", "Radish", "Sundial", "Thimble", "Urchin", "Walnut"]
TRADES = ["Works", "Supply", "Studio", "Bakery", "Freight", "Garden Care", "Workshop", "Trading", "Labs", "Outfitters"]
EURO_FIRST = [
    "Café",
    "Atelier",
    "Bäckerei",
    "Möbelhaus",
    "Librería",
    "Pâtisserie",
    "Čajovna",
    "Księgarnia",
    "Σπίτι",
    "Дом",
]
EURO_SECOND = ["Bleu", "d'Été", "Grünspan", "Ñandú", "Crème & Sel", "Žofín", "Łąka", "Ελιά", "Берёза", "Sør"]
ASIAN = [
    "青い鳥商店",
    "星野工房",
    "云杉贸易",
    "梅花书店",
    "山猫デザイン",
    "한빛공방",
    "متجر النخلة",
    "竹林茶舍",
    "ひまわり園芸",
    "白鹭食品",
]
GIVEN = ["Ada", "Björn", "Chidi", "Dolores", "Ewa", "Fumiko", "Göran", "Hana", "Iñaki", "Jun", "Kwame", "Leïla", "Milo"]
GIVEN += ["Noor", "Oksana", "Priya", "Quentin", "Rosa", "Søren", "Tomás", "Uma", "Vera", "Wei", "Ximena", "Yara", "Zoë"]
FAMILY = ["Ambrose-Vale", "Brightwater", "Çelikoğlu", "D'Arbanville", "Eklund-Moor", "Fernández-Roca", "Goldfinch"]
FAMILY += [
    "Hollister-Nan",
    "Ívarsson",
    "Juniperhill",
    "Kővári",
    "Łopatka",
    "McQuillfeather",
    "Nakamori",
    "O'Dapplemere",
]
FAMILY += ["Pöllänen", "Quietbrook", "Rönnberg", "Šimunek", "Thistlewood", "Umberfield", "Vandermist", "Wrenfield"]
STREETS = ["Sample Lane", "Example Avenue", "Placeholder Way", "Fixture Street", "Specimen Road", "Mockingbird Court"]
TOWNS = [
    ("Testburg", "CA", "900"),
    ("Port Example", "OR", "970"),
    ("Dummy Falls", "WA", "980"),
    ("Mocksville", "AZ", "850"),
]
EURO_TOWNS = [("Beispielstadt", "BE", "101"), ("Exempleville", "IDF", "750"), ("Ejemplópolis", "MD", "280")]
GOODS = [
    "Widget",
    "Bracket",
    "Lantern",
    "Hinge",
    "Crate",
    "Spool",
    "Panel",
    "Valve",
    "Trowel",
    "Basket",
    "Cable",
    "Tile",
]
GRADES = ["Small", "Standard", "Large", "Heavy Duty", "Deluxe", "Weatherproof", "Folding", "Twin", "Mini", "Classic"]
JOBS = ["Assembly", "Consulting", "Delivery", "Design Hours", "Inspection", "Installation", "Repair", "Training"]


def distinct(draw: Iterator[str], taken: set[str]) -> str:
    """The next drawn name whose letters no other name has, case aside; it is then taken.

    One set for customers and vendors together: QuickBooks wants display names unique over both.
    """
    for name in draw:
        if name.casefold() not in taken:
            taken.add(name.casefold())
            return name
    raise ValueError("the word lists are used up: add words, or ask for fewer names")


def persons(rng: Random) -> Iterator[tuple[str, str]]:
    while True:
        yield rng.choice(GIVEN), rng.choice(FAMILY)


def companies(rng: Random, *, euro: bool) -> Iterator[str]:
    """Company names without end; about one in eight outside the Latin alphabet, one in seven with an ampersand."""
    while True:
        chance = rng.random()
        if euro:
            suffix = rng.choice(["GmbH i.G. (Muster)", "SARL Exemple", "S.L. Ejemplo", "& Fils (Exemple)"])
            yield f"{rng.choice(EURO_FIRST)} {rng.choice(EURO_SECOND)} {suffix}"
        elif chance < 0.12:
            yield f"{rng.choice(ASIAN)} {rng.randint(1, 40)}"
        elif chance < 0.26:
            yield f"{rng.choice(NOUNS)} & {rng.choice(NOUNS)} {rng.choice(TRADES)}"
        elif chance < 0.40:
            yield f"{rng.choice(GIVEN)}'s {rng.choice(NOUNS)} {rng.choice(TRADES)}"
        else:
            yield f"{rng.choice(ADJECTIVES)} {rng.choice(NOUNS)} {rng.choice(TRADES)}"
