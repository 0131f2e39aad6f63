"""Chakra traces through the program: written by `mixnet convert`, executed by `mixnet simulate`."""

import json
import time

import program
from program import ProgramTest, SLOWDOWN, run

FAST = ["--bandwidth", "400Gbps", "--fidelity", "fluid", "--paths", "spray"]


def small(gpus=32, tp=4, pp=1, layers=2, batch=128):
    """A few layers of Mixtral 8x7B; by default on four servers, which are one region."""
    return ["--model", "mixtral-8x7b", "--gpus", gpus, "--tp", tp, "--pp", pp, "--ep", 8,
            "--layers", layers, "--global-batch-size", batch]


SMALL = small()


def messages(data):
    """The length-delimited messages of a file."""
    at, found = 0, []
    while at < len(data):
        size = shift = 0
        while True:
            byte = data[at]
            at += 1
            size |= (byte & 0x7f) << shift
            shift += 7
            if byte < 0x80:
                break
        found.append(data[at:at + size])
        at += size
    return found


def schema():
    """Classes of the messages, made by Google's protobuf from the schema's field numbers."""
    from google.protobuf import descriptor_pb2, descriptor_pool
    try:
        from google.protobuf.message_factory import GetMessageClass as class_of
    except ImportError:
        from google.protobuf.message_factory import MessageFactory
        class_of = MessageFactory().GetPrototype
    file = descriptor_pb2.FileDescriptorProto(name="chakra.proto", package="c", syntax="proto3")
    kinds = descriptor_pb2.FieldDescriptorProto
    numbers = {"int32": kinds.TYPE_INT32, "int64": kinds.TYPE_INT64, "uint64": kinds.TYPE_UINT64,
               "bool": kinds.TYPE_BOOL, "string": kinds.TYPE_STRING, "double": kinds.TYPE_DOUBLE}

    def message(name, *fields, oneof=()):
        one = file.message_type.add(name=name)
        if oneof:
            one.oneof_decl.add(name="value")
        for field, number, kind, *repeated in (*fields, *oneof):
            entry = one.field.add(name=field, number=number)
            if len(one.field) > len(fields):
                entry.oneof_index = 0
            entry.label = kinds.LABEL_REPEATED if repeated else kinds.LABEL_OPTIONAL
            if kind in numbers:
                entry.type = numbers[kind]
            else:
                entry.type, entry.type_name = kinds.TYPE_MESSAGE, ".c." + kind

    message("Int64List", ("values", 1, "int64", True))
    message("Uint64List", ("values", 1, "uint64", True))
    message("Attribute", ("name", 1, "string"),
            oneof=[("int32_val", 7, "int32"), ("int64_val", 9, "int64"),
                   ("int64_list", 10, "Int64List"), ("uint64_val", 13, "uint64"),
                   ("uint64_list", 14, "Uint64List"), ("bool_val", 27, "bool"),
                   ("string_val", 29, "string")])
    message("GlobalMetadata", ("version", 1, "string"), ("attr", 2, "Attribute", True))
    message("Node", ("id", 1, "uint64"), ("name", 2, "string"), ("type", 3, "int32"),
            ("ctrl_deps", 4, "uint64", True), ("data_deps", 5, "uint64", True),
            ("start_time_micros", 6, "uint64"), ("duration_micros", 7, "uint64"),
            ("attr", 10, "Attribute", True))
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {name: class_of(pool.FindMessageTypeByName("c." + name))
            for name in ("GlobalMetadata", "Node")}


