"""Runs the OpenID Connect benchmark and prints its table. Called by `scripts/bench`, which builds what it measures."""

import json
import os
import pathlib
import statistics
import subprocess
import sys
import urllib.parse

from . import browser, servers

LOAD_CORE = "1"
CONNECTIONS = 16
# Name, algorithm, what the load generator calls it, what the table calls it, and whether access tokens are JWTs on both sides.
SCENARIOS = [
    ("code-es256", "ES256", "code", "code flow, ES256", False),
    ("code-rs256", "RS256", "code", "code flow, RS256", False),
    ("refresh-es256", "ES256", "refresh", "refresh, ES256", False),
    ("refresh-rs256", "RS256", "refresh", "refresh, RS256", False),
    ("refresh-jwt-rs256", "RS256", "refresh", "refresh, RS256, both with JWTs as access tokens", True),
    ("client-es256", "ES256", "client-credentials", "client credentials, ES256", True),
    ("client-rs256", "RS256", "client-credentials", "client credentials, RS256", True),
    ("userinfo", "ES256", "userinfo", "userinfo", False),
    ("introspection", "ES256", "introspection", "introspection", False),
    ("discovery", "ES256", "document", "discovery", False),
    ("jwks", "ES256", "document", "JWKS", False),
]


def setting(name, default):
    return os.environ.get(f"BENCH_{name}", default)


class Running:
    """A server with somebody signed in to it, and the tokens that scenarios begin with."""

    def __init__(self, peer):
        self.peer, self.server = peer, peer.start()
        try:
            self.browsers = {algorithm: browser.Browser() for algorithm in servers.ALGORITHMS}
            for algorithm in servers.ALGORITHMS:
                self.tokens(algorithm, "openid")
        except BaseException:
            self.server.stop()
            raise

    def url(self, path):
        return f"http://127.0.0.1:{self.peer.port}{path}"

    def tokens(self, algorithm, scope, **more):
        """Tokens of a code flow; the first one signs in."""
        client = self.peer.clients[algorithm]
        request = {"response_type": "code", "client_id": client["id"], "redirect_uri": servers.REDIRECT_URI, "scope": scope,
                   "state": "a-state", "nonce": "a-nonce", **more}
        url = self.url(self.peer.paths["authorize"]) + "?" + urllib.parse.urlencode(request)
        code = self.browsers[algorithm].code(url, servers.REDIRECT_URI, {"username": "alice", "password": servers.PASSWORD})
        return browser.tokens(self.url(self.peer.paths["token"]), client, {
            "grant_type": "authorization_code", "code": code, "redirect_uri": servers.REDIRECT_URI})

    def arguments(self, name, algorithm, kind, signed):
        """What the load generator is told for a scenario."""
        client, paths = self.peer.clients[algorithm], self.peer.paths
        # The peer's access tokens are JWTs where they are for a resource.
        resource = {"resource": f"urn:{algorithm}"} if signed and not self.peer.signs_access_tokens else {}
        path = {"code": paths["authorize"], "refresh": paths["token"], "client-credentials": paths["token"],
                "userinfo": paths["userinfo"], "introspection": paths["introspect"]}.get(kind) or client[name]
        told = ["--address", f"127.0.0.1:{self.peer.port}", "--path", path, "--token-path", paths["token"], "--userinfo-path",
                paths["userinfo"], "--issuer", client["issuer"], "--client-id", client["id"], "--authorization", browser.basic(client),
                "--redirect-uri", servers.REDIRECT_URI, "--algorithm", algorithm]
        if kind == "code":
            told += ["--cookie", self.browsers[algorithm].cookies()]
        if kind == "refresh":
            asked = {"prompt": "consent", **resource}
            made = [self.tokens(algorithm, "openid profile email offline_access", **asked) for _ in range(CONNECTIONS)]
            told += [f"--token={tokens['refresh_token']}" for tokens in made]
        if kind in ("userinfo", "introspection"):
            made = [self.tokens(algorithm, "openid profile email") for _ in range(CONNECTIONS)]
            told += [f"--token={tokens['access_token']}" for tokens in made]
        if self.peer.signs_access_tokens or signed:
            told.append("--signed-access-tokens")
        if resource:
            told += ["--more", "&" + urllib.parse.urlencode(resource)]
        return told


