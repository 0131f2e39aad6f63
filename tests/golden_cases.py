"""The command lines of golden_test.py: every command of `mixnet`, in every format it answers in.

A case is one command or several, which run one after the other in one empty folder that holds the
case's own input files. Cases of `all_only` take long, or inputs that are not in the repository.
"""

import dataclasses
import json
import os
import pathlib
import random

from program import DATA

SHARED = pathlib.Path(os.environ.get("MIXNET_SHARED_DATA_DIR", DATA.parent.parent / "shared" / "data"))
STUDIES = DATA.parent / "studies"
COMMANDS = ["compare", "compute", "convert", "cost", "fabrics", "flows", "gpus", "models", "plan", "predict",
            "report", "reproduce", "simulate", "sweep", "validate"]
FABRICS = ["fat-tree", "oversub-fat-tree", "rail-optimized", "topoopt", "mixnet", "ideal"]
MODELS = sorted(path.stem for path in (DATA / "models").glob("*.json"))
GPUS = [one["name"] for one in json.loads((DATA / "gpus.json").read_text(encoding="utf-8"))["gpus"]]
POLICIES = ["block", "reuse", "copilot", "oracle", "hitless", "hidden"]
ALLOCATORS = ["greedy", "refined", "exact"]


@dataclasses.dataclass
class Case:
    name: str  # COMMAND/WHAT, as its file in golden/ is called
    commands: list  # command lines after `mixnet`, blanks between words
    files: dict  # input files by name: text, bytes, or the path of a file to copy
    all_only: bool = False


CASES = []


def case(name, *commands, all_only=False, **files):
    """Keywords of `files` are names with `__` for the dot: x__csv is x.csv."""
    files = {key.replace("__", "."): content for key, content in files.items()}
    CASES.append(Case(name, list(commands), files, all_only))


# Inputs.

PRODUCTION = DATA / "routing" / "production_mixtral_8x7b.csv"
PUBLISHED = "model,bandwidth_gbps,fat_tree,mixnet,topoopt\n" \
            "llama-moe,100,3.9,5.0,6.1\nllama-moe,400,1.3,1.6,2.2\n"


def config(name, **changes):
    """The config.json of a model with keys changed (None: left out) and nothing of ours in it."""
    keys = json.loads((DATA / "models" / f"{name}.json").read_text(encoding="utf-8"))
    keys = {**keys, "mixnet": None, **changes}
    return json.dumps({key: value for key, value in keys.items() if value is not None}, indent=1)


def matrix(size, seed, scale, separator=",", empty=0.2):
    """Whole numbers, some of them 0; the diagonal, too."""
    numbers = random.Random(seed)
    rows = [[0 if a == b or numbers.random() < empty else numbers.randrange(1, scale)
             for b in range(size)] for a in range(size)]
    return "".join(separator.join(map(str, row)) + "\n" for row in rows)


def trace(tokens, layers, experts, top_k=2, seed=5):
    """Choices of a gate that prefers low numbers."""
    numbers = random.Random(seed)
    lines = [",".join(["sequence", "token", "layer", *(f"expert{k}" for k in range(top_k))])]
    for sequence in range(3):
        for token in range(tokens):
            for layer in range(layers):
                order = sorted(range(experts), key=lambda e: numbers.random() * (2 + e))
                lines.append(",".join(map(str, [sequence, token, layer, *order[:top_k]])))
    return "\n".join(lines) + "\n"


def permutation(hosts, size):
    """A connection matrix in which every host sends to one other."""
    order = list(range(hosts))
    random.Random(1).shuffle(order)
    pairs = zip(order, order[1:] + order[:1])
    lines = [f"{a}->{b} id {i + 1} start {i * 1000} size {size}" for i, (a, b) in enumerate(pairs)]
    return "\n".join([f"Nodes {hosts}", f"Connections {hosts}", *lines, ""])


# What tells: about the program itself, the hardware and models that it knows.

case("help/program", "--help")
for command in COMMANDS:
    case(f"help/{command}", f"{command} --help")
case("help/simulate-ways", "simulate --help --model x", "simulate --help --task-graph x",
     "simulate --help --chakra x")

for command in ("models", "gpus", "fabrics"):
    case(f"{command}/text", command)
    case(f"{command}/json", f"{command} --json -")
    case(f"{command}/file", f"{command} --json out.json")
case("models/named", "models mixtral-8x7b deepseek-v3", "models qwen-moe --json -")
case("models/config", "models my.json", "models my.json mixtral-8x7b --json -",
     my__json=config("mixtral-8x7b", num_hidden_layers=7, num_local_experts=16))

# Prices.

