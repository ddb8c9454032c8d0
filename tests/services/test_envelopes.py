"""Whose a message is, at a domain that hosts two roles."""

import pytest

from offers.models import Message
from offers.services import inbox, trading
from tests import cast
from tests.cast import NOON, Cast

pytestmark = pytest.mark.django_db


def test_the_answer_to_a_test_goes_to_the_role_that_asked(everybody: Cast) -> None:
    both = cast.participant("agr.demo.example", "DSO", "Another role of the same domain")
    for asking in (both, everybody.agr):
        sent = trading.send_test(asking, everybody.dso, NOON)
        cast.deliver_all(NOON)
        sent.refresh_from_db()
        answer = Message.objects.get(type="TestMessageResponse", direction="in", answers=sent)
        assert (sent.answer, answer.owner) == ("accepted", asking)


def test_an_answer_that_nobody_asked_for_is_kept_and_counts_for_nothing(everybody: Cast) -> None:
    sent = trading.send_test(everybody.agr, everybody.dso, NOON)
    cast.carry(sent, NOON)
    inbox.process_due(lambda: NOON)
    answer = Message.objects.get(type="TestMessageResponse", direction="out")
    Message.objects.filter(pk=sent.pk).update(conversation_id="00000000-0000-4000-8000-000000000000")
    cast.carry(answer, NOON)
    inbox.process_due(lambda: NOON)
    assert Message.objects.get(type="TestMessageResponse", direction="in").state == "rejected"
