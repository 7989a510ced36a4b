"""The singulars that an English plural may be of."""

_IRREGULAR = {"children": "child", "feet": "foot", "geese": "goose", "mice": "mouse", "teeth": "tooth"}
_HISSING = ("ches", "oes", "shes", "sses", "xes", "zes")


def singulars(word: str) -> list[str]:
    """Say what a word or name in small letters may be the plural of: *churches* of *church*; *glass* of nothing.

    Some are no words: *shoes* may be of *sho* or *shoe*.
    """
    first, blank, last = word.rpartition(" ")
    if last in _IRREGULAR:
        return [f"{first}{blank}{_IRREGULAR[last]}"]
    if not word.endswith("s") or word.endswith("ss"):
        return []
    if word.endswith("ies"):
        return [f"{word[:-3]}y", word[:-1]]
    if word.endswith(_HISSING):
        return [word[:-2], word[:-1]]
    if word.endswith("ves"):
        return [word[:-1], f"{word[:-3]}f", f"{word[:-3]}fe"]
    return [word[:-1]]
