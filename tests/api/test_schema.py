"""The schema: current in docs/openapi.yaml, complete, and for those who are signed in."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings
from django.test import Client
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiYamlRenderer

from tests.cast import Cast

from .program import Program

KEPT = Path(settings.BASE_DIR) / "docs/openapi.yaml"


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    drawn: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)
    return drawn


def test_the_kept_schema_is_current(schema: dict[str, Any]) -> None:
    now = OpenApiYamlRenderer().render(schema, renderer_context={}).decode()
    assert KEPT.read_text() == now, "Write it anew: manage.py spectacular --file docs/openapi.yaml"


def test_every_operation_says_what_it_does_and_how_it_is_refused(schema: dict[str, Any]) -> None:
    for path, methods in schema["paths"].items():
        for method, said in methods.items():
            assert said["summary"], path
            wanted = {"401", "429"} | ({"404"} if "{" in path else set())
            wanted |= {"400", "403", "409", "422"} if method != "get" else set()
            assert wanted <= set(said["responses"]), (method, path)


def test_amounts_are_strings_and_power_is_whole(schema: dict[str, Any]) -> None:
    option = schema["components"]["schemas"]["OptionJSON"]["properties"]
    assert (option["price"]["type"], option["min_activation_factor"]["type"]) == ("string", "string")
    assert schema["components"]["schemas"]["Segment"]["properties"]["power"]["type"] == "integer"


def test_it_is_served_to_members_only(everybody: Cast, agr: Program, client: Client) -> None:
    assert client.get("/api/schema/").status_code == 401
    answer = agr.get("/api/schema/", Accept="application/vnd.oai.openapi")
    assert yaml.safe_load(answer.content)["info"]["title"] == "Flexportal"


def test_the_page_to_try_it_needs_a_login(everybody: Cast, client: Client) -> None:
    assert client.get("/api/docs/")["Location"] == "/login/?next=/api/docs/"
    client.force_login(everybody.trader)
    page = client.get("/api/docs/").content.decode()
    assert "Demo AGR (AGR), trade" in page and "https://" not in page