case("cost/text", "cost")
case("cost/json", "cost --json -")
case("cost/csv", "cost --csv -")
case("cost/files", "cost --servers 16 --json cost.json --csv cost.csv")
case("cost/chosen", "cost --servers 37 --bandwidth 800Gbps,100Gbps --fabric mixnet,fat-tree")
for link in ("optics", "dac", "aoc"):
    case(f"cost/{link}", f"cost --server-link {link} --bandwidth 400Gbps",
         f"cost --server-link {link} --servers 11 --csv -")
case("cost/shape", "cost --nics-per-server 4 --gpus-per-server 4 --eps-nics 1 --oversubscription 2.5",
     "cost --eps-nics 8", "cost --eps-nics 0 --fabric mixnet --json -")
case("cost/prices", "cost --prices own.csv", "cost --prices own.csv --server-link dac --json -",
     own__csv="bandwidth_gbps,transceiver,nic,eps_port,ocs_port,patch_panel_port,dac\n"
              "400,500,1000,900,300,80,200\n1600,2000,4000.5,3600,600,80,800\n")

# Circuits for a demand.

for allocator in ALLOCATORS:
    case(f"plan/{allocator}", f"plan --demand demand.csv --allocator {allocator}",
         f"plan --demand demand.csv --allocator {allocator} --json -", demand__csv=PRODUCTION)
for degree in (1, 2, 3, 4, 5, 7, 12):
    case(f"plan/degree-{degree}", f"plan --demand demand.csv --degree {degree}",
         f"plan --demand demand.csv --degree {degree} --allocator refined --json -",
         demand__csv=PRODUCTION)
case("plan/nics", "plan --demand demand.csv --eps-nics 0 --degree 2",
     "plan --demand demand.csv --eps-nics 0 --degree 2 --json -",
     "plan --demand demand.csv --eps-nics 5 --bandwidth 100Gbps --degree 3 --numa 0,1,0",
     "plan --demand demand.csv --numa 2,2,1,1,0,0 --json plan.json", demand__csv=PRODUCTION)
case("plan/sparse", "plan --demand demand.csv", "plan --demand demand.csv --allocator refined",
     "plan --demand demand.csv --allocator exact --json -",
     demand__csv="# three servers\n0,400000,100000\n\n250000,0,50000\n1e5,75000.0,0\n")
case("plan/nothing", "plan --demand demand.csv", "plan --demand demand.csv --json -",
     demand__csv="0,0\n0,0\n")
case("plan/medium", "plan --demand demand.csv", "plan --demand demand.csv --allocator refined",
     "plan --demand demand.csv --allocator refined --budget 200 --json -",
     demand__csv=matrix(20, 2, 1_000_000))
case("plan/small-exact", "plan --demand demand.csv --degree 3 --allocator exact",
     demand__csv=matrix(6, 3, 1_000_000))
case("plan/large", "plan --demand demand.csv --json -", demand__csv=matrix(128, 4, 50_000_000))
case("plan/large-refined", "plan --demand demand.csv --allocator refined --json -",
     demand__csv=matrix(64, 5, 50_000_000))

# What gates will decide.

for routing in ("uniform", "measured", "dynamic"):
    case(f"predict/{routing}", f"predict --routing {routing} --iterations 22 --json out.json")
# Larger regions take the exact allocator longer than it is given.
for allocator, ranks in (("greedy", 8), ("refined", 8), ("exact", 2)):
    case(f"predict/{allocator}",
         f"predict --routing dynamic --model my.json --ep {ranks} --iterations 22 --allocator {allocator}"
         " --json out.json", my__json=config("mixtral-8x7b", num_hidden_layers=6))
case("predict/matrix", "predict --routing matrix:demand.csv --iterations 23 --ep 8 --model my.json",
     demand__csv=matrix(8, 6, 1000), my__json=config("mixtral-8x7b", num_hidden_layers=6))
case("predict/trace", "predict --routing trace:trace.csv",
     "predict --routing trace:trace.csv --tokens 4 --ep 4 --json -", trace__csv=trace(60, 4, 8))
case("predict/flags",
     "predict --routing dynamic --iterations 30 --warm-up 5 --window 4 --seed 9 --model my.json",
     my__json=config("mixtral-8x7b", num_hidden_layers=6))

# Iterations, compared.

JOB = "compare --model mixtral-8x7b --gpus 256"
case("compare/default", "compare --model mixtral-8x7b")
case("compare/speeds", f"{JOB} --bandwidth 100Gbps,200Gbps,400Gbps,800Gbps",
     f"{JOB} --bandwidth 100Gbps,200Gbps,400Gbps,800Gbps --json -",
     f"{JOB} --bandwidth 100Gbps,200Gbps,400Gbps,800Gbps --csv -")
case("compare/files", f"{JOB} --json out.json --csv out.csv")
GPUS_OF = {"deepseek-r1": 1024, "deepseek-v3": 1024, "kimi-k2": 1024, "mixtral-8x22b": 512,
           "qwen3-235b-a22b": 512}
