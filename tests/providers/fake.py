"""A server that answers as the documented APIs of Voyage and OpenAI do, on a free port of this machine.

What it serves is taken from the vendors' references; test_requests.py and test_errors.py prove it with their own clients.
"""

import base64
import hashlib
import http.server
import json
import ssl
import struct
import threading
from dataclasses import dataclass, field

KEYS = {"voyage": "pa-test", "openai": "sk-test"}
VOYAGE_DIMS = {"voyage-code-3": (1024, {256, 512, 1024, 2048}), "voyage-law-2": (1024, {1024})}
OPENAI_DIMS = {"text-embedding-3-small": 1536, "text-embedding-3-large": 3072, "text-embedding-ada-002": 1536}
VOYAGE_FIELDS = {"input", "model", "input_type", "truncation", "output_dimension", "output_dtype", "encoding_format"}
OPENAI_FIELDS = {"input", "model", "dimensions", "encoding_format", "user"}


def openai_error(message, kind="invalid_request_error", param=None, code=None):
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


# Documented errors: name -> (status, body, headers).
ERRORS = {
    "voyage": {
        "bad request": (400, {"detail": "Please provide a valid request"}, {}),
        "key": (401, {"detail": "Provided API key is invalid."}, {}),
        "forbidden": (403, {"detail": "The key may not be used from this address"}, {}),
        "malformed": (422, {"detail": "The request is malformed"}, {}),
        "rate": (429, {"detail": "You have exceeded your rate limit"}, {"Retry-After": "0"}),
        "server": (500, {"detail": "An unexpected error occurred"}, {}),
        "bad gateway": (502, {"detail": "Bad gateway"}, {}),
        "overloaded": (503, {"detail": "Server is overloaded"}, {}),
        "timeout": (504, {"detail": "Gateway timeout"}, {}),
    },
    "openai": {
        "bad request": (400, openai_error("'$.input' is invalid", param="input"), {}),
        "key": (401, openai_error("Incorrect API key provided", code="invalid_api_key"), {}),
        "forbidden": (403, openai_error("Country not supported", code="unsupported_country"), {}),
        "unknown model": (404, openai_error("The model does not exist", code="model_not_found"), {}),
        "unprocessable": (422, openai_error("Unprocessable", param="input"), {}),
        "rate": (429, openai_error("Rate limit reached", "rate_limit_error", code="rate_limit_exceeded"),
                 {"retry-after-ms": "1"}),
        "credit": (429, openai_error("You exceeded your current quota", "insufficient_quota",
                                     code="credit_balance_exhausted"), {}),
        "limit of money": (429, openai_error("You reached the limit of this project", "insufficient_quota",
                                             code="project_spend_limit_exceeded"), {}),
        "slow down": (429, openai_error("Slow down", "slow_down", code="slow_down"), {"retry-after-ms": "1"}),
        "too much": (400, openai_error("Requested 400000 tokens, max 300000 tokens per request",
                                       "max_tokens_per_request", code="max_tokens_per_request"), {}),
        "server": (500, openai_error("The server had an error", "server_error"), {}),
        "overloaded": (503, openai_error("The engine is overloaded", "server_error"), {}),
    },
}


