"""Work spread over the turns of the event loop."""

import asyncio
import time

from serving.turns import Turns


async def begun_by_turn(turns: Turns, count: int, seconds: float) -> list[list[int]]:
    """Return what began in each turn of the loop, of `count` pieces of work that take `seconds` each."""
    begun: list[list[int]] = [[]]

    async def work(number: int) -> None:
        await turns.take()
        begun[-1].append(number)
        time.sleep(seconds)

    tasks = [asyncio.create_task(work(number)) for number in range(count)]
    while not all(task.done() for task in tasks):
        begun.append([])
        await asyncio.sleep(0)
    return [pieces for pieces in begun if pieces]


def test_what_does_not_fit_into_a_turn_waits_in_order() -> None:
    assert asyncio.run(begun_by_turn(Turns(0.001), 5, 0.01)) == [[0], [1], [2], [3], [4]]
    assert asyncio.run(begun_by_turn(Turns(0.001, at_once=2), 5, 0.01)) == [[0], [1, 2], [3, 4]]


def test_what_fits_begins_at_once() -> None:
    assert asyncio.run(begun_by_turn(Turns(60), 5, 0.0)) == [[0, 1, 2, 3, 4]]


def test_a_place_that_is_left_is_passed_on() -> None:
    async def leave() -> list[int]:
        turns, begun = Turns(0.0), []

        async def work(number: int) -> None:
            await turns.take()
            begun.append(number)

        tasks = [asyncio.create_task(work(number)) for number in range(4)]
        await asyncio.sleep(0)
        tasks[1].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await turns.take()  # and afterwards there is room again
        return begun

    assert asyncio.run(leave()) == [0, 2, 3]
