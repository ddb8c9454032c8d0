"""Who asks, and where flexibility is traded: me, congestion points, contracts."""

from typing import Any

from django.db.models import Q, QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from offers.models import CongestionPoint, Contract, Right

from . import acting, described
from .authentication import token_of
from .desk import Desk
from .fields import Party
from .filters import ContractFilters, PointFilters
from .read import ContractJSON, PointJSON


class MeJSON(serializers.Serializer[Any]):
    user = serializers.CharField()
    participant = Party()
    right = serializers.ChoiceField(choices=Right.choices)
    token = serializers.CharField(allow_null=True, help_text="The name of the token; null in a session.")


class Me(APIView):
    @extend_schema(
        operation_id="me",
        tags=["me"],
        summary="Who am I?",
        description="Whom this token or session acts for, and with which right.",
        parameters=described.ACTING,
        responses={200: MeJSON, **described.ALWAYS},
    )
    def get(self, request: Request) -> Response:
        membership, token = acting.membership_for(request), token_of(request)
        said = {
            "user": request.user.get_username(),
            "participant": membership.participant,
            "right": membership.right,
            "token": token.name if token is not None else None,
        }
        return Response(MeJSON(said).data)


class Points(ListModelMixin, RetrieveModelMixin, Desk):
    serializer_class = PointJSON
    filterset_class = PointFilters

    def rows(self) -> QuerySet[Any]:
        points = CongestionPoint.objects.of(self.participant)
        return points.select_related("dso").prefetch_related("agrs")

    @described.listed(PointJSON, "Congestion points", "Where the participant trades, and the terms of it.")
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().list(request, *args, **kwargs)

    @described.one(PointJSON, "One congestion point")
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().retrieve(request, *args, **kwargs)


class Contracts(ListModelMixin, RetrieveModelMixin, Desk):
    serializer_class = ContractJSON
    filterset_class = ContractFilters

    def rows(self) -> QuerySet[Any]:
        mine = self.participant
        contracts = Contract.objects.filter(Q(dso=mine) | Q(agr=mine))
        return contracts.select_related("dso", "agr", "congestion_point").prefetch_related("windows")

    @described.listed(ContractJSON, "Contracts", "Bilateral contracts of the participant.")
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().list(request, *args, **kwargs)

    @described.one(ContractJSON, "One contract")
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().retrieve(request, *args, **kwargs)
