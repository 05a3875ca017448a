# SPDX-License-Identifier: BSD-3-Clause
"""Debian's dpdk-testpmd with the driver net_hwsim as a plugin: starts it, gives it commands, reads its answers.

Every wait is for something that testpmd prints, and has an end.
"""

import os
import pathlib
import re
import select
import shutil
import subprocess
import sys
import tempfile
import time

SKIP = 77
BUILD = pathlib.Path(os.environ.get("SHUNT_BUILD_DIR", pathlib.Path(__file__).parents[2] / "build"))
PLUGIN = BUILD / "src" / "librte_net_hwsim.so"
PROMPT = "testpmd> "


def skip(why):
    print(f"skipped: {why}")
    sys.exit(SKIP)


def scratch():
    return tempfile.TemporaryDirectory(prefix="shunt-smoke-")


def preload():
    """What must be loaded before an uninstrumented program can load an instrumented plugin."""
    needed = subprocess.run(["ldd", PLUGIN], capture_output=True, text=True, check=False).stdout
    found = re.findall(r"lib(?:a|ub)san\.so\S* => (\S+)", needed)
    if "libtsan" in needed or "libmsan" in needed:
        skip("the build's sanitizer wants the whole program instrumented")
    return found


def require():
    if shutil.which("dpdk-testpmd") is None:
        skip("dpdk-testpmd is missing (scripts/setup --tests)")
    if not PLUGIN.exists():
        skip("no plugin librte_net_hwsim.so: the build has no DPDK driver headers")
    if shutil.which("stdbuf") is None:
        skip("stdbuf is missing")


class Testpmd:
    """`with Testpmd(devargs, options) as t: t.ask("show port info 0")`."""

    def __init__(self, *vdevs, options=(), eal=(), lcores="0,1", file_prefix=None):
        self.prefix = file_prefix or f"shunt-smoke-{os.getpid()}"
        cpus = sorted(os.sched_getaffinity(0))
        lcores = ",".join(f"{i}@{cpus[i % len(cpus)]}" for i in range(lcores.count(",") + 1))
        env = dict(os.environ, LD_LIBRARY_PATH=str(PLUGIN.parent), LC_ALL="C")
        sanitizers = preload()
        if sanitizers:
            # EAL and testpmd leave memory behind on purpose: leaks are what the unit tests look for.
            env["ASAN_OPTIONS"] = "detect_leaks=0:verify_asan_link_order=0"
            env["LD_PRELOAD"] = ":".join(sanitizers)  # stdbuf adds its own
        command = ["stdbuf", "-oL", "-eL", "dpdk-testpmd", "-d", PLUGIN.name, "--no-huge", "-m", "512", "--no-pci",
                   "--file-prefix", self.prefix, "--no-telemetry", "--lcores", lcores, *eal]
        command += [f"--vdev={v}" for v in vdevs]
        command += ["--", "-i", "--total-num-mbufs=8192", "--no-flush-rx", *options]
        self.log = ""
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, env=env)
        os.set_blocking(self.process.stdout.fileno(), False)
        self.at = 0  # of the log: what has been looked at

    def __enter__(self):
        try:
            self.until(PROMPT, 30)
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(self, kind, *_):
        if kind is not None and os.environ.get("SHUNT_KEEP"):
            print("---- the end of testpmd's output\n" + self.log[-3000:], file=sys.stderr)
        self.kill()

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def read(self, seconds):
        """More of the output; False at its end."""
        if not select.select([self.process.stdout], [], [], seconds)[0]:
            return True
        data = os.read(self.process.stdout.fileno(), 1 << 20)
        self.log += data.decode(errors="replace")
        return bool(data)

    def until(self, text, seconds=20):
        """What was printed up to `text`."""
        end = time.monotonic() + seconds
        while True:
            # The prompt comes from elsewhere than the answers, but not before they are written.
            found = self.log.find(text, self.at)
            if found >= 0:
                break
            if time.monotonic() > end or not self.read(0.5):
                tail = self.log[self.at:][-2000:]
                raise RuntimeError(f"testpmd (ended with {self.process.poll()}) did not print {text!r} but {tail!r}")
        found += len(text)
        out, self.at = self.log[self.at:found], found
        return out

    def send(self, *lines):
        self.process.stdin.write("".join(line + "\n" for line in lines).encode())
        self.process.stdin.flush()

    def ask(self, line, seconds=20):
        """The answer to one command."""
        self.send(line)
        self.until(line, seconds)
        out = self.until(PROMPT, seconds)
        return out[:-len(PROMPT)].replace("\r", "").strip("\n")

    def ask_all(self, lines, seconds=60):
        """Answers to many commands, a list."""
        lines, answers = list(lines), []
        for i in range(0, len(lines), 64):
            part = lines[i:i + 64]
            self.send(*part)
            for line in part:
                self.until(line, seconds)
                answers.append(self.until(PROMPT, seconds)[:-len(PROMPT)].replace("\r", "").strip("\n"))
        return answers

    def quit(self):
        """Its exit code, after an orderly end."""
        self.send("quit")
        end = time.monotonic() + 30
        while self.read(0.2) and time.monotonic() < end:
            pass
        return self.process.wait(10)
