"""Parts of addresses: a role and a domain, so that /agr/agr.demo.example/offers/ names its participant."""

from django.urls import register_converter


class _Text:
    regex = ""

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


class AgrConverter(_Text):
    regex = "agr"


class DsoConverter(_Text):
    regex = "dso"


class RoleConverter(_Text):
    regex = "agr|dso|cro"


class DomainConverter(_Text):
    regex = "[a-z0-9.-]+"


register_converter(AgrConverter, "agr")
register_converter(DsoConverter, "dso")
register_converter(RoleConverter, "role")
register_converter(DomainConverter, "domain")

AGR = "<agr:role>/<domain:domain>/"
DSO = "<dso:role>/<domain:domain>/"
ANY = "<role:role>/<domain:domain>/"
