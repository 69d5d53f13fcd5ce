"""The documented APIs of Cohere, Jina, Mistral, Gemini, Azure OpenAI, TEI and Ollama, on a free port of this machine.

test_others.py proves what is served here with the vendors' own clients.
"""

import json
from dataclasses import dataclass

import fake as fakes
from fake import openai_error, tokens_of


@dataclass(frozen=True)
class Api:
    """What one API documents. `fields`: of a request; it refuses others where its reference says so."""

    model: str
    dims: dict  # of each model: what it has, what it may be asked for
    base: str
    path: str
    max_texts: int
    max_tokens: int  # of one text
    fields: frozenset
    texts: str = "input"
    asked_dims: str = "dimensions"
    role: str = ""
    header: str = "authorization"
    prefix: str = "Bearer "


def api(fields, *more, **members):
    return Api(*more, fields=frozenset(fields.split()), **members)


APIS = {
    "cohere": api("model texts images inputs input_type max_tokens output_dimension embedding_types truncate priority",
                  "embed-v4.0", {"embed-v4.0": (1536, {256, 512, 1024, 1536})}, "", "/v2/embed", 96, 128_000,
                  texts="texts", asked_dims="output_dimension", role="input_type"),
    "jina": api("model input task dimensions embedding_type normalized late_chunking truncate",
                "jina-embeddings-v3", {"jina-embeddings-v3": (1024, range(32, 1025))}, "/v1", "/v1/embeddings", 512,
                8194, role="task"),
    "mistral": api("model input metadata output_dimension output_dtype encoding_format", "codestral-embed",
                   {"codestral-embed": (1536, range(1, 3073))}, "/v1", "/v1/embeddings", 128, 8192,
                   asked_dims="output_dimension"),
    "gemini": api("model content taskType title outputDimensionality", "gemini-embedding-001",
                  {"gemini-embedding-001": (3072, range(128, 3073)), "gemini-embedding-2": (3072, range(128, 3073))},
                  "/v1beta", "/v1beta/models/{model}:batchEmbedContents", 100, 2048,
                  asked_dims="outputDimensionality", role="taskType", header="x-goog-api-key", prefix=""),
    "azure": api("input model dimensions encoding_format user", "my-deployment",
                 {"my-deployment": (1536, range(1, 1537))}, "/openai/v1", "/openai/v1/embeddings", 2048, 8191,
                 header="api-key", prefix=""),
    "tei": api("inputs truncate truncation_direction prompt_name normalize dimensions", "bge-small",
               {"bge-small": (384, range(1, 385))}, "", "/embed", 8, 512, texts="inputs"),
    "ollama": api("model input truncate dimensions options keep_alive", "nomic-embed-text",
                  {"nomic-embed-text": (768, range(1, 769))}, "", "/api/embed", 1 << 20, 2048),
}
fakes.KEYS.update({name: f"{name}-key" for name in APIS})

TEI_INFO = {"model_id": "BAAI/bge-small-en-v1.5", "model_sha": "5c38ec7c405ec4b4", "model_dtype": "float16",
            "model_type": {"embedding": {"pooling": "cls"}}, "max_concurrent_requests": 512, "max_input_length": 512,
            "max_batch_tokens": 16384, "max_batch_requests": None, "max_client_batch_size": 8, "auto_truncate": True,
            "tokenization_workers": 4, "version": "1.8.3", "sha": None, "docker_label": None}
OLLAMA_SHOW = {"capabilities": ["embedding"], "details": {"family": "nomic-bert"}, "model_info": {
    "general.architecture": "nomic-bert", "nomic-bert.context_length": 2048, "nomic-bert.embedding_length": 768}}


def google(code, status, message, *details):
    return {"error": {"code": code, "message": message, "status": status, "details": list(details)}}


def mistral(message, kind, code):
    return {"object": "error", "message": message, "type": kind, "param": None, "code": code}


