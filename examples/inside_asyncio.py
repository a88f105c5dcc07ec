"""market-bot inside another asyncio program: it trades in a thread, the program has its fills."""

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator

import market_bot as mb

ENOUGH = 10
WAITING_MAX = 1_000


class Trading:
    """A lane that trades in a thread of its own; its fills arrive in the loop that made this."""

    def __init__(self, lane: mb.PaperLane) -> None:
        """Listen to a lane that nobody runs yet."""
        self._lane = lane
        self._loop = asyncio.get_running_loop()
        self._fills: asyncio.Queue[mb.Fill | None] = asyncio.Queue(WAITING_MAX)
        self._stopped = threading.Event()
        lane.watch(self._heard)

    def trade(self) -> None:
        """Trade until told to stop or the world ends; the thread that calls has the lane."""
        try:
            while not self._stopped.is_set() and self._lane.run(ticks=10):
                pass
        finally:
            self._loop.call_soon_threadsafe(self._put, None)

    def stop(self) -> None:
        """Have it stop after the next few ticks."""
        self._stopped.set()

    async def fills(self) -> AsyncIterator[mb.Fill]:
        """Yield each fill as it happens, until the trading ends."""
        while (fill := await self._fills.get()) is not None:
            yield fill

    def _heard(self, event: mb.Event, _: mb.Micros) -> None:
        # Called in the thread: it only hands over, and never waits for the program.
        if isinstance(event, mb.Fill):
            self._loop.call_soon_threadsafe(self._put, event)

    def _put(self, fill: mb.Fill | None) -> None:
        # Called in the loop. Who does not read in time loses the oldest; the journal has them all.
        if self._fills.full():
            self._fills.get_nowait()
        self._fills.put_nowait(fill)


@contextlib.asynccontextmanager
async def trading(lane: mb.PaperLane) -> AsyncIterator[Trading]:
    """Trade while the block runs; after it the thread has ended and the lane is closed."""
    bot = Trading(lane)
    thread = asyncio.create_task(asyncio.to_thread(bot.trade))
    try:
        yield bot
    finally:
        bot.stop()
        try:
            await thread  # What went wrong in it is raised here.
        finally:
            lane.close()


async def own_work(done: list[int]) -> None:
    """Stand for whatever else the program does."""
    while True:
        await asyncio.sleep(0.001)
        done.append(len(done))


async def main() -> None:
    """Do some work, and read fills beside it until there are enough."""
    lane = mb.PaperLane.simulated(mb.default_settings(), seed=7)
    done: list[int] = []
    work = asyncio.create_task(own_work(done))
    count = 0
    async with trading(lane) as bot:
        async for fill in bot.fills():
            count += 1
            print(
                fill.market,
                fill.leg.value,
                mb.format_size(fill.size),
                "at",
                mb.format_price(fill.price),
            )
            if count == ENOUGH:
                break
    work.cancel()
    print(count, "fills read; equity", mb.format_money(lane.equity))
    print("own work was done meanwhile" if done else "own work had no turn")


if __name__ == "__main__":
    asyncio.run(main())
