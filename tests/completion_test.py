"""`mixnet completion SHELL`, by a real bash; `mixnet help` and `mixnet version`."""

import hashlib
import shutil
import subprocess
import unittest

import program
from program import ProgramTest, run

BASH = shutil.which("bash")


class CompletionTest(ProgramTest):
    def complete(self, *words):
        """What bash offers for the last of the words."""
        script = run("completion", "bash")
        self.assertEqual(script.status, 0, script)
        ask = (f"COMP_WORDS=({' '.join(words)}); COMP_CWORD={len(words) - 1}; _mixnet; "
               'printf "%s\\n" "${COMPREPLY[@]}"')
        done = subprocess.run([BASH, "-c", script.out.decode() + ask], capture_output=True, check=True)
        self.assertEqual(done.stderr, b"")
        return done.stdout.decode().split()

    @unittest.skipUnless(BASH, "bash is not installed")
    def test_bash_knows_commands_flags_and_values(self):
        self.assertEqual(self.complete("mixnet", "comp"), ["compare", "compute", "completion"])
        self.assertEqual(self.complete("mixnet", "flows", "--coll"), ["--collective"])
        self.assertEqual(self.complete("mixnet", "compare", "--fabric", "rail"), ["rail-optimized"])
        self.assertEqual(self.complete("mixnet", "compare", "--fabric", "fat-tree,topo"), ["fat-tree,topoopt"])
        self.assertEqual(self.complete("mixnet", "compare", "--model", "mixtral-8x2"), ["mixtral-8x22b"])
        self.assertIn("--global-batch-size", self.complete("mixnet", "compare", "--g"))

    def test_other_shells(self):
        self.assertIn("bashcompinit", run("completion", "zsh").out.decode())
        self.assertIn("__fish_seen_subcommand_from compare' -l fabric -x -a 'fat-tree",
                      run("completion", "fish").out.decode())
        wrong = run("completion", "tcsh")
        self.assertEqual((wrong.status, wrong.out), (2, b""), wrong)
        self.assertTrue(wrong.err.startswith(b"mixnet: shell: unknown shell 'tcsh'"), wrong)

    def test_a_report_of_a_fault_has_digests_and_no_contents(self):
        path = self.file("my.json", '{"secret": 1}')
        told = run("bugreport", "compare", f"--model={path}", "--x", "a b")
        self.assertEqual((told.status, told.err), (0, b""), told)
        text = told.out.decode()
        self.assertIn(run("version").out.decode().strip(), text)
        self.assertIn(f"command   mixnet compare --model={path} --x 'a b'\n", text)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        self.assertIn(f"input     {path}: 13 bytes, sha256 {digest}\n", text)
        self.assertNotIn("secret", text)
        self.assertNotIn("unknown", text)

    def test_help_and_version_are_words_too(self):
        for word, flag in ((["help"], ["--help"]), (["help", "plan"], ["plan", "--help"]), (["version"], ["--version"])):
            told, asked = run(*word), run(*flag)
            self.assertEqual((told.status, told.out, told.err), (0, asked.out, b""), told)
        self.assertEqual(run("help", "plant").status, 2)


if __name__ == "__main__":
    program.main()
