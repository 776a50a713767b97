"""A Climate Data Store on loopback: the service's own addresses, states and error forms, with scripted faults."""

import hashlib
import io
import json
import socket
import threading
import time
import uuid
import zipfile
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
from scipy.io import netcdf_file

SHORT = {"2m_temperature": "t2m", "total_precipitation": "tp"}
KEY = "0f3c9a52-7d41-4c1e-9be0-3a1f5b2c7d88"
LARGE = {"title": "cost limits exceeded", "detail": "Your request is too large, please reduce your selection."}
LICENCE = {"type": "permission denied", "title": "required licences not accepted",
           "detail": "please accept the following licences to proceed: [{'id': 'cc-by', 'revision': 1}]"}
WRONG_KEY = {"type": "permission denied", "title": "operation not allowed", "detail": "authentication failed"}
NO_DATA = {"title": "The job has failed", "traceback": "MultiAdaptorNoDataError: no data for soil-water"}


@dataclass
class Fault:
    """Answer one request like this instead; `cut` closes the line after so many bytes of the real answer."""

    status: int = 0
    body: object = b""
    headers: dict = field(default_factory=dict)
    cut: int | None = None
    after: bool = False         # the service acts, and only its answer is lost
    drip: float = 0.0           # pause after every 200 bytes [s]
    lie: dict = field(default_factory=dict)         # other values in the answer's asset
    spoil: bool = False         # a byte of the file is changed, its length is right


