"""What a proxy's question costs, beside the smallest requests that Doorward answers, and what it costs a request through nginx.
Called by `scripts/bench`, which builds what it measures. Prints Markdown tables.
"""

import html
import http.cookiejar
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import urllib.parse
import urllib.request

from ldap_bench.servers import FIRST, Server, free_port

LOAD_CORE = "1"
LIVE = "`/-/health/live/`: a fixed answer"
UNGUARDED = "an application through nginx, unguarded"
PASSWORD = "Seven-Green-Bottles-0n-a-Wall"


def setting(name, default):
    return os.environ.get(f"BENCH_{name}", default)


class Doorward:
    """The release binary with its embedded database, an application behind a proxy and somebody signed in to it."""

    def __init__(self, binary, port, external, upstream):
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="doorward-bench-"))
        self.binary, self.port = binary, port
        # For the server and for the commands, which print where it is.
        os.environ.update(DOORWARD_TRUSTED_PROXIES="127.0.0.1", DOORWARD_LISTEN=f"127.0.0.1:{port}")
        (self.work / "password").write_text(PASSWORD)
        self.command("init", "--public-url", f"http://127.0.0.1:{port}", "--admin-username", "admin", "--admin-email",
                     "admin@example.org", "--admin-password-file", str(self.work / "password"))
        self.command("user", "add", "alice", "--name", "Alice Example", "--email", "alice@example.org", "--password-file",
                     str(self.work / "password"))
        for number in range(5):
            self.command("group", "add", f"netbox-{number}", "--member", "alice")
        self.command("app", "add", "netbox", "--method", "proxy", "--url", external, "--upstream", upstream, "--allow", "netbox-1")

    def command(self, *arguments):
        run = subprocess.run([self.binary, "--data-dir", self.work / "data", *arguments], capture_output=True, text=True)
        if run.returncode:
            raise SystemExit(f"doorward {arguments}: {run.stderr}")
        return run.stdout

    def start(self):
        command = [self.binary, "--data-dir", str(self.work / "data"), "serve", "--listen-https", f"127.0.0.1:{free_port()}", "--ldap-listen", "off", "--ldaps-listen", "off"]
        return Server(command, self.port, self.work / "log")

    def remove(self):
        shutil.rmtree(self.work)


def sign_in(address):
    """Signs Alice in through the proxy; gives the value of the header Cookie for it."""
    jar = http.cookiejar.CookieJar()
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    page = browser.open(address + "/")
    text = page.read().decode()
    forms = [form for form in re.findall(r"(?s)<form.*?</form>", text) if 'name="password"' in form]
    if not forms:
        raise SystemExit(f"no form to sign in at {page.url}:\n{text}")
    fields = {name: html.unescape(value)
              for name, value in re.findall(r'<input[^>]*type="hidden"[^>]*name="([^"]+)"[^>]*value="([^"]*)"', forms[0])}
    fields |= {"username": "alice", "password": PASSWORD}
    action = re.search(r'<form[^>]*action="([^"]*)"', forms[0])
    target = urllib.parse.urljoin(page.url, html.unescape(action.group(1)) if action else "")
    request = urllib.request.Request(target, urllib.parse.urlencode(fields).encode(),
                                     {"Origin": "{0.scheme}://{0.netloc}".format(urllib.parse.urlparse(page.url))})
    answer = browser.open(request)
    if answer.read().decode().strip() != "the application":
        raise SystemExit(f"the sign-in ended at {answer.url}")
    return "; ".join(f"{cookie.name}={cookie.value}" for cookie in jar if cookie.name.startswith("authentik_proxy_"))


def nginx(directory, printed, gated_port, bare_port, application_port):
    """The printed configuration, the same application without it, and the application: an nginx that answers a few bytes."""
    directory.mkdir()
    (directory / "site.conf").write_text(printed)
    temporary = "".join(f"{kind}_temp_path {directory}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    (directory / "nginx.conf").write_text(f"""
{"user root;" if os.geteuid() == 0 else ""}
worker_processes 1;
daemon off;
pid {directory}/pid;
error_log stderr warn;
events {{ worker_connections 512; }}
http {{
    access_log off;
    keepalive_requests 100000000;
    {temporary}
    include {directory}/site.conf;
    server {{ listen 127.0.0.1:{application_port}; location / {{ return 200 "the application\\n"; }} }}
    server {{
        listen 127.0.0.1:{bare_port};
        location / {{
            proxy_pass http://netbox_application;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
        }}
    }}
}}
""")
    return Server(["nginx", "-p", str(directory), "-c", str(directory / "nginx.conf"), "-e", "stderr"], gated_port, directory / "log")


def children(pid):
    """A process and those it started: nginx's worker does the work."""
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True).stdout.split()
    return [str(pid), *found]


