"""Whom the training cases are about: pseudonyms of a colour and an animal, drawn from a seed, in four scripts.

Nobody here exists, and nothing here could be a person: no name, no date of birth, no number is made up.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

SEED = 2_026
_WORDS: Mapping[str, tuple[Sequence[str], Sequence[str], str]] = {
    "fr": (("azur", "ocre", "ivoire", "carmin"), ("Héron", "Loutre", "Mésange", "Genêt"), "{animal} {colour}"),
    "sq": (("argjendtë", "kaltër", "artë", "gjelbër"), ("Dallëndyshe", "Lundërz", "Çafkë"), "{animal} e {colour}"),
    "ar": (("أزرق", "أخضر", "ذهبي", "فضي"), ("طاووس", "هدهد", "غزال", "حسون"), "{animal} {colour}"),
    "uk": (("синій", "зелений", "срібний"), ("журавель", "їжак", "дрізд"), "{colour} {animal}"),
    "el": (("γαλάζιος", "πράσινος", "χρυσός"), ("ερωδιός", "σπίνος", "τσαλαπετεινός"), "{colour} {animal}"),
    "en": (("Amber", "Teal", "Copper", "Indigo"), ("Otter", "Wren", "Marten", "Plover"), "{colour} {animal}"),
}
GENDERS = ("Feminine", "Feminine", "Masculine", "NonSpecifiedUnknown")
EXPLOITATION = ("ForcedLabour", "SexualExploitation", "ForcedBegging", "ForcedCriminality", "Servitude")


@dataclass(frozen=True, slots=True, kw_only=True)
class Persona:
    """One invented person: a pseudonym, the language that they are spoken to in, and codes."""

    pseudonym: str
    language: str
    gender: str
    exploitation: str


def draw_personas(seed: int = SEED) -> Iterator[Persona]:
    """Draw personas, the same ones in the same order for a seed; no two have one pseudonym. There are 90 at most."""
    draw = random.Random(seed)  # noqa: S311 - no secret: invented people are to be the same ones each time
    names = [
        (language, form.format(colour=colour, animal=animal))
        for language, (colours, animals, form) in _WORDS.items()
        for colour, animal in product(colours, animals)
    ]
    draw.shuffle(names)
    for language, name in names:
        yield Persona(
            pseudonym=name[:1].upper() + name[1:],
            language=language,
            gender=draw.choice(GENDERS),
            exploitation=draw.choice(EXPLOITATION),
        )
