"""The experiment runner behind tools/compare, in the order in which a comparison passes through it.

    spec, workloads                     what is to be compared
    cells                               cut into independent cells with names that do not change
    servers, peers, load, measure, status, one_cell    a cell: a new server, load, figures
    grades, steadiness                  what the figures of a cell are worth
    results, runner, search, outside    what stays on disk, going through all cells, which blocks are repeated
    stats, pairs, comparisons           medians, ratios to the reference, and what they decide
    summary, words, svg, figures, report_html, report_md    what it says
    tune, hosts, hlog, syscalls         sweeps of flags, load from elsewhere, a pass that counts system calls

Python 3.11, standard library only.
"""
