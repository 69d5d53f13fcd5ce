#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>

#include "vecmill/budgets.h"
#include "vecmill/result.h"

namespace vecmill::engine {

/// Tells alerts on: to the callback at once, to the webhook on a thread of its own. Neither a slow
/// nor a dead webhook holds anything up, but for some seconds when this is destroyed.
class AlertSender {
 public:
  ///   errors  kInvalidArgument: the webhook is no address that alerts may go to; kAuth: its secret
  ///   is not in the
  ///           environment
  static Result<std::unique_ptr<AlertSender>> open(AlertOptions options);
  /// Waits a little for what is on its way.
  ~AlertSender();
  AlertSender(const AlertSender&) = delete;
  AlertSender& operator=(const AlertSender&) = delete;

  void send(const SpendAlert& alert);
  /// Something told before has not arrived yet.
  [[nodiscard]] bool is_behind();
  /// A line for people only.
  void note(const std::string& line) const {
    if (options_.tell) options_.tell({line, {}});
  }

 private:
  explicit AlertSender(AlertOptions options) : options_(std::move(options)) {}
  void work(const std::stop_token& stop);
  Status post(const std::string& body, const std::stop_token& stop);

  const AlertOptions options_;
  std::string secret_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<std::string> waiting_;  ///< bodies; the first is on its way
  std::jthread worker_;              ///< from the first alert on
};

}  // namespace vecmill::engine
