"""Texts of a region pack and labels of its codes in the language of whoever reads."""

from __future__ import annotations

from gateway.ports import Json

ENGLISH = "en"


class ProcedureWords:
    """Texts of a region pack and labels of code lists in one language."""

    def __init__(self, lang: str) -> None:
        from schemas.labels import load_labels

        self._labels = load_labels(lang)
        self._lang = lang

    def text(self, value: Json) -> str:
        """Return a text in this language."""
        from schemas.reading import pick_label

        found = {str(key): str(text) for key, text in value.items()} if isinstance(value, dict) else {}
        return pick_label(found, self._lang) if found else "-"

    def role(self, code: Json) -> str:
        """Return the label of a role; a missing one is marked."""
        said = self._labels.code("role", str(code))
        return f"{code} [{self._labels.language.no_label}]" if said.text is None else said.text

    def roles(self, codes: Json) -> list[Json]:
        """Return the labels of several roles."""
        return [self.role(code) for code in codes] if isinstance(codes, list) else []

    def draft(self, drafts: Json) -> str | None:
        """Say that no native speaker has reviewed the labels, or the texts of the region, if so."""
        texts = isinstance(drafts, list) and self._lang in drafts
        drafted = texts or (self._lang != ENGLISH and self._labels.status == "draft")
        return f"texts in {self._labels.language.name}: {self._labels.language.draft}" if drafted else None


def load_words(lang: str | None) -> ProcedureWords:
    """Load the words of a language, by default English."""
    return ProcedureWords(lang or ENGLISH)
