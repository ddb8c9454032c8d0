"""XML with its names marked for the eye: spans with classes, everything else escaped."""

import re

from django.utils.html import conditional_escape, format_html, format_html_join
from django.utils.safestring import SafeString

# Possessive and only at the beginning of a word: a stranger's endless word must not cost its square.
TOKENS = re.compile(
    r'(?P<el></?[\w.-]+|/?>|\?>|<\?[\w.-]+)|(?P<at>(?<![\w.:-])[\w.:-]++(?==))|(?P<va>"[^"]*")'
)
MOST = 200_000


def marked(text: str) -> SafeString:
    """The text with elements, attributes and values in spans; a very long one is cut and says so."""
    shown = text[:MOST]
    pieces: list[str] = []
    at = 0
    for token in TOKENS.finditer(shown):
        pieces.append(conditional_escape(shown[at : token.start()]))
        pieces.append(format_html('<span class="{}">{}</span>', token.lastgroup, token.group()))
        at = token.end()
    pieces.append(conditional_escape(shown[at:]))
    if len(text) > MOST:
        pieces.append(f"\n… {len(text) - MOST} more characters: download the message to see them.")
    return format_html_join("", "{}", ((piece,) for piece in pieces))
