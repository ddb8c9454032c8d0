"""A market in which something stands open for a message of every type: what G28 and G29 send refers to it."""

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


@dataclass(frozen=True)
class Fit:
    """Who sends a message, and the attributes with which it refers to something that stands open."""

    role: str
    attributes: dict[str, str]


Fits = dict[str, list[Fit]]  # by type; each can be used once, where one message uses it up


def fitted(golden: bytes, fit: Fit) -> etree._Element:
    """A golden message with those of its attributes changed that `fit` names."""
    root = etree.fromstring(golden, PARSER)
    for name, value in fit.attributes.items():
        if name in root.attrib:
            root.set(name, value)
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

    def note(self, type_name: str, role: str, **attributes: str) -> None:
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
        more = {name.replace("D_P", "D-P"): value for name, value in attributes.items()}
        self.fits[type_name].append(Fit(role, given | more))

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

    def for_requests_and_prognoses(self) -> None:
        """Each for a day of its own, on which no higher Revision was heard of yet."""
        for n in range(1, 300):
            period = str(self.day + timedelta(days=n))
            self.note("FlexRequest", "DSO", Period=period)
            self.note("D-Prognosis", "AGR", Period=period)

    def for_offers(self, prognosis: models.Message) -> None:
        asked = self.request()
        named = {"FlexRequestMessageID": asked.message_id, "D_PrognosisMessageID": prognosis.message_id}
        self.note("FlexOffer", "AGR", ConversationID=asked.conversation_id, **named)

    def for_tests(self) -> None:
        for role, other, us, them in (("AGR", "DSO", self.agr, self.dso), ("DSO", "AGR", self.dso, self.agr)):
            self.note("TestMessage", role)
            sent = trading.send_test(us, them, self.now)
            self.note("TestMessageResponse", other, ConversationID=sent.conversation_id)

    def refers(self, type_name: str, role: str, to: models.Message, **more: str) -> None:
        """A message of this type refers to that one, by the attribute that is named after it."""
        named = {f"{to.type}MessageID".replace("D-P", "D_P"): to.message_id}
        self.note(type_name, role, ConversationID=to.conversation_id, **named, **more)

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
    desks.for_requests_and_prognoses()
    for number in range(times):
        desks.for_tests()
        desks.for_offers(actual)
        desks.refers("FlexOrder", "DSO", desks.offer(number), OptionReference=OPTION, Price=PRICE)
        desks.for_answers(number + 2)
    return desks.fits
