"""Bugs for the threads, the lock, the socket and the whole-system simulation to find."""

from __future__ import annotations

from typing import Final

from tests.mutations import Mutation

_LANE: Final = "src/market_bot/core/domain/lane.py"
_ORDERS: Final = "src/market_bot/core/domain/orders.py"
_HALTED: Final = "src/market_bot/core/domain/risk/halted.py"
_EXPOSURE: Final = "src/market_bot/core/domain/exposure.py"
_TRADER: Final = "src/market_bot/core/usecases/trade_lane.py"
_REDO: Final = "src/market_bot/core/usecases/redo_journal.py"
_CONTROLS: Final = "src/market_bot/core/usecases/lane_controls.py"
_WATCHDOG: Final = "src/market_bot/core/usecases/watch_stalls.py"
_JOURNAL: Final = "src/market_bot/adapters/storage/journal.py"
_LOCK: Final = "src/market_bot/adapters/storage/home_lock.py"
_SOCKET: Final = "src/market_bot/adapters/system/control_socket.py"
_THREADS: Final = "src/market_bot/bootstrap/threads.py"
_BOT: Final = "src/market_bot/bootstrap/running_bot.py"

_SIMULATION: Final = ("tests/simulation/test_simulation.py",)

MUTATIONS: Final = (
    Mutation(
        name="an order is sent before it is written down",
        file=_TRADER,
        old="        self._record(intent_event(intent, one.seen.mid(signal.leg), name), now)\n",
        new="        self.execution.submit(intent, now)\n"
        "        self._record(intent_event(intent, one.seen.mid(signal.leg), name), now)\n",
        tests=_SIMULATION,
    ),
    Mutation(
        name="an order is sent twice",
        file=_TRADER,
        old="            outcome = self.execution.submit(intent, now)\n",
        new="            self.execution.submit(intent, now)\n"
        "            outcome = self.execution.submit(intent, now)\n",
        tests=_SIMULATION,
    ),
    Mutation(
        name="an order in doubt loses its reservation",
        file=_ORDERS,
        old='self.live = word in ("intended", "accepted", "unknown")',
        new='self.live = word in ("intended", "accepted")',
        tests=_SIMULATION,
    ),
    Mutation(
        name="live orders are not part of the exposure",
        file=_EXPOSURE,
        old="        amount = int(order.reserved)\n",
        new="        amount = 0\n",
        tests=_SIMULATION,
    ),
    Mutation(
        name="a halt is ignored",
        file=_HALTED,
        old="    if exposure.halted is not None:",
        new="    if False:",
        tests=_SIMULATION,
    ),
    Mutation(
        name="lost durability does not stop entries",
        file=_TRADER,
        old="            if self.degraded is not None:\n                yield Gate(",
        new="            if False:\n                yield Gate(",
        tests=_SIMULATION,
    ),
    Mutation(
        name="a fact that could not be written is dropped",
        file=_TRADER,
        old="""            if event is not None:
                self._record(event, now)
            self._facts.popleft()
""",
        new="""            self._facts.popleft()
            if event is not None:
                self._record(event, now)
""",
        tests=_SIMULATION,
    ),
    Mutation(
        name="a fill that is told twice counts twice",
        file=_TRADER,
        old="return None if order.knows(fact.fill) else fill_event(",
        new="return fill_event(",
        tests=_SIMULATION,
    ),
    Mutation(
        name="a fill is recomputed from its price",
        file=_LANE,
        old="        cash=Money(state.cash - event.cost - event.fee),\n",
        new="        cash=Money(state.cash - event.price * event.size),\n",
        tests=_SIMULATION,
    ),
    Mutation(
        name="contracts that are not settled are sold",
        file=_LANE,
        old="return Size(max(0, self.size - self.provisional))",
        new="return self.size",
        tests=_SIMULATION,
    ),
    Mutation(
        name="an undone purchase stays in the position",
        file=_LANE,
        old="    gone = Size(-min(fill.size, known))\n",
        new="    gone = Size(0)\n",
        tests=_SIMULATION,
    ),
    Mutation(
        name="what is sold already is offered again",
        file=_TRADER,
        old="free = Size((NOTHING if held is None else held.settled) - leaving)",
        new="free = Size(NOTHING if held is None else held.settled)",
        tests=_SIMULATION,
    ),
    Mutation(
        name="a durable fact is not synced",
        file=_JOURNAL,
        old="        elif lasting and self._strict:\n",
        new="        elif False:\n",
        tests=_SIMULATION,
    ),
    Mutation(
        name="a continued tape forgets the commands it was given",
        file=_REDO,
        old="                found.append(entry.event)\n",
        new="                pass\n",
        tests=_SIMULATION,
    ),
    Mutation(
        name="commands are lost",
        file=_CONTROLS,
        old="        return [*commands, *_from_file(",
        new="        return [*commands[1:], *_from_file(",
        tests=("tests/unit/test_lane_controls.py",),
    ),
    Mutation(
        name="the HALT file is not looked at beside a command",
        file=_CONTROLS,
        old="if not commands and not self._due():",
        new="if commands or not self._due():",
        tests=("tests/unit/test_lane_controls.py",),
    ),
    Mutation(
        name="any halt ends when there is no file",
        file=_CONTROLS,
        old='halted.startswith(f"{_BY_FILE}: ")',
        new="halted",
        tests=("tests/unit/test_lane_controls.py",),
    ),
    Mutation(
        name="a queue has no limit",
        file=_CONTROLS,
        old="if len(self._waiting) >= self.capacity:",
        new="if False:",
        tests=("tests/unit/test_lane_controls.py", "tests/integration/test_running_bot.py"),
    ),
    Mutation(
        name="a stall is told at every look",
        file=_WATCHDOG,
        old="            if name not in before:\n",
        new="            if True:\n",
        tests=("tests/unit/test_watch_stalls.py",),
    ),
    Mutation(
        name="two bots share a lock",
        file=_LOCK,
        old="""\
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._folder = _lock_folder(self._path.parent.parent)
""",
        new="""\
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
            self._folder = None
""",
        tests=("tests/integration/test_home_lock.py",),
    ),
    Mutation(
        name="the lock file is removed at the end",
        file=_LOCK,
        old="            self._info.unlink()\n",
        new="            self._info.unlink()\n            self._path.unlink()\n",
        tests=("tests/integration/test_home_lock.py",),
    ),
    Mutation(
        name="everybody may use the control socket",
        file=_SOCKET,
        old="path.chmod(stat.S_IRUSR | stat.S_IWUSR)",
        new="path.chmod(0o666)",
        tests=("tests/integration/test_control_socket.py",),
    ),
    Mutation(
        name="another user's commands are obeyed",
        file=_SOCKET,
        old="    return bool(uid == os.geteuid())",
        new="    return True",
        tests=("tests/integration/test_control_socket.py",),
    ),
    Mutation(
        name="a request has no end",
        file=_SOCKET,
        old="        if len(line) > most:",
        new="        if False:",
        tests=("tests/integration/test_control_socket.py",),
    ),
    Mutation(
        name="news during a step is forgotten",
        file=_THREADS,
        old="            due = self._actor.step(self._clock.now())\n",
        new="            due = self._actor.step(self._clock.now())\n"
        "            self._nudged.clear()\n",
        tests=("tests/integration/test_threads.py",),
    ),
    Mutation(
        name="a worker that broke is not stopped",
        file=_THREADS,
        old="            if self._failure is not None:\n                self._guard(",
        new="            if False:\n                self._guard(",
        tests=("tests/integration/test_threads.py",),
    ),
    Mutation(
        name="a halt does not survive a restart",
        file=_BOT,
        old="                self._halt_file.write(text)\n",
        new="                pass\n",
        tests=("tests/integration/test_running_bot.py",),
    ),
    Mutation(
        name="a broken worker is a success",
        file=_BOT,
        old="return 1 if self.failures() else 0",
        new="return 0",
        tests=("tests/integration/test_running_bot.py",),
    ),
    Mutation(
        name="a command behind a checkpoint is not taken again",
        file=_REDO,
        old="            elif not (between or isinstance(entry.event, ev.Checkpoint)):\n"
        "                break\n",
        new="            elif not between:\n                break\n",
        tests=("tests/unit/test_redo_journal.py",),
    ),
    Mutation(
        name="a command of the next tick is taken again too early",
        file=_REDO,
        old="            elif not (between or isinstance(entry.event, ev.Checkpoint)):\n"
        "                break\n",
        new="",
        tests=("tests/unit/test_redo_journal.py",),
    ),
)
