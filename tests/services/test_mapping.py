"""What the rules are told of the market, and in which version an answer is written."""

from dataclasses import replace
from uuid import uuid4

import pytest

from offers import models, uftp
from offers.models import Participant
from offers.services import mapping
from tests import cast
from tests.cast import NOON, Cast

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("asked", "theirs", "written"),
    [
        (None, "3.0.0", "3.0.0"),
        ("3.0.0", "3.1.0", "3.0.0"),
        ("3.2.0", "3.0.0", "3.0.0"),
        ("3.2.0", "3.9.9", "3.1.0"),
    ],
)
def test_an_answer_is_in_the_version_of_the_question_else_in_that_of_its_sender(
    asked: str | None, theirs: str, written: str
) -> None:
    us, them = Participant(domain="us.example"), Participant(domain="them.example", version=theirs)
    assert mapping.head(us, them, NOON, "m", "c", asked)["version"] == written


def test_a_d_prognosis_that_nobody_sent_is_an_unknown_reference(everybody: Cast) -> None:
    _, theirs = cast.accepted_offer(everybody)
    message = cast.message_of(theirs)
    parties = (everybody.point, everybody.dso, everybody.agr)

    def reasons(named: str) -> list[str]:
        offer = replace(mapping.stored_offer(theirs), d_prognosis_message_id=named)
        asked = mapping.stored_request(theirs.flex_request)
        found = uftp.check_offer(offer, mapping.market_of(*parties, offer), NOON, asked, True)
        return [reason.field for reason in found]

    assert reasons(str(uuid4())) == reasons(message.message_id) == ["D-PrognosisMessageID"]
    models.Prognosis.objects.create(
        owner=everybody.dso,
        counterparty=everybody.agr,
        congestion_point=everybody.point,
        period=theirs.period,
        message=message,
        state="accepted",
        revision=1,
        isps=[],
        created_at=NOON,
        state_at=NOON,
    )
    assert reasons(message.message_id) == []
