"""People's traces through the program, `mixnet simulate --trace` and `mixnet convert`: small ones made
here, in the forms that PyTorch (NCCL, on GPUs) and AICB write. torch_test.py has PyTorch's own."""

import json
import pathlib
import shutil
import tempfile

import program
from program import ProgramTest, answer, run

FLUID = ["--fabric", "fat-tree", "--fidelity", "fluid", "--gpus-per-server", "2"]
RANKS = 4
PAIRS = {"1": [0, 2], "2": [1, 3]}  # groups of two
ROW = 64  # BFloat16 elements of a row


def rows(source, destination):
    return 3 + 5 * source + destination


def pair_of(rank):
    return next((name, ranks) for name, ranks in PAIRS.items() if rank in ranks)


def calls(rank):
    """What a rank calls, as ProcessGroupNCCL records it."""
    name, pair = pair_of(rank)
    everyone = list(range(RANKS))
    splits = [rows(rank, other) for other in pair]
    got = [rows(other, rank) for other in pair]
    return [
        ("_allgather_base", "0", everyone, 4096, [], [], 4096 * RANKS),
        ("all_to_allv", name, pair, sum(splits) * ROW, splits, got, sum(got) * ROW),
        ("allreduce", name, pair, 8192, [], [], 8192),
        ("_reduce_scatter_base", "0", everyone, 4096 * RANKS, [], [], 4096),
        ("barrier", "0", everyone, 0, [], [], 0),
    ]


def kineto(rank, gap=10):
    """Work of 100 us, then each call of 50 us, after which the next work waits."""
    events = [{"ph": "M", "name": "process_name", "pid": 1, "tid": 0, "args": {"name": "python"}}]
    at = 1000.25
    for number, (call, group, ranks, elements, splits, got, out) in enumerate(calls(rank)):
        identity = 7 + number
        events.append({"ph": "X", "cat": "kernel", "name": f"gemm_{number}", "pid": 0, "tid": 7,
                       "ts": at, "dur": 100, "args": {"stream": 7, "External id": 1000 + number}})
        at += 100 + gap
        events.append({"ph": "X", "cat": "cpu_op", "name": "record_param_comms", "pid": 1, "tid": 1,
                       "ts": 10.5 + 3 * number, "dur": 2, "args": {
                           "External id": identity, "Collective name": call, "dtype": "BFloat16",
                           "In msg nelems": elements, "Out msg nelems": out,
                           "In split size": json.dumps(splits), "Out split size": json.dumps(got),
                           "Group size": len(ranks), "Process Group Name": group,
                           "Process Group Description": "x", "Process Group Ranks":
                           json.dumps(ranks)}})
        events.append({"ph": "X", "cat": "kernel", "name": "ncclDevKernel_SendRecv", "pid": 0,
                       "tid": 20, "ts": at, "dur": 50, "args": {"External id": identity}})
        at += 50
    return json.dumps({"schemaVersion": 1, "distributedInfo": {
        "backend": "nccl", "rank": rank, "world_size": RANKS, "pg_count": 3}, "traceEvents": events})


def execution_trace(rank):
    groups = [{"pg_name": "0", "pg_desc": "default_pg", "ranks": [], "group_size": RANKS}]
    name, pair = pair_of(rank)
    groups.append({"pg_name": name, "pg_desc": "x", "ranks": pair, "group_size": len(pair)})
    nodes = [{"id": 3, "name": "## process_group:init ##", "ctrl_deps": 2,
              "inputs": {"values": [json.dumps(groups)], "shapes": [[]], "types": ["String"]}}]
    for number, (call, group, ranks, elements, splits, got, out) in enumerate(calls(rank)):
        tensors = [] if call == "barrier" else [[[5, 6, 0, elements, 2, "cuda:0"]]]
        attributes = {"collective_name": call, "dtype": "BFloat16", "in_msg_nelems": elements,
                      "out_msg_nelems": out, "in_split_size": json.dumps(splits),
                      "out_split_size": json.dumps(got), "pg_name": group, "pg_desc": "x",
                      "pg_size": len(ranks)}
        nodes.append({
            "id": 10 + number, "name": "record_param_comms", "ctrl_deps": 2,
            "inputs": {"values": tensors + [number, [group, "x"], rank, call, splits, got]},
            "attrs": [{"name": key, "type": "string", "value": value}
                      for key, value in attributes.items()]})
    return json.dumps({"schema": "1.1.1-chakra.0.0.4", "pid": 1, "nodes": nodes})


