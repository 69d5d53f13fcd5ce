#include "vecmill/redis/client.h"

#include <hiredis/hiredis.h>
#include <hiredis/hiredis_ssl.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cerrno>

#include "vecmill/base/sha1.h"
#include "vecmill/redis/no_sigpipe.h"

namespace vecmill::redis {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr std::size_t kLargestReply = std::size_t{64} << 20;
constexpr long long kMostElements = 1 << 16;

struct FreeReply {
  void operator()(void* reply) const { freeReplyObject(reply); }
};
struct FreeTls {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(SSL* tls) const { SSL_free(tls); }
};

timeval timeval_of(microseconds time) {
  const auto count = std::max<microseconds::rep>(time.count(), 1);
  return {static_cast<time_t>(count / 1'000'000), static_cast<suseconds_t>(count % 1'000'000)};
}

}  // namespace

Script::Script(std::string text) : text_(std::move(text)) {
  Sha1 hash;
  hash.update(text_);
  sha_ = hash.hex();
}

void Client::Free::operator()(redisContext* context) const { redisFree(context); }

Client::Client(ClientOptions options)
    : options_(std::move(options)), rest_(options_.pause_first, options_.pause_most) {}
Client::~Client() {
  const NoSigpipe quiet;  // TLS says goodbye
  context_.reset();
}

Error Client::failure() const {
  const std::string where = options_.address.name();
  switch (context_->err) {
    case REDIS_ERR_PROTOCOL: return no_redis(where);
    case REDIS_ERR_EOF: return away("it closed the connection", where);
    case REDIS_ERR_TIMEOUT: return away("no answer in time", where);
    case REDIS_ERR_IO:
      return away(
          errno == EAGAIN || errno == EWOULDBLOCK ? "no answer in time" : "the connection broke",
          where);
    default: return away(context_->errstr, where);
  }
}

Status Client::open() {
  redisOptions options = {};
  const Address& address = options_.address;
  if (address.socket.empty()) {
    REDIS_OPTIONS_SET_TCP(&options, address.host.c_str(), address.port);
  } else {
    REDIS_OPTIONS_SET_UNIX(&options, address.socket.c_str());
  }
  const timeval connect = timeval_of(options_.connect_within);
  const timeval answer = timeval_of(options_.answer_within);
  options.connect_timeout = &connect;
  options.command_timeout = &answer;
  context_.reset(redisConnectWithOptions(&options));
  if (!context_) return away("no memory", address.name());
  if (context_->err != 0) return failure();
  context_->reader->maxelements = kMostElements;
  return address.tls ? secure() : Status{};
}

Status Client::secure() {
  const Address& address = options_.address;
  const std::unique_ptr<SSL_CTX, FreeTls> trust(SSL_CTX_new(TLS_client_method()));
  if (!trust) return away("no memory", address.name());
  SSL_CTX_set_min_proto_version(trust.get(), TLS1_2_VERSION);
  SSL_CTX_set_verify(trust.get(), SSL_VERIFY_PEER, nullptr);
  const bool trusts =
      options_.ca_file.empty()
          ? SSL_CTX_set_default_verify_paths(trust.get()) == 1
          : SSL_CTX_load_verify_locations(trust.get(), options_.ca_file.c_str(), nullptr) == 1;
  if (!trusts) {
    return make_error(ErrorKind::kAuth, "cannot read the certificates to trust", options_.ca_file);
  }
  std::unique_ptr<SSL, FreeTls> tls(SSL_new(trust.get()));
  if (!tls) return away("no memory", address.name());
  // The certificate must be that of this host; hiredis itself looks only at who signed it.
  if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(tls.get()), address.host.c_str()) != 1) {
    SSL_set_tlsext_host_name(tls.get(), address.host.c_str());
    if (SSL_set1_host(tls.get(), address.host.c_str()) != 1) return no_redis(address.name());
  }
  if (redisInitiateSSL(context_.get(), tls.get()) == REDIS_OK) {
    (void)tls.release();  // the context frees it now
    return {};
  }
  const long verified = SSL_get_verify_result(tls.get());
  const std::string why = verified == X509_V_OK
                              ? std::string()
                              : std::string(": ") + X509_verify_cert_error_string(verified);
  return make_error(ErrorKind::kAuth, "no TLS with a certificate that can be trusted" + why,
                    address.name(), "name the file of its authority, or is it redis://?");
}

Status Client::greet() {
  const Address& address = options_.address;
  std::vector<Command> commands;
  if (!address.password.empty()) {
    commands.push_back({"AUTH"});
    if (!address.user.empty()) commands.back().push_back(address.user);
    commands.back().push_back(address.password.reveal());
  }
  if (address.database > 0) commands.push_back({"SELECT", std::to_string(address.database)});
  commands.push_back({"INFO"});
  VECMILL_ASSIGN(const auto replies, exchange(commands));
  for (const Reply& reply : replies) {
    if (reply.is(Reply::Kind::kError)) return error_of(reply, address.name());
  }
  VECMILL_ASSIGN(server_, read_info(replies.back().text, address.name()));
  return {};
}