# Documented errors: name -> (status, body, headers).
ERRORS = {
    "cohere": {
        "bad request": (400, {"message": "invalid request: texts must be valid"}, {}),
        "key": (401, {"message": "invalid api token"}, {}),
        "forbidden": (403, {"message": "your key may not use this"}, {}),
        "unknown model": (404, {"message": "model 'embed-v9' not found"}, {}),
        "unprocessable": (422, {"message": "unprocessable"}, {}),
        "rate": (429, {"message": "You are past the per minute request limit"}, {"Retry-After": "0"}),
        "trial": (429, {"message": "You are using a Trial key, which is limited to 100 API calls / minute."}, {}),
        "server": (500, {"message": "internal server error"}, {}),
        "overloaded": (503, {"message": "service unavailable"}, {}),
        "timeout": (504, {"message": "gateway timeout"}, {}),
    },
    "jina": {
        "bad request": (400, {"detail": "Input is not valid"}, {}),
        "key": (401, {"detail": "Invalid API key"}, {}),
        "credit": (402, {"detail": "Insufficient balance"}, {}),
        "forbidden": (403, {"detail": "Forbidden"}, {}),
        "unprocessable": (422, {"detail": [{"loc": ["body", "input"], "msg": "invalid", "type": "value_error"}]}, {}),
        "unknown model": (404, {"detail": {"message": "Model jina-9 not found"}}, {}),
        "rate": (429, {"detail": "Rate limit exceeded"}, {"Retry-After": "0"}),
        "server": (500, {"detail": "Internal error"}, {}),
        "overloaded": (503, {"detail": "Service unavailable"}, {}),
    },
    "mistral": {
        "bad request": (400, mistral("The input is not valid", "invalid_request_error", "3051"), {}),
        "unknown model": (400, mistral("Invalid model: codestral-9", "invalid_model", "1500"), {}),
        "key": (401, {"detail": "Unauthorized"}, {}),
        "credit": (402, mistral("Payment required", "payment_required", "1400"), {}),
        "forbidden": (403, mistral("Forbidden", "forbidden", "1401"), {}),
        "not found": (404, {"detail": "Not Found"}, {}),
        "unprocessable": (422, {"detail": [{"loc": ["body", "input"], "msg": "invalid", "type": "value_error"}]}, {}),
        "rate": (429, mistral("Requests rate limit exceeded", "rate_limited", "1300"), {}),
        "server": (500, mistral("Internal server error", "internal_server_error", "1000"), {}),
        "overloaded": (503, mistral("Service unavailable", "unavailable", "1000"), {}),
    },
    "gemini": {
        "bad request": (400, google(400, "INVALID_ARGUMENT", "Request contains an invalid argument."), {}),
        "key": (400, google(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.",
                            {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}), {}),
        "forbidden": (403, google(403, "PERMISSION_DENIED", "Your key may not do this."), {}),
        "unknown model": (404, google(404, "NOT_FOUND", "models/gemini-9 is not found for API version v1beta"), {}),
        "rate": (429, google(429, "RESOURCE_EXHAUSTED", "You exceeded your current quota.",
                             {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "0.001s"}), {}),
        "quota of a day": (429, google(429, "RESOURCE_EXHAUSTED", "You exceeded your current quota.",
                                       {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [
                                           {"quotaId": "EmbedContentRequestsPerDayPerProjectPerModel"}]},
                                       {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "0.001s"}),
                           {}),
        "server": (500, google(500, "INTERNAL", "An internal error has occurred."), {}),
        "overloaded": (503, google(503, "UNAVAILABLE", "The model is overloaded."), {}),
        "timeout": (504, google(504, "DEADLINE_EXCEEDED", "Deadline expired."), {}),
    },
    "azure": {
        "bad request": (400, openai_error("'$.input' is invalid", param="input"), {}),
        "key": (401, {"error": {"code": "401", "message": "Access denied due to invalid subscription key."}}, {}),
        "forbidden": (403, {"error": {"code": "403", "message": "Public access is disabled."}}, {}),
        "unknown model": (404, {"error": {"code": "DeploymentNotFound", "message": "The deployment does not exist."}},
                          {}),
        "rate": (429, {"error": {"code": "429", "message": "Requests have exceeded the call rate limit."}},
                 {"retry-after": "0", "x-ms-retry-after-ms": "1"}),
        "server": (500, openai_error("The server had an error", "server_error"), {}),
        "overloaded": (503, openai_error("The engine is overloaded", "server_error"), {}),
    },
    "tei": {
        "bad request": (400, {"error": "`inputs` cannot be empty", "error_type": "Empty"}, {}),
        "key": (401, b"", {}),
        "too much": (413, {"error": "`inputs` must have less than 512 tokens. Given: 513", "error_type": "Validation"},
                     {}),
        "unprocessable": (422, {"error": "Tokenization error", "error_type": "Tokenizer"}, {}),
        "backend": (424, {"error": "Inference failed", "error_type": "Backend"}, {}),
        "rate": (429, {"error": "Model is overloaded", "error_type": "Overloaded"}, {}),
        "overloaded": (503, {"error": "unhealthy", "error_type": "Unhealthy"}, {}),
    },
    "ollama": {
        "bad request": (400, {"error": "the input length exceeds the context length"}, {}),
        "key": (401, {"error": "unauthorized"}, {}),
        "unknown model": (404, {"error": 'model "nobody" not found, try pulling it first'}, {}),
        "server": (500, {"error": "llama runner process has terminated"}, {}),
        "nan": (500, {"error": "failed to encode response: json: unsupported value: NaN"}, {}),
        "overloaded": (503, {"error": "server busy, please try again.  maximum pending requests exceeded"}, {}),
    },
}


