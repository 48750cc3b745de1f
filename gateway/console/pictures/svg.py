"""Elements of a picture, and how much room a text needs (pure)."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup, escape

SMALLEST = 14
"""Height of a letter, in pixels; a narrow picture may be shown at four fifths of its size."""
WIDTH_OF_LETTER = 0.62
"""Of its height: what the widest of our nine alphabets needs on average in bold, rounded up."""

PEN = {"font_size": SMALLEST, "fill": "var(--ink)", "text_anchor": "middle"}
"""How texts of a picture are written unless they say otherwise; it stands on the picture."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A rectangle, from its upper left corner, in pixels."""

    x: float
    y: float
    width: float
    height: float

    def overlaps(self, other: Box) -> bool:
        """Whether both cover a common area."""
        return (
            self.x < other.x + other.width
            and other.x < self.x + self.width
            and self.y < other.y + other.height
            and other.y < self.y + self.height
        )

    def lies_in(self, width: float, height: float) -> bool:
        """Whether no part of it, to a tenth of a pixel, is outside a picture of this size."""
        return min(self.x, self.y) > -0.1 and self.x + self.width < width + 0.1 and self.y + self.height < height + 0.1


def measure(text: str, size: float = SMALLEST) -> float:
    """Estimate the width of a text in pixels, rather too much than too little."""
    return len(text) * size * WIDTH_OF_LETTER


def paint(token: str) -> str:
    """Return a colour of the style sheet as the value of an attribute."""
    return f"var(--{token})"


def draw(element: str, *inside: Markup | str, **attributes: object) -> Markup:
    """Make an element. An attribute `stroke_width` becomes stroke-width, `class_` class; one of None is left out."""
    given = Markup("").join(
        Markup(' {}="{}"').format(name.rstrip("_").replace("_", "-"), _shorten(value))
        for name, value in attributes.items()
        if value is not None
    )
    if not inside:
        return Markup("<{}{}/>").format(element, given)
    return Markup("<{0}{1}>{2}</{0}>").format(element, given, Markup("").join(map(escape, inside)))


def write(text: str, x: float, y: float, *, anchor: str = "middle", rtl: bool = False, **other: object) -> Markup:
    """Write a text whose left, middle or right is at `x`, whatever its direction: `anchor` is left, middle or right."""
    sides = {"left": "end" if rtl else "start", "middle": None, "right": "start" if rtl else "end"}
    return draw("text", text, x=x, y=y, text_anchor=sides[anchor], **other)


def frame(width: float, height: float, label: str, *inside: Markup, narrow: bool = False, size: str = "") -> Markup:
    """Make the picture itself: an image for who cannot see it, with a sentence that says what it shows. `size`: the
    class of a picture that stands in a row; else it is as wide as its card, and `narrow` is shown on small windows.
    """
    name = size or ("pic narrow" if narrow else "pic wide")
    fixed = {"width": width, "height": height} if size else {}
    view = f"0 0 {width:g} {height:g}"
    return draw("svg", *inside, class_=name, viewBox=view, role="img", aria_label=label, **PEN, **fixed)


def _shorten(value: object) -> object:
    """Round a place to half a pixel: twenty peers have a thousand of them."""
    return f"{round(value * 2) / 2:g}" if isinstance(value, float) else value
