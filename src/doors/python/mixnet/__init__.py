"""Which network for training a Mixture-of-Experts model: the simulator and the circuit planner.

>>> import mixnet
>>> result = mixnet.compare("mixtral-8x7b", gpus=1024, bandwidth=["100Gbps", "400Gbps"])
>>> for run in result["runs"]:
...     print(run["fabric"], run["bandwidth_gbps"], run["iteration_seconds"])
>>> pandas.DataFrame(mixnet.rows(result))

compare(), simulate(), flows(), predict(), cost(), compute() and validate() are the commands of the
program ``mixnet`` of these names: they take its flags as keywords, with underscores for dashes
(``--reconfiguration-delay 1ms`` is ``reconfiguration_delay="1ms"``), and return what it writes with
``--json``; ``mixnet compare --help`` lists the flags. Quantities are strings with their units. Flags
that name a further file (``timeline``, ``fct``, ``csv``) have it written.

Wrong input raises :class:`Error`, a ValueError whose one line names the input, what is wrong and
what would be right. What the program would note on standard error is a warning. Ctrl-C ends any call
in a moment, and the next call works.

``progress`` of functions that may last: None shows a bar in a terminal or notebook after two seconds,
True does so elsewhere, too, False shows nothing, and a function is called with what is under way,
how much of it is done, and how much there is, at most ten times a second.
"""

from __future__ import annotations

import json
import os
import pathlib
import tempfile
import warnings
from typing import Any, Dict, List, Mapping, Optional, Sequence, Union

import numpy as np

from mixnet import _core, _flags
from mixnet._core import Error
from mixnet._flags import Flag
from mixnet._progress import Progress
from mixnet._progress import heard as _heard
from mixnet._rows import rows

__all__ = [
    "Error",
    "__version__",
    "compare",
    "compute",
    "cost",
    "fabrics",
    "flows",
    "gpus",
    "models",
    "plan",
    "predict",
    "rows",
    "simulate",
    "sweep",
    "validate",
]
__version__: str = _core.version

_MOST_SERVERS = 4096  # as in a demand file
_MOST_BYTES = 2**53


def compare(
    model: Union[str, "os.PathLike[str]"], *, progress: Progress = None, **flags: Flag
) -> Dict[str, Any]:
    """Simulates an iteration of ``model`` on several fabrics and link speeds.

    ``model``: a name (``mixtral-8x7b``) or the path of a HuggingFace ``config.json``. ``flags``: those
    of ``mixnet compare``, such as ``gpus=1024``, ``fabric=["fat-tree", "mixnet"]``,
    ``bandwidth="400Gbps"``, ``fidelity="auto"``.

    Returns the document ``mixnet.compare/1`` (docs/compare.md): ``plan``, ``runs`` (a dict for each
    fabric and speed: ``iteration_seconds``, ``exposed_seconds``, ``network_cost_usd``, ...) and more.
    The same arguments give the same result.
    """
    return _answer("compare", {"model": model, **flags}, progress)


def simulate(*, progress: Progress = None, **flags: Flag) -> Dict[str, Any]:
    """Simulates one iteration on one ``fabric``: of a model, or what a file says.

    One of these says what: ``model``, as compare() takes it; ``task_graph``, the path of a FlexFlow
    task graph; ``chakra``, the path of Chakra traces up to ``.0.et``. The other flags are those of
    ``mixnet simulate`` with it; ``timeline="timeline.json"`` has the timeline written, too.

    Returns, of a model, the document ``mixnet.compare/1`` with one run; of files
    ``mixnet.simulate/1`` (docs/task-graphs.md): ``iteration_seconds``, ``busy``, ``tiers``, ...
    """
    return _answer("simulate", flags, progress)


def flows(*, progress: Progress = None, **flags: Flag) -> Dict[str, Any]:
    """Plays flows on a ``fabric``, packet by packet: completion times, queues, losses.

    ``flows`` (a ``.cm`` or ``.csv`` file), ``alltoallv`` (a file of a matrix of bytes) or
    ``collective`` with ``bytes`` and ``gpus`` says which; the other flags are those of
    ``mixnet flows``. ``fct="fct.csv"`` has the completion time of every flow written.

    Returns the document ``mixnet.flows/1`` (docs/flows.md): ``makespan_us``, ``fct_us``, ``drops``,
    ``tiers``, ...; of a collective ``mixnet.collective/1``, with ``rows`` of sizes.
    """
    return _answer("flows", flags, progress)