def measure(load, running, name, algorithm, kind, signed):
    """One scenario against one server; the load generator fails when an answer is not what it must be."""
    command = [*servers.FIRST, "taskset", "-c", LOAD_CORE, load, "--scenario", kind, "--seconds", setting("SECONDS", "2"),
               "--connections", str(CONNECTIONS), "--server-pid", str(running.server.process.pid),
               *running.arguments(name, algorithm, kind, signed)]
    run = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "RUST_LIB_BACKTRACE": "0"})
    if run.returncode:
        raise SystemExit(f"{running.peer.name}, {name}: {run.stderr}")
    return json.loads(run.stdout)


def one_pass(load, peers, scenarios, results):
    """Both servers run; every scenario goes to the one and then to the other."""
    running = []
    try:
        for peer in peers:
            running.append(Running(peer))
            note(results, peer, "idle", {"resident": running[-1].server.resident()[0]})
        for name, algorithm, kind, _, signed in scenarios:
            for one in running:
                note(results, one.peer, name, measure(load, one, name, algorithm, kind, signed))
        for one in running:
            note(results, one.peer, "after", {"resident": one.server.resident()[0]})
    finally:
        for one in running:
            one.server.stop()


def note(results, peer, what, figures):
    results.setdefault(peer.name, {}).setdefault(what, []).append(figures)


def median(results, peer, what, figure):
    return statistics.median(run[figure] for run in results[peer.name][what])


def table(peers, scenarios, results):
    head = [f"{peer.name} {what}" for peer in peers for what in ("per s", "p50 ms", "p99 ms", "CPU µs", "per core-second")]
    print("\n| | " + " | ".join([*head, "CPU, in times"]) + " |")
    print("|---" * (2 + len(head)) + "|")
    for name, _, _, title, _ in scenarios:
        cells = []
        for peer in peers:
            figure = lambda what: median(results, peer, name, what)
            cells += [f"{figure('rate'):,.0f}", f"{figure('p50_us') / 1000:.2f}", f"{figure('p99_us') / 1000:.2f}",
                      f"{figure('cpu_us'):,.1f}", f"{1e6 / figure('cpu_us'):,.0f}"]
        if len(peers) == 2:
            cells.append(f"**{median(results, peers[0], name, 'cpu_us') / median(results, peers[1], name, 'cpu_us'):.1f}**")
        print(f"| {title} | " + " | ".join(cells) + " |")
    print()
    for peer in peers:
        print(f"- {peer.name}: resident {median(results, peer, 'idle', 'resident'):.0f} MB, after the load "
              f"{median(results, peer, 'after', 'resident'):.0f} MB")


def main():
    binary, load, packages = sys.argv[1:]
    wanted = setting("SCENARIOS", " ".join(name for name, *_ in SCENARIOS)).split()
    scenarios = [scenario for scenario in SCENARIOS if scenario[0] in wanted]
    known = {"oidc-provider": lambda: servers.OidcProvider(packages), "doorward": lambda: servers.Doorward(binary)}
    peers = [known[name]() for name in setting("SERVERS", "oidc-provider doorward").split()]
    results = {}
    try:
        for number in range(int(setting("PASSES", "3"))):
            # The one that went first goes second in the next pass.
            one_pass(load, peers if number % 2 == 0 else peers[::-1], scenarios, results)
            print(f"pass {number + 1} done", file=sys.stderr)
    finally:
        for peer in peers:
            peer.remove()
    table(peers, scenarios, results)
    if "BENCH_JSON" in os.environ:
        pathlib.Path(os.environ["BENCH_JSON"]).write_text(json.dumps(results, indent=1))


main()
