"""A webhook: what it was told, and whether each word was signed."""

import hashlib
import hmac
import http.server
import json
import threading

SECRET = "hush"


class Hook:
    def __enter__(self):
        self.heard = heard = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                signed = self.headers["X-Vecmill-Timestamp"].encode() + b"." + body
                mac = hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
                assert self.headers["X-Vecmill-Signature"] == "sha256=" + mac  # else it gets no answer
                heard.append(json.loads(body))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
