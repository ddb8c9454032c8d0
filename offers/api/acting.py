"""For whom a request acts: exactly one membership, and with it one participant and one right."""

from django.contrib.auth.models import User
from django.http import Http404
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.request import Request

from offers.models import Membership, Right, Role, membership_of

from .authentication import token_of

HEADER = "Participant"
QUERY = "as"
ARTICLES = {Role.AGR: "an", Role.DSO: "a", Role.CRO: "a"}
CHOOSE = (
    "You act for several participants: say for which by ?as=agr.demo.example/AGR or the header Participant."
)


def membership_for(request: Request) -> Membership:
    """A token's own membership; a person's chosen or only one. Http404 for another's participant."""
    chosen = request.query_params.get(QUERY) or request.headers.get(HEADER, "")
    token = token_of(request)
    if token is not None:
        return _same(token.membership, chosen)
    assert isinstance(request.user, User)  # noqa: S101  # for the type checker: the permission saw to it
    return _chosen(request.user, chosen) if chosen else _only(request.user)


def _same(membership: Membership, chosen: str) -> Membership:
    """A token whose request names another participant must not act for its own by mistake."""
    if chosen and chosen.lower() != membership.participant.slug.lower():
        raise Http404
    return membership


def _chosen(user: User, chosen: str) -> Membership:
    domain, _, role = chosen.partition("/")
    membership = None if "\0" in chosen else membership_of(user, role, domain.lower())
    if membership is None:
        raise Http404
    return membership


def _only(user: User) -> Membership:
    mine = Membership.objects.filter(user_id=user.pk, participant__hosted=True)
    found = list(mine.select_related("participant", "user")[:2])
    if not found:
        raise PermissionDenied("You act for no participant. Ask an admin to add a membership.")
    if len(found) > 1:
        raise ValidationError({QUERY: [CHOOSE]})
    return found[0]


def require(membership: Membership, needs: Right, role: Role | None) -> None:
    """Refuse before any row is looked at, so that the answer is the same for every row, there or not."""
    participant = membership.participant
    if role is not None and participant.role != role:
        raise PermissionDenied(f"Only {ARTICLES[role]} {role} does this; you act for {participant}.")
    if not membership.may(needs):
        raise PermissionDenied(f"You may {membership.right} for {participant}, not {needs}.")
