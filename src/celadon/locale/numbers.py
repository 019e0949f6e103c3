"""Numbers as people read them."""


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