class _Server(ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        """A client that was killed is no error here."""


class FakeStore:
    """
    The server; `script[what]` holds faults for its next answers to "execution", "job", "results", "file", "jobs",
    "constraints", "costing". It counts what it made in `made` (inputs by job) and what it was asked in `log`.
    """

    def __init__(self, *, polls=1, size=40_000, limit=10_000):
        self.polls, self.size, self.limit, self.digest, self.ranges = polls, size, limit, True, True
        self.has = ("2m_temperature", "total_precipitation")
        self.script, self.log, self.made, self.state, self.running, self.most = {}, [], {}, {}, set(), 0
        self.lock = threading.Lock()
        self.port = 0
        self.start()

    def start(self):
        Handler = type("Handler", (_Handler,), {"store": self})
        self.server = _Server(("127.0.0.1", self.port), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/api"

    def next_fault(self, what):
        with self.lock:
            faults = self.script.get(what) or []
            return faults.pop(0) if faults else None


def contents(dataset, inputs, size):
    """The bytes the service makes of a request: NetCDF for areas, an archive of one file a variable for points."""
    names = sorted(inputs["variable"])
    if "location" not in inputs:
        return _netcdf(names, dataset, inputs, size)
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            info = zipfile.ZipInfo(f"../{dataset}-{name}.nc", (2026, 1, 1, 0, 0, 0))
            archive.writestr(info, _netcdf([name], dataset, inputs, size // len(names)), zipfile.ZIP_DEFLATED)
    return memory.getvalue()


def cost(inputs):
    """Maps of one variable at one time."""
    fields = len(inputs["variable"])
    for axis in ("year", "month", "day", "time"):
        fields *= len(inputs[axis]) if isinstance(inputs.get(axis), list) else 1
    return fields


def _at_sea(inputs):
    here = inputs.get("location", {"latitude": 0.0, "longitude": 0.0})
    return here["latitude"] > 80 and (here["longitude"] < 40 or here["latitude"] > 85)


def _netcdf(names, dataset, inputs, size):
    seed = int(hashlib.sha256(json.dumps([dataset, inputs, names], sort_keys=True).encode()).hexdigest()[:8], 16)
    memory = io.BytesIO()
    with netcdf_file(memory, "w", mmap=False) as file:
        file.request = json.dumps(inputs, sort_keys=True)
        file.createDimension("time", max(size // (4 * len(names)), 1))
        for name in names:
            variable = file.createVariable(SHORT.get(name, "v_" + name), "f4", ("time",))
            variable[:] = np.nan if _at_sea(inputs) else np.random.default_rng(seed).normal(size=variable.shape)
        file.flush()
        return memory.getvalue()


class _Handler(BaseHTTPRequestHandler):
    store: FakeStore
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def setup(self):
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def do_GET(self):
        self.answer("GET")

    def do_POST(self):
        self.answer("POST")

    def answer(self, method):
        path, _, query = self.path.partition("?")
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.store.log.append((method, self.path, dict(self.headers)))
        parts = path.strip("/").split("/")
        what = parts[-1] if parts[-1] in ("execution", "constraints", "costing", "results", "jobs") else (
            "file" if parts[0] == "files" else "job")
        fault = self.store.next_fault(what)
        if what != "file" and self.headers.get("PRIVATE-TOKEN") != KEY:
            return self.reply(401, WRONG_KEY)
        if what == "file" and "PRIVATE-TOKEN" in self.headers and self.store.url.split("/")[2] != self.headers["Host"]:
            return self.reply(400, {"title": "a key was sent to a file server"})
        if fault and fault.status and not fault.after:
            return self.reply(fault.status, fault.body, fault.headers, fault)
        status, body, headers = getattr(self, what)(parts, query, content, fault)
        if fault and fault.after:
            status, body = (fault.status, fault.body) if fault.status else (0, b"")
        return self.reply(status, body, headers, fault)

    def reply(self, status, body=b"", headers=None, fault=None):
        if status == 0:
            self.close_connection = True
            return
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        kind = "application/json" if not isinstance(body, bytes) else "application/octet-stream"
        for name, value in {"Content-Type": kind, "Content-Length": str(len(data)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if fault and fault.cut is not None:
            data, self.close_connection = data[:fault.cut], True
        try:
            if fault and fault.drip:
                for at in range(0, len(data), 200):
                    self.wfile.write(data[at:at + 200])
                    self.wfile.flush()
                    time.sleep(fault.drip)
            else:
                self.wfile.write(data)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def execution(self, parts, query, content, fault):
        store, dataset, inputs = self.store, parts[-2], json.loads(content)["inputs"]
        if cost(inputs) > store.limit:
            return 403, LARGE, {}
        number = str(uuid.uuid4())
        with store.lock:
            store.made[number] = (dataset, inputs)
            store.state[number] = 0
            store.running.add(number)
            store.most = max(store.most, len(store.running))
        return 201, {"jobID": number, "status": "accepted", "processID": dataset}, {}

    def constraints(self, parts, query, content, fault):
        return 200, {"variable": list(self.store.has), "data_format": ["netcdf"]}, {}

    def costing(self, parts, query, content, fault):
        inputs = json.loads(content)["inputs"]
        return 200, {"id": "size", "cost": float(cost(inputs)), "limit": float(self.store.limit),
                     "request_is_valid": True, "invalid_reason": ""}, {}

    def jobs(self, parts, query, content, fault):
        listed = [{"jobID": number, "processID": dataset, "status": self.status(number, look=False)}
                  for number, (dataset, _) in reversed(self.store.made.items()) if number in self.store.state]
        return 200, {"jobs": listed}, {}

    def job(self, parts, query, content, fault):
        number = parts[-1]
        if number not in self.store.state:
            return 404, {"title": "job not found", "detail": f"job {number} not found"}, {}
        dataset, inputs = self.store.made[number]
        body = {"jobID": number, "processID": dataset, "status": self.status(number, look="request" not in query)}
        if "request" in query:
            body["metadata"] = {"request": {"ids": inputs}}
        return 200, body, {}

    def status(self, number, look):
        store = self.store
        with store.lock:
            store.state[number] += bool(look)
            if store.state[number] <= store.polls:
                return "accepted" if store.state[number] <= 1 else "running"
            store.running.discard(number)
        inputs = store.made[number][1]
        lacking = "location" in inputs and not set(inputs["variable"]) <= set(store.has)
        return "failed" if lacking or store.script.get("fail") else "successful"

    def results(self, parts, query, content, fault):
        number = parts[-2]
        status = self.status(number, look=False)
        if status == "failed":
            return 400, self.store.script.get("fail") or NO_DATA, {}
        data = contents(*self.store.made[number], self.store.size)
        value = {"type": "application/netcdf", "href": f"http://127.0.0.1:{self.store.port}/files/{number}/data.nc",
                 "file:size": len(data), "file:local_path": "s3://cache/data.nc"}
        if self.store.digest:
            value["file:checksum"] = hashlib.md5(data).hexdigest()
        return 200, {"asset": {"value": value | (fault.lie if fault else {})}}, {}

    def file(self, parts, query, content, fault):
        number = parts[1]
        if number not in self.store.state:
            return 404, b"gone", {}
        data = contents(*self.store.made[number], self.store.size)
        if fault and fault.spoil:
            middle = len(data) // 2
            data = data[:middle] + bytes([data[middle] ^ 0x55]) + data[middle + 1:]
        asked = self.headers.get("Range", "")
        if asked and self.store.ranges:
            start = int(asked.removeprefix("bytes=").rstrip("-"))
            if start >= len(data):
                return 416, b"", {"Content-Range": f"bytes */{len(data)}"}
            return 206, data[start:], {"Content-Range": f"bytes {start}-{len(data) - 1}/{len(data)}"}
        return 200, data, {}
