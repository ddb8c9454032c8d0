"""Django admin: participants with their keys, the market, people; trades and messages to read only."""

from django.contrib import admin

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

admin.site.site_header = "Flexportal administration"
admin.site.site_title = "Flexportal"
admin.site.index_title = "The market, its people, and what was traded"

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