def predict(
    routing: Union[str, "os.PathLike[str]"], *, progress: Progress = None, **flags: Flag
) -> Dict[str, Any]:
    """Predicts what gates will decide, and scores that against what they did.

    ``routing``: ``"dynamic"``, ``"trace:FILE"``, ... (docs/routing.md). ``flags``: those of ``mixnet
    predict``, such as ``model="mixtral-8x7b"``, ``ep=8``, ``iterations=200``.

    Returns the document ``mixnet.predict/1`` (docs/copilot.md): ``predictors`` (a dict for each:
    ``name``, ``top1_accuracy``, ``load_error``, ``regret``, ...) and what was predicted.
    """
    return _answer("predict", {"routing": routing, **flags}, progress)


def cost(**flags: Flag) -> Dict[str, Any]:
    """What the network of ``servers`` costs on each fabric, in USD.

    ``flags``: those of ``mixnet cost``. Returns the document ``mixnet.cost/1`` (docs/cost.md):
    ``rows``, a dict for each fabric and speed: ``network_cost_usd``, ``parts``, ...
    """
    return _answer("cost", flags, False)


def compute(operations: Union[str, "os.PathLike[str]"], **flags: Flag) -> Dict[str, Any]:
    """Our times of a GPU's operations beside measured ones, a CSV file.

    ``flags``: those of ``mixnet compute``, such as ``gpu="h200"``, ``precision="fp8"``. Returns the
    document ``mixnet.compute/1`` (docs/compute.md): ``rows`` (those of the CSV, and
    ``predicted_forward_ms``, ``predicted_backward_ms``), ``medians`` of the errors by operation.
    """
    return _answer("compute", {"operations": operations, **flags}, False)


def validate(
    published: Union[str, "os.PathLike[str]", None] = None,
    *,
    progress: Progress = None,
    **flags: Flag,
) -> Dict[str, Any]:
    """Holds the simulator to published iteration times, a CSV file, or with ``training=`` to step
    times of training runs.

    ``flags``: those of ``mixnet validate``. Returns the document ``mixnet.validate/1``: ``rows`` (a
    dict for each time: ``published``, ``simulated``, ``error``), ``fits``, ``fabrics``; or
    ``mixnet.validate-training/1``: ``rows`` (``published_step_seconds``,
    ``simulated_step_seconds``, ``error``), ``groups``.
    """
    if published is not None:
        flags["published"] = published
    return _answer("validate", flags, progress)


def models(*names: Union[str, "os.PathLike[str]"]) -> List[Dict[str, Any]]:
    """The models that come with the package, or those of ``names`` (paths are names, too).

    A dict for each: ``name``, ``layers``, ``experts``, ``total_parameters``, ``active_parameters``,
    ``flops_per_token``, ``defaults``, ... as ``mixnet models --json`` has them.
    """
    listed = ["--"] + [_flags.text(name, "names") for name in names]
    return _list("models", listed)


def gpus() -> List[Dict[str, Any]]:
    """The kinds of GPUs: ``name``, ``peak_bf16_flops``, ``memory_bytes``, ... and their source."""
    return _list("gpus", [])


def fabrics() -> List[Dict[str, Any]]:
    """The fabrics that can be compared: ``name``, ``description`` and ``source``."""
    return _list("fabrics", [])


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
    if not isinstance(numa, (list, tuple, range, np.ndarray)):
        raise Error(f"numa: {_flags.short(numa)} is no list; give a NUMA node for each optical NIC")
    return _core.plan(
        _demand(demand),
        _flags.whole(degree, "degree", 0, 1024),
        _flags.whole(eps_nics, "eps_nics", 0, 1024),
        os.fsencode(_flags.text(bandwidth, "bandwidth")),
        [_flags.whole(node, "numa", 0, 2**31 - 1) for node in numa],
        os.fsencode(_flags.text(allocator, "allocator")),
        _flags.whole(budget, "budget", 0, 2**63 - 1),
        None,
        True,
    )