class ChakraTest(ProgramTest):
    def convert(self, *words):
        result = run("convert", *words)
        self.assertEqual((result.status, result.err), (0, b""), str(result))
        return result.out.decode()

    def simulate(self, *words):
        result = run("simulate", *words, "--json", "-")
        self.assertEqual((result.status, result.err), (0, b""), str(result))
        return json.loads(result.out)

    def files(self, folder):
        return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}

    def test_an_iteration_is_written_and_executed(self):
        said = self.convert(*SMALL, "--to", "chakra", "--output", self.folder / "m")
        self.assertIn("m.0.et to ", said)
        self.assertIn("m.31.et", said)
        self.assertEqual(len(list(self.folder.glob("m.*.et"))), 32)
        groups = json.loads((self.folder / "m.comm_groups.json").read_text())
        self.assertIn([0, 1, 2, 3], groups.values())  # a TP group
        self.assertIn(list(range(0, 32, 4)), groups.values())  # an EP group
        self.convert(*SMALL, "--to", "flexflow", "--output", self.folder / "m.fbuf")
        for fabric in ("fat-tree", "mixnet"):
            words = ["--fabric", fabric, *FAST]
            traces = self.simulate("--chakra", self.folder / "m", *words)
            self.assertEqual(traces["graph"]["era"], "mixnet")
            self.assertEqual(traces["hosts"], 32)
            self.assertIsNone(traces["routing"])
            graph = self.simulate("--task-graph", self.folder / "m.fbuf", "--routing", "dynamic",
                                  *words)
            # FlexFlow's file leaves to the routing what each pair sends, and has an expert a rank.
            self.assertAlmostEqual(graph["iteration_seconds"] / traces["iteration_seconds"], 1,
                                   delta=0.05)

    def test_takes_as_long_as_compare_says(self):
        """The whole model, on a plan that has everything: tp, pp, ep and dp."""
        plan = ["--model", "mixtral-8x7b", "--gpus", "128", "--global-batch-size", "512"]
        self.convert(*plan, "--to", "chakra", "--output", self.folder / "m")
        for fabric in ("fat-tree", "rail-optimized", "mixnet"):
            executed = self.simulate("--chakra", self.folder / "m", "--fabric", fabric, *FAST)
            one = program.compare(*plan, "--fabric", fabric, "--ep-nics", "own", "--paper")
            closed = one[(fabric, 400)]["iteration_seconds"]
            self.assertAlmostEqual(executed["iteration_seconds"] / closed, 1, delta=0.03)

    def test_write_read_write(self):
        folders = [self.folder / name for name in "abc"]
        for folder in folders:
            folder.mkdir()
        sources = [small(gpus=64, pp=2)]
        sources += [[program.graph("100dlrm_16")], [program.graph("moe64_1L_mb2")]]
        for source in sources:
            self.convert(*source, "--to", "chakra", "--output", folders[0] / "m")
            for one, other in zip(folders, folders[1:]):
                self.convert(one / "m", "--to", "chakra", "--output", other / "m")
            self.assertEqual(self.files(folders[0]), self.files(folders[1]))
            self.assertEqual(self.files(folders[1]), self.files(folders[2]))
            for folder in folders:
                for path in folder.iterdir():
                    path.unlink()

    def test_same_bytes_again_and_other_bytes_for_another_seed(self):
        texts = []
        for seed in ("1", "1", "2"):
            self.convert(*SMALL, "--seed", seed, "--to", "chakra", "--output", self.folder / "m")
            texts.append(self.files(self.folder))
        self.assertEqual(texts[0], texts[1])
        self.assertNotEqual(texts[0], texts[2])

    def test_a_graph_of_flexflow_takes_as_long_in_traces(self):
        for name, gpus in (("100dlrm_16", 1), ("100transformer_32", 1), ("moe64_1L_16MB", 8)):
            self.convert(program.graph(name), "--to", "chakra", "--output", self.folder / name)
            # Sprayed: hashes of tasks that are numbered otherwise are other draws.
            words = ["--fabric", "fat-tree", "--fidelity", "fluid", "--paths", "spray"]
            traces = self.simulate("--chakra", self.folder / name, "--gpus-per-server", gpus, *words)
            graph = self.simulate("--task-graph", program.graph(name), *words)
            self.assertAlmostEqual(traces["iteration_seconds"] / graph["iteration_seconds"], 1,
                                   delta=0.02)

    def test_a_large_job_is_written_within_a_minute(self):
        begin = time.monotonic()
        result = run("convert", "--model", "mixtral-8x7b", "--to", "chakra", "--output",
                     self.folder / "m")
        self.assertEqual(result.status, 0, str(result))
        self.assertEqual(len(list(self.folder.glob("m.*.et"))), 1024)
        self.assertLess(result.cpu_seconds, 60 * SLOWDOWN)
        self.assertLess(time.monotonic() - begin, 240 * SLOWDOWN)

    def test_protobuf_reads_the_same(self):
        try:
            classes = schema()
        except ImportError as absent:
            self.skipTest(f"python3-protobuf is absent: {absent}")
        self.convert(*SMALL, "--to", "chakra", "--output", self.folder / "m")
        parts = messages((self.folder / "m.5.et").read_bytes())
        self.assertEqual(classes["GlobalMetadata"].FromString(parts[0]).version, "0.0.4")
        nodes = [classes["Node"].FromString(part) for part in parts[1:]]
        for part, node in zip(parts[1:], nodes):
            self.assertEqual(node.SerializeToString(deterministic=True), part)
        attributes = {(node.name, one.name): one for node in nodes for one in node.attr}
        name = "ALLTOALL GROUP_BY forward all2all, layer 1, micro-batch 1"
        self.assertEqual(attributes[name, "comm_type"].int64_val, 6)
        splits = attributes[name, "comm_splits"]
        sent = sum(splits.int64_list.values) + sum(splits.uint64_list.values)
        # Every rank sends 8 sequences of 4096 tokens to two experts, a TP rank a quarter.
        self.assertAlmostEqual(sent, 8 * 4096 * 2 * 4096 * 2 / 4, delta=64)
        self.assertFalse(attributes[name, "is_cpu_op"].bool_val)
        works = [node for node in nodes if node.type == 4]
        self.assertEqual({node.name.split(",")[0] for node in works},
                         {f"{way} {what}" for way in ("FORWARD", "BACKWARD")
                          for what in ("attention", "gate", "experts", "head")}
                         | {"UPDATE optimizer"})
        self.assertTrue(all(node.duration_micros > 0 for node in works))

    def test_traces_of_others_are_read(self):
        try:
            classes = schema()
        except ImportError as absent:
            self.skipTest(f"python3-protobuf is absent: {absent}")
        for rank in range(2):
            data = b""

            def put(message):
                nonlocal data
                part = message.SerializeToString()
                self.assertLess(len(part), 128)
                data += bytes([len(part)]) + part

            put(classes["GlobalMetadata"](version="0.0.4"))
            put(classes["Node"](id=7, name="aten::mm", type=4, duration_micros=4000))
            put(classes["Node"](id=9, name="nccl", type=7, data_deps=[7], attr=[
                {"name": "is_cpu_op", "bool_val": False},
                {"name": "comm_type", "int64_val": 0},
                {"name": "comm_size", "uint64_val": 50_000_000}]))
            self.file(f"other.{rank}.et", data)
        answer = self.simulate("--chakra", self.folder / "other", "--gpus-per-server", "1",
                               "--fabric", "ideal", "--fidelity", "fluid", "--latency", "0us")
        # 25 MB each way, twice, at 12.5 GB/s.
        self.assertAlmostEqual(answer["iteration_seconds"], 4e-3 + 4e-3, delta=1e-8)

    def test_as_pytorchs_converter_writes_them(self):
        """Call stacks as control dependencies, of nodes that are not there and of the node itself,
        and collectives of the CPU's side without a type: one trace, which stands for four ranks."""
        try:
            classes = schema()
        except ImportError as absent:
            self.skipTest(f"python3-protobuf is absent: {absent}")
        cpu = {"name": "is_cpu_op", "bool_val": True}
        nodes = [
            classes["Node"](id=2, name="aten::mm", type=4, duration_micros=1000, ctrl_deps=[1, 2],
                            attr=[cpu]),
            classes["Node"](id=5, name="c10d::allreduce_", type=7, duration_micros=500, data_deps=[2],
                            ctrl_deps=[2], attr=[cpu]),
            classes["Node"](id=9, name="ncclDevKernel_AllReduce", type=7, data_deps=[5],
                            ctrl_deps=[5], attr=[{"name": "is_cpu_op", "bool_val": False},
                                                 {"name": "comm_type", "int64_val": 0},
                                                 {"name": "comm_size", "int64_val": 50_000_000},
                                                 {"name": "pg_name", "string_val": "0"}])]
        data = b""
        for message in (classes["GlobalMetadata"](version="0.0.4"), *nodes):
            part = message.SerializeToString()
            data += bytes([len(part) & 0x7f | 0x80, len(part) >> 7]) + part
        trace = self.file("chakra.0.et", data)
        words = ["--gpus-per-server", "1", "--fabric", "ideal", "--fidelity", "fluid", "--latency",
                 "0us"]
        alone = run("simulate", "--chakra", trace, *words)
        self.assertEqual(alone.status, 2, str(alone))
        self.assertIn(b"--ranks N", alone.err)
        answer = self.simulate("--chakra", trace, "--ranks", "4", *words)
        # 75 MB at 12.5 GB/s, after 1.5 ms.
        self.assertAlmostEqual(answer["iteration_seconds"], 1.5e-3 + 6e-3, delta=1e-7)
        said = run("simulate", "--chakra", trace, "--ranks", "4", *words).out.decode()
        self.assertIn("note: 8 dependencies name no other node", said)
        self.assertIn("note: 4 collectives without a comm_type are work of the CPU", said)

    def test_a_folder_a_file_and_json(self):
        folder = self.folder / "traces"
        self.convert(*SMALL, "--to", "chakra", "--output", folder / "m")
        words = ["--fabric", "ideal", *FAST]
        answers = [self.simulate(flag, given, *words) for flag in ("--chakra", "--trace")
                   for given in (folder / "m", folder)]
        for one in answers:
            del one["wall_seconds"]
        self.assertEqual(answers, answers[:1] * 4)
        self.convert(folder, "--to", "dot", "--output", self.folder / "m.dot")
        one = run("simulate", "--chakra", folder / "m.3.et", *words)
        self.assertEqual(one.status, 2, str(one))
        node = {"name": "mm", "type": "COMP_NODE", "durationMicros": "4000"}
        trace = self.file("j.json", json.dumps({"version": "0.0.4"}) + "\n" + json.dumps(node))
        answer = self.simulate("--chakra", trace, "--fabric", "ideal", "--fidelity", "fluid")
        self.assertAlmostEqual(answer["iteration_seconds"], 4e-3, delta=1e-9)

    def test_damaged_traces(self):
        self.convert(*small(layers=1), "--to", "chakra", "--output", self.folder / "m")
        victim = self.folder / "m.3.et"
        good = victim.read_bytes()
        cases = [good[:size] for size in (0, 1, 7, 64, len(good) // 2, len(good) - 1)]
        for at in range(0, len(good), 173):
            cases.append(good[:at] + bytes([good[at] ^ 0xff]) + good[at + 1:])
            cases.append(good[:at] + bytes([good[at] ^ 0x04]) + good[at + 1:])
        def execute():
            return run("simulate", "--chakra", self.folder / "m", "--fabric", "ideal", "--fidelity",
                       "fluid", timeout=60)

        def answer(result):
            return result.out.partition(b"simulated in")[0]

        undamaged = answer(execute())
        noticed = 0
        for case in cases:
            victim.write_bytes(case)
            result = execute()
            self.assertIn(result.status, (0, 2), str(result))
            # Or of no effect: a letter of a name, the order for others' simulators.
            noticed += (result.status == 2 or b"passed over" in result.out
                        or answer(result) == undamaged)
            if result.status == 2:
                self.assertEqual(result.out, b"")
                self.assertEqual(result.err.count(b"\n"), 1, str(result))
                self.assertTrue(result.err.startswith(b"mixnet: "), str(result))
        self.assertGreaterEqual(noticed, len(cases) * 4 // 5)

    def test_bad_flags(self):
        def refused(words, *said):
            result = run(*words)
            self.assertEqual((result.status, result.out), (2, b""), str(result))
            self.assertEqual(result.err.count(b"\n"), 1)
            for text in said:
                self.assertIn(text, result.err.decode())

        prefix = self.folder / "m"
        to = ["--to", "chakra", "--output", prefix]
        refused(["convert", *SMALL, "--to", "chakra"], "--output", "is required")
        refused(["convert", *small(layers=99), *to], "--layers", "give 1 to 32")
        refused(["convert", *small(tp=3), *to], "tp")
        refused(["convert", "x.fbuf", *SMALL, *to], "names a graph and a model")
        refused(["convert", *small(batch=8_000_000), *to], "million tasks")
        refused(["convert", *SMALL, "--to", "chakra", "--output", self.file("none", "") / "m"],
                "none/m.0.et: cannot be written")
        refused(["convert", *SMALL, *to, "--all-to-alls", "message"], "--all-to-alls", "messages")
        refused(["convert", *SMALL, *to, "--ranks", "2"], "--ranks", "one rank's trace")
        refused(["simulate", "--chakra", prefix, "--fabric", "ideal"], "m.0.et: no such file")
        refused(["simulate", "--chakra", prefix, "--task-graph", "x", "--fabric", "ideal"],
                "--chakra", "does not go with --task-graph")
        self.assertEqual(list(self.folder.glob("m.*")), [])
        self.convert(*SMALL, *to)
        refused(["convert", *SMALL, "--gpus-per-server", "0", *to], "--gpus-per-server")
        (self.folder / "m.4.et").unlink()
        refused(["simulate", "--chakra", prefix, "--fabric", "ideal"], "m.4.et: is missing")
        refused(["simulate", "--chakra", prefix, "--fabric", "ideal", "--gpus-per-server", "0"],
                "--gpus-per-server")


if __name__ == "__main__":
    program.main()
