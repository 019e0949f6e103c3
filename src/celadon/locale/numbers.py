"""Numbers as people read them."""

from celadon.locale import _


def size(count: int | None) -> str:
    """Bytes for people: 96M, 1.5G."""
    if count is None:
        return "-"
    value = float(count)
    for unit in ("B", "K", "M", "G"):
        if value < 1024 or unit == "G":
            return f"{value:.0f}{unit}" if value >= 10 or unit == "B" else f"{value:.1f}{unit}"
        value /= 1024
    return f"{value:.0f}G"


def age(then: str, now: str) -> str:
    """The time between two ISO 8601 times, for people: 5s, 12m, 3h, 4d."""
    from datetime import datetime

    seconds = max(0, int((datetime.fromisoformat(now) - datetime.fromisoformat(then)).total_seconds()))
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= length:
            return f"{seconds // length}{unit}"
    return f"{seconds}s"


def span(seconds: float) -> str:
    """A duration for people: 40 s, 1 min 20 s, 2 h 5 min."""
    whole = round(seconds)
    if whole < 60:
        return _("{seconds} s").format(seconds=whole)
    if whole < 3600:
        words = _("{minutes} min {seconds} s") if whole % 60 else _("{minutes} min")
        return words.format(minutes=whole // 60, seconds=whole % 60)
    words = _("{hours} h {minutes} min") if whole // 60 % 60 else _("{hours} h")
    return words.format(hours=whole // 3600, minutes=whole // 60 % 60)