def tokens_of(text) -> int:
    """Of a text, or of a list of token ids."""
    if isinstance(text, list):
        return len(text)
    return max(1, len(text.encode()) // 4)


def vector_of(text: str, body: dict, dims: int) -> list:
    """Numbers of a float32, of length about 1, that depend on all that a vector depends on."""
    seed = json.dumps([text, body["model"], body.get("input_type"), dims]).encode()
    noise = hashlib.shake_256(seed).digest(2 * dims)
    raw = [x / 65536 - 0.5 for x in struct.unpack(f"<{dims}H", noise)]
    norm = sum(x * x for x in raw) ** 0.5
    return list(struct.unpack(f"<{dims}f", struct.pack(f"<{dims}f", *(x / norm for x in raw))))


def encoded(vector: list, body: dict):
    if body.get("encoding_format") != "base64":
        return vector
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


class Refusal(Exception):
    def __init__(self, status, body):
        self.status, self.body = status, body


@dataclass
class Seen:
    path: str
    headers: dict
    body: dict


@dataclass
class Fake:
    """One vendor's API. `plan` holds the replies to come before the ordinary ones: (status, body, headers)."""

    vendor: str
    seen: list = field(default_factory=list)
    plan: list = field(default_factory=list)
    billed: int = 0
    tls: ssl.SSLContext | None = None
    tells_usage: bool = True

    def __enter__(self):
        fake = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self):
                fake.answer(self)

            do_GET = do_POST

            def log_message(self, *_):
                pass

        self.lock = threading.Lock()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        if self.tls:
            self.server.socket = self.tls.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    @property
    def url(self):
        return f"http{'s' if self.tls else ''}://127.0.0.1:{self.server.server_port}/v1"

    def answer(self, handler):
        raw = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        with self.lock:
            status, body, headers = self.reply(handler, raw)
        self.send(handler, status, body, headers)

    def send(self, handler, status, body, headers, cut=False):
        payload = body if isinstance(body, bytes) else json.dumps(body).encode()
        handler.send_response(status)
        for name, value in {"Content-Type": "application/json", **headers}.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(payload)))
        handler.end_headers()
        handler.wfile.write(payload[:len(payload) // 2] if cut else payload)
        handler.close_connection = handler.close_connection or cut

    def reply(self, handler, raw):
        try:
            body = json.loads(raw)
        except ValueError:
            return 400, self.error("The request is not JSON"), {}
        names = {name.lower(): value for name, value in handler.headers.items()}
        self.seen.append(Seen(handler.path, names, body))
        if self.plan:
            return self.plan.pop(0)
        try:
            return 200, self.embed(handler.path, names, body), {}
        except Refusal as refusal:
            return refusal.status, refusal.body, {}

    def error(self, message, **more):
        return {"detail": message} if self.vendor == "voyage" else openai_error(message, **more)

    def refuse(self, status, message, **more):
        raise Refusal(status, self.error(message, **more))

    def embed(self, path, headers, body):
        if headers.get("authorization") != "Bearer " + KEYS[self.vendor]:
            self.refuse(401, "The API key is invalid")
        if path != "/v1/embeddings":
            self.refuse(404, "Not found")
        fields = VOYAGE_FIELDS if self.vendor == "voyage" else OPENAI_FIELDS
        for name in body.keys() - fields:
            self.refuse(400, f"Argument '{name}' is not supported", **self.param(name))
        dims = self.dims_of(body)
        texts = body["input"] if isinstance(body.get("input"), list) else [body.get("input")]
        self.check_texts(texts, body)
        used = sum(map(tokens_of, texts))
        self.billed += used
        usage = {"total_tokens": used} if self.vendor == "voyage" else {"prompt_tokens": used, "total_tokens": used}
        data = [{"object": "embedding", "embedding": encoded(vector_of(text, body, dims), body), "index": i}
                for i, text in enumerate(texts)]
        reply = {"object": "list", "data": data, "model": body["model"]}
        return {**reply, "usage": usage} if self.tells_usage else reply

    def param(self, name):
        return {} if self.vendor == "voyage" else {"param": name}

    def dims_of(self, body):
        model = body.get("model")
        if self.vendor == "voyage":
            if model not in VOYAGE_DIMS:
                self.refuse(400, f"Model {model} is not supported. Supported models are {sorted(VOYAGE_DIMS)}.")
            default, allowed = VOYAGE_DIMS[model]
            dims = body.get("output_dimension") or default
            if dims not in allowed:
                self.refuse(400, f"output_dimension {dims} is not supported by {model}")
            if body.get("input_type") not in (None, "query", "document"):
                self.refuse(400, "input_type must be query or document")
            return dims
        if model not in OPENAI_DIMS:
            self.refuse(404, f"The model `{model}` does not exist", code="model_not_found")
        dims = body.get("dimensions", OPENAI_DIMS[model])
        if not 1 <= dims <= OPENAI_DIMS[model]:
            self.refuse(400, f"Invalid value for 'dimensions' = {dims}", param="dimensions")
        return dims

    def check_texts(self, texts, body):
        voyage = self.vendor == "voyage"
        if len(texts) > (1000 if voyage else 2048):
            if voyage:
                self.refuse(400, f"The batch size limit is 1000. Your batch size is {len(texts)}.")
            self.refuse(400, "'$.input' is invalid: too many items", param="input")
        ids = not voyage and all(isinstance(text, list) and text for text in texts)
        if not ids and not all(isinstance(text, str) and (text or voyage) for text in texts):
            self.refuse(400, "'$.input' is invalid", **self.param("input"))
        total = sum(map(tokens_of, texts))
        if voyage and total > 120_000:
            self.refuse(400, "The max allowed tokens per submitted batch is 120000. "
                             f"Your batch has {total} tokens after truncation.")
        if not voyage and total > 300_000:
            self.refuse(400, f"Requested {total} tokens, max 300000 tokens per request",
                        kind="max_tokens_per_request", code="max_tokens_per_request")
        for i, text in enumerate(texts):
            if voyage and tokens_of(text) > 32_000 and body.get("truncation", True) is False:
                self.refuse(400, f"The example at index {i} in your batch has too many tokens and does not fit into "
                                 "the model's context window of 32000 tokens.")
            if not voyage and tokens_of(text) > 8191:
                self.refuse(400, "This model's maximum context length is 8192 tokens, "
                                 f"however you requested {tokens_of(text)} tokens.")
