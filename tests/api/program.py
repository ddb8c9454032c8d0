"""A program that calls the API, as the tests see it."""

import json
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import User
from django.test import Client

from offers.models import Membership, Participant
from offers.services import tokens
from tests.cast import NOON


@dataclass
class Program:
    """Calls /api/v1/ with a token of its own."""

    secret: str
    client: Client = field(default_factory=Client)

    @classmethod
    def of(cls, user: User, participant: Participant) -> "Program":
        membership = Membership.objects.get(user=user, participant=participant)
        return cls(tokens.create(membership, "a program", user, NOON)[1])

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        headers = {"Authorization": f"Bearer {self.secret}", **headers}
        data = "" if body is None else json.dumps(body)
        address = path if path.startswith("/") else f"/api/v1/{path}"
        return self.client.generic(method, address, data, content_type="application/json", headers=headers)

    def get(self, path: str, **headers: str) -> Any:
        return self.call("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.call("POST", path, body, **headers)

    def put(self, path: str, body: Any = None) -> Any:
        return self.call("PUT", path, body)

    def delete(self, path: str) -> Any:
        return self.call("DELETE", path)


def fields(response: Any) -> list[str]:
    """The fields of the reasons of a refusal."""
    assert response.status_code == 422, response.content
    return [reason["field"] for reason in response.json()["reasons"]]