Status Client::connect() {
  if (context_) return {};
  Status done = open();
  if (done) done = greet();
  if (!done) context_.reset();
  return done;
}

/// The next read or write may take what is left of the time.
Status Client::allow(Clock::time_point deadline) {
  const auto left = std::chrono::ceil<microseconds>(deadline - Clock::now());
  if (left.count() <= 0) return away("no answer in time", options_.address.name());
  if (redisSetTimeout(context_.get(), timeval_of(left)) != REDIS_OK) return failure();
  return {};
}

Status Client::send(std::span<const Command> commands, Clock::time_point deadline) {
  for (const Command& command : commands) {
    std::vector<const char*> parts;
    std::vector<std::size_t> sizes;
    for (const std::string& part : command) {
      parts.push_back(part.data());
      sizes.push_back(part.size());
    }
    if (redisAppendCommandArgv(context_.get(), static_cast<int>(parts.size()), parts.data(),
                               sizes.data()) != REDIS_OK) {
      return failure();
    }
  }
  for (int done = 0; done == 0;) {
    VECMILL_TRY(allow(deadline));
    if (redisBufferWrite(context_.get(), &done) != REDIS_OK) return failure();
  }
  return {};
}

Result<Reply> Client::receive(Clock::time_point deadline) {
  void* raw = nullptr;
  while (true) {
    if (redisGetReplyFromReader(context_.get(), &raw) != REDIS_OK) return failure();
    if (raw != nullptr) break;
    if (context_->reader->len > kLargestReply) return no_redis(options_.address.name());
    VECMILL_TRY(allow(deadline));
    if (redisBufferRead(context_.get()) != REDIS_OK) return failure();
  }
  const std::unique_ptr<void, FreeReply> owned(raw);
  auto reply = convert(*static_cast<const redisReply*>(raw));
  if (!reply) return no_redis(options_.address.name());
  return *std::move(reply);
}

Result<std::vector<Reply>> Client::exchange(std::span<const Command> commands) {
  const auto deadline = Clock::now() + options_.answer_within;
  VECMILL_TRY(send(commands, deadline));
  std::vector<Reply> replies;
  for (std::size_t i = 0; i < commands.size(); ++i) {
    VECMILL_ASSIGN(Reply reply, receive(deadline));
    replies.push_back(std::move(reply));
  }
  return replies;
}

Result<std::vector<Reply>> Client::call(std::span<const Command> commands) {
  const std::lock_guard lock(mutex_);
  const NoSigpipe quiet;
  if (const Error* failure = rest_.failure()) return *failure;
  while (true) {
    const bool was_open = context_ != nullptr;
    Status connected = connect();
    auto replies = connected ? exchange(commands) : Result<std::vector<Reply>>(connected.error());
    if (replies) {
      rest_.worked();
      return replies;
    }
    // A server that was started again, or that closes what is idle, is there all the same.
    const bool closed =
        was_open && (context_->err == REDIS_ERR_EOF ||
                     (context_->err == REDIS_ERR_IO && (errno == EPIPE || errno == ECONNRESET)));
    context_.reset();
    if (closed) continue;
    rest_.failed(replies.error());
    return replies;
  }
}

Result<Reply> Client::call(Command command) {
  VECMILL_ASSIGN(auto replies, call(std::span<const Command>(&command, 1)));
  if (replies[0].is(Reply::Kind::kError)) return error_of(replies[0], options_.address.name());
  return std::move(replies[0]);
}

Result<Reply> Client::run(const Script& script, std::span<const std::string> keys,
                          std::span<const std::string> arguments) {
  Command command{"EVALSHA", script.sha(), std::to_string(keys.size())};
  command.insert(command.end(), keys.begin(), keys.end());
  command.insert(command.end(), arguments.begin(), arguments.end());
  VECMILL_ASSIGN(auto replies, call(std::span<const Command>(&command, 1)));
  if (!replies[0].is(Reply::Kind::kError) || !replies[0].text.starts_with("NOSCRIPT")) {
    if (replies[0].is(Reply::Kind::kError)) return error_of(replies[0], options_.address.name());
    return std::move(replies[0]);
  }
  command[0] = "EVAL";
  command[1] = script.text();
  return call(std::move(command));
}

Result<Server> Client::server() {
  VECMILL_TRY(call({"PING"}));
  const std::lock_guard lock(mutex_);
  return server_;
}

}  // namespace vecmill::redis
