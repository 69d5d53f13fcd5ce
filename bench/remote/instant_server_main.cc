/// An API for embeddings that answers at once: instant_server [DIMS], 1024 unless told. Prints its
/// port and ends with its standard input. A reply is cut from bytes that were made beforehand: text
/// i of a request has vector i, in base64, or as numbers where the request says "float".
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

constexpr std::size_t kMostTexts = 2048;

std::string base64(std::string_view bytes) {
  constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    std::uint32_t three = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      three = three << 8 | (at + i < bytes.size() ? static_cast<unsigned char>(bytes[at + i]) : 0U);
    }
    for (std::size_t i = 0; i < 4; ++i) {
      text += at + i <= bytes.size() ? kDigits[three >> (18 - 6 * i) & 63] : '=';
    }
  }
  return text;
}

std::string numbers(const std::vector<float>& vector) {
  std::string text = "[";
  char piece[32];
  for (const float x : vector) {
    std::snprintf(piece, sizeof piece, "%s%.9g", text.size() > 1 ? "," : "",
                  static_cast<double>(x));
    text += piece;
  }
  return text + "]";
}

/// The rows of the longest reply, and where each of them ends.
struct Rows {
  std::string bytes;
  std::vector<std::size_t> ends;

  void add(const std::string& embedding) {
    bytes += (ends.empty() ? "" : ",") + std::string(R"({"object":"embedding","index":)") +
             std::to_string(ends.size()) + R"(,"embedding":)" + embedding + "}";
    ends.push_back(bytes.size());
  }
};

struct Replies {
  Rows coded, plain;

  explicit Replies(std::size_t dims) {
    std::mt19937 random(1);
    std::normal_distribution<float> normal(0, 1 / std::sqrt(static_cast<float>(dims)));
    std::vector<float> vector(dims);
    for (std::size_t i = 0; i < kMostTexts; ++i) {
      for (float& x : vector) x = normal(random);
      const std::string_view raw(reinterpret_cast<const char*>(vector.data()), 4 * dims);
      coded.add('"' + base64(raw) + '"');
      plain.add(numbers(vector));
    }
  }
};

/// How many texts "input" has: a text, or a list of them.
std::size_t count_texts(std::string_view body) {
  std::size_t at = body.find("\"input\":");
  if (at == std::string_view::npos) return 0;
  at = body.find_first_not_of(' ', at + 8);
  const bool alone = at != std::string_view::npos && body[at] == '"';
  std::size_t texts = 0;
  for (bool inside = false; at < body.size(); ++at) {
    if (inside) {
      at = body.find_first_of("\"\\", at);
      if (at == std::string_view::npos) return 0;
      if (body[at] == '\\') {
        ++at;
        continue;
      }
      inside = false;
      if (alone) return 1;
    } else if (body[at] == '"') {
      inside = true;
      ++texts;
    } else if (body[at] == ']') {
      return texts;
    }
  }
  return 0;
}

bool put(int connection, std::string_view a, std::string_view b, std::string_view c) {
  iovec parts[] = {{const_cast<char*>(a.data()), a.size()},
                   {const_cast<char*>(b.data()), b.size()},
                   {const_cast<char*>(c.data()), c.size()}};
  iovec* first = parts;
  while (first != parts + 3) {
    const ssize_t sent = writev(connection, first, static_cast<int>(parts + 3 - first));
    if (sent <= 0) return false;
    auto left = static_cast<std::size_t>(sent);
    while (first != parts + 3 && left >= first->iov_len) left -= (first++)->iov_len;
    if (first == parts + 3) break;
    first->iov_base = static_cast<char*>(first->iov_base) + left;
    first->iov_len -= left;
  }
  return true;
}

bool answer(int connection, const Replies& replies, std::string_view body) {
  const std::size_t texts = count_texts(body);
  if (texts == 0 || texts > kMostTexts) {
    return put(connection, "HTTP/1.1 400 Bad\r\nContent-Length: 2\r\n\r\n{}", {}, {});
  }
  const bool plain = body.find("\"encoding_format\":\"float\"") != std::string_view::npos;
  const Rows& rows = plain ? replies.plain : replies.coded;
  const std::string_view data(rows.bytes.data(), rows.ends[texts - 1]);
  const std::string used = std::to_string(body.size() / 4 + 1);
  const std::string begin = R"({"object":"list","data":[)";
  const std::string end = R"(],"model":"instant","usage":{"prompt_tokens":)" + used +
                          R"(,"total_tokens":)" + used + "}}";
  const std::size_t size = begin.size() + data.size() + end.size();
  return put(connection,
             "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " +
                 std::to_string(size) + "\r\n\r\n" + begin,
             data, end);
}

/// Where the body begins and how long it is; nothing yet: 0.
std::pair<std::size_t, std::size_t> measure(std::string_view bytes) {
  const std::size_t end = bytes.find("\r\n\r\n");
  if (end == std::string_view::npos) return {0, 0};
  std::string head(bytes.substr(0, end));
  for (char& c : head) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  const std::size_t length = head.find("content-length:");
  const std::size_t size =
      length == std::string::npos ? 0 : std::strtoul(&head[length + 15], nullptr, 10);
  return {end + 4, size};
}

void serve(int connection, const Replies& replies) {
  const int yes = 1;
  setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  std::string bytes;
  std::vector<char> piece(1 << 16);
  for (;;) {
    const auto [begin, size] = measure(bytes);
    if (begin > 0 && bytes.size() >= begin + size) {
      if (!answer(connection, replies, std::string_view(bytes).substr(begin, size))) break;
      bytes.erase(0, begin + size);
      continue;
    }
    const ssize_t got = recv(connection, piece.data(), piece.size(), 0);
    if (got <= 0) break;
    bytes.append(piece.data(), static_cast<std::size_t>(got));
  }
  close(connection);
}

}  // namespace

int main(int count, char** words) {
  const Replies replies(count > 1 ? std::strtoul(words[1], nullptr, 10) : 1024);
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  if (bind(listener, any, size) != 0 || listen(listener, 64) != 0 ||
      getsockname(listener, any, &size) != 0) {
    return 1;
  }
  std::printf("%d\n", ntohs(address.sin_port));
  std::fflush(stdout);
  std::thread([&] {
    for (;;) {
      const int connection = accept(listener, nullptr, nullptr);
      if (connection >= 0) std::thread(serve, connection, std::cref(replies)).detach();
    }
  }).detach();
  while (std::getchar() != EOF) continue;
  std::quick_exit(0);
}
