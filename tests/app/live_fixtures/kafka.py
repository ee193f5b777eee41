"""A stand-in for Kafka and its client `aiokafka`, as far as `broadcaster`'s backend uses them: it is no broker."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, Final

_TOPIC: Final = re.compile(r"[a-zA-Z0-9._-]{1,249}")


@dataclass(frozen=True, slots=True)
class Record:
    """One record of a topic."""

    topic: str
    value: bytes


@dataclass
class Kafka:
    """Logs by topic, and the consumers that wait for more. `away`: nothing answers."""

    logs: dict[str, list[Record]] = field(default_factory=dict)
    grown: asyncio.Condition = field(default_factory=asyncio.Condition)
    away: bool = False
    consumers: int = 0

    def check(self) -> None:
        """Answer, or don't."""
        if self.away:
            raise ConnectionRefusedError

    def log(self, topic: str) -> list[Record]:
        """Return a topic's log."""
        assert _TOPIC.fullmatch(topic), f"Kafka has no topic {topic!r}"
        return self.logs.setdefault(topic, [])

    def module(self) -> ModuleType:
        """Return what takes the place of `aiokafka`."""
        made = ModuleType("aiokafka")
        vars(made)["AIOKafkaConsumer"] = lambda **_: Consumer(self)
        vars(made)["AIOKafkaProducer"] = lambda **_: Producer(self)
        return made


@dataclass
class Producer:
    """`AIOKafkaProducer`."""

    kafka: Kafka

    async def start(self) -> None:
        """Connect."""
        self.kafka.check()

    async def stop(self) -> None:
        """Hang up."""

    async def send_and_wait(self, topic: str, value: bytes) -> None:
        """Append to a topic's log."""
        await asyncio.sleep(0.001)
        self.kafka.check()
        async with self.kafka.grown:
            self.kafka.log(topic).append(Record(topic, value))
            self.kafka.grown.notify_all()


@dataclass
class Consumer:
    """`AIOKafkaConsumer` without a group: it is given its topics a little later, and begins at their ends."""

    kafka: Kafka
    offsets: dict[str, int] = field(default_factory=dict)

    async def start(self) -> None:
        """Connect."""
        self.kafka.check()
        self.kafka.consumers += 1

    async def stop(self) -> None:
        """Hang up."""

    def subscribe(self, topics: Any) -> None:  # noqa: ANN401 - any collection of names
        """Want these topics and no others."""
        wanted = {topic: len(self.kafka.log(topic)) for topic in topics}
        asyncio.get_running_loop().call_later(0.01, self._assign, wanted)

    def unsubscribe(self) -> None:
        """Want none."""
        self.offsets.clear()

    def assignment(self) -> set[str]:
        """Return what it was given."""
        return set(self.offsets)

    async def getone(self) -> Record:
        """Return the next record."""
        async with self.kafka.grown:
            while True:
                for topic, offset in self.offsets.items():
                    if not self.kafka.away and offset < len(self.kafka.log(topic)):
                        self.offsets[topic] += 1
                        return self.kafka.log(topic)[offset]
                await self.kafka.grown.wait()

    def _assign(self, wanted: dict[str, int]) -> None:
        self.offsets.update({topic: self.offsets.get(topic, offset) for topic, offset in wanted.items()})
