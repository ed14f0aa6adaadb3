"""Ten kinds of Python that lambdas consist of, each a function that takes about ten milliseconds.

Run by `tests/bench/interpreters` in each interpreter that is compared, as `luna_lambda_tools.private.archive`, which
is what `lambdapool-worker unpack` calls.
"""

import dataclasses
import json
import math
import re
import sys
import time


def integers() -> int:
    total = 0
    for number in range(400_000):
        total = (total + number * 3) & 0xFFFFFF
        if number % 7 == 0:
            total ^= number
    return total


def _add(left: int, right: int = 1) -> int:
    return left + right


def _fibonacci(number: int) -> int:
    return number if number < 2 else _fibonacci(number - 1) + _fibonacci(number - 2)


def calls() -> int:
    total = _fibonacci(20)
    for number in range(150_000):
        total = _add(total, right=number)
    return total


class _Point:
    def __init__(self, x: int, y: int) -> None:
        self.x = x
        self.y = y

    @property
    def length(self) -> int:
        return self.x + self.y

    def moved(self, by: int) -> "_Point":
        return _Point(self.x + by, self.y - by)


def objects() -> int:
    point = _Point(1, 2)
    for number in range(70_000):
        point = point.moved(number)
        point.x = (point.x + point.length) & 0xFFFF
        point.y &= 0xFFFF
    return point.x


def containers() -> int:
    total = 0
    for start in range(60):
        pairs = [(number, str(number)) for number in range(start, start + 600)]
        table = {name: number for number, name in pairs}
        even = {number for number in table.values() if number % 2 == 0}
        counts: dict[str, int] = {}
        for name in table:
            counts[name[-1]] = counts.get(name[-1], 0) + 1
        total += len(even) + sum(counts.values())
    return total


def text() -> int:
    total = 0
    for number in range(12_000):
        line = f"{number:06d} {number / 7:.3f} face-{number}"
        words = line.upper().replace("-", " ").split()
        total += len(", ".join(words)) + len("%s=%r" % ("key", number))
    return total


_DOCUMENT = {
    "images": [{"filename": f"{number}.jpg", "rect": {"x": number, "y": 2 * number, "width": 100, "height": 120},
                "score": number / 3, "tags": ["face", "body"], "mask": None, "good": True} for number in range(40)],
}


def json_round_trip() -> int:
    total = 0
    for _ in range(120):
        answer = json.loads(json.dumps(_DOCUMENT))
        total += sum(image["rect"]["x"] for image in answer["images"])
    return total


_LINE = re.compile(r"(?P<name>[a-z]+)-(?P<number>\d+)(?:\.(?P<kind>jpe?g|png))?")


def expressions() -> int:
    subject = " ".join(f"face-{number}.jpg Body_{number} image-{number}" for number in range(200))
    total = 0
    for _ in range(40):
        total += sum(len(match["name"]) for match in _LINE.finditer(subject))
        total += len(_LINE.sub(lambda match: match["number"], subject))
    return total


@dataclasses.dataclass
class _Detection:
    name: str
    score: float
    tags: list[str] = dataclasses.field(default_factory=list)

    def __post_init__(self) -> None:
        if self.score < 0.2:
            raise ValueError("too low")


def exceptions() -> int:
    good = 0
    for number in range(35_000):
        try:
            good += len(_Detection("face", (number % 10) / 10, tags=["a"]).name)
        except ValueError as error:
            good -= len(str(error))
    return good


def sorting() -> int:
    people = [{"name": f"n{(number * 7919) % 3001}", "age": (number * 31) % 97} for number in range(3_000)]
    total = 0
    for _ in range(8):
        ordered = sorted(people, key=lambda person: (person["age"], person["name"]))
        total += ordered[0]["age"] + max(people, key=lambda person: person["age"])["age"]
    return total


def floats() -> float:
    total = 0.0
    vectors = [[math.sin(row * 0.1 + column) for column in range(64)] for row in range(40)]
    for left in vectors:
        for right in vectors[:30]:
            total += sum(a * b for a, b in zip(left, right)) / math.sqrt(len(left))
    return total


HANDLERS = (integers, calls, objects, containers, text, json_round_trip, expressions, exceptions, sorting, floats)


def main(arguments: list[str]) -> int:
    """Prints, for each handler, the median of its processor times in milliseconds."""
    figures = {}
    for handler in HANDLERS:
        handler()  # The interpreter specialises the code while it runs.
        times = []
        for _ in range(int(arguments[0])):
            began = time.process_time_ns()
            handler()
            times.append(time.process_time_ns() - began)
        figures[handler.__name__] = sorted(times)[len(times) // 2] / 1e6
    print(json.dumps(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
