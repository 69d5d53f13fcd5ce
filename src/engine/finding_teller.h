#pragma once

#include <functional>
#include <string>
#include <utility>

#include "vecmill/doctor.h"

namespace vecmill::engine {

/// Tells findings about one model or server.
class FindingTeller {
 public:
  FindingTeller(std::string provider, const std::function<void(const RemoteFinding&)>& tell)
      : provider_(std::move(provider)), tell_(tell) {}

  void good(const char* name, std::string value, std::string hint = {}) const {
    tell_({provider_, name, std::move(value), {}, std::move(hint)});
  }
  void wrong(const char* name, const Error& error) const {
    const std::string place = error.where.empty() ? "" : error.where + ": ";
    tell_({provider_, name, place + error.message, error.kind, error.hint});
  }

 private:
  std::string provider_;
  const std::function<void(const RemoteFinding&)>& tell_;
};

}  // namespace vecmill::engine
