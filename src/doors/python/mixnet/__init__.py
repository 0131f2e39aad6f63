"""Which network for training a Mixture-of-Experts model: the simulator and the circuit planner.

>>> import mixnet
>>> result = mixnet.compare("mixtral-8x7b", gpus=1024, bandwidth=["100Gbps", "400Gbps"])
>>> for run in result["runs"]:
...     print(run["fabric"], run["bandwidth_gbps"], run["iteration_seconds"])

compare() and sweep() take the flags of the program ``mixnet compare`` as keywords, with underscores
for dashes (``--reconfiguration-delay 1ms`` is ``reconfiguration_delay="1ms"``); ``mixnet compare
--help`` lists them. Quantities are strings with their units. Wrong input raises :class:`Error`, a
ValueError whose one line names the input, what is wrong and what would be right.
"""

from __future__ import annotations

import json
import os
import pathlib
import tempfile
from typing import Any, Dict, List, Mapping, Optional, Sequence, Union

import numpy as np

from mixnet import _core
from mixnet._core import Error

__all__ = ["Error", "__version__", "compare", "plan", "sweep"]
__version__: str = _core.version

#: A value of a flag: True sets a flag that takes no value, False and None leave a flag out, and a
#: sequence is several values of a flag that takes them.
Flag = Union[None, bool, int, float, str, "os.PathLike[str]", Sequence[Union[int, float, str]]]

_REPEATED = ("fail",)  # flags that are given once for each value; others take "a,b"
_MOST_SERVERS = 4096  # as in a demand file
_MOST_BYTES = 2**53


def compare(model: Union[str, "os.PathLike[str]"], **flags: Flag) -> Dict[str, Any]:
    """Simulates an iteration of ``model`` on several fabrics and link speeds.

    ``model``: a name (``mixtral-8x7b``) or the path of a HuggingFace ``config.json``. ``flags``: those
    of ``mixnet compare``, such as ``gpus=1024``, ``fabric=["fat-tree", "mixnet"]``,
    ``bandwidth="400Gbps"``, ``fidelity="auto"``.

    Returns the document ``mixnet.compare/1`` (docs/compare.md): ``plan``, ``runs`` (a dict for each
    fabric and speed: ``iteration_seconds``, ``exposed_seconds``, ``network_cost_usd``, ...) and more.
    The same arguments give the same result.
    """
    return json.loads(_core.compare(_words({"model": model, **flags})))


def plan(
    demand: Any,
    degree: int = 6,
    *,
    eps_nics: int = 2,
    bandwidth: str = "400Gbps",
    numa: Sequence[int] = (),
    allocator: str = "refined",
    budget: int = 25_000,
) -> Dict[str, Any]:
    """Allocates optical circuits to a demand between the servers of a region.

    ``demand``: servers x servers, whole numbers of bytes from server (row) to server (column);
    anything that NumPy takes as an array. At most 4096 servers and 2^53 bytes; the diagonal is not
    used. ``degree``, ``eps_nics``: optical and electrical NICs of a server. ``numa``: NUMA node of
    each optical NIC (default: two nodes, half of the NICs each). ``allocator``: ``refined``
    (local search, looks at ``budget`` moves), ``greedy`` (Algorithm 1) or ``exact`` (small
    regions).

    Returns a dict:
      ``counts``    int32 array, servers x servers: circuits between two servers (symmetric)
      ``circuits``  int32 array, a row for each circuit: server_a, nic_a, server_b, nic_b
      ``all_to_all_seconds``  how long the demand takes when a pair with circuits uses only these:
          the longer of ``circuits_seconds`` and ``eps_seconds``; ``balanced_seconds`` when pairs
          are split over circuits and EPS; ``lower_bound_seconds`` of any wiring. None is for ever.
      ``pairs_without_circuit``, ``bytes_without_circuit``  what goes by EPS alone
    """
    return _core.plan(
        _demand(demand), degree, eps_nics, bandwidth, list(numa), allocator, budget
    )