SENT = {"ALLGATHER": RANKS * (RANKS - 1) * 2 * 4096,
        "REDUCESCATTER": (RANKS - 1) * RANKS * 2 * 4096,
        "ALLREDUCE": 2 * 2 * 2 * 8192,
        "ALLTOALL": sum(2 * ROW * rows(source, destination) for pair in PAIRS.values()
                        for source in pair for destination in pair if source != destination)}

AICB = ("HYBRID_TRANSFORMER_FWD_IN_BCKWD model_parallel_NPU_group: 2 ep: 2 pp: 1 vpp: 1 ga: 1 "
        "all_gpus: 8 checkpoints: 0 checkpoint_initiates: 0 pp_comm: 0\n3\n"
        "attention\t-1\t50000\tALLREDUCE\t4096\t60000\tALLREDUCE\t4096\t1\tNONE\t0\t100\n"
        "experts\t-1\t1\tALLTOALL_EP\t8192\t1\tALLTOALL_EP\t8192\t1\tNONE\t0\t100\n"
        "experts\t-1\t90000\tALLTOALL_EP\t8192\t180000\tALLTOALL_EP\t8192\t1\tREDUCESCATTER_DP_EP\t"
        "1024\t100\n")


class TracesTest(ProgramTest):
    def write(self, maker, pattern, ranks=range(RANKS)):
        place = pathlib.Path(tempfile.mkdtemp(dir=self.folder))
        for rank in ranks:
            (place / pattern.format(rank)).write_text(maker(rank))
        return place

    def sent(self, document):
        return {one["kind"]: one["bytes"] for one in document["graph"]["kinds"] if one["bytes"]}

    def test_one_profile_stands_for_all_ranks(self):
        profile = json.loads(kineto(0))
        kept = [event for event in profile["traceEvents"] if event["ph"] == "M"
                or event["cat"] == "kernel" or event["args"]["Process Group Name"] == "0"]
        ids = {event["args"]["External id"] for event in kept if event["ph"] != "M"
               and event["name"] == "record_param_comms"}
        profile["traceEvents"] = [event for event in kept if "nccl" not in event["name"]
                                  or event["args"]["External id"] in ids]
        path = self.file("kineto.json", json.dumps(profile))
        alone = run("simulate", "--trace", path, *FLUID)
        self.assertEqual(alone.status, 2, str(alone))
        self.assertEqual(alone.err.count(b"\n"), 1, str(alone))
        several = run("simulate", "--trace", path, "--ranks", "4", *FLUID)
        self.assertEqual((several.status, several.err), (0, b""), str(several))
        self.assertIn(b"note: one trace stands for 4 ranks: each of its process groups joins them all",
                      several.out)
        self.assertIn(b"4 GPUs", several.out)

    def test_profiles_of_gpus(self):
        place = self.write(kineto, "worker{}.pt.trace.json")
        document = answer("simulate", "--trace", place, *FLUID)
        self.assertEqual(self.sent(document), SENT)
        work = {one["kind"]: one for one in document["graph"]["kinds"]}["FORWARD"]
        # 5 kernels of 100 us a rank, 5 waits of 10 us for the host before the calls.
        self.assertAlmostEqual(work["task_seconds"], RANKS * 5 * (100e-6 + 10e-6), places=9)
        self.assertGreater(document["iteration_seconds"], 550e-6)
        self.assertIn("ranks taken from distributedInfo", document["notes"])

    def test_execution_traces(self):
        place = self.write(execution_trace, "et_rank{}.json")
        document = answer("simulate", "--trace", place, *FLUID)
        self.assertEqual(self.sent(document), SENT)
        self.assertEqual(document["busy"]["mean"], 0)
        self.assertTrue(any("no times" in note for note in document["notes"]))

    def test_both_of_each_rank(self):
        profiles = self.write(kineto, "k{}.json")
        traces = self.write(execution_trace, "et{}.json")
        both = answer("simulate", "--trace", profiles, traces, *FLUID)
        alone = answer("simulate", "--trace", profiles, *FLUID)
        self.assertEqual(both["iteration_seconds"], alone["iteration_seconds"])
        # What a profile cuts, the execution trace has.
        for path in profiles.iterdir():
            path.write_text(path.read_text().replace('"In split size": "[3', '"In split size": "[..., 3'))
        result = run("simulate", "--trace", profiles, *FLUID)
        self.assertEqual((result.status, result.err.count(b"\n")), (2, 1))
        self.assertIn(b"give the execution trace", result.err)
        self.assertEqual(self.sent(answer("simulate", "--trace", profiles, traces, *FLUID)), SENT)

    def test_a_workload_of_aicb(self):
        path = self.folder / "w.txt"
        path.write_text(AICB)
        document = answer("simulate", "--trace", path, *FLUID)
        kinds = {one["kind"]: one for one in document["graph"]["kinds"]}
        self.assertEqual(kinds["ALLREDUCE"]["bytes"], 2 * 4 * 2 * 4096)  # twice, in 4 TP groups
        self.assertEqual(kinds["ALLTOALL"]["bytes"], 4 * 4 * 2 * 4096)  # in 4 EP groups
        self.assertEqual(kinds["REDUCESCATTER"]["bytes"], 4 * 1024)  # in 4 DP_EP groups
        self.assertGreater(document["iteration_seconds"], 380e-6)
        self.assertIn(b"a workload of AICB: 8 GPUs", run("simulate", "--trace", path, *FLUID).out)

    def test_converted_they_take_as_long(self):
        place = self.write(kineto, "k{}.json")
        (self.folder / "w.txt").write_text(AICB)
        for source in (place, self.folder / "w.txt"):
            (self.folder / "t").mkdir()
            direct = answer("simulate", "--trace", source, *FLUID)
            result = run("convert", source, "--gpus-per-server", 2, "--to", "chakra", "--output",
                         self.folder / "t" / "job")
            self.assertEqual((result.status, result.err), (0, b""), str(result))
            again = answer("simulate", "--chakra", self.folder / "t" / "job", *FLUID)
            self.assertEqual(self.sent(again), self.sent(direct))
            self.assertAlmostEqual(again["iteration_seconds"] / direct["iteration_seconds"], 1,
                                   delta=0.02)
            for form in ("flexflow", "dot", "chrome"):
                result = run("convert", source, "--to", form, "--output", self.folder / "out")
                self.assertEqual((result.status, result.err), (0, b""), str(result))
            shutil.rmtree(self.folder / "t")

    def test_a_long_profile_within_a_minute_and_its_own_size(self):
        """A hundred thousand kernels, 40 MB."""
        place = self.write(kineto, "k{}.json")
        first = json.loads((place / "k0.json").read_text())
        kernel = {"ph": "X", "cat": "kernel", "name": "elementwise " + "x" * 200, "pid": 0, "tid": 7,
                  "dur": 2, "args": {"stream": 7, "grid": [1, 2, 3], "block": [128, 1, 1]}}
        first["traceEvents"] += [{**kernel, "ts": 5000 + 3 * i} for i in range(100_000)]
        (place / "k0.json").write_text(json.dumps(first))
        result = run("simulate", "--trace", place, *FLUID, "--json", "-")
        self.assertEqual(result.status, 0, str(result))
        self.assertLess(result.cpu_seconds, 60 * program.SLOWDOWN)
        kinds = {one["kind"]: one for one in json.loads(result.out)["graph"]["kinds"]}
        self.assertGreater(kinds["FORWARD"]["task_seconds"], 0.3)

    def test_what_is_refused(self):
        def refused(said, *paths):
            result = run("simulate", "--trace", *paths, *FLUID)
            self.assertEqual((result.status, result.out), (2, b""), str(result))
            self.assertEqual(result.err.count(b"\n"), 1, str(result))
            self.assertIn(said.encode(), result.err)

        place = self.write(kineto, "k{}.json")
        files = sorted(place.iterdir())
        refused("there is no trace of rank 0", *files[1:])
        refused("give the traces of all ranks", *files[:3])
        refused("is of rank 1, as", *files, self.write(kineto, "again{}.json", [1]))
        refused("no such file or folder", self.folder / "none")
        torn = self.folder / "torn0.json"
        torn.write_text(files[0].read_text()[:700])
        refused("JSON ends too early", torn)
        packed = self.folder / "k0.json.gz"
        packed.write_bytes(b"\x1f\x8b\x08\x00")
        refused("is compressed; unpack it", packed)
        wrong = self.folder / "w.txt"
        wrong.write_text(AICB.replace("ALLTOALL_EP", "ALLTOALL_XP", 1))
        refused("w.txt:4 (column 4): 'ALLTOALL_XP'", wrong)
        result = run("simulate", "--trace", place, "--fabric", "fat-tree", "--chakra", "x")
        self.assertEqual(result.status, 2)
        self.assertIn(b"does not go with", result.err)


if __name__ == "__main__":
    program.main()
