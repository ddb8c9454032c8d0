"""Django admin: participants with their keys, the market, people; trades and messages to read only."""

from .market import CongestionPointAdmin, ContractAdmin
from .participants import ParticipantAdmin
from .people import ApiTokenAdmin, MembershipAdmin, UserAdmin
from .records import (
    EventAdmin,
    FlexOfferAdmin,
    FlexOrderAdmin,
    FlexRequestAdmin,
    MessageAdmin,
    PrognosisAdmin,
    RefusalAdmin,
)

__all__ = [
    "ApiTokenAdmin",
    "CongestionPointAdmin",
    "ContractAdmin",
    "EventAdmin",
    "FlexOfferAdmin",
    "FlexOrderAdmin",
    "FlexRequestAdmin",
    "MembershipAdmin",
    "MessageAdmin",
    "ParticipantAdmin",
    "PrognosisAdmin",
    "RefusalAdmin",
    "UserAdmin",
]
