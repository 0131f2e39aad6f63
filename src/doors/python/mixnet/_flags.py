"""Values of keywords as the words of a command line."""

from __future__ import annotations

import os
from typing import Any, List, Mapping, Sequence, Union

import numpy as np

from mixnet._core import Error

#: A value of a flag: True sets a flag that takes no value, False and None leave a flag out, and a
#: sequence is several values of a flag that takes them.
Flag = Union[None, bool, int, float, str, "os.PathLike[str]", Sequence[Union[int, float, str]]]

_REPEATED = ("fail",)  # flags that are given once for each value; others take "a,b"


def words(flags: Mapping[str, Flag]) -> List[str]:
    """Flags as the words of a command line."""
    listed: List[str] = []
    for name, value in flags.items():
        if value is None or _is_bool(value) and not value:
            continue
        flag = "--" + name.replace("_", "-")
        encoded(flag, "flags")
        if _is_bool(value):
            listed.append(flag)
            continue
        if isinstance(value, (list, tuple, range, np.ndarray)):
            texts = [text(one, flag) for one in value]
            if not texts:
                raise Error(f"{flag}: is an empty list; give a value, or None to leave it out")
        else:
            texts = [text(value, flag)]
        joined = texts if name in _REPEATED else [",".join(texts)]
        listed += [f"{flag}={one}" for one in joined]
    return listed


def text(value: Any, what: str) -> str:
    """One value, of what is named ``what``."""
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, (str, int, float)) and not isinstance(value, bool):
        said = str(value)
        encoded(said, what)
        return said
    raise Error(f"{what}: {short(value)} is no value; give a text, a number or a list of them")


def whole(value: Any, what: str, least: int, most: int) -> int:
    """A whole number that an argument is."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, int):
        raise Error(f"{what}: {short(value)} is no whole number; give {least} to {most}")
    if not least <= value <= most:
        raise Error(f"{what}: {value} is out of range; give {least} to {most}")
    return value


def path(value: Any, what: str) -> str:
    """The path of a file or folder."""
    if isinstance(value, (str, os.PathLike)):
        name = os.fspath(value)
        if isinstance(name, str):
            encoded(name, what)
            return name
    raise Error(f"{what}: {short(value)} is no path; give a text or a pathlib.Path")


def encoded(said: str, what: str) -> bytes:
    """As the program has it: paths may be no UTF-8."""
    try:
        return os.fsencode(said)
    except UnicodeEncodeError:
        raise Error(f"{what}: {short(said)} is no text; give one without surrogates") from None


def short(value: Any) -> str:
    """For a message of one line."""
    said = repr(value)
    return said if len(said) <= 60 else said[:57] + "..."


def _is_bool(value: Any) -> bool:
    return isinstance(value, (bool, np.bool_))