for model in MODELS:
    case(f"compare/model-{model}",
         f"compare --model {model} --gpus {GPUS_OF.get(model, 256)} --bandwidth 200Gbps --json out.json",
         all_only=GPUS_OF.get(model, 0) >= 1024)
for gpu in GPUS:
    case(f"compare/gpu-{gpu}", f"{JOB} --gpu {gpu} --fabric mixnet,fat-tree --json -")
case("compare/config", "compare --model my.json --gpus 64 --tp 2 --pp 2 --ep 8",
     "compare --model my.json --gpus 64 --tp 2 --pp 2 --ep 8 --json -",
     my__json=config("mixtral-8x7b", num_hidden_layers=6))
case("compare/plan",
     f"{JOB} --tp 8 --pp 2 --ep 4 --micro-batch-size 2 --global-batch-size 64 --seq-length 2048",
     f"{JOB} --tp 1 --pp 4 --ep 8 --micro-batch-size 1 --json -",
     f"{JOB} --gpus-per-server 4 --nics-per-server 2 --fabric mixnet,rail-optimized --csv -")
for routing in ("uniform", "measured", "dynamic", "matrix:demand.csv", "trace:trace.csv"):
    case(f"compare/routing-{routing.split(':', maxsplit=1)[0]}", f"{JOB} --routing {routing}",
         f"{JOB} --routing {routing} --seed 3 --json -",
         demand__csv=matrix(8, 7, 1000, empty=0), trace__csv=trace(16, 6, 8))
MIXNET = "compare --model mixtral-8x22b --gpus 512 --fabric mixnet --global-batch-size 64"
for policy in POLICIES:
    for allocator in ("greedy", "refined"):
        for split in ("circuits-first", "balanced"):
            case(f"compare/{policy}-{allocator}-{split}",
                 f"{MIXNET} --reconfiguration {policy} --allocator {allocator} --ep-split {split}",
                 f"{MIXNET} --reconfiguration {policy} --allocator {allocator} --ep-split {split}"
                 " --reconfiguration-delay 1ms --bandwidth 100Gbps --json -")
    case(f"compare/{policy}-exact",
         f"compare --model my.json --gpus 64 --tp 4 --pp 2 --ep 8 --fabric mixnet --allocator exact"
         f" --reconfiguration {policy} --json -", my__json=config("mixtral-8x7b", num_hidden_layers=4))
    case(f"compare/{policy}-many-regions",
         f"compare --model qwen-moe --gpus 128 --fabric mixnet --reconfiguration {policy} --json -",
         f"compare --model llama-moe --gpus 128 --fabric mixnet --reconfiguration {policy}"
         " --reconfiguration-delay 10us")
case("compare/degree", *(f"{JOB} --fabric mixnet --degree {degree} --json -" for degree in (1, 4, 7)))
case("compare/oversubscription", f"{JOB} --fabric oversub-fat-tree --oversubscription 1.5",
     f"{JOB} --fabric oversub-fat-tree --oversubscription 8 --json -")
HASHED = "compare --model mixtral-8x7b --gpus 128 --fabric fat-tree,oversub-fat-tree,rail-optimized"
case("compare/ecmp", f"{HASHED} --paths ecmp", f"{HASHED} --paths ecmp --flows-per-pair 4 --json -",
     f"{HASHED} --ep-nics own --json -", f"{HASHED} --ep-nics own --paths ecmp")
case("compare/overlap", f"{JOB} --ep-steps sequential --json -", f"{JOB} --schedule eager-1f1b --json -",
     f"{JOB} --dp-overlap off --json -", f"{JOB} --tp-collective all-reduce --json -",
     f"{JOB} --gradient-bytes 2 --json -")
case("compare/compute", f"{JOB} --compute-scale 0.5", f"{JOB} --precision fp8 --json -",
     f"{JOB} --layer-wait 2ms --json -", f"{JOB} --profile profile.json --json -",
     profile__json=json.dumps({"operations": {
         "attention": {"forward": "4.1ms", "backward": "9.0ms"},
         "experts": {"forward": "5.2ms", "backward": "10.4ms"},
         "optimizer": {"forward": "18ms"}}}))
case("compare/prices", f"{JOB} --server-link dac", f"{JOB} --server-link aoc --json -",
     f"{JOB} --prices own.csv",
     own__csv="bandwidth_gbps,transceiver,nic,eps_port,ocs_port,patch_panel_port\n"
              "400,500,1000,900,300,80\n")
DOMAINS = "compare --model deepseek-v3 --gpus 2048 --pp 16 --ep 128 --fabric nvl72,mixnet-optical-io"
case("compare/domains", f"{DOMAINS} --bandwidth 800Gbps,1.6Tbps --routing uniform",
     f"{DOMAINS} --bandwidth 800Gbps --routing measured --json -",
     f"{DOMAINS} --bandwidth 800Gbps --routing uniform --csv -")
