"""Specs: what is accepted, and that each thing which is not gets one line with its place and what would be."""
import pathlib
import tempfile
import unittest
from unittest import mock

import support
from comparison import command, experiment, spec, tables_of_toml, workloads
from comparison.trouble import BadSpec

REFUSED = [  # what the file holds, words of the line
    ('models = ["staged"]\nrepetition = 3', ["repetition: there is no such key", "repetitions"]),
    ('models = ["staged"]\nrepetitions = 0', ["repetitions: 0 is not accepted: a whole number from 1 to 1000"]),
    ('models = ["staged"]\nrepetitions = true', ["repetitions: True is not accepted"]),
    ('models = ["staged"]\nduration = "3"', ["duration: '3' is not accepted: a time such as 10s"]),
    ('models = ["staged"]\nduration = 3', ["duration: 3 is not accepted: a time such as 10s"]),
    ('models = ["staged"]\nwarmup = "2h"', ["warmup: '2h' is not accepted", "from 0s to 3600s"]),
    ("models = []", ["nothing to compare"]),
    ('models = ["staged", "loops"]\nreference = "nginx"', ["reference: 'nginx' is not accepted: one of staged, loops"]),
    ('models = ["staged"]\nmargin = 0', ["margin: 0 is not accepted: a number from 0.001 to 0.5"]),
    ('models = ["staged"]\nrepeats = 3', ["repeats: 3 is not accepted: a whole number from 0 to 2"]),
    ('models = ["staged", "staged"]', ["a list without repetitions"]),
    ('models = ["--model"]', ["models: ['--model'] is not accepted"]),
    ('models = ["staged"]\n[[model]]\nmodel = "staged"', ["two models or peers have the name 'staged'"]),
    ('[[model]]\nmodel = "staged"\nwiring = "LRPW"', ["model[0]: one of model and wiring is needed"]),
    ('[[model]]\nname = "x"', ["model[0]: one of model and wiring is needed"]),
    ('[[model]]\nmodel = "staged"\nflags = "--readers \'2"', ["model[0].flags:", "quotes are closed"]),
    ('[[model]]\nmodel = "staged"\nflag = "x"', ["model[0].flag: there is no such key"]),
    ('peers = ["iis"]', ["peers: 'iis' is not accepted: one of nginx"]),
    ('[[peer]]\nname = "x"', ["peer[0].kind: is missing"]),
    ('[[peer]]\nkind = "command"', ["peer[0]: a command is needed"]),
    (
        '[[peer]]\nkind = "nginx"\ncommand = "nginx"',
        ["peer[0]: a command is needed for the kind command, and only for it"],
    ),
    ('models = ["staged"]\nworkloads = ["none"]', ["workloads: 'none' is not accepted: one of", "tiny"]),
    ('models = ["staged"]\n[[workload]]\nname = "x"', ["workload x: it has 0 targets; accepted are 1 to 16"]),
    (
        'models = ["staged"]\n[[workload]]\nname = "x"\ntargets = ["tiny.txt"]',
        ["workload[0].targets:", "a target such as /tiny.txt"],
    ),
    ('models = ["staged"]\n[[workload]]\nname = "x"\ntargets = ["0,/a"]', ["workload[0].targets:"]),
    (
        'models = ["staged"]\n[[workload]]\nname = "x"\ntargets = ["/a"]\nfiles = [{path = "../a", size = 1}]',
        ["files:", "stays below the root"],
    ),
    ('models = ["staged"]\n[levels]\nconnections = []', ["no load"]),
    ('models = ["staged"]\n[levels]\nshares_of_slowest = [0.6]', ["levels.shares_of_slowest", "from 0.01 to 0.5"]),
    ('models = ["staged"]\n[server]\nhandler_threads = 0', ["server.handler_threads", "equal, own, or a number from 1 to 1024"]),
    ('models = ["staged"]\n[[workload]]\nlike = "none"', ["'none' is not accepted", "one of"]),
    ('models = ["staged"]\n[[workload]]\nlike = "tiny"\nshares_of_slowest = [0.9]', ["workload[0].shares_of_slowest"]),
    ('models = ["staged"]\n[levels]\nclimb = 2', ["levels.climb: 2 is not accepted: a number from 0 to 1"]),
    ('models = ["staged"]\n[levels]\nclimb = 0.001', ["levels.climb: 0.001 is not accepted: 0 for none"]),
    ('models = ["staged"]\n[levels]\nclimb = 0.5\nshares_of_own = [0.5]', ["climb and shares_of_own", "give one of them"]),
    (
        'models = ["staged"]\n[levels]\nrates = [0]',
        ["levels.rates: [0] is not accepted: a list, each item a whole number from 1"],
    ),
    ('models = ["staged"]\n[levels]\nrates = [0.5]', ["levels.rates: [0.5] is not accepted: a list, each item a whole number from 1"]),
    ('models = ["staged"]\n[levels]\nrates = [1.5]', ["levels.rates: [1.5] is not accepted", "a whole number"]),
    ('models = ["staged"]\n[level]\nrates = [10]', ["level: there is no such key", "[levels]", "[[model]]"]),
    ('models = ["staged"]\n[placement]\nkind = "near"', ["placement.kind: 'near' is not accepted: one of apart, shared"]),
    (
        'models = ["staged"]\n[placement]\nserver_cpus = "0-"',
        ["placement.server_cpus: '0-' is not accepted: numbers of CPUs such as \"0-3,8\""],
    ),
    ('models = ["staged"]\n[placement]\ngenerator_cpus = 3', ["placement.generator_cpus: 3 is not accepted"]),
    (
        'models = ["staged"]\n[server]\nprefix = ["taskset", "-c", "0"]',
        ["server.prefix: 'taskset' is not accepted: placement.server_cpus says which CPUs"],
    ),
    ('models = ["staged"]\n[load]\nprefix = "taskset -c 0"', ["load.prefix:", "placement.generator_cpus"]),
    ('models = ["staged"]\nlevels = 3', ["levels: 3 is not accepted: a table"]),
    ('models = ["staged"\n', ["not TOML"]),
    ('models = ["staged"]\nworkload = ["tiny"]', ["workload: ['tiny'] is not accepted: tables headed [[workload]]; did you "
                                                  "mean workloads, which takes names?"]),
    ('model = "staged"', ["model: 'staged' is not accepted: tables headed [[model]]; did you mean models"]),
    ('models = ["staged"]\nworkload = 3', ["workload: 3 is not accepted: tables headed [[workload]]"]),
    ('models = ["staged"]\n[[workload]]\nname = "x"\ntargets = ["/a"]\nrates = [0]', ["workload[0].rates: [0] is not"]),
]


