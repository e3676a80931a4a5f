import os

import psutil
import pytest

from ordersys.workshop.stack.servers import processes

NOBODY_HAS_IT = 2**22 + 1


def test_a_process_is_known_by_more_than_its_number() -> None:
    who = processes.identity(os.getpid())
    assert who is not None
    assert processes.alive(os.getpid(), who)
    assert not processes.alive(os.getpid(), "somebody who had this number before")


def test_nobody_is_behind_a_free_number() -> None:
    assert processes.identity(NOBODY_HAS_IT) is None
    assert processes.started_at(NOBODY_HAS_IT) == 0
    assert processes.program(NOBODY_HAS_IT) == ""


def test_identity_survives_a_correction_of_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    who = processes.identity(os.getpid())
    started, booted = processes.started_at(os.getpid()), psutil.boot_time()

    monkeypatch.setattr("psutil._psplatform.boot_time", lambda: booted + 3600)

    assert processes.started_at(os.getpid()) == pytest.approx(started + 3600)
    assert processes.identity(os.getpid()) == who
