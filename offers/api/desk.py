"""What every resource begins with: who asks, for which participant, and with which right."""

from typing import Any, ClassVar

from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.viewsets import GenericViewSet

from offers.models import Membership, Participant, Right, Role

from . import acting, bodies

# Whoever puts something in their body means something that they do not do.
WITHOUT_BODY = frozenset({"send", "check", "preview", "revoke", "accept", "again"})

WHOLE = "[0-9]{1,18}"


class Desk(GenericViewSet[Any]):
    """The rows of one participant. Stranger: 404; viewer who acts, or the wrong role: 403."""

    lookup_value_regex = WHOLE
    reads: ClassVar[frozenset[str]] = frozenset({"list", "retrieve"})
    roles: ClassVar[dict[str, Role]] = {}
    membership: Membership

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        self.membership = acting.membership_for(request)
        if self.action:
            needs = Right.VIEW if self.action in self.reads else Right.TRADE
            acting.require(self.membership, needs, self.roles.get(self.action))
        if self.action in WITHOUT_BODY:
            bodies.read(bodies.Nothing, self.body)

    @property
    def participant(self) -> Participant:
        return self.membership.participant

    @property
    def body(self) -> dict[str, Any]:
        """The JSON object that was sent; without a body an empty one."""
        return dict(self.request.data)

    @property
    def drawn(self) -> bool:
        """Whether the schema is being drawn, and nobody asks."""
        return bool(getattr(self, "swagger_fake_view", False))

    def rows(self) -> QuerySet[Any]:
        """The rows of the participant, with all that an answer shows."""
        raise NotImplementedError

    def get_queryset(self) -> QuerySet[Any]:
        if self.drawn:
            shape: Any = self.serializer_class
            nothing: QuerySet[Any] = shape.Meta.model._default_manager.none()
            return nothing
        return self.rows()

    def get_serializer_context(self) -> dict[str, Any]:
        context = super().get_serializer_context()
        return dict(context) if self.drawn else {**context, "participant": self.participant}
