"""Names in the order in which people of a language look for them."""

from __future__ import annotations

import pytest

from gateway.mapping.alphabet import ALPHABETS, rank_name
from schemas.labels import load_languages

IN_ORDER = {
    "en": ["Afar", "Åland", "Albanian", "Arabic", "Church Slavic", "Churchyard"],
    "fr": ["afar", "écossais", "espagnol", "estonien", "été", "zoulou"],
    "es": ["niño", "nuer", "ñandú", "ñu", "occitano"],
    "pl": ["albański", "ąb", "bułgarski", "łaciński", "macedoński", "zulu", "źródło", "żmudzki"],
    "sq": ["danisht", "divehisht", "dzongkisht", "dhalisht", "ebraisht", "ë", "turqisht", "thai", "uzbekisht"],
    "el": ["Αγγλικά", "Άζερι", "Αλβανικά", "Ίγκμπο", "Ισπανικά", "Ωσετικά"],
    "uk": ["галісійська", "гуарані", "ґанда", "данська", "ерзя", "єврейська", "італійська", "їжа", "йоруба"],
    "ar": ["الأبخازية", "الأفارية", "الألبانية", "الأوكرانية", "الإيطالية", "العربية", "الفرنسية"],
    "it": ["abcaso", "è", "ebraico", "ucraino"],
}


@pytest.mark.parametrize("language", load_languages())
def test_names_stand_in_the_order_of_the_alphabet(language: str):
    """Of every language of the pages; capitals and accents that make no letter do not count."""
    names = IN_ORDER[language]
    assert sorted(names, key=lambda name: rank_name(name, language)) == names


def test_every_letter_stands_once():
    """In each alphabet."""
    assert set(ALPHABETS) == set(load_languages())
    assert all(len(set(letters.split())) == len(letters.split()) for letters in ALPHABETS.values())


def test_what_is_of_another_script_comes_last():
    """And two names that differ in an accent alone always stand in the same order."""
    assert sorted(["Шона", "zulu", "Ωσετικά"], key=lambda name: rank_name(name, "en"))[0] == "zulu"
    assert rank_name("ete", "fr") != rank_name("été", "fr")
