"""How the schema describes an operation: one sentence, what comes back, and every way to be refused."""

from collections.abc import Callable
from typing import Any, TypeVar

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers

Method = TypeVar("Method", bound=Callable[..., Any])

ACTING = [
    OpenApiParameter(
        "as",
        OpenApiTypes.STR,
        description="For which participant, such as `agr.demo.example/AGR`. Needed by a person who acts for "
        "several; a token acts for its own participant only.",
    )
]


class Problem(serializers.Serializer[Any]):
    detail = serializers.CharField(help_text="A sentence for a person.")


class ReasonJSON(serializers.Serializer[Any]):
    field = serializers.CharField(
        help_text="The place: OfferOption[2].ISP[73].Power, or empty for the whole.", allow_blank=True
    )
    text = serializers.CharField(help_text="What is wrong, with the limit.")


class Refused(serializers.Serializer[Any]):
    detail = serializers.CharField()
    reasons = ReasonJSON(many=True, help_text="All of them, at once.")


class Verdict(serializers.Serializer[Any]):
    ok = serializers.BooleanField(help_text="Whether it could be sent now.")
    reasons = ReasonJSON(many=True)


class Preview(serializers.Serializer[Any]):
    xml = serializers.CharField(help_text="The message as it would go out, indented.")


def problem(status: str, meaning: str, sentence: str) -> OpenApiResponse:
    example = OpenApiExample(meaning, {"detail": sentence}, response_only=True, status_codes=[status])
    return OpenApiResponse(Problem, meaning, [example])


REFUSAL = OpenApiExample(
    "All reasons at once",
    {
        "detail": "This cannot be done as it stands.",
        "reasons": [
            {
                "field": "OfferOption[1].ISP[69].Power",
                "text": "Power out of range: 300000 W in ISP 69; the request allows -3000000 to -200000 W.",
            },
            {"field": "OfferOption[2].Price", "text": "OfferOption[2].Price: “x” is no amount."},
        ],
    },
    response_only=True,
    status_codes=["422"],
)
ALWAYS: dict[int, Any] = {
    401: problem("401", "Nobody", "This token is unknown, expired or revoked."),
    429: problem("429", "Too often", "Request was throttled. Expected available in 12 seconds."),
}
FOUND: dict[int, Any] = {404: problem("404", "Not there, or not yours", "There is no such thing here.")}
ACTED: dict[int, Any] = {
    400: problem("400", "The body is no JSON object", "The body must be a JSON object."),
    403: problem("403", "Not yours to do", "You may view for Demo AGR (AGR), not trade."),
    422: OpenApiResponse(Refused, "Understood, and refused", [REFUSAL]),
}
TOO_LATE: dict[int, Any] = {
    409: problem("409", "Not now", "FlexOffer is ordered: it cannot be revoked any more.")
}


def listed(
    answer: type[serializers.Serializer[Any]], summary: str, text: str = ""
) -> Callable[[Method], Method]:
    wrong = {422: OpenApiResponse(Refused, "A filter that is none, or has no such value")}
    return extend_schema(
        summary=summary,
        description=text,
        parameters=ACTING,
        responses={200: answer(many=True), **ALWAYS, **FOUND, **wrong},
    )


def one(answer: Any, summary: str, text: str = "") -> Callable[[Method], Method]:
    return extend_schema(
        summary=summary, description=text, parameters=ACTING, responses={200: answer, **ALWAYS, **FOUND}
    )


def act(
    summary: str, text: str, body: Any, answer: Any, status: int = 200, **kwargs: Any
) -> Callable[[Method], Method]:
    """An operation that does something; `body` is a serializer or None."""
    refusals = ALWAYS | ACTED | TOO_LATE | ({} if kwargs.pop("makes", False) else FOUND)
    examples = [
        OpenApiExample(name, value, request_only=True) for name, value in kwargs.pop("examples", {}).items()
    ]
    return extend_schema(
        summary=summary,
        description=text,
        request=body,
        responses={status: answer, **refusals},
        examples=examples,
        parameters=ACTING,
    )


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """Tells the schema how a program says who it is."""

    target_class = "offers.api.authentication.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        text = "A token of one membership, made under “API tokens” in the menu of the portal."
        return {"type": "http", "scheme": "bearer", "description": text}
