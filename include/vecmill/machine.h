#pragma once

#include <string>
#include <vector>

namespace vecmill {

/// One thing about this machine that matters to Vecmill.
struct MachineFact {
  std::string name, value;
  bool good = true;
  std::string hint;  ///< the way out when it is not
};

/// Looks; changes nothing.
std::vector<MachineFact> examine_machine();

/// "0.1.0"
std::string version();

}  // namespace vecmill
