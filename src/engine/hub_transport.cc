#include "vecmill/engine/hub_transport.h"

#include <utility>

#include "vecmill/http/client.h"

namespace vecmill::engine {
namespace {

hub::HttpReply to_hub(const http::Reply& reply) {
  hub::HttpReply out;
  out.status = reply.status;
  for (const http::Header& header : reply.headers)
    out.headers.push_back({header.name, header.value});
  return out;
}

class HttpTransport : public hub::Transport {
 public:
  Result<hub::HttpReply> send(const hub::HttpRequest& request,
                              const hub::HttpReceiver& receiver) override {
    http::Request out;
    if (request.head) out.method = "HEAD";
    out.url = request.url;
    out.max_bytes = request.max_bytes;
    out.deadline = request.deadline;
    for (const hub::HttpHeader& header : request.headers) {
      out.headers.push_back({header.name, header.value});
    }
    http::Receiver receive;
    receive.body = receiver.body;
    if (receiver.head) {
      receive.head = [&](const http::Reply& reply) { return receiver.head(to_hub(reply)); };
    }
    VECMILL_ASSIGN(const http::Reply reply, client_.send(out, receive));
    return to_hub(reply);
  }

 private:
  http::Client client_;
};

}  // namespace

std::unique_ptr<hub::Transport> make_hub_transport() { return std::make_unique<HttpTransport>(); }

}  // namespace vecmill::engine
