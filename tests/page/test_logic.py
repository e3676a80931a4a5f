"""The page's own tests of its logic (Vitest)."""

from tests.page.conftest import run_page_script


def test_the_logic_holds() -> None:
    run_page_script("test")
