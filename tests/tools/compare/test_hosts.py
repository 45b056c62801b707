"""Load from elsewhere: two hosts that are network namespaces with addresses and sshd of their own; jobs under Slurm.

usage: test_hosts.py BUILD. Needs root, ip and sshd; and Slurm's daemons, else its jobs run from a
pretended sbatch. What cannot run says why and is skipped.
"""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import support
from comparison import histogram, hlog, hosts

BUILD = pathlib.Path(sys.argv.pop(1)) if len(sys.argv) > 1 else support.REPO / "build" / "dev"
COMPARE = str(support.REPO / "tools" / "compare")
SHORT = 'repetitions = 1\nwarmup = "0s"\nsettle = "50ms"\nduration = "300ms"\n'
LIMIT_S = 600
NAMED = "/run/netns"  # where `ip netns` keeps its names


def find(program):
    return shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin:/sbin")


def run(*command, **more):
    return subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT_S, check=False, **more
    )


def must(*command):
    done = run(*command)
    if done.returncode != 0:
        raise unittest.SkipTest(f"{' '.join(command)}: {done.stderr.strip()}")


def eventually(predicate):
    limit = time.monotonic() + LIMIT_S
    while not (value := predicate()):
        if time.monotonic() > limit:
            raise AssertionError("it did not happen in time")
        time.sleep(0.02)
    return value


class Division(unittest.TestCase):
    OPTIONS = [
        "--connections",
        "7",
        "--seed",
        "5",
        "--rate",
        "101",
        "--warmup",
        "0s",
        "--duration",
        "1s",
        "--idle",
        "3",
        "http://a/",
    ]

    def test_of_load_among_hosts_is_whole(self):
        shares = [hosts.share_of(self.OPTIONS, i, 3) for i in range(3)]
        for key, total in (("--connections", 7), ("--rate", 101), ("--idle", 3)):
            self.assertEqual(sum(hosts.value_of(share, key) for share in shares), total)
        self.assertEqual(len({hosts.value_of(share, "--seed") for share in shares}), 3)
        self.assertNotIn("--slow-readers", shares[0])

    def test_of_a_rate_below_one_for_each_host_is_refused(self):
        with self.assertRaisesRegex(hosts.LoadFailed, "2 requests/s cannot be divided among 3 hosts"):
            hosts.Hosts(BUILD, ["a", "b", "c"], ["ssh"]).run(["--rate", "2"], {}, None, "load")

    def test_what_a_host_sends_is_not_trusted(self):
        with self.assertRaisesRegex(hosts.LoadFailed, "a sent no results"):
            hosts.unpack(b"not a tar file", "a")
        with self.assertRaisesRegex(hosts.LoadFailed, "on a ended with status 2: what it said"):
            hosts.checked({"status": "2\n", "load.txt": "what it said\n"}, "a")


class Logs(unittest.TestCase):
    HEAD = bytes.fromhex("1c849313") + bytes(36)

    def test_are_read_as_they_were_written(self):
        for counts in ([0, 0, 5, 0, 1], [1], [0] * 300 + [1 << 40] + [0, 2], []):
            self.assertEqual(hlog.decode(hlog.encode(self.HEAD, list(counts)))[1], counts)

    def test_merged_have_all_counts(self):
        texts = [
            f'#[x]\n"a"\n0.000,1.000,{most},{hlog.encode(self.HEAD, counts)}\n'
            for most, counts in ((1.5, [1, 0, 2]), (0.5, [0, 0, 0, 4]))
        ]
        top, rows = hlog.read(hlog.merge(texts))
        self.assertEqual((top, rows[0][:3], rows[0][4]), (["#[x]", '"a"'], (0, 1, 1.5), [1, 0, 2, 4]))

    def test_counts_stand_for_the_values_of_their_precision(self):
        for digits, sub in ((2, 128), (3, 1024)):
            head = self.HEAD[:12] + digits.to_bytes(4, "big") + self.HEAD[16:]
            found = [hlog.highest(i, head) for i in (0, sub, 2 * sub - 1, 2 * sub, 3 * sub - 1, 3 * sub)]
            self.assertEqual(found, [0, sub, 2 * sub - 1, 2 * sub + 1, 4 * sub - 1, 4 * sub + 3])

    def test_that_are_none_are_refused(self):
        for text in ("", "AAAA", "!"):
            with self.assertRaises(ValueError):
                hlog.decode(text)


