"""A market in which something stands open for a message of every type: what G28 and G29 send refers to it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from django.contrib.auth.models import User
from lxml import etree

from offers import models, uftp
from offers.services import mapping, outbox, trading
from tests import cast

PARSER = etree.XMLParser(remove_blank_text=True)
CONTRACT = "FLEX-2026-7"  # as the golden messages name it
# The option that the golden orders order: in one piece, and ISP by ISP.
WHOLE = [{"start": 69, "duration": 8, "power": -200_000}]
EACH = [{"start": 69 + n, "duration": 1, "power": -150_000 - 1000 * n} for n in range(8)]
OPTION, PRICE = "batteries", "118.50"
NOTHING: Mapping[str, str] = {}


@dataclass(frozen=True)
class Fit:
    """Who sends a message, and the attributes with which it refers to something that stands open."""

    role: str
    attributes: dict[str, str]
    golden: str = ""  # what stands in the name of the golden message, if only one of them will do


Fits = dict[str, list[Fit]]  # by type; each can be used once, where one message uses it up


def fitted(golden: bytes, fit: Fit) -> etree._Element:
    """A golden message with those of its attributes changed that `fit` names; one that is "" is left out."""
    root = etree.fromstring(golden, PARSER)
    for name in fit.attributes.keys() & root.attrib:
        if value := fit.attributes[name]:
            root.set(name, value)
        else:
            del root.attrib[name]
    return root


@dataclass
class Desks:
    """Both sides of the market, and what they have said to each other."""

    agr: models.Participant
    dso: models.Participant
    point: models.CongestionPoint
    by: User
    now: datetime
    fits: Fits = field(default_factory=lambda: {name: [] for name in uftp.CATALOGUE})

    @property
    def day(self) -> date:
        return (self.now + timedelta(days=1)).date()

    def note(self, type_name: str, role: str, more: Mapping[str, str] = NOTHING, golden: str = "") -> None:
        """A message of this type, sent by `role` with these attributes, is one that can be accepted."""
        sides = {"AGR": self.agr.domain, "DSO": self.dso.domain}
        given = {
            "SenderDomain": sides.pop(role),
            "RecipientDomain": sides.popitem()[1],
            "TimeStamp": self.now.isoformat(),
            "Period": str(self.day),
            "CongestionPoint": self.point.entity_address,
            "ExpirationDateTime": (self.now + timedelta(hours=1)).isoformat(timespec="seconds"),
            "Currency": "EUR",
        }
        self.fits[type_name].append(Fit(role, {**given, **more}, golden))

    def offer(self, number: int = 0) -> models.Message:
        """An unsolicited one; the whole option and the one of single ISPs take turns."""
        option = cast.option(OPTION, PRICE, 0, "0.25") | {"isps": EACH if number % 2 else WHOLE}
        draft = cast.offer_draft(self.now + timedelta(hours=1, minutes=30), options=[option])
        row = trading.draft_offer(self.agr, self.point, self.dso, self.day, draft, self.by, self.now)
        return cast.message_of(trading.send_offer(self.agr, row.pk, self.by, self.now))

    def request(self) -> models.Message:
        draft = cast.request_draft(self.now + timedelta(hours=2))
        rows = trading.draft_requests(self.dso, self.point, self.day, draft, self.by, self.now)
        return cast.message_of(trading.send_requests(self.dso, rows[0].group, self.by, self.now)[0])

    def prognosis(self, revision: int) -> models.Message:
        """Nobody sends one from a page; what an answer to it finds is a message all the same."""
        message = uftp.DPrognosis(
            **mapping.head(self.agr, self.dso, self.now, outbox.new_id(), outbox.new_id()),
            **mapping.flex(self.point, self.day),
            revision=revision,
            isps=(uftp.PrognosisISP(power=300_000, start=1, duration=96),),
        )
        return outbox.enqueue(self.agr, self.dso, message, self.now)

    # --- what stands open ---

    def for_offers(self, prognosis: models.Message) -> None:
        self.refers("FlexOffer", "AGR", self.request(), {"D-PrognosisMessageID": prognosis.message_id})

    def for_orders(self, number: int) -> None:
        golden = "at-a-factor" if number % 2 else "whole-option"
        more = {"OptionReference": OPTION, "Price": PRICE, "D-PrognosisMessageID": ""}
        self.refers("FlexOrder", "DSO", self.offer(number), more, golden)

    def for_tests(self) -> None:
        for role, other, us, them in (("AGR", "DSO", self.agr, self.dso), ("DSO", "AGR", self.dso, self.agr)):
            self.note("TestMessage", role)
            sent = trading.send_test(us, them, self.now)
            self.note("TestMessageResponse", other, {"ConversationID": sent.conversation_id})

    def refers(
        self,
        type_name: str,
        role: str,
        to: models.Message,
        more: Mapping[str, str] = NOTHING,
        golden: str = "",
    ) -> None:
        """A message of this type refers to that one, by the attribute that is named after it."""
        named = {f"{to.type}MessageID": to.message_id, "ConversationID": to.conversation_id}
        self.note(type_name, role, {**named, **more}, golden)

    def for_answers(self, revision: int) -> None:
        self.refers("FlexRequestResponse", "AGR", self.request())
        self.refers("FlexOfferResponse", "DSO", self.offer())
        self.refers("D-PrognosisResponse", "DSO", self.prognosis(revision))
        revoked = models.FlexOffer.objects.get(owner=self.agr, message=self.offer())
        revocation = trading.revoke(self.agr, revoked.pk, self.by, self.now).revocation
        assert revocation is not None
        self.refers("FlexOfferRevocationResponse", "DSO", revocation)


def seed(desks: Desks, times: int) -> Fits:
    """Let both sides say so much that of what can be referred to once there is as much as `times`."""
    models.Contract.objects.create(
        contract_id=CONTRACT,
        dso=desks.dso,
        agr=desks.agr,
        congestion_point=desks.point,
        valid_from=desks.day - timedelta(days=1),
    )
    actual = desks.prognosis(1)
    offered = [desks.offer() for _ in range(2 * times)]
    cast.deliver_all(desks.now)
    for sent in offered[:times]:
        desks.refers("FlexOfferRevocation", "AGR", sent)
    for sent in offered[times:]:
        theirs = models.FlexOffer.objects.get(owner=desks.dso, message__message_id=sent.message_id)
        placed = trading.order(desks.dso, theirs.pk, OPTION, cast.Decimal(1), desks.by, desks.now)
        assert placed.message is not None
        desks.refers("FlexOrderResponse", "AGR", placed.message)
    desks.note("FlexRequest", "DSO", {"Revision": str(times + 1)})
    desks.note("D-Prognosis", "AGR", {"Revision": "2"})
    for number in range(times):
        desks.for_tests()
        desks.for_offers(actual)
        desks.for_orders(number)
        desks.for_answers(number + 2)
    desks.note("FlexOrder", "DSO", golden="direct")
    return desks.fits