class Specs(unittest.TestCase):
    def read(self, text):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "spec.toml"
            path.write_text(text)
            values, text = tables_of_toml.read_toml(path)
            return spec.from_values(values, str(path), path.parent, text)

    def test_errors_say_where_and_what_is_accepted(self):
        for text, words in REFUSED:
            with self.subTest(text=text):
                with self.assertRaises(BadSpec) as caught:
                    self.read(text)
                said = str(caught.exception)
                self.assertNotIn("\n", said)
                self.assertIn("spec.toml", said)
                for word in words:
                    self.assertIn(word, said)

    def test_a_file_that_is_not_there_is_one_line(self):
        with self.assertRaisesRegex(BadSpec, "nowhere.toml: cannot be read"):
            tables_of_toml.read_toml("nowhere.toml")
        with self.assertRaisesRegex(BadSpec, "nowhere.toml: cannot be read"):
            support.make_spec(workloads=["./nowhere.toml"])

    def test_the_reference_is_the_first_or_the_one_that_is_named(self):
        for line, wanted in (("", "staged"), ('reference = "nginx"\n', "nginx")):
            read = self.read(line + 'models = ["staged", "loops"]\npeers = ["nginx"]')
            self.assertEqual((read.reference, read.margin, read.repetitions), (wanted, 0.05, 9))

    def test_models_with_flags_wirings_and_peers_are_subjects(self):
        read = self.read(
            'models = ["staged", "loops --readers 2"]\npeers = ["nginx"]\n[[model]]\nwiring = "L | RP*2 | '
            'W"\nflags = ["--batch", "8"]\n'
            '[[peer]]\nname = "mine"\nkind = "command"\ncommand = "serve --port @PORT@ \'a b\'"'
        )
        self.assertEqual(
            [(s["name"], s["kind"], s["args"]) for s in read.subjects],
            [
                ("staged", "quartet", ["--model", "staged"]),
                ("loops --readers 2", "quartet", ["--model", "loops", "--readers", "2"]),
                ("L | RP*2 | W --batch 8", "quartet", ["--wiring", "L | RP*2 | W", "--batch", "8"]),
                ("nginx", "nginx", []),
                ("mine", "command", ["serve", "--port", "@PORT@", "a b"]),
            ],
        )


    def test_rates_alone_bring_no_closed_loop(self):
        for levels, connections in (("rates = [10]", []), ("rates = [10]\nshares_of_own = [0.5]", [64]),
                                    ("shares_of_slowest = [0.5]", [64]), ("climb = 0.5", [64]), ("", [64]),
                                    ("rates = [10]\nconnections = [3]", [3])):
            with self.subTest(levels=levels):
                read = self.read(f'models = ["staged"]\n[levels]\n{levels}')
                self.assertEqual(read.levels["connections"], connections)
        self.assertEqual(self.read('models = ["staged"]').levels["connections"], [64])

    def test_workloads_have_any_path_relative_to_the_spec(self):
        with tempfile.TemporaryDirectory() as outer:
            folder = pathlib.Path(outer) / "inner (1)"
            folder.mkdir()
            for place in (pathlib.Path(outer) / "a#.toml", folder / "b.toml"):
                place.write_text('targets = ["/x"]')
            path = folder / "spec.toml"
            path.write_text(f'models = ["staged"]\nworkloads = ["../a#.toml", "./b.toml", "{folder}/./b.toml"]')
            values, text = tables_of_toml.read_toml(path)
            with self.assertRaisesRegex(BadSpec, "two workloads have the name 'b'"):
                spec.from_values(values, str(path), path.parent, text)
            values["workloads"].pop()
            read = spec.from_values(values, str(path), path.parent, text)
            self.assertEqual([workload["name"] for workload in read.workloads], ["a#", "b"])

    def test_a_path_of_the_command_line_is_relative_to_where_it_runs(self):
        options = command.parser().parse_args(["dir/spec.toml", "--workloads", "tiny,./a.toml,/b.toml"])
        options.tuned = []
        with mock.patch.object(tables_of_toml, "read_toml", lambda path: ({}, "")):
            values, *_ = experiment.values_of(options)
        self.assertEqual(values["workloads"], ["tiny", str(pathlib.Path.cwd() / "a.toml"), "/b.toml"])