case("compare/domains-parts",
     f"{DOMAINS} --bandwidth 800Gbps --routing uniform --gpu b200 --gpu-bandwidth 8Tbps --optical-io"
     " 2.4Tbps --optical-lanes 8 --json -",
     f"{DOMAINS},ideal --bandwidth 400Gbps --routing uniform --reconfiguration hitless --json -",
     f"{DOMAINS},fat-tree --bandwidth 800Gbps --routing uniform --ep-nics own --ep-split balanced")
FAIL = "compare --model mixtral-8x22b --gpus 512 --global-batch-size 64 --fabric fat-tree,mixnet"
for name, parts in (("nic-optical", "nic:3.1"), ("nic-electrical", "nic:3.7"), ("link", "link:3.1"),
                    ("nics", "nic:3.6,nic:3.7"), ("tor-up", "link:tor-up.5"), ("gpu", "gpu:9"),
                    ("server", "server:3"), ("later", "server:3@1s,nic:7.2@500ms")):
    case(f"compare/fail-{name}", f"{FAIL} --fail {parts}",
         f"{FAIL} --fail {parts} --allocator refined --ep-split balanced --json -")
case("compare/fail-elsewhere",
     "compare --model mixtral-8x22b --gpus 512 --global-batch-size 64 --fabric mixnet --fail ocs:0",
     "compare --model mixtral-8x7b --gpus 256 --fabric rail-optimized,topoopt --fail nic:3.1 --json -",
     "compare --model mixtral-8x7b --gpus 256 --fabric rail-optimized --fail link:leaf-up.2 --json -",
     "compare --model mixtral-8x7b --gpus 256 --fabric oversub-fat-tree --paths ecmp --fail"
     " link:core-up.3 --csv -")
case("compare/fail-spares", f"{FAIL} --fail server:3 --backup region --json -",
     f"{FAIL} --fail server:3 --spare-nics 2 --json -",
     f"{FAIL} --fail server:3@1s --outage 3s --reconfiguration hitless")
case("compare/fail-domains", f"{DOMAINS} --bandwidth 800Gbps --routing uniform --fail nic:1.5 --json -",
     f"{DOMAINS} --bandwidth 800Gbps --routing uniform --fail ocs:1".replace("nvl72,", ""))

# The same in packets: one region, two narrow layers, two micro-batches.
TINY = config("mixtral-8x22b", num_hidden_layers=2, hidden_size=1024, intermediate_size=2048,
              num_attention_heads=16, num_key_value_heads=8)
PACKETS = ("compare --model my.json --gpus 64 --tp 8 --pp 1 --ep 8 --micro-batch-size 1 "
           "--global-batch-size 16 --seq-length 128 --bandwidth 400Gbps")
for fabric in FABRICS:
    case(f"compare/packet-{fabric}", f"{PACKETS} --fabric {fabric} --fidelity packet --json out.json",
         my__json=TINY)
    case(f"compare/auto-{fabric}", f"{PACKETS} --fabric {fabric} --fidelity auto --json out.json",
         my__json=TINY)
case("compare/shortcuts",
     f"{PACKETS} --fabric fat-tree,mixnet --fidelity packet --shortcuts none --json -",
     f"{PACKETS} --fabric fat-tree,mixnet --fidelity auto --shortcuts steady --json -",
     f"{PACKETS} --fabric fat-tree,mixnet --fidelity auto --shortcuts reuse,fluid --csv -",
     f"{PACKETS} --fabric fat-tree,mixnet --fidelity auto --packet-budget 1 --json -", my__json=TINY)
case("compare/transports",
     f"{PACKETS} --fabric fat-tree,mixnet --fidelity auto --transport dcqcn --json -",
     f"{PACKETS} --fabric fat-tree,mixnet --fidelity auto --transport dctcp --mtu 1500 --header 100"
     " --ack-bytes 80 --json -",
     f"{PACKETS} --fabric fat-tree,mixnet --fidelity auto --free-acks --queue 500kB --ecn-threshold"
     " 50kB --initial-window 4 --time-out 2ms --json -",
     f"{PACKETS} --fabric fat-tree,oversub-fat-tree --fidelity auto --paths ecmp --json -",
     my__json=TINY)
case("compare/packet-policies", *(f"{PACKETS} --fabric mixnet --fidelity auto --reconfiguration"
                                  f" {policy} --ep-split balanced --json -" for policy in POLICIES),
     my__json=TINY)
case("compare/auto-whole", "compare --model mixtral-8x7b --gpus 128 --bandwidth 400Gbps --routing "
     "measured --fidelity auto --fabric fat-tree,mixnet")

# One iteration, and what happens when.

SIMULATE = "simulate --model mixtral-8x7b --gpus 256 --global-batch-size 256"
for fabric in FABRICS:
    case(f"simulate/model-{fabric}", f"{SIMULATE} --fabric {fabric}",
         f"{SIMULATE} --fabric {fabric} --json -")
