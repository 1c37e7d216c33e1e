"""slapd and Doorward as processes on loopback ports, on the first core."""

import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from . import directory

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
SERVER_CORE = "0"
# What else runs on the machine is to count as little as can be; only root may ask for that.
FIRST = ["nice", "-n", "-20"] if os.geteuid() == 0 else []


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """A pinned process; `begin` is when it was started, by the clock that only goes on."""

    def __init__(self, command, port, log):
        self.port = port
        self.log = log
        self.begin = time.monotonic()
        with open(log, "ab") as out:
            self.process = subprocess.Popen([*FIRST, "taskset", "-c", SERVER_CORE, *command], stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        self.await_port()

    def await_port(self):
        while time.monotonic() - self.begin < 120:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                pass
            if self.process.poll() is not None:
                break
            time.sleep(0.005)
        self.stop()
        raise SystemExit(f"{self.process.args} does not answer:\n{pathlib.Path(self.log).read_text()[-2000:]}")

    def resident(self):
        """Resident memory in MB: all of it, and the part that is not a mapped file."""
        fields = dict(line.split(":", 1) for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines())
        return tuple(int(fields[name].split()[0]) / 1024 for name in ("VmRSS", "RssAnon"))

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


class Slapd:
    """OpenLDAP as its administrator would set it up for this tree: mdb, every attribute that is searched indexed."""

    name = "slapd"
    base = "dc=ldap,dc=goauthentik,dc=io"
    service = "bench-ldap"

    def __init__(self, debian):
        # It runs inside the Debian that has it, so its files are there, too.
        self.debian = debian
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="bench-", dir=debian / "tmp"))
        self.inside = "/" / self.work.relative_to(debian)
        self.bind_dn = f"cn={self.service},ou=users,{self.base}"
        self.password = directory.PASSWORD

    def load(self, n, hashes):
        """Builds the database; gives the seconds it took."""
        (self.work / "data").mkdir()
        shutil.copy(REPOSITORY / "crates/e2e/slapd/doorward.schema", self.work)
        (self.work / "slapd.conf").write_text(f"""
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
include {self.inside}/doorward.schema
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload argon2
pidfile {self.inside}/pid
loglevel none
sizelimit unlimited
timelimit unlimited
backend mdb
idlexp 20
database mdb
suffix "{self.base}"
directory {self.inside}/data
maxsize 4294967296
index objectClass,uid,cn,mail,member,memberOf eq
access to attrs=userPassword by anonymous auth by * none
access to * by users read by * none
""")
        with open(self.work / "people.ldif", "w") as out:
            out.writelines(directory.ldif(n, self.base, hashes, self.service))
        begin = time.monotonic()
        files = ["-f", self.inside / "slapd.conf", "-l", self.inside / "people.ldif"]
        subprocess.run(["chroot", self.debian, "/usr/sbin/slapadd", "-q", *files], check=True)
        return time.monotonic() - begin

    def start(self):
        port = free_port()
        command = ["chroot", str(self.debian), "/usr/sbin/slapd", "-d", "0", "-f", str(self.inside / "slapd.conf"),
                   "-h", f"ldap://127.0.0.1:{port}"]
        return Server(command, port, self.work / "log")

    def remove(self):
        shutil.rmtree(self.work)


class Doorward:
    """The release binary with its embedded database."""

    name = "Doorward"

    def __init__(self, binary):
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="doorward-bench-"))
        self.binary = binary

    def command(self, *arguments):
        run = subprocess.run([self.binary, "--data-dir", self.work / "data", *arguments], capture_output=True, text=True)
        if run.returncode:
            raise SystemExit(f"doorward {arguments}: {run.stderr}")
        return run.stdout

    def load(self, n, hashes):
        """Sets it up and writes the people; gives the seconds it took."""
        (self.work / "password").write_text(directory.PASSWORD)
        self.command("init", "--public-url", "http://127.0.0.1:9000", "--admin-username", "admin",
                     "--admin-email", "admin@example.org", "--admin-password-file", str(self.work / "password"))
        added = json.loads(self.command("app", "add", "sssd", "--slug", "bench", "--allow", "everyone", "-o", "json"))
        self.base, self.bind_dn, self.password = added["base_dn"], added["bind_dn"], added["bind_password"]
        begin = time.monotonic()
        directory.fill(self.work / "data" / "doorward.db", n, hashes)
        return time.monotonic() - begin

    def start(self):
        port = free_port()
        command = [self.binary, "--data-dir", str(self.work / "data"), "serve", "--listen", f"127.0.0.1:{free_port()}",
                   "--listen-https", f"127.0.0.1:{free_port()}", "--ldap-listen", f"127.0.0.1:{port}",
                   "--ldaps-listen", f"127.0.0.1:{free_port()}"]
        return Server(command, port, self.work / "log")

    def remove(self):
        shutil.rmtree(self.work)
