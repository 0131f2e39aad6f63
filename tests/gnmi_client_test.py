"""A gNMI client that we did not write, pygnmi from PyPI, against mixnet-ocs."""

import json
import logging
import os
import queue
import subprocess
import sys
import unittest

try:
    from pygnmi.client import gNMIclient, gNMIException
except ImportError as error:
    # scripts/public-clients.sh puts it into an environment of its own.
    OTHER = os.environ.get("MIXNET_CLIENTS_PYTHON", "")
    if os.path.exists(OTHER) and os.path.realpath(sys.prefix) != os.path.realpath(os.path.dirname(
            os.path.dirname(OTHER))):
        os.execv(OTHER, [OTHER, *sys.argv])
    print(f"{sys.executable} has no module {error.name}: scripts/public-clients.sh installs pygnmi")
    sys.exit(77)

logging.disable(logging.CRITICAL)  # pygnmi prints each refusal as well
OCS = os.path.join(os.path.dirname(os.environ.get("MIXNET", "build/mixnet")), "mixnet-ocs")
CONFIG = "sonic-db:/CONFIG_DB/localhost"
STATE = "sonic-db:/STATE_DB/localhost"
CONNECTS = f"{CONFIG}/OCS_CROSS_CONNECT"
WITHIN = 10 * float(os.environ.get("MIXNET_SLOWDOWN", "1"))


def circuit(a, b):
    """Both cross-connects, as updates of their keys."""
    return [(f"{CONNECTS}/{i}A-{j}B", {"a_side": f"{i}A", "b_side": f"{j}B"}) for i, j in [(a, b), (b, a)]]


def values(answer):
    return [update["val"] for note in answer["notification"] for update in note["update"]]


class ClientTest(unittest.TestCase):
    def setUp(self):
        self.ocs = subprocess.Popen(
            [OCS, "--ports", "32", "--timing", "none", "--gnmi", "127.0.0.1:0"], stdout=subprocess.PIPE, text=True)
        self.addCleanup(self.stop)
        line = self.ocs.stdout.readline()
        self.assertRegex(line, r"^gnmi 127\.0\.0\.1:\d+$")
        self.port = int(line.rpartition(":")[2])
        self.client = self.enterContext(self.connect("admin"))

    def stop(self):
        self.ocs.terminate()
        self.ocs.wait(WITHIN)
        self.ocs.stdout.close()

    def connect(self, password):
        return gNMIclient(target=("127.0.0.1", self.port), username="admin", password=password, insecure=True)

    def enterContext(self, context):  # unittest has it from Python 3.11 on
        entered = context.__enter__()
        self.addCleanup(context.__exit__, None, None, None)
        return entered

    def set(self, **changes):
        return self.client.set(encoding="json_ietf", **changes)

    def connects(self):
        return values(self.client.get(path=[CONNECTS], encoding="json_ietf"))[0]

    def refused(self, **changes):
        with self.assertRaises(gNMIException) as caught:
            self.set(**changes)
        return str(caught.exception)

    def test_capabilities(self):
        told = self.client.capabilities()
        self.assertIn("json_ietf", told["supported_encodings"])
        self.assertIn("sonic-db", [model["name"] for model in told["supported_models"]])

    def test_a_wrong_password(self):
        with self.assertRaisesRegex(gNMIException, "Invalid username or password"):
            self.enterContext(self.connect("wrong"))

    def test_set_and_get(self):
        self.set(update=circuit(1, 5) + circuit(2, 6))
        self.assertEqual(sorted(self.connects()), ["1A-5B", "2A-6B", "5A-1B", "6A-2B"])
        answer = self.set(delete=[f"{CONNECTS}/1A-5B", f"{CONNECTS}/5A-1B"], update=circuit(1, 7))
        self.assertEqual([result["op"] for result in answer["response"]], ["DELETE", "DELETE", "UPDATE", "UPDATE"])
        self.assertEqual(sorted(self.connects()), ["1A-7B", "2A-6B", "6A-2B", "7A-1B"])
        row, leaf = values(self.client.get(path=[f"{STATE}/OCS_CROSS_CONNECT/1A-7B", f"{STATE}/OCS_PORT/1A/status"],
                                           encoding="json_ietf"))
        self.assertEqual(row, {"a_side": "1A", "b_side": "7B", "a_side_status": "tuned", "b_side_status": "tuned"})
        self.assertEqual(leaf, "tuned")
        [tables] = values(self.client.get(path=["sonic-db:/CONFIG_DB/localhost"], encoding="json_ietf"))
        self.assertEqual(tables["DEVICE_METADATA"]["localhost"]["type"], "SonicOCS")
        self.assertEqual(len(tables["OCS_PORT"]), 64)

    def test_a_set_is_done_whole_or_not_at_all(self):
        self.set(update=circuit(1, 5))
        self.assertIn("in use", self.refused(update=circuit(2, 6) + circuit(1, 7)))
        self.assertIn("names no two ports", self.refused(update=circuit(2, 6) + circuit(3, 40)))
        self.assertIn("same Set", self.refused(update=circuit(2, 6)[:1]))
        self.assertEqual(sorted(self.connects()), ["1A-5B", "5A-1B"])

    def test_a_shutter(self):
        self.set(update=[(f"{CONFIG}/OCS_PORT/3A", {"state": "force_blocked", "label": "rack 7"})])
        for port in ["3A", "3B"]:
            [row] = values(self.client.get(path=[f"{CONFIG}/OCS_PORT/{port}"], encoding="json_ietf"))
            self.assertEqual(row, {"state": "force_blocked", "label": "rack 7"})

    def subscribe(self, mode, path, how="on_change"):
        return self.client.subscribe2(
            {"subscription": [{"path": path, "mode": how}], "mode": mode, "encoding": "json_ietf"})

    def test_subscribe_to_changes(self):
        stream = self.subscribe("stream", f"{STATE}/OCS_PORT")
        told = stream.get_update(timeout=WITHIN)
        [first] = [update["val"] for update in told["update"]["update"]]
        self.assertEqual(len(first), 64)
        self.set(update=circuit(1, 5))
        changed = {}
        while len(changed) < 4:
            try:
                told = stream.get_update(timeout=WITHIN)
            except queue.Empty:
                self.fail(f"told of these ports only: {json.dumps(changed)}")
            for update in told.get("update", {}).get("update", []):
                changed.update(update["val"])
        self.assertEqual({port: row["target_simplex_port_id"] for port, row in changed.items()},
                         {"1A": "5B", "5B": "1A", "5A": "1B", "1B": "5A"})
        stream.close()

    def test_subscribe_once(self):
        self.set(update=circuit(1, 5))
        notes = list(self.subscribe("once", CONNECTS))
        [rows] = [update["val"] for note in notes for update in note.get("update", {}).get("update", [])]
        self.assertEqual(sorted(rows), ["1A-5B", "5A-1B"])


if __name__ == "__main__":
    unittest.main()
