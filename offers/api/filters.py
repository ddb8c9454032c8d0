"""Which rows of a list: every filter by name, and a sentence for a name that is none."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import F, QuerySet
from django.utils.dateparse import parse_datetime
from django_filters import rest_framework as filters
from django_filters.fields import IsoDateTimeField
from rest_framework import exceptions
from rest_framework.request import Request

from offers.domain import OfferState, OrderState, RequestState
from offers.models import (
    CongestionPoint,
    Contract,
    Direction,
    FlexOffer,
    FlexOrder,
    FlexRequest,
    Message,
    MessageState,
)
from offers.services import drafts

from .acting import QUERY
from .paging import ByCursor

NOT_FILTERS = {QUERY, ByCursor.cursor_query_param, ByCursor.page_size_query_param}


class StrictFilters(filters.DjangoFilterBackend):  # type: ignore[misc]  # it has no types
    """A misspelt filter that is passed over would answer with rows that nobody asked for."""

    def get_filterset(self, request: Request, queryset: QuerySet[Any], view: Any) -> Any:
        found = super().get_filterset(request, queryset, view)
        if found is not None:
            known = set(found.filters)
            strange = [name for name in request.query_params if name not in known | NOT_FILTERS]
            if strange:
                names = ", ".join(sorted(known | NOT_FILTERS))
                raise exceptions.ValidationError(
                    {name: f"There is no such filter; there are {names}." for name in strange}
                )
        return found


def states(choices: Any) -> filters.MultipleChoiceFilter:
    named = [(str(state), str(state)) for state in choices]
    return filters.MultipleChoiceFilter(choices=named, help_text="May be given several times.")


class InstantField(IsoDateTimeField):  # type: ignore[misc]
    """With an offset, and within the calendar whatever that is."""

    def to_python(self, value: Any) -> Any:
        moment = super().to_python(value)
        typed = str(value).strip()
        if moment is not None and (read := parse_datetime(typed)) is not None and read.tzinfo is None:
            raise ValidationError(f"“{typed}” has no offset from UTC: give one, such as {typed}+01:00.")
        return moment

    def clean(self, value: Any) -> Any:
        moment = super().clean(value)
        if moment is not None and moment.year not in drafts.YEARS:
            raise ValidationError("Give an instant of this age: 2026-03-02T14:00:00+01:00.")
        return moment


class InstantFilter(filters.IsoDateTimeFilter):  # type: ignore[misc]
    field_class = InstantField


def instant(field: str, lookup: str) -> InstantFilter:
    return InstantFilter(
        field_name=field, lookup_expr=lookup, help_text="ISO 8601 with offset; %2B for + in an address."
    )


class _Trades(filters.FilterSet):  # type: ignore[misc]
    congestion_point = filters.CharFilter(
        field_name="congestion_point__entity_address", help_text="Its entity address."
    )
    counterparty = filters.CharFilter(field_name="counterparty__domain", help_text="Its domain.")
    period = filters.DateFilter(help_text="The day: 2026-03-03.")
    period_from = filters.DateFilter(field_name="period", lookup_expr="gte")
    period_to = filters.DateFilter(field_name="period", lookup_expr="lte")
    created_from = instant("created_at", "gte")
    created_to = instant("created_at", "lt")
    conversation_id = filters.CharFilter(field_name="message__conversation_id")
    message_id = filters.CharFilter(method="of_message")

    def of_message(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        """A trade and its message have one owner; the index of MessageIDs begins with it."""
        return rows.filter(message__message_id=value, message__owner=F("owner"))


class RequestFilters(_Trades):
    state = states(RequestState)
    group = filters.UUIDFilter(help_text="The requests to several AGRs for the same need.")
    expires_from = instant("expires_at", "gte")
    expires_to = instant("expires_at", "lt")

    class Meta:
        model = FlexRequest
        fields: list[str] = []


class OfferFilters(_Trades):
    state = states(OfferState)
    flex_request = filters.NumberFilter(
        field_name="flex_request_id", min_value=1, max_value=2**62, help_text="The id of its request."
    )
    expires_from = instant("expires_at", "gte")
    expires_to = instant("expires_at", "lt")

    class Meta:
        model = FlexOffer
        fields: list[str] = []


class OrderFilters(_Trades):
    state = states(OrderState)
    flex_offer = filters.NumberFilter(
        field_name="flex_offer_id", min_value=1, max_value=2**62, help_text="The id of its offer."
    )
    order_reference = filters.CharFilter()

    class Meta:
        model = FlexOrder
        fields: list[str] = []


class MessageFilters(filters.FilterSet):  # type: ignore[misc]
    direction = filters.ChoiceFilter(choices=Direction.choices)
    state = states(MessageState.values)
    type = filters.CharFilter(help_text="Such as FlexOffer.")
    counterparty = filters.CharFilter(field_name="counterparty__domain", help_text="Its domain.")
    conversation_id = filters.CharFilter()
    message_id = filters.CharFilter()
    created_from = instant("created_at", "gte")
    created_to = instant("created_at", "lt")

    class Meta:
        model = Message
        fields: list[str] = []


class PointFilters(filters.FilterSet):  # type: ignore[misc]
    entity_address = filters.CharFilter()

    class Meta:
        model = CongestionPoint
        fields: list[str] = []


class ContractFilters(filters.FilterSet):  # type: ignore[misc]
    contract_id = filters.CharFilter()
    congestion_point = filters.CharFilter(
        field_name="congestion_point__entity_address", help_text="Its entity address."
    )
    on = filters.DateFilter(method="valid_on", help_text="Valid on that day: 2026-03-03.")

    class Meta:
        model = Contract
        fields: list[str] = []

    def valid_on(self, rows: Any, name: str, day: Any) -> Any:
        return rows.on(day)
