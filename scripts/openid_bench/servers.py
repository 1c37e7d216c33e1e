"""Doorward and npm's oidc-provider with the same clients and the same person, on the first core."""

import json
import os
import pathlib
import secrets
import shutil
import string
import subprocess
import tempfile

from ldap_bench.servers import FIRST, REPOSITORY, SERVER_CORE, Server, free_port

PASSWORD = "Seven-Green-Bottles-0n-a-Wall"
REDIRECT_URI = "https://client.example/callback"
ALGORITHMS = ["ES256", "RS256"]
SCOPES = ["openid", "profile", "email", "offline_access"]
GRANT_TYPES = ["authorization_code", "refresh_token", "client_credentials"]


class Doorward:
    """The release binary with its embedded database on disk: every token is kept before it is given."""

    name = "Doorward"
    paths = {"authorize": "/application/o/authorize/", "token": "/application/o/token/", "userinfo": "/application/o/userinfo/",
             "introspect": "/application/o/introspect/"}
    signs_access_tokens = True
    more = ""

    def __init__(self, binary):
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="openid-bench-", dir=os.environ.get("BENCH_DIRECTORY")))
        self.binary, self.port = binary, free_port()
        (self.work / "password").write_text(PASSWORD)
        password = ["--password-file", str(self.work / "password")]
        self.command("init", "--public-url", f"http://127.0.0.1:{self.port}", "--admin-username", "admin", "--admin-email",
                     "admin@example.org", "--admin-password-file", str(self.work / "password"))
        self.command("user", "add", "alice", "--name", "Alice Example", "--email", "alice@example.org", "--email-verified", *password)
        self.command("group", "add", "netbox-users", "--member", "alice")
        self.command("key", "generate", "--name", "ES256", "--algorithm", "ec-p256")
        self.command("key", "generate", "--name", "RS256", "--algorithm", "rsa-2048")
        self.clients = {algorithm: self.client(algorithm) for algorithm in ALGORITHMS}

    def client(self, algorithm):
        scopes = [argument for scope in SCOPES for argument in ("--scope", scope)]
        added = self.command("app", "add", "custom", "--name", algorithm, "--slug", algorithm.lower(), "--redirect-uri", REDIRECT_URI,
                             "--allow", "everyone", "--consent", "never", "--signing-key", algorithm, *scopes, "--grant-types",
                             ",".join(GRANT_TYPES), "-o", "json")
        added = json.loads(added)
        root = f"/application/o/{algorithm.lower()}"
        return {"id": added["client_id"], "secret": added["client_secret"], "issuer": added["issuer"],
                "discovery": f"{root}/.well-known/openid-configuration", "jwks": f"{root}/jwks/"}

    def command(self, *arguments):
        run = subprocess.run([self.binary, "--data-dir", self.work / "data", *arguments], capture_output=True, text=True)
        if run.returncode:
            raise SystemExit(f"doorward {arguments}: {run.stderr}")
        return run.stdout

    def start(self):
        command = [self.binary, "--data-dir", str(self.work / "data"), "serve", "--listen", f"127.0.0.1:{self.port}", "--listen-https",
                   f"127.0.0.1:{free_port()}", "--ldap-listen", "off", "--ldaps-listen", "off"]
        return Server(command, self.port, self.work / "log")

    def remove(self):
        shutil.rmtree(self.work)


class OidcProvider:
    """npm's oidc-provider, certified as Doorward wants to be, with a store in memory that forgets everything at its end."""

    name = "oidc-provider"
    paths = {"authorize": "/auth", "token": "/token", "userinfo": "/me", "introspect": "/token/introspection"}
    signs_access_tokens = False

    def __init__(self, packages):
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="openid-bench-"))
        self.packages, self.port = packages, free_port()
        issuer = f"http://127.0.0.1:{self.port}"
        self.clients = {algorithm: {"id": secret(40), "secret": secret(128), "issuer": issuer, "discovery": "/.well-known/openid-configuration",
                                    "jwks": "/jwks"} for algorithm in ALGORITHMS}
        registered = [{"client_id": client["id"], "client_secret": client["secret"], "redirect_uris": [REDIRECT_URI],
                       "grant_types": GRANT_TYPES, "id_token_signed_response_alg": algorithm}
                      for algorithm, client in self.clients.items()]
        (self.work / "settings.json").write_text(json.dumps({"port": self.port, "packages": packages, "clients": registered}))

    def start(self):
        os.environ["NODE_ENV"] = "production"
        command = ["node", str(REPOSITORY / "crates/e2e/oidc-provider/server.mjs"), str(self.work / "settings.json")]
        return Server(command, self.port, self.work / "log")

    def remove(self):
        shutil.rmtree(self.work)


def secret(length):
    return "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(length))
