"""A first hour with mixnet, cell by cell.

Jupyter, VS Code, Spyder and PyCharm run the cells, which begin with `# %%`, one at a time; `python3
examples/notebook.py` runs them all, in some seconds. pandas makes the tables nicer, and is not needed.
"""

# %% [markdown]
# # Which network for Mixtral 8x7B?
# The functions are the program's commands: `mixnet.compare` is `mixnet compare`, and so on.

# %%
import mixnet
import numpy as np

try:
    import pandas
except ImportError:
    pandas = None


def show(table, *columns):
    """Some columns of rows, as a table."""
    table = [{name: row[name] for name in columns} for row in table]
    if pandas is not None:
        print(pandas.DataFrame(table).to_string(index=False))
        return
    print("  ".join(columns))
    for row in table:
        print("  ".join(str(value) for value in row.values()))


# %% [markdown]
# ## The fabrics, and one iteration on each
# `rows` makes flat dicts of a result, for pandas and its like; what is nested has names with dots.

# %%
result = mixnet.compare("mixtral-8x7b", gpus=1024, bandwidth=["100Gbps", "400Gbps"])
show(mixnet.rows(result), "fabric", "bandwidth_gbps", "iteration_seconds", "exposed_seconds.ep",
     "network_cost_usd")

# %%
priced = mixnet.cost(servers=128, bandwidth="400Gbps")
show(mixnet.rows(priced), "fabric", "network_cost_usd", "parts.nic.usd")

# %% [markdown]
# ## A study
# Lists are axes. With `out="results"` it would be kept, and Ctrl-C (or the stop button) lose nothing that
# has ended; `progress` takes a function, and by default draws a bar where it lasts.

# %%
points = mixnet.sweep(
    {
        "model": ["mixtral-8x7b", "qwen-moe"],
        "fabric": ["fat-tree", "mixnet"],
        "reconfiguration": "block",
        "reconfiguration_delay": ["1ms", "25ms"],
    },
    progress=lambda what, done, total: print(f"{what}: {done} of {total}"),
)
show(mixnet.rows(points), "axes.model", "axes.fabric", "axes.reconfiguration-delay",
     "iteration_seconds")

# %% [markdown]
# ## Packets
# The same all-to-all on two fabrics, packet by packet: when its flows end, how deep queues are.

# %%
matrix = np.random.default_rng(1).integers(1, 200_000, (16, 16))
np.fill_diagonal(matrix, 0)
np.savetxt("matrix.txt", matrix, fmt="%d")
played = [
    mixnet.flows(fabric=fabric, alltoallv="matrix.txt", nics_per_server=4, bandwidth="100Gbps")
    for fabric in ("fat-tree", "rail-optimized")
]
show(mixnet.rows(played), "fabric", "completed", "makespan_us", "fct_us.p99", "drops")
show(mixnet.rows(played, of="tiers"), "fabric", "name", "mean_utilisation", "deepest_queue_bytes")

# %% [markdown]
# ## Circuits, and what gates will ask of them

# %%
demand = np.random.default_rng(2).lognormal(18, 1.5, (8, 8)).astype(np.int64)
plan = mixnet.plan(demand, degree=6)
print(plan["counts"])
print(f"{plan['balanced_seconds'] * 1e3:.1f} ms; at least {plan['lower_bound_seconds'] * 1e3:.1f} ms")

# %%
scores = mixnet.predict("dynamic", model="mixtral-8x7b", iterations=30)
show(mixnet.rows(scores), "name", "top1_accuracy", "load_error", "regret")

# %% [markdown]
# ## What is wrong is said in one line

# %%
try:
    mixnet.compare("mixtral-8x7b", bandwith="400Gbps")
except mixnet.Error as error:
    print(error)
