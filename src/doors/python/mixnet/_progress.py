"""How far a call is: what ``progress=`` asks for."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import time
from typing import Any, Callable, Iterator, Optional, Tuple, Union

from mixnet import _flags
from mixnet._core import Error

#: Called with what is under way, how much of it is done, and how much there is.
Tell = Callable[[str, int, int], Any]
#: None: a bar in terminals and notebooks; True: a bar anywhere; False: nothing.
Progress = Union[None, bool, Tell]

_QUIET_SECONDS = 2.0  # as the program's own bar


@contextlib.contextmanager
def heard(progress: Progress) -> Iterator[Tuple[Optional[Tell], bool]]:
    """Whom _core tells, and whether the program's own bar goes to the terminal instead."""
    if progress is not None and not isinstance(progress, bool):
        if not callable(progress):
            raise Error(
                f"progress: {_flags.short(progress)} is no way to show it; give True, False, None or "
                "a function of what, done and total"
            )
        yield progress, False
    elif progress is False:
        yield None, False
    elif _in_notebook() or (progress is True and not _is_terminal()):
        display = _Display()
        try:
            yield display.tell, False
        finally:
            display.close()
    else:
        yield None, True


def _in_notebook() -> bool:
    """Whether this is the kernel of a notebook, whose standard error is no terminal."""
    get_ipython = getattr(sys.modules.get("IPython"), "get_ipython", None)
    return get_ipython is not None and hasattr(get_ipython(), "kernel")


def _is_terminal() -> bool:
    try:
        return os.isatty(2)
    except OSError:
        return False


class _Display:
    """A bar of tqdm's, or where there is no tqdm a line of text; of what lasts."""

    def __init__(self) -> None:
        self._start = time.monotonic()
        self._bar: Any = None
        self._what = ""
        self._line = ""  # that stands there

    def tell(self, what: str, done: int, total: int) -> None:
        if time.monotonic() - self._start < _QUIET_SECONDS:
            return
        if what != self._what:
            self.close()
            self._what = what
            self._bar = _tqdm_bar(what, done, total)
        if self._bar is None:
            self._write(f"{what}: {100 * done // max(total, 1)} %")
        else:
            self._bar.n = done
            self._bar.refresh()

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None
        if self._line:
            self._write("")
            sys.stderr.write("\r")

    def _write(self, line: str) -> None:
        if line == self._line:
            return
        sys.stderr.write("\r" + line.ljust(len(self._line)))
        sys.stderr.flush()
        self._line = line


def _tqdm_bar(what: str, done: int, total: int) -> Any:
    try:
        tqdm = importlib.import_module("tqdm.auto").tqdm
    except ImportError:
        return None
    return tqdm(desc=what, initial=done, total=total, leave=False)
