"""Themes beside those that Textual brings."""

from textual.theme import BUILTIN_THEMES, Theme

HIGH_CONTRAST = Theme(
    name="high-contrast",
    primary="#ffff00",
    secondary="#00ffff",
    accent="#00ffff",
    foreground="#ffffff",
    background="#000000",
    surface="#000000",
    panel="#000000",
    success="#00ff00",
    warning="#ffff00",
    error="#ff8080",
    dark=True,
    variables={
        "border": "#ffffff",
        "block-cursor-background": "#ffff00",
        "block-cursor-foreground": "#000000",
        "block-cursor-text-style": "bold",
        "footer-key-foreground": "#ffff00",
        "input-selection-background": "#0000ff",
        "text-muted": "#ffffff",
    },
)
"""White on black, with yellow and cyan: contrast of at least 11 to 1 (WCAG 2.2 asks for 7)."""


def theme_names() -> list[str]:
    """All there are."""
    return sorted([*BUILTIN_THEMES, HIGH_CONTRAST.name])
