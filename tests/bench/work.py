"""Python as lambdas have it: objects, calls, dicts, strings, sorting. The same code for every server."""

LABELS = ("face", "body", "bag", "helmet")
# So many detections are half a millisecond of /usr/bin/python3 on the machine of the figures in README.md.
DETECTIONS = 360


class Detection:
    def __init__(self, label, score, box):
        self.label = label
        self.score = score
        self.box = box

    def area(self):
        left, top, right, bottom = self.box
        return max(0, right - left) * max(0, bottom - top)

    def describe(self):
        return f"{self.label}: {self.score:.2f} at {','.join(map(str, self.box))}"


def compute(passes):
    """Half a millisecond each pass."""
    return sum(_report(_detect()) for _ in range(passes))


def _detect():
    found = []
    for number in range(DETECTIONS):
        left, top = number * 37 % 640, number * 53 % 480
        box = (left, top, left + number % 90, top + number % 70)
        found.append(Detection(LABELS[number % len(LABELS)], number * 7919 % 1000 / 1000, box))
    return found


def _report(detections):
    by_label = {}
    for one in detections:
        if one.score >= 0.1 and one.area() > 200:
            by_label.setdefault(one.label, []).append(one)
    report = {}
    for label, found in sorted(by_label.items()):
        found.sort(key=lambda one: one.score, reverse=True)
        texts = [one.describe().replace(":", " =").upper() for one in found]
        report[label] = {
            "best": texts[0],
            "area": sum(one.area() for one in found),
            "letters": sum(len(word) for text in texts for word in text.split()),
        }
    return sum(each["area"] + each["letters"] for each in report.values())
