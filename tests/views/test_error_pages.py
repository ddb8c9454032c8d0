"""Pages for what went wrong: each in the frame of the others, with a sentence and a way on."""

import pytest
from django.template.loader import render_to_string
from django.test import Client

from tests.cast import Cast

LOGIN = "/login/"


@pytest.mark.parametrize("name", ["403", "403_csrf", "404", "409", "429", "500"])
def test_an_error_page_needs_nothing_but_itself(name: str) -> None:
    """It is also rendered where there is no request, no user and no database."""
    page = render_to_string(f"{name}.html")
    assert name[:3] in page and "To the desk" in page
    assert "style=" not in page.replace("no-inline-style", "") and "<script>" not in page


def test_a_form_of_an_older_session_is_refused_with_a_way_on(everybody: Cast) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(everybody.operator)
    answer = client.post("/dso/dso.demo.example/console/test/", {"counterparty": everybody.agr.pk})
    assert answer.status_code == 403
    assert "This form is too old" in answer.content.decode()
