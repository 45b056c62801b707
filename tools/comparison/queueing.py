"""What queueing theory says of the mean wait of a request, as functions of numbers alone.

All: arrivals are Poisson with `rate` a second, `service` is the mean service time in seconds, `servers` are alike and have
one queue, and the load rate * service / servers is below 1. The result is the mean wait before service in seconds. The mean
does not depend on the order in which waiting requests are served, as long as that order does not know their service times.
"Scv" is the squared coefficient of variation of the service time: variance / mean^2.

Sources: L. Kleinrock, Queueing Systems I (1975), for M/M/c and M/G/1; A. M. Lee and P. A. Longton, "Queueing processes
associated with airline passenger check-in" (1959), for the approximation of M/G/c; C. D. Crommelin, "Delay probability
formulae when the holding times are constant" (1932), for M/D/c.
"""
import math

NEGLIGIBLE = 1e-12  # a probability


def bimodal_scv(share, ratio):
    """Of times of which `share` (0 to 1) are `ratio` times as long as the others."""
    mean = 1 + share * (ratio - 1)
    return (1 + share * (ratio * ratio - 1)) / mean**2 - 1


def with_overhead(mean, scv, overhead):
    """(mean, scv) of a time to which a constant is added."""
    return mean + overhead, scv * (mean / (mean + overhead)) ** 2


def mg1_wait(rate, service, scv):
    """M/G/1, exact (Pollaczek and Khinchine). M/D/1 has scv 0, M/M/1 has 1."""
    load = rate * service
    return load * service * (1 + scv) / (2 * (1 - load))


def erlang_c(servers, offered):
    """The chance that a request of M/M/c has to wait; `offered` = rate * service. By way of Erlang's B, whose recursion is
    stable."""
    blocked = 1.0
    for number in range(1, servers + 1):
        blocked = offered * blocked / (number + offered * blocked)
    return servers * blocked / (servers - offered * (1 - blocked))


def mmc_wait(rate, service, servers):
    """M/M/c, exact (Erlang)."""
    return erlang_c(servers, rate * service) * service / (servers - rate * service)


def mgc_wait(rate, service, scv, servers):
    """M/G/c, an approximation (Lee and Longton) that is exact for scv 1 and for one server."""
    return mmc_wait(rate, service, servers) * (1 + scv) / 2


def poisson(mean):
    """The probabilities of 0, 1, 2, ... until they are negligible."""
    found, number = [math.exp(-mean)], 0
    while number < mean or found[-1] > NEGLIGIBLE:
        number += 1
        found.append(found[-1] * mean / number)
    return found


def mdc_wait(rate, service, servers):
    """M/D/c, exact but for rounding (Crommelin): whatever is in service now has left one service time later, and nothing
    else has. So the number of requests at times that are one service time apart is a Markov chain; its stationary
    distribution is found by following it."""
    arrivals = poisson(rate * service)
    states = servers + len(arrivals) + math.ceil(40 / (1 - rate * service / servers))
    now = [1.0] + [0.0] * (states - 1)
    moved = 1.0
    while moved > NEGLIGIBLE:
        left = [math.fsum(now[: servers + 1]), *now[servers + 1 :]]
        then = [0.0] * states
        for number, chance in enumerate(left):
            for more, likely in enumerate(arrivals[: states - number]):
                then[number + more] += chance * likely
        moved = math.fsum(abs(a - b) for a, b in zip(now, then))
        now = then
    waiting = math.fsum((number - servers) * chance for number, chance in enumerate(now) if number > servers)
    return waiting / rate  # Little's law