def sweep(
    study: Union[Mapping[str, Any], str, "os.PathLike[str]"],
    out: Union[None, str, "os.PathLike[str]"] = None,
    *,
    threads: Optional[int] = None,
    retry_failed: bool = False,
) -> List[Dict[str, Any]]:
    """Runs every point of a study on all cores; a point is one fabric at one speed.

    ``study``: a mapping of flags of ``mixnet compare`` in which a list is an axis, or the path of a
    study file (docs/sweep.md). ``out``: the results folder, which is gone on with if it is there;
    without, nothing is kept. ``threads``: default all cores.

    Returns a dict for each point, in the order of the study: ``point``, ``axes`` (the point's value on
    each axis), ``status`` (``"ok"``, or ``"failed"`` with ``error``), ``command``, ``plan`` and
    ``run`` (as compare() has them). Ctrl-C ends the sweep once the points under way have ended;
    with ``out``, the same call goes on.
    """
    if threads is not None and not 1 <= threads <= 1024:
        raise Error(f"threads: {threads} is out of range; give 1 to 1024")
    if isinstance(study, Mapping):
        text, name = _yaml(study), "study"
    else:
        name = os.fspath(study)
        try:
            text = pathlib.Path(name).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as problem:
            raise Error(f"{name}: cannot be read ({problem}); give a study file") from None
    if out is not None:
        return _sweep(text, name, os.fspath(out), threads, retry_failed)
    with tempfile.TemporaryDirectory(prefix="mixnet-sweep-") as folder:
        return _sweep(text, name, folder, threads, retry_failed)


def _sweep(
    text: str, name: str, out: str, threads: Optional[int], retry_failed: bool
) -> List[Dict[str, Any]]:
    _core.sweep(text, name, out, threads or 0, retry_failed)
    with open(os.path.join(out, "results.jsonl"), encoding="utf-8") as rows:
        return [json.loads(row) for row in rows]


def _words(flags: Mapping[str, Flag]) -> List[str]:
    """Flags as the words of a command line."""
    words: List[str] = []
    for name, value in flags.items():
        if value is None or value is False:
            continue
        flag = "--" + name.replace("_", "-")
        if value is True:
            words.append(flag)
            continue
        values = [value] if isinstance(value, (int, float, str, os.PathLike)) else list(value)
        if not values:
            raise Error(f"{flag}: is an empty list; give a value, or None to leave it out")
        texts = [os.fspath(v) if isinstance(v, os.PathLike) else str(v) for v in values]
        joined = texts if name in _REPEATED else [",".join(texts)]
        words += [f"{flag}={text}" for text in joined]
    return words


def _yaml(study: Mapping[str, Any]) -> str:
    """JSON is YAML, and the study's reader says what is wrong with it."""
    lines = [
        f"{json.dumps(str(flag).replace('_', '-'))}: {json.dumps(values, default=_plain)}\n"
        for flag, values in study.items()
    ]
    return "".join(lines)


def _plain(value: Any) -> Any:
    """NumPy's numbers and arrays, ranges and paths as JSON has them."""
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, (np.ndarray, range, tuple)):
        return list(value)
    raise Error(f"study: {value!r} is no value of a flag; give a text, a number or a list of them")


def _demand(demand: Any) -> "np.ndarray[Any, np.dtype[np.int64]]":
    try:
        given = np.asarray(demand)
    except ValueError as problem:
        raise Error(f"demand: is no array ({problem}); give servers x servers bytes") from None
    if given.ndim != 2 or given.shape[0] != given.shape[1] or given.shape[0] == 0:
        raise Error(f"demand: has the shape {given.shape}; give servers x servers bytes")
    if given.shape[0] > _MOST_SERVERS:
        raise Error(f"demand: has {given.shape[0]} servers; give at most {_MOST_SERVERS}")
    if given.dtype.kind not in "iuf":
        raise Error(f"demand: holds {given.dtype}; give numbers")
    wrong = ~((given >= 0) & (given <= _MOST_BYTES) & (np.floor(given) == given))
    if wrong.any():
        row, column = (int(i) for i in np.argwhere(wrong)[0])
        raise Error(
            f"demand[{row}, {column}]: {given[row, column]} is no whole number of bytes from 0 to 2^53"
        )
    if given.sum(dtype=np.float64) > _MOST_BYTES:
        raise Error("demand: is over 2^53 bytes in all; give a smaller unit")
    return np.ascontiguousarray(given, dtype=np.int64)