class Other(fakes.Fake):
    """One of them."""

    about = None  # instead of TEI_INFO or OLLAMA_SHOW

    @property
    def api(self):
        return APIS[self.vendor]

    @property
    def host(self):
        return f"http://127.0.0.1:{self.server.server_port}"

    @property
    def url(self):
        return self.host + self.api.base

    def reply(self, handler, raw):
        if handler.path == "/info" and handler.command == "GET":
            return 200, self.about or TEI_INFO, {}
        if handler.path == "/api/show":
            known = json.loads(raw)["model"] in self.api.dims
            return (200, self.about or OLLAMA_SHOW, {}) if known else ERRORS["ollama"]["unknown model"]
        status, body, headers = super().reply(handler, raw)
        if self.vendor == "tei" and status == 200:
            headers = {**headers, "x-compute-tokens": str(self.used)}
        return status, body, headers

    def error(self, message, **_):
        return {"cohere": {"message": message}, "jina": {"detail": message}, "ollama": {"error": message},
                "mistral": mistral(message, "invalid_request_error", "3051"), "azure": openai_error(message),
                "gemini": google(400, "INVALID_ARGUMENT", message),
                "tei": {"error": message, "error_type": "Validation"}}[self.vendor]

    def embed(self, path, headers, body):
        key = self.api.prefix + fakes.KEYS[self.vendor]
        bearer = self.vendor == "azure" and headers.get("authorization") == "Bearer " + fakes.KEYS["azure"]
        if headers.get(self.api.header) != key and not bearer:
            self.refuse(401, "The key is not valid")
        entries = self.entries(path, body)
        if len(entries) > self.api.max_texts:
            self.refuse(413 if self.vendor == "tei" else 400,
                        f"batch size {len(entries)} > maximum allowed batch size {self.api.max_texts}")
        vectors = [self.vector(entry) for entry in entries]
        self.used = sum(tokens_of(entry["text"]) for entry in entries)
        self.billed += self.used
        return self.shaped(body, entries, vectors)

    def entries(self, path, body):
        """A model, a text, a role and dims for each text."""
        if self.vendor == "gemini":
            for entry in body["requests"]:
                if path != self.api.path.replace("{model}", entry["model"].removeprefix("models/")):
                    self.refuse(400, "model and path differ")
            # Several parts of one content have one vector.
            return [self.entry(entry, entry["model"].removeprefix("models/"),
                               "".join(part["text"] for part in entry["content"]["parts"]))
                    for entry in body["requests"]]
        if path.split("?")[0] not in (self.api.path, "/openai/v1/deployments/my-deployment/embeddings"):
            self.refuse(404, "Not found")
        model = self.api.model if self.vendor == "tei" else body.get("model")
        return [self.entry(body, model, text) for text in body[self.api.texts]]

    def entry(self, body, model, text):
        for name in body.keys() - self.api.fields:
            self.refuse(400, f"Unknown name '{name}'")
        if model not in self.api.dims:
            self.refuse(404, f"model '{model}' not found")
        usual, possible = self.api.dims[model]
        dims = body.get(self.api.asked_dims) or usual
        if dims not in possible:
            self.refuse(400, f"dimension {dims} is not possible")
        if self.vendor == "cohere" and body.get("input_type") not in ("search_document", "search_query"):
            self.refuse(400, "invalid request: input_type is required")
        if not text or not isinstance(text, str):
            self.refuse(400, "empty input")
        if tokens_of(text) > self.api.max_tokens:
            self.refuse(413 if self.vendor == "tei" else 400, "a text is too long")
        return {"model": model, "text": text, "dims": dims, "input_type": body.get(self.api.role)}

    @staticmethod
    def vector(entry):
        return fakes.vector_of(entry["text"], entry, entry["dims"])

    def shaped(self, body, entries, vectors):
        if self.vendor == "tei":
            return vectors
        if self.vendor == "gemini":
            return {"embeddings": [{"values": vector} for vector in vectors]}
        if self.vendor == "ollama":
            return {"model": body["model"], "embeddings": vectors, "total_duration": 1, "load_duration": 1,
                    "prompt_eval_count": self.used}
        if self.vendor == "cohere":
            return {"id": "1", "embeddings": {"float": vectors}, "texts": body["texts"],
                    "meta": {"api_version": {"version": "2"}, "billed_units": {"input_tokens": self.used}}}
        data = [{"object": "embedding", "index": i, "embedding": fakes.encoded(vector, body)}
                for i, vector in enumerate(vectors)]
        return {"id": "1", "object": "list", "model": body["model"], "data": data,
                "usage": {"prompt_tokens": self.used, "total_tokens": self.used, "completion_tokens": 0}}
