"""Cron expressions as EventBridge's scheduler writes them, from the five fields of a manifest. No I/O."""

from __future__ import annotations

LONGEST = 256
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")


def expressions(schedule: str) -> list[str]:
    """What starts at the same minutes: two where cron names days of the month and of the week, which is either of them.

    ValueError says what cannot be said there.
    """
    minute, hour, day, month, weekday = schedule.split()
    at = f"{_field(minute, 0, 59)} {_field(hour, 0, 23)}"
    months = _field(month, 1, 12, _MONTHS)
    days, weekdays = _day(day), _weekday(weekday)
    if "*" in (day[0], weekday[0]) and days != "*" and weekdays != "*":
        raise ValueError(f"schedule: AWS has no word for {day} and {weekday} at once: write one of them as *")
    found = []
    if days != "*" or weekdays == "*":
        found.append(f"cron({at} {days} {months} ? *)")
    if weekdays != "*":
        found.append(f"cron({at} ? {months} {weekdays} *)")
    long = next((one for one in found if len(one) > LONGEST), None)
    if long is not None:
        raise ValueError(f"schedule: {schedule} is too long for AWS, which takes {LONGEST} characters: use fewer times")
    return found


def _day(field: str) -> str:
    return "L" if field.upper() == "L" else _field(field, 1, 31)


def _weekday(field: str) -> str:
    """Days by name, as the vendor counts them from 1; `5#3` is the third Friday of a month, `5L` the last one."""
    for mark in ("#", "L"):
        if mark in field.upper():
            day, _, rest = field.upper().partition(mark)
            if "," in field:
                raise ValueError(f"schedule: AWS takes {mark} of one weekday only, and here is {field}")
            number = _number(day, _DAYS[:7])
            return f"{number % 7 + 1}{mark}{rest}"
    found = sorted({number % 7 for number in _numbers(field, 0, 7, _DAYS[:7])})
    return "*" if len(found) == len(_DAYS) - 1 else ",".join(_DAYS[number] for number in found)


def _field(field: str, lowest: int, highest: int, words: tuple[str, ...] = ()) -> str:
    found = sorted(set(_numbers(field, lowest, highest, words)))
    if len(found) == highest - lowest + 1:
        return "*"
    if field.startswith("*/") and "," not in field:
        return f"{lowest}/{field[2:]}"
    return ",".join(map(str, found))


def _numbers(field: str, lowest: int, highest: int, words: tuple[str, ...]) -> list[int]:
    found: list[int] = []
    for part in field.split(","):
        span, _, step = part.partition("/")
        first, dash, last = span.partition("-")
        if span == "*":
            begin, end = lowest, highest
        else:
            begin = _number(first, words, lowest)
            end = _number(last, words, lowest) if dash else highest if step else begin
        found += range(begin, end + 1, int(step or 1))
    return found


def _number(text: str, words: tuple[str, ...], lowest: int = 0) -> int:
    """A number, or what a word stands for: the first of `words` is `lowest`."""
    name = text.upper()
    return words.index(name) + lowest if name in words else int(text)
