"""Results as tables."""

from __future__ import annotations

from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence, Union

from mixnet import _flags
from mixnet._core import Error

#: A cell of a table.
Scalar = Union[None, bool, int, float, str]

# What a row is of, by the schema of a document; of others it is the document.
_LISTS = {
    "mixnet.compare": "runs",
    "mixnet.compute": "rows",
    "mixnet.cost": "rows",
    "mixnet.predict": "predictors",
    "mixnet.collective": "rows",
    "mixnet.validate": "rows",
    "mixnet.validate-training": "rows",
}
_ABOUT = ("schema", "program")  # the document, not what it says


def rows(
    results: Union[Mapping[str, Any], Sequence[Mapping[str, Any]]], of: Optional[str] = None
) -> List[Dict[str, Scalar]]:
    """Results as the rows of one table: ``pandas.DataFrame(mixnet.rows(result))``.

    ``results``: what a function of this package returned, or a list of such; results of several
    calls make one table. A row is a run of compare() and of simulate(model=...), a point of sweep(),
    a fabric of cost(), a size of a collective, a predictor of predict(), an operation of
    compute(), a published time or run of validate(), a model, a GPU; of flows() and simulate() of graphs it
    is the whole result.
    ``of``: a list in the results that rows are made of instead, as in ``rows(flows(...),
    of="tiers")``.

    Every row is a flat dict with the same keys, in the same order; what a result lacks is None.
    What is nested gets names with dots (``"exposed_seconds.ep"``, ``"plan.tp"``; the axes of a sweep
    are ``"axes.NAME"``), a list of plain values is one text, other lists are left out. What a result
    says once (its plan) is in each of its rows.
    """
    listed = [results] if isinstance(results, Mapping) else results
    if not isinstance(listed, (list, tuple)) or not all(isinstance(r, Mapping) for r in listed):
        raise Error(
            f"results: {_flags.short(results)} is no result; give what a function of mixnet returned, "
            "or a list of such"
        )
    if of is not None and not isinstance(of, str):
        raise Error(f"of: {_flags.short(of)} is no name; give that of a list in the results")
    table = [row for result in listed for row in _rows_of(result, of)]
    keys = dict.fromkeys(key for row in table for key in row)
    # "packets" is null where another row has "packets.drops".
    inner = {key[:dot] for key in keys for dot in range(len(key)) if key[dot] == "."}
    return [{key: row.get(key) for key in keys if key not in inner} for row in table]


def _rows_of(result: Mapping[str, Any], of: Optional[str]) -> Iterator[Dict[str, Scalar]]:
    schema = str(result.get("schema", "")).partition("/")[0]
    name = of if of is not None else _LISTS.get(schema)
    once = _flat({key: value for key, value in result.items() if key not in (*_ABOUT, "run")})
    if name is None:
        # A point of a sweep: its run is what it is about.
        yield {**once, **_flat(result.get("run") or {})}
        return
    items = result.get(name)
    if not isinstance(items, list) or not all(isinstance(item, Mapping) for item in items):
        lists = [
            key
            for key, value in result.items()
            if isinstance(value, list) and value and isinstance(value[0], Mapping)
        ]
        raise Error(f"of: there is no list {name!r} in the results; give one of {', '.join(lists)}")
    for item in items:
        yield {**once, **_flat(item)}


def _flat(values: Mapping[str, Any], before: str = "") -> Dict[str, Scalar]:
    flat: Dict[str, Scalar] = {}
    for key, value in values.items():
        name = before + key
        if isinstance(value, Mapping):
            flat.update(_flat(value, name + "."))
        elif isinstance(value, (list, tuple)):
            if not any(isinstance(one, (Mapping, list, tuple)) for one in value):
                flat[name] = ", ".join(str(one) for one in value)
        else:
            flat[name] = value
    return flat
