"""What leaves as CSV starts no formula, whatever character the spreadsheet cuts at."""

from typing import Any

import pytest

from offers.views.lists import harmless


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("=cmd()", "'=cmd()"),
        ("  +1", "'  +1"),
        ("＝1", "'＝1"),
        ("a;=cmd()", "a;'=cmd()"),
        ("a; @x\t-1", "a;' @x\t'-1"),
        ("first\n=cmd()", "first\n'=cmd()"),
        ("a|=cmd()", "a|'=cmd()"),
        ("\n\n =cmd()", "\n\n' =cmd()"),
        ("\n" * 1_000_000, "\n" * 1_000_000),
        ("a=b, c-d; e", "a=b, c-d; e"),
        ("", ""),
        (None, ""),
        (-5, -5),
    ],
)
def test_a_text_starts_no_formula_in_any_cell(text: Any, written: Any) -> None:
    assert harmless(text) == written
