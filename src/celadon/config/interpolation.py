"""The `$` of Compose: doubled where a document means it literally, single again where a value is read."""

from typing import Any


def escaped(text: str) -> str:
    """`text` for a document that Compose reads: it takes a `$` for a variable."""
    return text.replace("$", "$$")


def unescaped(value: Any) -> Any:
    """What Celadon itself reads of a rendering: Compose writes `$` as `$$`, for the next Compose that reads it.

    All keys are texts there, but a number of very many digits it leaves without quotation marks.
    """
    if isinstance(value, str):
        return value.replace("$$", "$")
    if isinstance(value, list):
        return [unescaped(item) for item in value]
    if isinstance(value, dict):
        return {str(key): unescaped(item) for key, item in value.items()}
    return value