case("simulate/model-timeline", f"{SIMULATE} --fabric mixnet --timeline timeline.json",
     f"{SIMULATE} --fabric mixnet --timeline - --timeline-regions 1",
     f"{SIMULATE} --fabric fat-tree --timeline timeline.json --timeline-regions 2 --json out.json")
for policy in POLICIES:
    case(f"simulate/timeline-{policy}",
         f"{SIMULATE} --fabric mixnet --reconfiguration {policy} --timeline timeline.json")
case("simulate/timeline-failure",
     f"{SIMULATE} --fabric mixnet --fail nic:3.1,server:5@100ms --timeline timeline.json")
case("simulate/aicb", "simulate --trace w.txt --fabric mixnet --degree 6 --fidelity fluid",
     "simulate --trace w.txt --fabric fat-tree --gpus-per-server 4 --json -",
     "convert w.txt --to dot --gpus-per-server 4",
     w__txt="HYBRID_TRANSFORMER_FWD_IN_BCKWD model_parallel_NPU_group: 2 ep: 4 pp: 1 vpp: 1 ga: 1 "
            "all_gpus: 16 checkpoints: 0 checkpoint_initiates: 0 pp_comm: 0\n3\n"
            "attention -1 50000 ALLREDUCE 4096 60000 ALLREDUCE 4096 1 NONE 0 100\n"
            "experts -1 1 ALLTOALL_EP 8192 1 ALLTOALL_EP 8192 1 NONE 0 100\n"
            "experts -1 90000 ALLTOALL_EP 8192 180000 ALLTOALL_EP 8192 1 REDUCESCATTER_DP_EP 1024 1\n")
case("simulate/domains", "simulate --model deepseek-v3 --gpus 1024 --pp 8 --ep 128 --fabric "
     "mixnet-optical-io --bandwidth 800Gbps --routing uniform --global-batch-size 2048"
     " --timeline timeline.json")

# Task graphs and traces: made here, converted, executed.

GRAPH = ("convert --model mixtral-8x7b --gpus 32 --tp 4 --pp 2 --ep 4 --layers 2 --global-batch-size 64"
         " --seq-length 512")
TO_FLEXFLOW = f"{GRAPH} --to flexflow --output m.fbuf"
TO_CHAKRA = f"{GRAPH} --to chakra --output m"
for to in ("dot", "chrome"):
    case(f"convert/{to}", f"{GRAPH} --to {to} --output out.{to}", f"{GRAPH} --to {to}")
case("convert/flexflow", TO_FLEXFLOW, "convert m.fbuf --to flexflow --output again.fbuf",
     "convert m.fbuf --to dot --output m.dot", "convert m.fbuf --to chrome --output m.json",
     "convert m.fbuf --to chakra --output m", "convert m --to flexflow --output back.fbuf")
case("convert/chakra", TO_CHAKRA, "convert m --to chakra --output again",
     "convert m --to flexflow --output m.fbuf", "convert m --to dot --output m.dot",
     "convert m --to chrome --output m.json --gpu a100")
case("convert/flags", f"{GRAPH} --routing uniform --schedule eager-1f1b --to flexflow --output a.fbuf",
     f"{GRAPH} --routing measured --dp-overlap off --to flexflow --output b.fbuf",
     f"{GRAPH} --seed 4 --tp-collective all-reduce --to flexflow --output c.fbuf",
     f"{GRAPH} --gradient-bytes 2 --gpu b200 --compute-scale 2 --to flexflow --output d.fbuf",
     "convert --model qwen-moe --gpus 32 --pp 1 --layers 1 --global-batch-size 256 --to flexflow"
     " --output e.fbuf", "convert a.fbuf --routing dynamic --seed 2 --to chakra --output a")
for fabric in FABRICS:
    # A graph of MixNet's era has no connections of its own, so topoopt is refused.
    case(f"simulate/graph-{fabric}", TO_FLEXFLOW,
         f"simulate --task-graph m.fbuf --fabric {fabric} --fidelity flow --json out.json",
         f"simulate --task-graph m.fbuf --fabric {fabric} --fidelity auto --bandwidth 400Gbps --json -")
    case(f"simulate/chakra-{fabric}", TO_CHAKRA,
         f"simulate --chakra m --fabric {fabric} --fidelity flow",
         f"simulate --chakra m --fabric {fabric} --fidelity flow --paths spray --json -",
         f"simulate --chakra m --fabric {fabric} --fidelity auto --bandwidth 400Gbps --json -")
SMALL_GRAPH = ("convert --model mixtral-8x7b --gpus 16 --tp 4 --pp 1 --ep 4 --layers 1"
               " --global-batch-size 32 --seq-length 256 --to flexflow --output s.fbuf")