def is_mounted(path):
    """A directory bound to itself is a mount that os.path.ismount() does not see."""
    with open("/proc/self/mountinfo", encoding="utf-8") as mounts:
        return any(line.split()[4] == path for line in mounts)


class Namespaces:
    """A server's network and two hosts', each joined to it by a wire of its own; an sshd in each host."""

    SSHD = (
        "Port 22\nHostKey {folder}/key\nAuthorizedKeysFile {folder}/key.pub\nPidFile none\nStrictModes no\nUsePAM no\n"
        "PermitRootLogin prohibit-password\nPasswordAuthentication no\n"
    )

    def __init__(self, folder):
        self.folder, self.started, self.made = folder, [], []
        self.tag = f"qc{os.getpid() % 100000}"
        self.server = f"{self.tag}s"
        self.mounts = not is_mounted(NAMED)

    def __enter__(self):
        try:
            self.build()
        except BaseException:
            self.__exit__()
            raise
        return self

    def build(self):
        if os.geteuid() != 0 or not find("ip") or not find("sshd") or not find("ssh-keygen"):
            raise unittest.SkipTest("network namespaces with sshd need root, ip and sshd")
        must("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.folder / "key"))
        (self.folder / "sshd.conf").write_text(self.SSHD.format(folder=self.folder))
        os.makedirs("/run/sshd", exist_ok=True)
        self.namespace(self.server)
        for number in (1, 2):
            self.host(number)

    def namespace(self, name):
        must("ip", "netns", "add", name)
        self.made.append(name)
        must("ip", "-n", name, "link", "set", "lo", "up")

    def host(self, number):
        name, ours, theirs = f"{self.tag}{number}", f"{self.tag}o{number}", f"{self.tag}t{number}"
        self.namespace(name)
        must("ip", "-n", self.server, "link", "add", ours, "type", "veth", "peer", "name", theirs, "netns", name)
        for namespace, link, address in (
            (self.server, ours, f"10.213.{number}.1/24"),
            (name, theirs, f"10.213.{number}.2/24"),
        ):
            must("ip", "-n", namespace, "addr", "add", address, "dev", link)
            must("ip", "-n", namespace, "link", "set", link, "up")
        must("ip", "-n", name, "route", "add", "default", "via", f"10.213.{number}.1")
        self.started.append(
            subprocess.Popen(
                ["ip", "netns", "exec", name, find("sshd"), "-D", "-e", "-f", str(self.folder / "sshd.conf")],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        )
        eventually(
            lambda: run(
                "ip",
                "netns",
                "exec",
                self.server,
                sys.executable,
                "-c",
                f"import socket; socket.create_connection(('10.213.{number}.2', 22), 1)",
            ).returncode
            == 0
        )

    def __exit__(self, *unused):
        for process in self.started:
            process.terminate()
            process.wait()
        for name in self.made:
            run("ip", "netns", "del", name)
        # The first namespace of a machine gets this mounted. umount refuses where others have some by now.
        if self.mounts and is_mounted(NAMED) and not os.listdir(NAMED):
            run("umount", NAMED)


class FromHosts(unittest.TestCase):
    def test_two_hosts_load_one_server_together(self):
        with tempfile.TemporaryDirectory() as temporary, Namespaces(pathlib.Path(temporary)) as net:
            folder = pathlib.Path(temporary)
            spec, out = folder / "spec.toml", folder / "out"
            spec.write_text(
                'models = ["staged"]\n'
                + SHORT
                + '[levels]\nconnections = [5]\nrates = [600]\nopen_connections = 4\n[server]\naddress = "10.213.1.1"\n'
            )
            options = "BatchMode=yes StrictHostKeyChecking=no UserKnownHostsFile=/dev/null LogLevel=ERROR"
            ssh = " ".join([f"ssh -F none -i {folder}/key", *(f"-o {option}" for option in options.split())])
            done = run(
                "ip",
                "netns",
                "exec",
                net.server,
                COMPARE,
                str(spec),
                "--build",
                str(BUILD),
                "--out",
                str(out),
                "--load-hosts",
                "10.213.1.2,10.213.2.2",
                "--ssh",
                ssh,
            )
            # On a busy machine the generator may call all its runs INVALID; then there is nothing to report, and that is 1.
            self.assertIn(done.returncode, (0, 1), done.stdout + done.stderr)
            cells = [json.loads(path.read_text()) for path in out.glob("raw/*/cell.json")]
            self.assertEqual(len(cells), 2, done.stdout + done.stderr)
            self.assertTrue(all(cell["outcome"] in ("ok", "invalid") for cell in cells), done.stdout + done.stderr)
            for cell in cells:
                self.check(out / "raw" / cell["id"], cell)

    def check(self, folder, cell):
        """What the hosts saw is added up, in figures and in the log."""
        merged = json.loads((folder / "load.json").read_text())
        parts = [json.loads((folder / f"load.10.213.{n}.2.json").read_text()) for n in (1, 2)]
        self.assertEqual(merged["requests"]["good"], sum(part["requests"]["good"] for part in parts))
        self.assertEqual(
            sorted(part["options"]["connections"] for part in parts),
            [2, 3] if cell["level"]["kind"] == "closed" else [2, 2],
        )
        self.assertTrue(all(part["requests"]["good"] > 0 for part in parts))
        self.assertAlmostEqual(cell["metrics"]["rate"], sum(part["rate"]["answered"] for part in parts), delta=1)
        apart = [why for why in merged["invalid"] if "did not begin together" in why]
        self.assertEqual(bool(apart), merged["apart_s"] > hosts.APART_MOST_S)
        _, rows = hlog.read((folder / "load.hlog").read_text())
        counts = []
        for row in rows:
            counts = hlog.add(counts, row[4])
        due = merged["latency_ns"]["from_due"]
        self.assertEqual(sum(counts), due["count"])
        log = {"buckets": [[hlog.highest(i, rows[0][3]), count] for i, count in enumerate(counts) if count]}
        self.assertAlmostEqual(histogram.percentile(log, 0.5), due["p50"], delta=0.01 * due["p50"])


SBATCH = """#!/bin/bash
# A pretended sbatch: runs each job at once, one task after the other.
last=1 wrap=
for word; do case $word in --array=1-*) last=${word#--array=1-} ;; --wrap=*) wrap=${word#--wrap=} ;; esac; done
for ((SLURM_ARRAY_TASK_ID = 1; SLURM_ARRAY_TASK_ID <= last; SLURM_ARRAY_TASK_ID++)); do
    export SLURM_ARRAY_TASK_ID; bash -c "$wrap" >>"$SBATCH_LOG" 2>&1
done
echo $$
"""


class Slurm:
    """A controller and a node on this machine."""

    CONF = """ClusterName=test
SlurmctldHost={host}(127.0.0.1)
AuthType=auth/none
CredType=cred/none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/linear
SlurmUser=root
SlurmdUser=root
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/ctld.pid
SlurmdPidFile={folder}/d.pid
SlurmctldPort=26817
SlurmdPort=26818
ReturnToService=2
MpiDefault=none
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
SwitchType=switch/none
SchedulerParameters=sched_interval=1
SchedulerTimeSlice=5
NodeName={host} NodeAddr=127.0.0.1 CPUs=1 State=UNKNOWN
PartitionName=all Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""

    def __init__(self, folder):
        self.folder, self.processes = folder, []
        self.environment = dict(os.environ, SLURM_CONF=str(folder / "slurm.conf"))

    def __enter__(self):
        if os.geteuid() != 0 or not all(find(name) for name in ("slurmctld", "slurmd", "sbatch", "sinfo")):
            raise OSError("Slurm's daemons are not here, or this is not root")
        for name in ("state", "spool"):
            (self.folder / name).mkdir()
        (self.folder / "slurm.conf").write_text(
            self.CONF.format(host=os.uname().nodename.split(".")[0], folder=self.folder)
        )
        for name in ("slurmctld", "slurmd"):
            with open(self.folder / f"{name}.log", "wb") as log:
                self.processes.append(
                    subprocess.Popen(
                        [find(name), "-D"],
                        env=self.environment,
                        stdin=subprocess.DEVNULL,
                        stdout=log,
                        stderr=log,
                        start_new_session=True,
                    )
                )
        if not self.is_up():
            self.__exit__()
            raise OSError(
                "Slurm's daemons do not start here: "
                + " / ".join(
                    (self.folder / f"{n}.log").read_text(errors="replace")[-200:] for n in ("slurmctld", "slurmd")
                )
            )
        return self

    def is_up(self):
        limit = time.monotonic() + 10
        while time.monotonic() < limit and all(process.poll() is None for process in self.processes):
            if "idle" in run("sinfo", "-h", "-o", "%T", env=self.environment).stdout:
                return True
            time.sleep(0.1)
        return False

    def __exit__(self, *unused):
        for process in self.processes:
            process.send_signal(signal.SIGTERM)
        for process in self.processes:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


class UnderSlurm(unittest.TestCase):
    SPEC = 'models = ["staged", "loops"]\n' + SHORT + "[levels]\nconnections = [2]\nshares_of_slowest = [0.3]\n"

    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory()
        self.addCleanup(self.temporary.cleanup)
        self.folder = pathlib.Path(self.temporary.name)
        (self.folder / "spec.toml").write_text(self.SPEC)
        self.out = self.folder / "out"

    def submit(self, environment, *words):
        done = run(
            str(support.REPO / "tools" / "compare-slurm"),
            *words,
            str(self.folder / "spec.toml"),
            str(self.out),
            "2",
            env=dict(environment, COMPARE_BUILD=str(BUILD)),
        )
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done

    def check(self):
        eventually((self.out / "index.html").exists)
        records = [json.loads(path.read_text()) for path in self.out.glob("raw/*/cell.json")]
        logs = "".join(
            path.read_text() for path in sorted(self.folder.glob("out/slurm/*.log")) + sorted(self.folder.glob("log"))
        )
        self.assertEqual(
            sorted((r["subject"]["name"], r["level"]["kind"]) for r in records),
            [("loops", "closed"), ("loops", "slowest"), ("staged", "closed"), ("staged", "slowest")],
            logs,
        )
        self.assertTrue(all(r["outcome"] in ("ok", "invalid") for r in records), records)

    def test_a_dry_run_submits_nothing(self):
        said = self.submit(os.environ, "--dry-run").stderr
        self.assertEqual(said.count("sbatch"), 3)
        self.assertIn("--array=1-2", said)
        self.assertIn("--dependency=afterany:first", said)
        self.assertFalse((self.out / "raw").exists())

    def test_jobs_share_the_cells_and_the_last_one_reports(self):
        slurm = Slurm(self.folder)
        try:
            with slurm:
                self.submit(slurm.environment)
                self.check()
                eventually(lambda: not run("squeue", "-h", env=slurm.environment).stdout)
            how = "a one-node Slurm"
        except OSError as error:
            (self.folder / "sbatch").write_text(SBATCH)
            (self.folder / "sbatch").chmod(0o755)
            self.submit(
                dict(os.environ, PATH=f"{self.folder}:{os.environ['PATH']}", SBATCH_LOG=str(self.folder / "log"))
            )
            self.check()
            how = f"a pretended sbatch ({error})"
        print(f"jobs ran under {how}")

    def test_the_rest_does_not_run_before_the_peaks_are_known(self):
        done = run(
            COMPARE, str(self.folder / "spec.toml"), "--build", str(BUILD), "--out", str(self.out), "--cells", "2/2"
        )
        self.assertEqual(done.returncode, 1)
        self.assertIn("run all shares with --phase first", done.stderr)


if __name__ == "__main__":
    unittest.main()