class Workloads(unittest.TestCase):
    def test_all_that_are_shipped_can_be_read(self):
        self.assertEqual(
            set(workloads.shipped()),
            {"tiny", "zipf", "cpu", "blocking", "slow-clients", "close", "stream", "filter"}
            | {"near-idle", "mix", "dispersed", "spin50", "large"},
        )
        read = support.make_spec(workloads=workloads.shipped())
        self.assertTrue(all(workload["what"] for workload in read.workloads))

    def test_a_zipf_mix_is_the_same_each_time_and_keeps_its_shares(self):
        first, second = (support.make_spec(workloads=["zipf"]).workloads[0] for _ in range(2))
        self.assertEqual(first, second)
        weights = [weight for weight, _ in first["targets"]]
        self.assertAlmostEqual(sum(weights[:4]) / sum(weights), 0.35, delta=0.01)
        self.assertEqual(weights[:4], sorted(weights[:4], reverse=True))

    def test_files_are_made_once_and_must_agree(self):
        with tempfile.TemporaryDirectory() as root:
            workloads.make_files(
                root, [{"files": [{"path": "a/b.bin", "size": 70000}]}, {"files": [{"path": "a/b.bin", "size": 70000}]}]
            )
            self.assertEqual((pathlib.Path(root) / "a/b.bin").stat().st_size, 70000)
            with self.assertRaises(BadSpec):
                workloads.make_files(root, [{"files": [{"path": "a/b.bin", "size": 1}]}])

    def test_synthetic_handlers_are_for_our_server_only(self):
        read = support.make_spec(workloads=["tiny", "cpu"])
        self.assertEqual([workload["ours_only"] for workload in read.workloads], [False, True])


if __name__ == "__main__":
    unittest.main()