def sweep(
    study: Union[Mapping[str, Any], str, "os.PathLike[str]"],
    out: Union[None, str, "os.PathLike[str]"] = None,
    *,
    threads: Optional[int] = None,
    retry_failed: bool = False,
    progress: Progress = None,
) -> List[Dict[str, Any]]:
    """Runs every point of a study on all cores; a point is one fabric at one speed.

    ``study``: a mapping of flags of ``mixnet compare`` in which a list is an axis, or the path of a
    study file (docs/sweep.md). ``out``: the results folder, which is gone on with if it is there;
    without, nothing is kept. ``threads``: default all cores. ``retry_failed``: runs points that
    failed once more.

    Returns a dict for each point, in the order of the study: ``point``, ``axes`` (the point's value on
    each axis), ``status`` (``"ok"``, or ``"failed"`` with ``error``), ``command``, ``plan`` and
    ``run`` (as compare() has them). Ctrl-C ends the sweep; with ``out``, the same call goes on with
    the points that had not ended.
    """
    count = 0 if threads is None else _flags.whole(threads, "threads", 1, 1024)
    if not isinstance(retry_failed, bool):
        raise Error(f"retry_failed: {_flags.short(retry_failed)} is no choice; give True or False")
    if isinstance(study, Mapping):
        text, name = _yaml(study), "study"
    else:
        name = _flags.path(study, "study")
        try:
            text = pathlib.Path(name).read_text(encoding="utf-8")
        except (OSError, ValueError) as problem:  # ValueError: no UTF-8, or no path at all
            shown = name if name.isprintable() else _flags.short(name)
            raise Error(f"{shown}: cannot be read ({problem}); give a study file") from None
    if out is not None:
        return _sweep(text, name, _flags.path(out, "out"), count, retry_failed, progress)
    with tempfile.TemporaryDirectory(prefix="mixnet-sweep-") as folder:
        return _sweep(text, name, folder, count, retry_failed, progress)


def _answer(command: str, flags: Mapping[str, Flag], progress: Progress) -> Dict[str, Any]:
    return _document(command, _flags.words(flags), progress)


def _document(command: str, words: List[str], progress: Progress) -> Dict[str, Any]:
    with _heard(progress) as (tell, draws):
        text, notes = _core.answer(command, [os.fsencode(word) for word in words], tell, draws)
    for note in notes:
        warnings.warn(note, stacklevel=4)
    document: Dict[str, Any] = json.loads(text)
    return document


def _list(command: str, words: List[str]) -> List[Dict[str, Any]]:
    listed: List[Dict[str, Any]] = _document(command, words, False)[command]
    return listed


def _sweep(
    text: str, name: str, out: str, threads: int, retry_failed: bool, progress: Progress
) -> List[Dict[str, Any]]:
    with _heard(progress) as (tell, draws):
        _core.sweep(text, os.fsencode(name), os.fsencode(out), threads, retry_failed, tell, draws)
    with open(os.path.join(out, "results.jsonl"), encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def _yaml(study: Mapping[str, Any]) -> str:
    """JSON is YAML, and the study's reader says what is wrong with it."""
    try:
        lines = [
            f"{json.dumps(str(flag).replace('_', '-'))}: {json.dumps(values, default=_plain)}\n"
            for flag, values in study.items()
        ]
    except Error:
        raise
    except (ValueError, TypeError, RecursionError) as problem:
        raise Error(f"study: is no mapping of flags ({problem})") from None
    return "".join(lines)


def _plain(value: Any) -> Any:
    """NumPy's numbers and arrays, ranges and paths as JSON has them."""
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, (np.ndarray, range, tuple)):
        return list(value)
    raise Error(
        f"study: {_flags.short(value)} is no value of a flag; give a text, a number or a list of them"
    )


def _demand(demand: Any) -> "np.ndarray[Any, np.dtype[np.int64]]":
    try:
        given = np.asarray(demand)
    except (ValueError, TypeError) as problem:
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
