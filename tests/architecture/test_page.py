"""What the page knows by heart is what the system says."""

import json

from ordersys.domain.catalog.cities import CITIES
from scripts import page_api
from tests.architecture.places import ROOT

FRONTEND = ROOT / "frontend"


def test_its_api_client_fits_the_api() -> None:
    assert page_api.main(["check"]) == 0


def test_its_cities_are_those_of_the_catalog() -> None:
    known = json.loads((FRONTEND / "src" / "shop" / "cities.json").read_text())

    assert known == [
        {"code": city.code, "en": city.name, "ru": city.name_ru, "zone": city.timezone} for city in CITIES.values()
    ]


def test_its_lock_file_names_no_host() -> None:
    lock = json.loads((FRONTEND / "package-lock.json").read_text())

    assert [name for name, package in lock["packages"].items() if "resolved" in package] == []
    assert [name for name, package in lock["packages"].items() if package.get("hasInstallScript")] == []
