"""Tables, constraints and the questions asked of them, by noun."""

from .health import Heartbeat
from .limits import Tally
from .market import CongestionPoint, Contract, IspWindow
from .messages import Answer, Attempt, Direction, Message, MessageState, Refusal
from .money import MoneyField
from .participants import ApiToken, Key, Membership, Participant, Profile, Right, Role, membership_of
from .trading import Event, FlexOffer, FlexOrder, FlexRequest, OfferOption, Prognosis

__all__ = [
    "Answer",
    "ApiToken",
    "Attempt",
    "CongestionPoint",
    "Contract",
    "Direction",
    "Event",
    "FlexOffer",
    "FlexOrder",
    "FlexRequest",
    "Heartbeat",
    "IspWindow",
    "Key",
    "Membership",
    "Message",
    "MessageState",
    "MoneyField",
    "OfferOption",
    "Participant",
    "Prognosis",
    "Profile",
    "Refusal",
    "Right",
    "Role",
    "Tally",
    "membership_of",
]
