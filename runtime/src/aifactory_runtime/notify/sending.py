"""Tell people of an environment's problems: what the command and whoever calls each minute run."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from aifactory_runtime import files
from aifactory_runtime.contract import EnvironmentContract
from aifactory_runtime.contract.channels import Channel, EmailChannel, FileChannel
from aifactory_runtime.events import record
from aifactory_runtime.events.problems import Problem
from aifactory_runtime.notify import line_file, mail, message, outbox, rules, turns, webhook
from aifactory_runtime.notify.message import Message
from aifactory_runtime.notify.outbox import Failure, Line, Outbox, State, Waiting
from aifactory_runtime.notify.rules import Told
from aifactory_runtime.notify.undelivered import Undelivered

Send = Callable[[Channel, Message], None]
"""Delivers a message; Undelivered when it did not."""


@dataclass
class Done:
    """What one call told, and what waits after it."""

    told: list[Message] = field(default_factory=list)
    """Messages that are new."""
    delivered: list[tuple[Message, str]] = field(default_factory=list)
    """A message and the name of the channel that took it."""
    waiting: list[tuple[Message, str, Failure | None]] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    """A line for each thing that went wrong in this call."""
    again: datetime | None = None
    """When there is more to tell or to send though nothing happens until then; None for never."""


def send(channel: Channel, what: Message) -> None:
    """Deliver a message by the channel's own way; Undelivered when it did not."""
    if isinstance(channel, FileChannel):
        line_file.send(channel, what)
    elif isinstance(channel, EmailChannel):
        mail.send(channel, what)
    else:
        webhook.send(channel, what)


def tell(contract: EnvironmentContract, now: datetime | None = None, by: Send = send) -> Done:
    """Tell what is due, and send again what waits. Without a channel nothing is read or written.

    A channel that fails is a trouble, and holds up no other. FactoryError when events or box cannot be read or written;
    Busy, which is one, when another process is telling.
    """
    if not contract.notify:
        return Done()
    box = Outbox(Path(contract.events_uri))
    with files.lock(box.folder / "telling.lock", "process {holder} tells people already: it is done there"):
        state, damaged = box.read()
        call = _Call(contract, box, state, now or datetime.now(UTC), Done(troubles=damaged))
        call.queue()
        for channel in contract.notify:
            call.send(channel, by)
        call.give_up()
        box.shorten(state)
    call.done.waiting = _waiting(state)
    call.done.again = call.again()
    return call.done


def look(contract: EnvironmentContract, now: datetime | None = None) -> Done:
    """What `tell` would tell and what waits; writes and sends nothing."""
    if not contract.notify:
        return Done()
    state, damaged = Outbox(Path(contract.events_uri)).read()
    found = record.read(Path(contract.events_uri))
    due = _due(contract, found.problems.by_key.values(), state, now or datetime.now(UTC))
    return Done(told=[one for one, _ in due], waiting=_waiting(state), troubles=[*damaged, *found.damaged])


@dataclass
class _Call:
    """One call of `tell`: each thing it does is in the box before the next one."""

    contract: EnvironmentContract
    box: Outbox
    state: State
    now: datetime
    done: Done
    problems: tuple[Problem, ...] = ()

    def queue(self) -> None:
        """Put what is due into the box."""
        if self.state.began is None:
            self._note(outbox.began(self.now))
        found = record.read(Path(self.contract.events_uri))
        self.problems = tuple(found.problems.by_key.values())
        self.done.troubles += found.damaged
        due = _due(self.contract, self.problems, self.state, self.now)
        for new, told in due:
            self._note(outbox.queued(new, told, [one.name for one in self.contract.notify], self.now))
            self.done.told.append(new)

    def send(self, channel: Channel, by: Send) -> None:
        """Send a channel what is its turn."""
        for one in turns.ready(self.state, channel.name, self.now):
            try:
                by(channel, one.message)
            except Undelivered as error:
                self._failed(one, channel.name, error)
            else:
                self._note(outbox.delivered(one.message.id, channel.name, self.now))
                self.done.delivered.append((one.message, channel.name))

    def give_up(self) -> None:
        """Let go of what can reach nobody any more, and say so."""
        for one, name, why in turns.hopeless(self.state, {one.name for one in self.contract.notify}, self.now):
            self._note(outbox.given_up(one.message.id, name, why, self.now))
            self.done.troubles.append(f"{name}: given up: {one.message.title} (message {one.message.id}): {why}")

    def again(self) -> datetime | None:
        """When the clock alone makes something due."""
        reminder = rules.next_due(self.problems, self.state.told, self.now)
        return min((one for one in (reminder, turns.next_try(self.state)) if one is not None), default=None)

    def _failed(self, one: Waiting, channel: str, error: Undelivered) -> None:
        before = one.channels[channel]
        failure = Failure((before.count if before else 0) + 1, self.now, error.refused, str(error))
        self._note(outbox.failed(one.message.id, channel, failure))
        self.done.troubles.append(
            f"{channel}: {failure.why}; the message waits, tried again after {turns.again(failure):%H:%M} UTC"
        )

    def _note(self, line: Line) -> None:
        self.box.append(line)
        outbox.fold([line], self.state)


def _due(
    contract: EnvironmentContract, problems: Iterable[Problem], state: State, now: datetime
) -> list[tuple[Message, dict[str, Told]]]:
    """Messages that are due, each with what people know after it."""
    tellings = rules.due(problems, state.told, state.began or now, now)
    return [(message.of(one, contract, now), rules.known_after(one, now)) for one in tellings]


def _waiting(state: State) -> list[tuple[Message, str, Failure | None]]:
    return [(one.message, name, why) for one in state.waiting.values() for name, why in one.channels.items()]
