"""The rules by which ASTRA-sim takes Chakra traces, as a checker: what it refuses, and whether every
rank gets to its end.

Of a rank it has one send or collective under way, one kernel, one piece of CPU work and one memory
access; receives wait beside them. Of what is ready it issues the lowest id. A collective ends when all
ranks of its process group have issued theirs: the n-th of a group on one rank is the n-th on the
others. A send ends by itself when it has arrived. Nothing here says how long anything takes: times are
drawn, and what must hold holds for all of them. (Facts from its sources, Workload.cc,
HardwareResource.cc; from mlcommons/chakra's feeder; and from runs of it.)
"""

import collections
import heapq
import json
import pathlib
import random

MEM_LOAD, MEM_STORE, COMP, SEND, RECV, COLL = 2, 3, 4, 5, 6, 7
ALL_REDUCE, ALL_GATHER, ALL_TO_ALL, REDUCE_SCATTER = 0, 2, 6, 7
MOST_GROUPS = 2147  # beyond, its stream numbers overflow an int


class Refused(Exception):
    """What ASTRA-sim would abort on or never end."""


class Node:
    __slots__ = ("id", "name", "kind", "deps", "order", "duration", "attributes")


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7f) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def fields(data):
    """(number, value) of a message: bytes of what has a length, else the number."""
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        if key & 7 == 2:
            size, at = varint(data, at)
            yield key >> 3, data[at:at + size]
            at += size
        elif key & 7 == 0:
            value, at = varint(data, at)
            yield key >> 3, value
        else:
            raise Refused(f"wire type {key & 7}")


def packed(data):
    at, numbers = 0, []
    while at < len(data):
        value, at = varint(data, at)
        numbers.append(value)
    return numbers


def nodes_of(path):
    """The nodes of a trace."""
    data, at, parts = path.read_bytes(), 0, []
    while at < len(data):
        size, at = varint(data, at)
        parts.append(data[at:at + size])
        at += size
    nodes = []
    for part in parts[1:]:
        node = Node()
        node.id = node.kind = node.duration = 0
        node.name, node.deps, node.order, node.attributes = "", [], [], {}
        for number, value in fields(part):
            if number == 1:
                node.id = value
            elif number == 2:
                node.name = value.decode()
            elif number == 3:
                node.kind = value
            elif number == 4:
                node.order = packed(value)
            elif number == 5:
                node.deps = packed(value)
            elif number == 7:
                node.duration = value
            elif number == 10:
                attribute = dict(fields(value))
                name = attribute.pop(1).decode()
                node.attributes[name] = next(iter(attribute.values()), None)
        nodes.append(node)
    return nodes


def read(prefix):
    """The nodes of each rank, and the ranks of each process group."""
    prefix = pathlib.Path(prefix)
    ranks = []
    while (path := prefix.with_name(f"{prefix.name}.{len(ranks)}.et")).exists():
        ranks.append(nodes_of(path))
    text = prefix.with_name(prefix.name + ".comm_groups.json").read_text()
    return ranks, {name: list(members) for name, members in json.loads(text).items()}


def check(ranks, groups):
    """Raises Refused for what would abort or stick whatever the times."""
    for name, members in groups.items():
        if not 0 < int(name) <= MOST_GROUPS:
            raise Refused(f"process group {name}")
        if len(members) < 2 or sorted(set(members)) != members:
            raise Refused(f"process group {name} joins {members}")
    for rank, nodes in enumerate(ranks):
        ids = {node.id for node in nodes}
        if len(ids) != len(nodes):
            raise Refused(f"rank {rank}: an id twice")
        for node in nodes:
            where = f"rank {rank}, node {node.id} '{node.name}'"
            missing = [one for one in (*node.deps, *node.order) if one not in ids]
            if missing or node.id in node.deps or node.id in node.order:
                raise Refused(f"{where}: depends on {missing or 'itself'}")
            check_node(node, rank, len(ranks), groups, where)


def check_node(node, rank, ranks, groups, where):
    size = node.attributes.get("comm_size", 0)
    if node.kind in (MEM_LOAD, MEM_STORE):
        if not node.attributes.get("tensor_size"):
            raise Refused(f"{where}: no tensor_size")
    elif node.kind in (SEND, RECV):
        ends = [node.attributes.get(end) for end in ("comm_src", "comm_dst")]
        if size < 1 or ends[node.kind == RECV] != rank or not 0 <= ends[node.kind == SEND] < ranks:
            raise Refused(f"{where}: {size} bytes from {ends[0]} to {ends[1]}")
    elif node.kind == COLL:
        if node.attributes.get("comm_type") not in (ALL_REDUCE, ALL_GATHER, ALL_TO_ALL,
                                                    REDUCE_SCATTER):
            raise Refused(f"{where}: comm_type {node.attributes.get('comm_type')}")
        members = groups.get(node.attributes["pg_name"].decode(), [])
        if rank not in members:
            raise Refused(f"{where}: not in its process group")
        least = 1 if node.attributes["comm_type"] == ALL_GATHER else len(members)
        if size < least:
            raise Refused(f"{where}: {size} bytes for {len(members)} members")
    elif node.kind != COMP:
        raise Refused(f"{where}: kind {node.kind}")


