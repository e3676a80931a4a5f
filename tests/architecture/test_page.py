"""What is written into the page matches the system."""

import json

import pytest

from ordersys.domain.catalog.cities import CITIES
from scripts import page_api
from tests.architecture.places import ROOT

FRONTEND = ROOT / "frontend"


def test_page_api_client_matches_the_api() -> None:
    assert page_api.main(["check"]) == 0


@pytest.mark.parametrize("schema", [{"anyOf": [{"type": "string"}]}, {"type": ["string", "null"]}, {"format": "date"}])
def test_page_api_generator_rejects_a_schema_that_it_cannot_express(schema: dict[str, object]) -> None:
    document = {"components": {"schemas": {"Odd": schema}}, "paths": {}}

    with pytest.raises(ValueError, match="cannot express"):
        page_api.typescript(document)


def test_page_cities_match_the_catalog() -> None:
    known = json.loads((FRONTEND / "src" / "shop" / "cities.json").read_text())

    assert known == [
        {"code": city.code, "en": city.name, "ru": city.name_ru, "zone": city.timezone} for city in CITIES.values()
    ]


def test_page_lock_file_names_no_host() -> None:
    lock = json.loads((FRONTEND / "package-lock.json").read_text())

    assert [name for name, package in lock["packages"].items() if "resolved" in package] == []
    assert [name for name, package in lock["packages"].items() if package.get("hasInstallScript")] == []
