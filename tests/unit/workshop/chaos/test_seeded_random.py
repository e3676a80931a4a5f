from ordersys.workshop.chaos.seeded_random import SeededRandom


def throws(dice: SeededRandom, point: str = "publish.drop", number: int = 20) -> list[float]:
    return [dice(point) for _ in range(number)]


def test_the_same_seed_and_name_throw_the_same_numbers() -> None:
    assert throws(SeededRandom(7, "worker")) == throws(SeededRandom(7, "worker"))
    assert throws(SeededRandom(7, "worker")) != throws(SeededRandom(8, "worker"))


def test_two_processes_do_not_throw_the_same_numbers() -> None:
    assert throws(SeededRandom(7, "worker")) != throws(SeededRandom(7, "worker-2"))


def test_one_point_does_not_move_the_numbers_of_another() -> None:
    alone, together = SeededRandom(7, "worker"), SeededRandom(7, "worker")

    throws(together, "consume.fail", 5)

    assert throws(alone) == throws(together)


def test_what_ended_a_process_does_not_meet_its_next_life() -> None:
    lives = [SeededRandom(7, "consumer", never_again=("consume.crash",)) for _ in range(2)]

    assert throws(lives[0], "consume.crash") != throws(lives[1], "consume.crash")
    assert throws(lives[0]) == throws(lives[1])


def test_the_numbers_are_from_0_up_to_1() -> None:
    assert all(0 <= number < 1 for number in throws(SeededRandom(7, "worker"), number=1000))
