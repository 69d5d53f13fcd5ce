"""The other side of compare.py, for any version of tokenizers: peer.py TOKENIZER_JSON TEXTS"""
import struct
import sys
import time

import tokenizers

tokenizer = tokenizers.Tokenizer.from_file(sys.argv[1])
if hasattr(tokenizer, "no_padding"):
    tokenizer.no_padding()
    tokenizer.no_truncation()

    def encode(texts):
        return tokenizer.encode_batch_fast(texts)
else:
    def encode(texts):
        return tokenizer.encode_batch(texts, padding=None, truncation=None)

data, texts, at = open(sys.argv[2], "rb").read(), [], 0
while at < len(data):
    size, = struct.unpack_from("<I", data, at)
    texts.append(data[at + 4:at + 4 + size].decode())
    at += 4 + size
for line in sys.stdin:
    start = time.perf_counter()
    encodings = encode(texts)
    took = time.perf_counter() - start
    print(f"{took:.9f} {sum(len(e.ids) for e in encodings)}", flush=True)
    del encodings
