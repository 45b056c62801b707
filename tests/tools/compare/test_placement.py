"""Which side has which CPUs, on machines that are made up: whole cores on one side, what each side costs, and what the
spec says instead."""
import pathlib
import tempfile
import unittest

import support
from comparison import cpus, placement
from comparison.trouble import BadSpec


def wanted(**values):
    return {"kind": "apart", "server_cpus": None, "generator_cpus": None, **values}


def machine(cores, threads=1):
    """CPUs as Linux numbers them: one thread of each core first, then the second of each."""
    return {number: number % cores for number in range(cores * threads)}


def planned(core_of, allowed=None, cost=placement.SERVER_COST, remote=False, **values):
    return placement.plan(allowed or list(core_of), core_of, wanted(**values), cost, remote)


class Lists(unittest.TestCase):
    def test_are_read_and_written_as_the_kernel_does(self):
        for text, numbers in (("0", [0]), ("0-3,8", [0, 1, 2, 3, 8]), ("5,1-2", [1, 2, 5]), ("0-1,1-2\n", [0, 1, 2])):
            self.assertEqual(cpus.read_list(text), numbers)
        self.assertEqual(cpus.write_list([8, 0, 1, 2, 3]), "0-3,8")
        self.assertEqual(cpus.write_list([]), "")
        for wrong in ("", "a", "1-", "-1", "3-1", "0,,1", "1-2-3", "9999", "0-99999999999", " 1 2"):
            with self.assertRaises(ValueError):
                cpus.read_list(wrong)

    def test_cores_come_from_the_kernel(self):
        with tempfile.TemporaryDirectory() as folder:
            for number, siblings in ((0, "0,2\n"), (1, "1,3\n"), (2, "0,2\n"), (3, "nonsense\n")):
                place = pathlib.Path(folder) / f"cpu{number}" / "topology"
                place.mkdir(parents=True)
                (place / "thread_siblings_list").write_text(siblings)
            self.assertEqual(cpus.core_of([0, 1, 2, 3, 7], folder), {0: 0, 1: 1, 2: 0, 3: 3, 7: 7})


class Apart(unittest.TestCase):
    def check(self, place, server, generator, runner):
        self.assertEqual(
            (place.kind, cpus.write_list(place.server), cpus.write_list(place.generator), cpus.write_list(place.runner)),
            ("apart", server, generator, runner),
        )

    def test_two_cpus_are_one_for_each(self):
        self.check(planned(machine(2)), "0", "1", "")
        self.check(planned(machine(8), allowed=[3, 6]), "3", "6", "")

    def test_larger_machines_have_a_cpu_for_the_runner(self):
        self.check(planned(machine(3)), "0-1", "2", "")
        self.check(planned(machine(4)), "1-2", "3", "0")
        self.check(planned(machine(16)), "1-10", "11-15", "0")

    def test_a_handler_that_costs_more_gets_more(self):
        self.check(planned(machine(16), cost=10), "1-13", "14-15", "0")
        self.check(planned(machine(16), cost=1000), "1-14", "15", "0")
        self.check(planned(machine(16), cost=0.05), "1", "2-15", "0")

    def test_the_threads_of_a_core_stay_on_one_side(self):
        for cores in range(2, 40):
            for cost in (0.1, 1, 2, 10):
                core_of = machine(cores, 2)
                place = planned(core_of, cost=cost)
                sides = [{core_of[n] for n in side} for side in (place.server, place.generator, place.runner)]
                self.assertEqual(sum(map(len, sides)), cores)
                self.assertEqual(len(set().union(*sides)), cores)
                self.assertTrue(sides[0] and sides[1])
                self.assertEqual(place.note, "")
        self.check(planned(machine(2, 2)), "0,2", "1,3", "")

    def test_one_core_is_divided_and_said_so(self):
        place = planned(machine(1, 2))
        self.check(place, "0", "1", "")
        self.assertIn("same core", place.note)

    def test_one_cpu_is_shared_and_said_so(self):
        place = planned(machine(8), allowed=[5])
        self.assertEqual((place.kind, place.server, place.generator), ("shared", (5,), (5,)))
        self.assertIn("one CPU only", place.note)