def measure(load, address, path, headers, pids):
    command = [*FIRST, "taskset", "-c", LOAD_CORE, load, "--address", address, "--path", path, "--seconds", setting("SECONDS", "2")]
    for header in headers:
        command += ["--header", header]
    for pid in pids:
        command += ["--server-pid", pid]
    run = subprocess.run(command, capture_output=True, text=True)
    if run.returncode:
        raise SystemExit(f"{address}{path}: {run.stderr}")
    return json.loads(run.stdout)


def scenarios(doorward, external, cookie, gated, bare):
    """Name, what it is measured by, address, path, headers."""
    usual = [f"Host: {external}", f"Cookie: {cookie}", "X-Forwarded-For: 192.0.2.1", "X-Forwarded-Proto: http"]
    original = [f"X-Original-URL: http://{external}/dcim/sites/"]
    forwarded = [f"X-Forwarded-Host: {external}", "X-Forwarded-Uri: /dcim/sites/", "X-Forwarded-Method: GET"]
    return [
        (LIVE, LIVE, doorward, "/-/health/live/", [f"Host: {doorward}"]),
        ("`/-/health/ready/`: one statement", LIVE, doorward, "/-/health/ready/", [f"Host: {doorward}"]),
        ("a check as nginx asks", LIVE, doorward, "/outpost.goauthentik.io/auth/nginx", usual + original),
        ("a check as Traefik asks", LIVE, doorward, "/outpost.goauthentik.io/auth/traefik", usual + forwarded),
        (UNGUARDED, UNGUARDED, bare, "/dcim/sites/", usual),
        ("the same, guarded", UNGUARDED, gated, "/dcim/sites/", usual),
    ]


def run(binary, load, work):
    port, gated_port, bare_port, application_port = (free_port() for _ in range(4))
    external = f"127.0.0.1:{gated_port}"
    doorward = Doorward(binary, port, f"http://{external}", f"http://127.0.0.1:{application_port}")
    running, results = [], {}
    try:
        printed = json.loads(doorward.command("app", "config", "netbox", "--proxy", "nginx", "-o", "json"))["blocks"][0]["text"]
        running.append(doorward.start())
        running.append(nginx(work / "nginx", printed, gated_port, bare_port, application_port))
        cookie = sign_in(f"http://{external}")
        pids = [pid for server in running for pid in children(server.process.pid)]
        listed = scenarios(f"127.0.0.1:{port}", external, cookie, external, f"127.0.0.1:{bare_port}")
        for number in range(int(setting("PASSES", "3"))):
            for name, _, address, path, headers in listed if number % 2 == 0 else listed[::-1]:
                results.setdefault(name, []).append(measure(load, address, path, headers, pids))
    finally:
        for server in running:
            server.stop()
        doorward.remove()
    return [(name, beside, results[name], results[beside]) for name, beside, *_ in listed]


def table(results):
    print("\n| | per s | p50 ms | p99 ms | CPU µs | CPU, in times |\n|---|---|---|---|---|---|")
    median = lambda runs, figure: statistics.median(run[figure] for run in runs)
    for name, beside, runs, others in results:
        times = "" if name == beside else f"**{median(runs, 'cpu_us') / median(others, 'cpu_us'):.1f}** of {beside.split(':')[0]}"
        print(f"| {name} | {median(runs, 'rate'):,.0f} | {median(runs, 'p50_us') / 1000:.2f} | {median(runs, 'p99_us') / 1000:.2f} | "
              f"{median(runs, 'cpu_us'):,.1f} | {times} |")


def main():
    binary, load = sys.argv[1:]
    with tempfile.TemporaryDirectory(prefix="doorward-bench-") as work:
        table(run(binary, load, pathlib.Path(work)))


main()
