"""packaging/: jobs of Slurm become tenants and leave, and nothing fails a job; the systemd unit."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import time
import unittest

SCRIPTS = pathlib.Path(__file__).resolve().parent.parent / "packaging" / "slurm"

# Stands in for mixnet-ctl: writes down how it was called.
FAKE = """#!/bin/sh
printf '%s\\n' "$@" > {folder}/arguments
printf '%s\\n' "$MIXNET_CONTROLLER" "$MIXNET_CERT" > {folder}/environment
{then}
"""


class SlurmTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        self.settings = self.folder / "slurm.env"
        self.fake("echo 'tenant 17 has gpu-0 gpu-1'")

    def fake(self, then):
        program = self.folder / "mixnet-ctl"
        program.write_text(FAKE.format(folder=self.folder, then=then))
        program.chmod(0o755)

    def run_script(self, name, **environment):
        """The process that ended. Its log is on standard error: there is no logger in PATH."""
        tools = self.folder / "tools"
        tools.mkdir(exist_ok=True)
        for tool in ("sh", "timeout", "tr", "sleep"):
            (tools / tool).unlink(missing_ok=True)
            (tools / tool).symlink_to(shutil.which(tool))
        set_by_slurm = {"SLURM_JOB_ID": "17", "SLURM_JOB_NODELIST": "gpu-[0-1]",
                        "SLURM_JOB_PARTITION": "moe"}
        all_of_it = {"PATH": str(tools), "MIXNET_CTL": str(self.folder / "mixnet-ctl"),
                     "MIXNET_SLURM_ENV": str(self.settings), **set_by_slurm, **environment}
        all_of_it = {name: value for name, value in all_of_it.items() if value is not None}
        done = subprocess.run([SCRIPTS / name], env=all_of_it, capture_output=True, text=True,
                              timeout=60, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout, "")
        return done

    def arguments(self):
        file = self.folder / "arguments"
        return file.read_text().splitlines() if file.exists() else None

    def test_a_job_becomes_a_tenant_and_leaves(self):
        done = self.run_script("prolog.sh")
        self.assertEqual(self.arguments(), ["tenant", "add", "17", "gpu-[0-1]"])
        self.assertIn("job 17: tenant add: tenant 17 has gpu-0 gpu-1", done.stderr)
        self.run_script("epilog.sh")
        self.assertEqual(self.arguments(), ["tenant", "remove", "17"])

    def test_settings_reach_the_program(self):
        self.settings.write_text("# of a site\nMIXNET_CONTROLLER=head-1:7411\nMIXNET_CERT='/a b.pem'\n")
        self.run_script("prolog.sh")
        self.assertEqual((self.folder / "environment").read_text(), "head-1:7411\n/a b.pem\n")

    def test_settings_that_are_nonsense_are_logged(self):
        for nonsense in ("if then (", "exit 3", "MIXNET_SECONDS=soon", "MIXNET_SECONDS=99999999999"):
            self.settings.write_text(nonsense + "\n")
            self.fake("exit 0")
            done = self.run_script("prolog.sh")
            self.assertEqual(self.arguments(), ["tenant", "add", "17", "gpu-[0-1]"], nonsense)
            self.assertRegex(done.stderr, "cannot be read|is no number", nonsense)

    def test_settings_that_are_not_there_are_logged(self):
        self.assertIn(f"there is no {self.settings} that we may read", self.run_script("prolog.sh").stderr)
        self.assertEqual(self.run_script("prolog.sh", MIXNET_CONTROLLER="head-1").stderr.count("may read"), 0)

    def test_slurms_user_gets_to_its_settings(self):
        packaging = SCRIPTS.parent
        self.assertIn("install -d -m 0711 /etc/mixnet\n", (packaging / "debian" / "postinst").read_text())
        self.assertNotIn("go= /etc/mixnet)", (packaging / "mixnetd@.service").read_text())

    def test_a_controller_that_is_down_or_refuses_does_not_fail_the_job(self):
        for status in (1, 2, 139):
            self.fake(f"echo 'mixnet ctl: no route'; exit {status}")
            for script in ("prolog.sh", "epilog.sh"):
                done = self.run_script(script)
                self.assertIn(f"status {status}; the job goes on without: mixnet ctl: no route",
                              done.stderr)

    def test_a_controller_that_hangs_does_not_hold_the_job(self):
        for deaf in ("", "trap '' TERM; "):
            self.fake(deaf + "sleep 30")
            begin = time.monotonic()
            done = self.run_script("prolog.sh", MIXNET_SECONDS="1")
            self.assertLess(time.monotonic() - begin, 15)
            self.assertIn("no answer in 1 s; the job goes on without", done.stderr)

    def test_without_the_program_the_job_goes_on(self):
        done = self.run_script("prolog.sh", MIXNET_CTL="/nowhere/mixnet-ctl")
        self.assertIn("the job goes on without", done.stderr)

    def test_jobs_of_other_partitions_are_none_of_ours(self):
        for partitions, is_ours in (("moe", True), ("cpu moe", True), ("cpu", False), ("mo", False)):
            (self.folder / "arguments").unlink(missing_ok=True)
            self.run_script("prolog.sh", MIXNET_PARTITIONS=partitions)
            self.assertEqual(self.arguments() is not None, is_ours, partitions)

    def test_an_environment_that_is_not_slurms(self):
        for name, value, log in (("SLURM_JOB_ID", None, "is no number"),
                                 ("SLURM_JOB_ID", "17; rm -rf /", "is no number"),
                                 ("SLURM_JOB_ID", "-1", "is no number"),
                                 ("SLURM_JOB_NODELIST", None, "is empty")):
            (self.folder / "arguments").unlink(missing_ok=True)
            done = self.run_script("prolog.sh", **{name: value})
            self.assertIn(log, done.stderr)
            self.assertIsNone(self.arguments(), name)
        # What an older Slurm says.
        self.run_script("prolog.sh", SLURM_JOB_NODELIST=None, SLURM_NODELIST="gpu-2")
        self.assertEqual(self.arguments(), ["tenant", "add", "17", "gpu-2"])
        # One word for the program, whatever is in it.
        self.run_script("prolog.sh", SLURM_JOB_NODELIST="a b $(touch x) *")
        self.assertEqual(self.arguments(), ["tenant", "add", "17", "a b $(touch x) *"])

    def test_its_shell_is_clean(self):
        if shutil.which("shellcheck") is None:
            self.skipTest("no shellcheck")
        scripts = [*SCRIPTS.glob("*.sh"), *(SCRIPTS.parent / "debian").iterdir()]
        done = subprocess.run(["shellcheck", *scripts], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout)


class UnitTest(unittest.TestCase):
    """The systemd unit, where systemd-analyze is."""

    def setUp(self):
        if shutil.which("systemd-analyze") is None:
            self.skipTest("no systemd-analyze")
        self.unit = SCRIPTS.parent / "mixnetd@.service"

    def test_systemd_understands_all_of_it(self):
        with tempfile.TemporaryDirectory() as folder:
            # The program need not be installed.
            copy = pathlib.Path(folder) / "mixnetd@pod-7.service"
            copy.write_text(self.unit.read_text().replace("/usr/bin/mixnetd", "/bin/true"))
            done = subprocess.run(["systemd-analyze", "verify", "--man=no", copy],
                                  capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_it_is_exposed_no_more_than_it_was(self):
        done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--threshold=12",
                               "--no-pager", self.unit], capture_output=True, text=True, check=False,
                              env={**os.environ, "SYSTEMD_COLORS": "0"})
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=1)