class Asked(unittest.TestCase):
    def test_cpus_by_their_numbers(self):
        place = planned(machine(8), server_cpus=[2, 3], generator_cpus=[5])
        self.assertEqual((place.server, place.generator, place.runner), ((2, 3), (5,), (0, 1, 4, 6, 7)))
        place = planned(machine(4), server_cpus=[0])
        self.assertEqual((place.server, place.generator, place.runner), ((0,), (1, 2, 3), ()))
        place = planned(machine(4), generator_cpus=[0])
        self.assertEqual((place.server, place.generator), ((1, 2, 3), (0,)))
        self.assertIn("same core", planned(machine(2, 2), server_cpus=[0], generator_cpus=[2]).note)

    def test_shared_is_all_for_both(self):
        place = planned(machine(4), kind="shared")
        self.assertEqual((place.kind, place.server, place.generator), ("shared", (0, 1, 2, 3), (0, 1, 2, 3)))

    def test_load_from_other_machines_leaves_all_to_the_server(self):
        place = planned(machine(4), remote=True)
        self.assertEqual((place.kind, place.server, place.generator), ("elsewhere", (0, 1, 2, 3), ()))
        self.assertEqual(planned(machine(4), remote=True, server_cpus=[1]).server, (1,))
        self.assertEqual(planned(machine(1), remote=True).kind, "elsewhere")

    def test_what_cannot_be_is_refused_in_one_line(self):
        for values, said in (
            ({"server_cpus": [0, 9]}, "placement.server_cpus: 0,9 is not accepted: this program may use the CPUs 0-3"),
            ({"server_cpus": [0, 1], "generator_cpus": [1]}, "placement.generator_cpus: 1 is not accepted: the server has it"),
            ({"generator_cpus": [0, 1, 2, 3]}, "no CPU is left"),
            ({"kind": "shared", "server_cpus": [0]}, "leaves all CPUs to both"),
            ({"generator_cpus": [0], "remote": True}, "load comes from other machines"),
        ):
            with self.assertRaisesRegex(BadSpec, said):
                planned(machine(4), **values)

    def test_a_spec_names_its_cells_by_what_it_asks_for(self):
        asked = support.make_spec(placement={"server_cpus": "0-1", "generator_cpus": "3"}).placement
        self.assertEqual(asked, {"kind": "apart", "server_cpus": [0, 1], "generator_cpus": [3]})


class Words(unittest.TestCase):
    def test_name_the_placement(self):
        self.assertEqual(placement.words(planned(machine(2)).facts()), "one server CPU, one generator CPU")
        self.assertEqual(placement.words(planned(machine(16)).facts()), "10 server CPUs, 5 generator CPUs")
        self.assertEqual(
            placement.words(planned(machine(4), kind="shared").facts()), "server and generator share 4 CPUs"
        )
        self.assertEqual(placement.words(planned(machine(1)).facts()), "server and generator share one CPU")
        self.assertEqual(
            placement.words(planned(machine(1), remote=True).facts()), "one server CPU, load from other machines"
        )

    def test_name_each_way_once(self):
        core_of = machine(16)
        places = {"tiny": planned(core_of), "zipf": planned(core_of), "cpu": planned(core_of, cost=10)}
        self.assertEqual(
            placement.lines(places),
            "placement: 10 server CPUs, 5 generator CPUs (server 1-10, generator 11-15, runner 0): tiny, zipf\n"
            "placement: 13 server CPUs, 2 generator CPUs (server 1-13, generator 14-15, runner 0): cpu",
        )
        self.assertEqual(
            placement.lines({"tiny": planned(machine(1))}),
            "placement: server and generator share one CPU (server 0, generator 0), because this program may use one CPU only",
        )


if __name__ == "__main__":
    unittest.main()
