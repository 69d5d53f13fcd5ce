"""A Redis of a test's own, on a socket in a folder."""

import shutil
import subprocess


class Redis:
    def __init__(self, folder, *options):
        assert shutil.which("redis-server"), "redis-server is missing; run tools/setup.sh"
        self.socket = folder / "redis.sock"
        self.url = f"unix://{self.socket}"
        self.process = subprocess.Popen(
            ["redis-server", "--port", "0", "--unixsocket", str(self.socket), "--save", "", "--appendonly", "no", "--dir",
             str(folder), *options], stdout=subprocess.PIPE, text=True)
        while "eady to accept connections" not in (line := self.process.stdout.readline()):
            assert line, "redis-server does not start"

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
