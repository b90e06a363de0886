"""Writes JSON. python3-minimal has no json module, and this is all that is needed of it."""

ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def to_json(value):
    """Of dicts, lists and strings."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{to_json(key)}: {to_json(of)}" for key, of in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(to_json(item) for item in value) + "]"
    return '"' + "".join(escaped(character) for character in value) + '"'


def escaped(character):
    if character in ESCAPES:
        return ESCAPES[character]
    return character if character >= " " else f"\\u{ord(character):04x}"
