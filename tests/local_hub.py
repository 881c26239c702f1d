"""A small Hub on the loopback: what huggingface_hub's `create_repo` and `upload_folder` ask of the real one."""

import base64
import hashlib
import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import yaml

TOKENS = {"hf_me": "me", "hf_you": "you"}
"""The names of accounts, by access token."""


class LocalHub(ThreadingHTTPServer):
    """Repositories that were pushed.

    Attributes:
        files: The content of each file by name, by repository.
        private: The repositories that nobody else sees.
        uploaded: What the large file storage holds, by SHA-256.
        refuses_storage: Whether the storage is out of order.
    """

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Request)
        self.files, self.private, self.uploaded = {}, set(), {}
        self.refuses_storage = False

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"


class _Request(BaseHTTPRequestHandler):
    def do_GET(self):
        repository = self.path.removeprefix("/api/models/")
        self._answer(200, {"id": repository}) if repository in self.server.files else self._refuse(404)

    def do_POST(self):
        body, path = self._body(), self.path
        account = TOKENS.get((self.headers.get("Authorization") or "").removeprefix("Bearer "))
        if account is None:
            self._refuse(401, "Invalid username or password.")
        elif path == "/api/repos/create":
            self._create(account, json.loads(body))
        elif path == "/api/validate-yaml":
            _, head, _ = json.loads(body)["content"].split("---\n", 2)
            self._answer(200, {"errors": [], "warnings": []}) if "tags" in yaml.safe_load(head) else self._refuse(400)
        elif account != path.removeprefix("/api/models").split("/")[1]:
            self._refuse(403, "You don't have the rights to push here.")
        elif path.endswith("/preupload/main"):
            files = [{**file, "shouldIgnore": False, "uploadMode": _mode(file)} for file in json.loads(body)["files"]]
            self._answer(200, {"files": files})
        elif path.endswith(".git/info/lfs/objects/batch"):
            objects = json.loads(body)["objects"]
            to = [{**one, "actions": {"upload": {"href": f"{self.server.url}/store/{one['oid']}"}}} for one in objects]
            self._answer(200, {"objects": to})
        elif path.endswith("/commit/main"):
            self._commit(path.removeprefix("/api/models/").removesuffix("/commit/main"), body)
        else:
            self._refuse(404)

    def do_PUT(self):
        body, digest = self._body(), self.path.removeprefix("/store/")
        if self.server.refuses_storage or hashlib.sha256(body).hexdigest() != digest:
            self._refuse(403, "The signature has expired.")
            return
        self.server.uploaded[digest] = body
        self._answer(200, {})

    def _create(self, account, asked):
        repository = f"{asked['organization']}/{asked['name']}"
        if asked["organization"] != account:
            self._refuse(403, f"You don't have the rights to create a model under the namespace {repository!r}.")
        elif repository in self.server.files:
            self._answer(409, {"error": "You already created this repo", "url": f"{self.server.url}/{repository}"})
        else:
            self.server.files[repository] = {}
            self.server.private |= {repository} if asked.get("visibility") == "private" else set()
            self._answer(200, {"url": f"{self.server.url}/{repository}"})

    def _commit(self, repository, body):
        for line in map(json.loads, body.splitlines()):
            value = line["value"]
            if line["key"] == "file":
                self.server.files[repository][value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                self.server.files[repository][value["path"]] = self.server.uploaded[value["oid"]]
        oid = hashlib.sha1(body).hexdigest()
        self._answer(200, {"commitUrl": f"{self.server.url}/{repository}/commit/{oid}", "commitOid": oid})

    def _body(self):
        if "chunked" not in (self.headers.get("Transfer-Encoding") or ""):
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        found = b""
        while size := int(self.rfile.readline(), 16):
            found += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return found

    def _refuse(self, code, reason="Not found"):
        self._answer(code, {"error": reason})

    def _answer(self, code, content):
        body = json.dumps(content).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if code >= 400:
            self.send_header("X-Error-Message", content["error"])
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Say nothing."""


def _mode(file):
    return "lfs" if file["path"].endswith((".safetensors", ".onnx", ".parquet")) else "regular"


@contextmanager
def local_hub(monkeypatch, *, token="hf_me"):
    """A Hub that huggingface_hub takes for the real one, with an account that has the token; None: there is none."""
    from huggingface_hub import constants

    hub = LocalHub()
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)  # Its storage has a protocol of its own.
    monkeypatch.setattr(constants, "ENDPOINT", hub.url)
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", "/nonexistent/token")
    monkeypatch.delenv("HF_TOKEN", raising=False)
    if token is not None:
        monkeypatch.setenv("HF_TOKEN", token)
    thread = threading.Thread(target=hub.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        hub.shutdown()
        hub.server_close()
        thread.join()