case("simulate/graph-packets", SMALL_GRAPH, "simulate --task-graph s.fbuf --fabric fat-tree",
     "simulate --task-graph s.fbuf --fabric mixnet --degree 5 --reconfiguration-delay 1ms --json -",
     "simulate --task-graph s.fbuf --fabric fat-tree --hosts 32 --free-acks --initial-window 2 --json -",
     "simulate --task-graph s.fbuf --fabric oversub-fat-tree --transport dcqcn --nics-per-server 4",
     "simulate --task-graph s.fbuf --fabric rail-optimized --paths spray --latency 3us --json -")
case("simulate/graph-timeline", TO_FLEXFLOW,
     "simulate --task-graph m.fbuf --fabric mixnet --fidelity flow --timeline timeline.json",
     "simulate --task-graph m.fbuf --fabric fat-tree --fidelity flow --timeline - --timeline-nodes 1")
case("simulate/chakra-timeline", TO_CHAKRA,
     "simulate --chakra m --fabric mixnet --fidelity flow --timeline timeline.json --json out.json",
     "simulate --chakra m --fabric mixnet --fidelity flow --gpu a100 --gpus-per-server 4 --json -")

# The network alone.

INPUTS = {"x__cm": "Nodes 16\nConnections 5\nTriggers 1\ntrigger id 1 barrier count 2\n"
                   "0->9 id 1 start 0 size 200000 send_done_trigger 1\n"
                   "1->9 start 5000000 size 100000\n15->2 id 7 start 0 size 1 prio 3\n"
                   "2->3 id 2 start 1000000 size 2000000 recv_done_trigger 1\n"
                   "1->12 id 3 trigger 1 size 300000 prio 1\n",
          "x__csv": "src,dst,bytes,start\n0,9,200000,0us\n1,9,100000,5us\n15,2,1,0us\n9,1,500000,10us\n",
          "x__txt": "0 200000 150000\n50000, 0, 75000\n300000 150000 0\n"}
for fabric in FABRICS:
    for fidelity in ("packet", "auto", "flow"):
        end = f"--fabric {fabric} --fidelity {fidelity}"
        # topoopt has no flows within a server.
        first = "x.csv" if fidelity == "flow" or fabric == "topoopt" else "x.cm"
        case(f"flows/{fabric}-{fidelity}", f"flows --flows {first} {end}",
             f"flows --flows x.csv {end} --json - --fct fct.csv",
             f"flows --alltoallv x.txt --servers 3 {end} --fct -",
             f"flows --alltoallv x.txt --hosts 6 --nics-per-server 2 {end} --json out.json", **INPUTS)
case("flows/paths", *(f"flows --flows p.cm --fabric {fabric} --paths spray --bandwidth 400Gbps --json -"
                      for fabric in ("fat-tree", "oversub-fat-tree", "rail-optimized", "mixnet")),
     p__cm=permutation(64, 300_000))
case("flows/permutation", "flows --flows p.cm --fabric fat-tree --hosts 256 --fct fct.csv",
     "flows --flows p.cm --fabric fat-tree --hosts 256 --fidelity flow --fct fct.csv --json -",
     "flows --flows p.cm --fabric fat-tree --hosts 256 --fidelity auto --fct fct.csv --json -",
     p__cm=permutation(256, 400_000))
case("flows/transports",
     *(f"flows --flows i.csv --fabric fat-tree {words} --json - --fct fct.csv" for words in (
         "--transport dcqcn", "--transport dctcp --mtu 1500 --initial-window 2 --free-acks",
         "--queue 60kB --ecn-threshold 1MB --time-out 300us", "--latency 5us --until 300us",
         "--header 100 --ack-bytes 200 --bandwidth 10Gbps --time-out 100ms")),
     i__csv="src,dst,bytes,start\n" + "".join(f"{h},0,400000,{h * 3}us\n" for h in range(1, 24)))
case("flows/mixnet", "flows --alltoallv m.txt --servers 8 --fabric mixnet --degree 6",
     "flows --alltoallv m.txt --servers 8 --fabric mixnet --degree 2 --paths spray --json -",
     "flows --alltoallv m.txt --servers 8 --fabric topoopt --fidelity flow --json -",
     "flows --alltoallv m.txt --servers 8 --fabric oversub-fat-tree --oversubscription 4 --fidelity auto",
     m__txt=matrix(8, 8, 2_000_000, " "))
case("flows/messages", "flows --flows m.cm --fabric fat-tree --fct -",
     "flows --flows m.cm --fabric fat-tree --fidelity fluid --fct -",
     "flows --alltoallv m.txt --scale 0.5 --fabric fat-tree --nics-per-server 1 --fidelity fluid --fct -",
     m__txt="0 1.5M 100.5\n64K 0 31\n1e6 48 0\n",
     m__cm="Nodes 16\nConnections 5\nTriggers 1\ntrigger id 4 multishot\n"
           "0->9 id 1 msg 1 start 0 size 200000 recv_done_trigger 4\n"
           "0->9 id 1 msg 2 start 5000000 size 100000 recv_done_trigger 4\n"
           "0->9 id 1 msg 3 start 90000000 size 5000\n"
           "1->12 trigger 4 size 300000\n2->12 trigger 4 size 300000\n")
