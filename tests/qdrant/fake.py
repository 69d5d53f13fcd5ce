"""A server that speaks Qdrant's REST API of a version from 1.12 to 1.19, on a free port of this machine. Its points are kept by
Qdrant's own engine (store.py). What is asked of it and what it answers are checked against the API document of that version
(api/); test_fake.py has Qdrant's own client do what we do."""

import http.server
import json
import pathlib
import re
import threading

from schema import Schemas
from store import Collection, Refusal

API = pathlib.Path(__file__).parent / "api"
VERSIONS = [path.stem for path in sorted(API.glob("*.json"))]
MOST_BYTES = 32 * 1024 * 1024
DROP = object()  # what a hook returns to cut the connection without an answer


class Request:
    def __init__(self, handler):
        self.method, self.headers = handler.command, {k.lower(): v for k, v in handler.headers.items()}
        self.path, _, self.query = handler.path.partition("?")
        self.size = int(self.headers.get("content-length", 0))
        self.raw = b""

    @property
    def is_write(self):
        return self.method == "PUT" and self.path.endswith("/points")

    @property
    def json(self):
        return json.loads(self.raw)


class Fake:
    """Hooks, each called with the request: `during` when half of its body is there, `before` it is carried out, `after` it
    was. What the last two return other than None is sent instead: DROP, or (status, body, headers)."""

    def __init__(self, version=VERSIONS[-1], key=None, port=0, tls=None):
        self.version, self.key, self.tls = version, key, tls
        self.document = json.loads((API / f"{version}.json").read_text())
        self.schemas = Schemas(self.document["schemas"])
        self.collections = {}
        self.seen, self.complaints = [], []
        self.during = self.before = self.after = lambda request: None
        self.prefix = ""
        self.lock = threading.Lock()
        self.start(port)

    def start(self, port):
        fake = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def handle_any(self):
                fake.answer(self)

            do_GET = do_PUT = do_POST = do_PATCH = do_DELETE = handle_any

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            allow_reuse_address = True

            def handle_error(self, *_):
                """A client that is killed goes away in the middle."""

        self.server = Server(("127.0.0.1", port), Handler)
        if self.tls:
            self.server.socket = self.tls.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    @property
    def address(self):
        return f"http://127.0.0.1:{self.port}"

    def url(self, collection="notes", **parameters):
        query = "&".join(f"{name}={value}" for name, value in parameters.items())
        scheme = "qdrants" if self.tls else "qdrant"
        return f"{scheme}://127.0.0.1:{self.port}{self.prefix}/{collection}" + ("?" + query if query else "")

    def answer(self, handler):
        request = Request(handler)
        half = request.size // 2
        request.raw = handler.rfile.read(half)
        self.during(request)
        request.raw += handler.rfile.read(request.size - half)
        if len(request.raw) < request.size:
            handler.close_connection = True
            return
        with self.lock:
            self.seen.append(request)
            reply = self.before(request)
            if reply is None:
                reply = self.carry_out(request)
                instead = self.after(request)
                reply = reply if instead is None else instead
        self.send(handler, reply)

    def send(self, handler, reply):
        if reply is DROP:
            handler.close_connection = True
            handler.connection.close()
            return
        status, body, headers = reply
        payload = body if isinstance(body, bytes) else json.dumps(body).encode()
        handler.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(payload)), **headers}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(payload)

    def carry_out(self, request):
        try:
            if request.path == self.prefix + "/":
                return 200, {"title": "qdrant - vector search engine", "version": self.version + ".0", "commit": "0"}, {}
            if self.key and self.key not in (request.headers.get("api-key"), bearer(request)):
                return 401, b"Must provide an API key or an Authorization bearer token", {"Content-Type": "text/plain"}
            if request.size > MOST_BYTES:
                raise Refusal(400, f"Payload error: JSON payload ({request.size} bytes) is larger than allowed (limit: {MOST_BYTES} bytes).")
            return 200, {"result": self.result(request), "status": "ok", "time": 0.001}, {}
        except Refusal as refusal:
            body = {"status": {"error": refusal.message}, "time": 0.001}
            return refusal.status, body, refusal.headers

    def result(self, request):
        path = request.path.removeprefix(self.prefix)
        match = re.fullmatch(r"/collections/([^/]+)((?:/.*)?)", path)
        operation = f"{request.method} /collections/*{match[2]}" if match else ""
        if operation not in self.document["operations"]:
            raise Refusal(404, "Not found")
        described = self.document["operations"][operation]
        body = self.body_of(request, described)
        result = self.do(operation, match[1], body, request)
        wrong = self.schemas.problem(described["reply"], result)
        if wrong:
            self.complaints.append(f"the fake's own reply to {operation}: {wrong}")
        return result

    def body_of(self, request, described):
        if "request" not in described:
            return None
        try:
            body = request.json
            json.dumps(body, ensure_ascii=False, allow_nan=False).encode()  # lone surrogates, 1e999
        except ValueError as wrong:
            raise Refusal(400, f"Format error in JSON body: {wrong}") from None
        wrong = self.schemas.problem(described["request"], body)
        unknown = [pair for pair in request.query.split("&") if pair and pair.split("=")[0] not in described["query"]]
        if (wrong or unknown) and request.headers.get("user-agent") == "vecmill":
            self.complaints.append(f"{request.method} {request.path}: {wrong or unknown}")
        if wrong and "has no" not in wrong:  # a server leaves aside what it does not know
            raise Refusal(400, f"Format error in JSON body: {wrong}")
        return body

    def do(self, operation, name, body, request):
        if operation == "PUT /collections/*":
            if name in self.collections:
                raise Refusal(409, f"Wrong input: Collection `{name}` already exists!")
            if not self.has("metadata"):
                body.pop("metadata", None)
            self.collections[name] = Collection(body)
            return True
        if name not in self.collections:
            raise Refusal(404, f"Not found: Collection `{name}` doesn't exist!")
        if operation == "DELETE /collections/*":
            del self.collections[name]
            return True
        collection = self.collections[name]
        if operation == "PATCH /collections/*":
            if not self.has("metadata"):
                body.pop("metadata", None)
            collection.change(body)
            return True
        if operation in ("PUT /collections/*/points", "POST /collections/*/points/delete"):
            number = collection.upsert(points_of(body)) if "PUT" in operation else collection.delete_selected(body)
            return {"operation_id": number, "status": "completed" if "wait=true" in request.query else "acknowledged"}
        return {"GET /collections/*": lambda _: collection.info(),
                "POST /collections/*/points": collection.retrieve,
                "POST /collections/*/points/scroll": collection.scroll,
                "POST /collections/*/points/count": lambda _: {"count": collection.count()},
                "POST /collections/*/points/query": collection.query}[operation](body)

    def has(self, setting):
        return setting in self.schemas.known["CreateCollection"]["properties"]


def bearer(request):
    return request.headers.get("authorization", "").removeprefix("Bearer ")


def points_of(body):
    if "points" in body:
        return body["points"]
    batch = body["batch"]
    vectors = batch["vectors"]
    rows = ([{name: column[i] for name, column in vectors.items()} for i in range(len(batch["ids"]))]
            if isinstance(vectors, dict) else vectors)
    payloads = batch.get("payloads") or [None] * len(rows)
    return [{"id": i, "vector": v, "payload": p} for i, v, p in zip(batch["ids"], rows, payloads)]
