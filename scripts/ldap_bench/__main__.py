"""Runs the LDAP benchmark and prints its tables. Called by `scripts/bench`, which builds what it measures."""

import concurrent.futures
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

from . import directory, servers

LOAD_CORE = "1"
# Name, as the load generator knows it, and what the table calls it.
SCENARIOS = [
    ("uid", "search `(uid=…)`, all attributes"),
    ("mail", "search `(mail=…)`, all attributes"),
    ("person-and-uid", "search `(&(objectClass=person)(uid=…))`"),
    ("uid-and-memberof", "search `(&(uid=…)(memberOf=…))`"),
    ("groups", "groups of a user, names only"),
    ("groups-all", "groups of a user, all attributes"),
    ("members", "members of a group of 1,000, three attributes"),
    ("members-all", "members of a group of 1,000, all attributes"),
    ("bind-again", "bind, password checked before"),
    ("bind-cold", "bind, Argon2id to be checked"),
]


def setting(name, default):
    return os.environ.get(f"BENCH_{name}", default)


def argon2_hashes():
    """Argon2id with Doorward's parameters, as slapd and Doorward both take it."""
    run = lambda k: subprocess.run(["argon2", f"salt-of-user-{k:03}", "-id", "-k", "19456", "-t", "2", "-p", "1", "-e"],
                                   input=directory.PASSWORD, check=True, capture_output=True, text=True).stdout.strip()
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(run, range(directory.COLD_USERS)))


def measure(load, peer, server, n, scenario, seconds):
    """One scenario against one server; the load generator fails when an answer is not what it must be."""
    command = [*servers.FIRST, "taskset", "-c", LOAD_CORE, load, "--address", f"127.0.0.1:{server.port}", "--base", peer.base,
               "--bind-dn", peer.bind_dn, "--users", str(n), "--scenario", scenario, "--seconds", str(seconds),
               "--server-pid", str(server.process.pid)]
    passwords = {"DOORWARD_LOAD_BIND_PASSWORD": peer.password, "DOORWARD_LOAD_USER_PASSWORD": directory.PASSWORD,
                 "RUST_LIB_BACKTRACE": "0"}
    run = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **passwords})
    if run.returncode:
        raise SystemExit(f"{peer.name}, {scenario}, {n} users: {run.stderr}")
    return json.loads(run.stdout)


def first_answer(debian, peer, server):
    """Seconds from the start of the process to the first person found: Doorward reads its directory when it is first asked."""
    command = ["chroot", debian, "ldapsearch", "-x", "-H", f"ldap://127.0.0.1:{server.port}", "-D", peer.bind_dn, "-w", peer.password,
               "-b", f"ou=users,{peer.base}", f"(uid={directory.username(1)})", "1.1"]
    subprocess.run(command, check=True, capture_output=True)
    return time.monotonic() - server.begin


def one_pass(load, debian, peers, n, scenarios, seconds, results):
    """Both servers run; every scenario goes to the one and then to the other."""
    running = []
    try:
        for peer in peers:
            running.append((peer, peer.start()))
            note(results, peer, "ready", {"seconds": first_answer(debian, peer, running[-1][1])})
        for peer, server in running:
            note(results, peer, "idle", dict(zip(("resident", "anonymous"), server.resident())))
        for scenario in scenarios:
            for peer, server in running:
                note(results, peer, scenario, measure(load, peer, server, n, scenario, seconds))
        for peer, server in running:
            note(results, peer, "after", dict(zip(("resident", "anonymous"), server.resident())))
    finally:
        for _, server in running:
            server.stop()


def note(results, peer, what, figures):
    results.setdefault(peer.name, {}).setdefault(what, []).append(figures)


def median(results, peer, what, figure):
    return statistics.median(run[figure] for run in results[peer.name][what])


def table(n, peers, scenarios, results):
    print(f"\n### {n:,} users\n")
    head = [f"{peer.name} {what}" for peer in peers for what in ("per s", "p50 ms", "p99 ms", "CPU µs", "bytes")]
    ratio = ["ratio"] if len(peers) == 2 else []
    print("| | " + " | ".join(head + ratio) + " |")
    print("|---" * (1 + len(head + ratio)) + "|")
    for name, title in SCENARIOS:
        if name not in scenarios:
            continue
        cells = []
        for peer in peers:
            figure = lambda what: median(results, peer, name, what)
            cells += [f"{figure('rate'):,.0f}", f"{figure('p50_us') / 1000:.2f}", f"{figure('p99_us') / 1000:.2f}",
                      f"{figure('cpu_us'):,.1f}", f"{figure('bytes'):,.0f}"]
        if ratio:
            first, second = (median(results, peer, name, "rate") for peer in peers)
            cells.append(f"{second / first:.1f}")
        print(f"| {title} | " + " | ".join(cells) + " |")


def footprint(n, peers, results, load_times):
    print()
    for peer in peers:
        idle, after = (median(results, peer, when, "resident") for when in ("idle", "after"))
        own = median(results, peer, "after", "anonymous")
        print(f"- {peer.name}, {n:,} users: people written in {load_times[peer.name]:.1f} s, the first search "
              f"answered {median(results, peer, 'ready', 'seconds'):.2f} s after the start, resident {idle:.0f} MB, after the load "
              f"{after:.0f} MB (of which {own:.0f} MB are not mapped files)")


def run_size(n, peers, load, debian, hashes):
    scenarios = setting("SCENARIOS", " ".join(name for name, _ in SCENARIOS)).split()
    load_times = {peer.name: peer.load(n, hashes) for peer in peers}
    results = {}
    for number in range(int(setting("PASSES", "3"))):
        begin = time.monotonic()
        # The one that went first goes second in the next pass.
        ordered = peers if number % 2 == 0 else peers[::-1]
        one_pass(load, debian, ordered, n, scenarios, setting("SECONDS", "2"), results)
        print(f"{n} users, pass {number + 1}: {time.monotonic() - begin:.0f} s", file=sys.stderr)
    table(n, peers, scenarios, results)
    footprint(n, peers, results, load_times)
    return {"users": n, "results": results}


def main():
    binary, load, debian = map(pathlib.Path, sys.argv[1:])
    hashes = argon2_hashes()
    known = {"slapd": lambda: servers.Slapd(debian), "doorward": lambda: servers.Doorward(binary)}
    everything = []
    for n in map(int, setting("USERS", "1000 10000 100000").split()):
        peers = [known[name]() for name in setting("SERVERS", "slapd doorward").split()]
        try:
            everything.append(run_size(n, peers, load, debian, hashes))
        finally:
            for peer in peers:
                peer.remove()
    if "BENCH_JSON" in os.environ:
        pathlib.Path(os.environ["BENCH_JSON"]).write_text(json.dumps(everything, indent=1))


main()