case("flows/many", "flows --alltoallv m.txt --fabric rail-optimized --fidelity flow --json - --fct f.csv",
     m__txt=matrix(64, 9, 1_000_000, " "))

# Against what was published.

OPERATIONS = "gpu,model,operation,tp,ep,micro_batch,seq,tokens,forward_ms,backward_ms,flops_forward,note\n" \
             "Mine,-,optimizer,,,,,200000000,2,0,0,AdamW\n" \
             "Mine,mixtral-8x7b,attention,4,,1,4096,4096,0.3,1,1.2e11,\n" \
             "Mine,mixtral-8x7b,experts,4,8,1,4096,8192,1.1,2.3,7.2e11,grouped\n" \
             "Mine,mixtral-8x7b,experts,4,8,1,4096,8192,1.2,2.4,7.2e11,loop\n" \
             "Mine,deepseek-v3,attention,8,,1,4096,4096,,,,\n"
case("compute/own", "compute --operations t.csv --gpu h200", "compute --operations t.csv --gpu h200 --json -",
     "compute --operations t.csv --gpu b200 --precision fp8 --json out.json", t__csv=OPERATIONS)
case("validate/own", "validate --published p.csv", "validate --published p.csv --json -",
     "validate --published p.csv --gpus 128 --gpu a100 --json out.json", p__csv=PUBLISHED)
case("validate/fit", "validate --published p.csv --fit f.csv",
     p__csv="model,bandwidth_gbps,mixnet\nllama-moe,100,5.0\n",
     f__csv="model,bandwidth_gbps,fat_tree\nllama-moe,100,4.4\nllama-moe,400,1.5\n")
case("validate/published", "validate --published p.csv", "validate --published p.csv --json -",
     p__csv=DATA / "published" / "iteration_time.csv")

# Many at once, and pages about them.

STUDY = ("model: mixtral-8x7b\ngpus: 256\nglobal-batch-size: 256\nfabric: [fat-tree, mixnet]\n"
         "bandwidth: [100Gbps, 400Gbps]\ndegree: [2, 6]\nep: [8, 3]\nfail: [~, nic:3.1]\n"
         "exclude:\n  - {fabric: fat-tree, degree: 2}\n  - {ep: 3, degree: 2}\n")
case("sweep/dry-run", "sweep study.yaml --dry-run", study__yaml=STUDY)
case("sweep/report", "sweep study.yaml --out results", "sweep study.yaml --out results",
     "sweep study.yaml --out results --retry-failed --threads 1",
     "report results --html report.html", "report results --html -", study__yaml=STUDY)
case("sweep/models", "sweep study.yaml --out results --threads 2", "report results --html report.html",
     study__yaml="model: [llama-moe, my.json]\ngpus: 128\nbandwidth: 400Gbps\nrouting: uniform\n",
     my__json=config("mixtral-8x7b", num_hidden_layers=4))
case("sweep/packets", "sweep study.yaml --out results", "report results --html report.html",
     study__yaml="model: my.json\ngpus: 64\ntp: 8\npp: 1\nep: 8\nmicro-batch-size: 1\n"
                 "global-batch-size: 16\nseq-length: 128\nfidelity: [auto, flow]\nfree-acks: [false, "
                 "true]\nfabric: [fat-tree, mixnet]\nexclude:\n  - {fidelity: flow, free-acks: true}\n",
     my__json=TINY)
case("reproduce/quick", "reproduce --figure cost,eps-links --out results",
     "reproduce --figure cost --out results --json -", "report results --html report.html")

# Mistakes. bad_input_test.py says what a line must hold; here are the lines.

