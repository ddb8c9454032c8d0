"""The generated schemas accept and refuse exactly what the official ones do.

The official schemas are reference data beside the repository, not files of the project; without them
these tests are skipped and say what did not run.
"""

from collections import Counter
from functools import cache

import pytest
from lxml import etree

from offers import uftp
from offers.uftp.fields import VERSIONS

from . import samples
from .mutants import DOCUMENTS, mutants

pytestmark = pytest.mark.skipif(
    not samples.OFFICIAL.is_dir(),
    reason=f"{DOCUMENTS:,} documents not compared: no official schemas in {samples.OFFICIAL.name}",
)


@cache
def official(version: str) -> etree.XMLSchema:
    """What passes between AGR and DSO; it includes the common messages and the envelope."""
    return etree.XMLSchema(etree.parse(samples.OFFICIAL / version / "UFTP-agr-dso.xsd"))


def verdict(schema: etree.XMLSchema, xml: bytes) -> bool:
    return schema.validate(etree.fromstring(xml))


@pytest.mark.parametrize("version", VERSIONS)
def test_golden_messages_are_judged_alike(version):
    for path in samples.GOLDEN:
        xml = path.read_bytes()
        assert verdict(uftp.schema(version), xml) == verdict(official(version), xml), path.name
        if path.name.startswith(version):
            assert verdict(official(version), xml), official(version).error_log


@pytest.mark.parametrize("version", VERSIONS)
def test_generated_and_mutated_documents_are_judged_alike(version):
    verdicts: Counter[bool] = Counter()
    for xml in mutants():
        expected = verdict(official(version), xml)
        assert verdict(uftp.schema(version), xml) == expected, (xml.decode(), official(version).error_log)
        verdicts[expected] += 1
    assert sum(verdicts.values()) >= 2000
    assert min(verdicts[True], verdicts[False]) >= 500, verdicts


def test_the_two_versions_do_not_judge_everything_alike():
    differing = [
        xml for xml in mutants() if verdict(official("3.0.0"), xml) != verdict(official("3.1.0"), xml)
    ]
    assert len(differing) >= 50


@pytest.mark.parametrize("version", VERSIONS)
def test_the_schemas_declare_the_same_attributes_of_the_same_use_and_default(version):
    """What no mutation might have met."""
    for name in (*uftp.CATALOGUE, "SignedMessage"):
        assert _declared(etree.fromstring(uftp.xsd(version).encode()), name) == _declared(
            _merged(version), name
        )


def _merged(version: str) -> etree._Element:
    root = etree.parse(samples.OFFICIAL / version / "UFTP-agr-dso.xsd").getroot()
    root.extend(etree.parse(samples.OFFICIAL / version / "UFTP-common.xsd").getroot())
    return root


XS = "{http://www.w3.org/2001/XMLSchema}"


def _declared(root: etree._Element, element: str) -> object:
    declaration = next(e for e in root.findall(f"{XS}element") if e.get("name") == element)
    return _of_type(root, declaration.get("type", ""))


def _of_type(root: etree._Element, name: str) -> tuple[object, ...]:
    declared = next(t for t in root.findall(f"{XS}complexType") if t.get("name") == name)
    extension = declared.find(f"{XS}complexContent/{XS}extension")
    inherited = _of_type(root, extension.get("base", "")) if extension is not None else (frozenset(), ())
    attributes = {
        (
            a.get("name"),
            a.get("type", "").replace("PeriodType", "xs:date"),
            a.get("use", "optional"),
            a.get("default"),
        )
        for a in declared.iter(f"{XS}attribute")
    }
    children = [
        (e.get("name"), e.get("minOccurs", "1"), e.get("maxOccurs", "1"), _of_type(root, e.get("type", "")))
        for e in declared.iter(f"{XS}element")
    ]
    return (inherited[0] | attributes, (*inherited[1], *children))
