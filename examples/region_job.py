"""A job that speaks with mixnetd by itself, over gRPC: docs/controller-api.md says how to run it.

    python region_job.py 127.0.0.1:7411 17                        # a daemon with --insecure, tenant 17
    python region_job.py head-1:7411 17 ca.pem job-17.pem job-17.key
"""

import pathlib
import sys

import grpc
import region_pb2 as v1
import region_pb2_grpc

CALL_SECONDS = 5
SERVED_SECONDS = 10
HEAVY, LIGHT = 1 << 30, 1 << 20  # bytes


def connect(address, files):
    """`files`: the CA's certificate, ours and our key, PEM; none: without TLS, on the loopback."""
    if not files:
        return grpc.insecure_channel(address)
    ca, certificate, key = (pathlib.Path(file).read_bytes() for file in files)
    return grpc.secure_channel(address, grpc.ssl_channel_credentials(ca, key, certificate))


def demand(servers):
    """Bytes from each server to each, row by row: much between neighbours, a little between all."""
    return [0 if a == b else HEAVY if a // 2 == b // 2 else LIGHT for a in range(servers) for b in range(servers)]


def main(address, tenant, *files):
    tenant = int(tenant)
    with connect(address, files) as channel:
        region = region_pb2_grpc.RegionStub(channel)
        names = [server.name for server in region.GetRegion(v1.GetRegionRequest(), timeout=CALL_SECONDS).servers]
        status = region.GetStatus(v1.GetStatusRequest(), timeout=CALL_SECONDS)
        mine = next((one for one in status.tenants if one.tenant == tenant), None)
        if mine is None:
            sys.exit(f"there is no tenant {tenant}: mixnet ctl tenant add {tenant} SERVER...")
        phase = v1.PhaseId(sequence=mine.phase.sequence + 1)  # one higher than the last
        servers = len(mine.servers)

        watch = region.WatchTopology(v1.GetTopologyRequest(tenant=tenant), timeout=SERVED_SECONDS)
        region.ReportDemand(v1.DemandReport(tenant=tenant, phase=phase, servers=servers, bytes=demand(servers)),
                            timeout=CALL_SECONDS)
        for topology in watch:
            if topology.served.sequence >= phase.sequence:
                break
        watch.cancel()
        for one in topology.circuits:
            print(f"{names[one.server_a]} - {names[one.server_b]}")
        for begins in (True, False):  # between the two the job sends
            region.MarkPhase(v1.PhaseMark(tenant=tenant, sequence=phase.sequence, begins=begins), timeout=CALL_SECONDS)
        print(f"phase {phase.sequence} of tenant {tenant}: {len(topology.circuits)} circuits")


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except grpc.RpcError as error:
        sys.exit(f"{error.code().name}: {error.details()}")