MISTAKES = ["", "comapre", "--versio", "compare", "plan", "gpus h100", "compare --model mixtral",
            "compare --model mixtral-8x7b --fabric fattree", "compare --model mixtral-8x7b --bandwith 1",
            "compare --model mixtral-8x7b --bandwidth 400", "compare --model mixtral-8x7b --gpus 1000",
            "compare --model mixtral-8x7b --gpus 256 --ep 3", "compare --model mixtral-8x7b --tp -1",
            "compare --model mixtral-8x7b --reconfiguration blok",
            "compare --model mixtral-8x7b --allocator gredy", "compare --model mixtral-8x7b --gpu h1000",
            "compare --model mixtral-8x7b --ep-split balance", "compare --model mixtral-8x7b --paths ecm",
            "compare --model mixtral-8x7b --routing random", "compare --model mixtral-8x7b --fidelity x",
            "compare --model mixtral-8x7b --shortcuts steady", "compare --model mixtral-8x7b --fail nic:3",
            "compare --model mixtral-8x7b --fidelity packet --shortcuts steady",
            "compare --model mixtral-8x7b --backup pol", "compare --model mixtral-8x7b --outage 2h",
            "compare --model mixtral-8x7b --json - --csv -", "compare --model bad.json",
            "compare --model mixtral-8x7b --bandwidth 1.6Tbps --fabric fat-tree",
            "compare --model mixtral-8x7b --reconfiguration-delay 1d", "cost --fabric ideal",
            "cost --fabric nvl72", "cost --server-link fibre", "cost --servers 0", "plan --demand none.csv",
            "plan --demand ragged.csv", "plan --demand two.csv --allocator greed",
            "plan --demand two.csv --numa 0,x", "predict --routing dynamic --ep 3",
            "predict --routing trace:two.csv", "flows --fabric fat-tree", "flows --fabric nvl72 --flows f.csv",
            "flows --fabric topoopt --flows f.csv --hosts 8", "flows --fabric mixnet --flows two.csv",
            "simulate", "simulate --model mixtral-8x7b", "simulate --task-graph two.csv --fabric ideal",
            "simulate --chakra none --fabric ideal", "convert two.csv --to dot", "convert two.csv --to dit",
            "convert --model mixtral-8x7b --to chakra", "sweep none.yaml --out x", "sweep bad.yaml --out x",
            "sweep ok.yaml", "report none --html x.html", "reproduce --figure costs --out x",
            "validate --published two.csv", "models mixtral-8x7"]
case("mistakes/lines", *MISTAKES, two__csv="0,1\n1,0\n", ragged__csv="0,1\n1\n", f__csv="src,dst\n1,2\n",
     bad__json='{"model_type": "mixtral", "hidden_size": "x"}',
     bad__yaml="model: mixtral-8x7b\nbandwidth: [100Gbps, 400]\n", ok__yaml="model: mixtral-8x7b\n")

# Of --all: whole studies, whole jobs in packets, other people's files.

for study in sorted(STUDIES.glob("*.yaml")):
    case(f"sweep/{study.stem}", "sweep study.yaml --out results", "report results --html report.html",
         all_only=True, study__yaml=study)
for figure in ("iteration,pareto", "failures", "optical-io", "copilot", "batch,scale", "degree", "delay"):
    case(f"reproduce/{figure.replace(',', '-')}", f"reproduce --figure {figure} --out results",
         "report results --html report.html", all_only=True)
case("compare/auto-dynamic", "compare --model mixtral-8x22b --fidelity auto --fabric fat-tree,mixnet"
     " --bandwidth 100Gbps,400Gbps --json -", all_only=True)
case("compare/deepseek-failures", "compare --model deepseek-r1 --fabric mixnet --fail server:121"
     " --allocator refined --ep-split balanced --json -", all_only=True)
case("compare/policies-whole", *(f"compare --model deepseek-r1 --fabric mixnet --bandwidth 100Gbps,400Gbps"
                                 f" --reconfiguration {policy} --json -" for policy in POLICIES),
     all_only=True)
case("predict/long", "predict --routing dynamic --iterations 100 --json -",
     "predict --routing dynamic --model qwen-moe --ep 16 --iterations 40 --json -", all_only=True)
case("simulate/graph-large", "convert --model mixtral-8x7b --gpus 128 --global-batch-size 512 --to"
     " flexflow --output m.fbuf",
     "simulate --task-graph m.fbuf --fabric fat-tree --bandwidth 400Gbps --fidelity flow --json -",
     "simulate --task-graph m.fbuf --fabric mixnet --bandwidth 400Gbps --fidelity flow --json -"
     " --timeline timeline.json", "convert m.fbuf --to chakra --output m",
     "simulate --chakra m --fabric mixnet --bandwidth 400Gbps --fidelity flow --json -", all_only=True)
case("predict/humaneval", "predict --routing trace:trace.csv", "predict --routing trace:trace.csv --json -",
     f"{JOB} --routing trace:trace.csv --json -",
     all_only=True, trace__csv=SHARED / "routing_mixtral_8x7b_humaneval.csv")
for graph in ("100dlrm_16", "100transformer_32", "moe64_1L_16MB", "moe64_1L_mb2"):
    case(f"simulate/{graph}",
         *(f"simulate --task-graph g.fbuf --fabric {fabric} --fidelity {fidelity} --json -"
           for fabric in FABRICS for fidelity in ("packet", "auto", "flow")),
         "simulate --task-graph g.fbuf --fabric fat-tree --free-acks --initial-window 2",
         "simulate --task-graph g.fbuf --fabric mixnet --fidelity flow --timeline timeline.json",
         "convert g.fbuf --to flexflow --output again.fbuf", "convert g.fbuf --to dot",
         "convert g.fbuf --to chrome --output g.json", "convert g.fbuf --to chakra --output g",
         "convert g --to flexflow --output back.fbuf",
         all_only=True, g__fbuf=SHARED / "flexflow" / f"{graph}.fbuf")