class Run:
    """One run, with drawn times."""

    def __init__(self, ranks, groups, seed):
        self.random = random.Random(seed)
        self.groups = groups
        self.nodes = [{node.id: node for node in nodes} for nodes in ranks]
        self.waits = [{node.id: len({*node.deps, *node.order}) for node in nodes} for nodes in ranks]
        self.next = [collections.defaultdict(list) for _ in ranks]
        for rank, nodes in enumerate(ranks):
            for node in nodes:
                for dep in {*node.deps, *node.order}:
                    self.next[rank][dep].append(node.id)
        self.ready = [sorted(id for id, count in waits.items() if count == 0) for waits in self.waits]
        self.busy = [set() for _ in ranks]
        self.joined = collections.defaultdict(list)  # by group and number: who has issued
        self.count = collections.Counter()  # collectives issued, by rank and group
        self.arrived, self.received = collections.Counter(), collections.defaultdict(list)
        self.events, self.number, self.now = [], 0, 0.0

    def after(self, *what):
        self.number += 1
        heapq.heappush(self.events, (self.now + self.random.expovariate(1), self.number, *what))

    def finish(self):
        """The nodes that are never run, by rank; empty: all ranks finish."""
        for rank in range(len(self.nodes)):
            self.issue(rank)
        while self.events:
            self.now, _, rank, node = heapq.heappop(self.events)
            self.end(rank, node)
        return {rank: sorted(waits) for rank, waits in enumerate(self.waits) if waits}

    @staticmethod
    def slot(node):
        if node.kind == COMP:
            return "cpu" if node.attributes.get("is_cpu_op", 1) else "gpu"
        return "memory" if node.kind in (MEM_LOAD, MEM_STORE) else "network"

    def issue(self, rank):
        left = []
        ready, self.ready[rank] = self.ready[rank], []
        while ready:
            node = self.nodes[rank][heapq.heappop(ready)]
            if node.kind == RECV:
                self.receive(rank, node)
            elif self.slot(node) in self.busy[rank]:
                left.append(node.id)
            else:
                self.busy[rank].add(self.slot(node))
                self.collect(rank, node) if node.kind == COLL else self.after(rank, node)
        self.ready[rank] = left  # ascending, which is a heap

    def receive(self, rank, node):
        key = (node.attributes["comm_src"], rank, node.attributes.get("comm_tag", 0))
        if self.arrived[key]:
            self.arrived[key] -= 1
            self.after(rank, node)
        else:
            self.received[key].append(node)

    def collect(self, rank, node):
        group = node.attributes["pg_name"].decode()
        number = self.count[rank, group]
        self.count[rank, group] += 1
        joined = self.joined[group, number]
        joined.append((rank, node))
        if {one.attributes["comm_type"] for _, one in joined} != {node.attributes["comm_type"]}:
            raise Refused(f"process group {group}: collective {number} is two things")
        if len(joined) == len(self.groups[group]):
            for one in joined:
                self.after(*one)

    def end(self, rank, node):
        if node.kind == SEND:
            to = node.attributes["comm_dst"]
            key = (rank, to, node.attributes.get("comm_tag", 0))
            if self.received[key]:
                self.after(to, self.received[key].pop(0))
            else:
                self.arrived[key] += 1
        if node.kind != RECV:
            self.busy[rank].discard(self.slot(node))
        del self.waits[rank][node.id]
        for after in self.next[rank][node.id]:
            self.waits[rank][after] -= 1
            if self.waits[rank][after] == 0:
                heapq.heappush(self.ready[rank], after)
        self.issue(rank)


def unfinished(prefix, seeds=(1, 2, 3)):
    """The ranks that some run leaves unfinished, and their first node that is not run."""
    ranks, groups = read(prefix)
    check(ranks, groups)
    for seed in seeds:
        stuck = Run(ranks, groups, seed).finish()
        if stuck:
            return {rank: ids[0] for rank, ids in stuck.items()}
    return {}
