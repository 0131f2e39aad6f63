"""A job of PyTorch on the CPU whose traces torch_test.py reads: four processes, gloo on loopback.

`python torch_job.py FOLDER PORT` profiles each call below by itself, and then all of them with some
work between them, and writes FOLDER/CALL/kineto.rankN.json and FOLDER/CALL/et.rankN.json.
"""

import os
import sys

RANKS = 4
ROW = 8  # elements of a row of the uneven exchange
WIDTH = 64  # of the layer that is trained


def rows(source, destination):
    """Rows that one rank sends another in the uneven exchange."""
    return 10 * (source + 1) + destination


def calls(torch, dist, rank):
    """By name, what each call is."""
    ones = torch.ones
    model = torch.nn.parallel.DistributedDataParallel(torch.nn.Linear(WIDTH, WIDTH))
    every = range(RANKS)

    def empties(count, size):
        return [torch.empty(size) for _ in range(count)]

    def exchange():
        sent = [rows(rank, other) for other in every]
        got = [rows(other, rank) for other in every]
        dist.all_to_all_single(torch.empty(sum(got), ROW), ones(sum(sent), ROW), got, sent)

    def message():
        if rank == 0:
            dist.send(ones(123), 1)
        elif rank == 1:
            dist.recv(torch.empty(123), 0)
        elif rank == 2:
            dist.isend(ones(77), 3, tag=5).wait()
        else:
            dist.irecv(torch.empty(77), 2, tag=5).wait()

    def root_list(size):
        return [ones(size) for _ in every] if rank == 0 else None

    def overlapped():
        work = dist.all_reduce(ones(88), async_op=True)
        torch.randn(64, 64) @ torch.randn(64, 64)
        work.wait()

    return {
        "all_reduce": lambda: dist.all_reduce(ones(1000)),
        "all_gather": lambda: dist.all_gather(empties(RANKS, 300), ones(300)),
        "all_gather_into_tensor":
            lambda: dist.all_gather_into_tensor(torch.empty(64 * RANKS), ones(64)),
        "reduce_scatter": lambda: dist.reduce_scatter(torch.empty(52), [ones(52) for _ in every]),
        "reduce_scatter_tensor":
            lambda: dist.reduce_scatter_tensor(torch.empty(72), ones(72 * RANKS)),
        "all_to_all_single": exchange,
        "all_to_all_even":
            lambda: dist.all_to_all_single(torch.empty(40 * RANKS), ones(40 * RANKS)),
        "broadcast": lambda: dist.broadcast(ones(500, dtype=torch.bfloat16), 1),
        "reduce": lambda: dist.reduce(ones(224, dtype=torch.float64), 2),
        "message": message,
        "gather": lambda: dist.gather(ones(11), empties(RANKS, 11) if rank == 0 else None, dst=0),
        "overlapped": overlapped,
        "training": lambda: model(ones(8, WIDTH)).sum().backward(),  # in a thread of its own
        "barrier": dist.barrier,
    }


def run_rank(rank, folder, port):
    import torch
    import torch.distributed as dist
    from torch.profiler import ExecutionTraceObserver, ProfilerActivity, profile

    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port), GLOO_SOCKET_IFNAME="lo")
    torch.set_num_threads(1)
    dist.init_process_group("gloo", rank=rank, world_size=RANKS)
    parts = calls(torch, dist, rank)

    def step():
        for part in parts.values():
            torch.randn(200, 200) @ torch.randn(200, 200)
            part()

    for _ in range(3):  # connects all pairs; gradients have their buckets from the second on
        step()
    for name, part in [*parts.items(), ("step", step)]:
        place = os.path.join(folder, name)
        os.makedirs(place, exist_ok=True)
        observer = ExecutionTraceObserver()
        observer.register_callback(os.path.join(place, f"et.rank{rank}.json"))
        with profile(activities=[ProfilerActivity.CPU], record_shapes=True,
                     execution_trace_observer=observer) as profiler:
            part()
        profiler.export_chrome_trace(os.path.join(place, f"kineto.rank{rank}.json"))
    dist.barrier()
    dist.destroy_process_group()


def main():
    import torch.multiprocessing as processes
    processes.spawn(run_rank, (sys.argv[1], int(sys.argv[2])), RANKS)


if __name__ == "__main__":
    main()
