// modules: encode
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "vecmill/base/check.h"
#include "vecmill/encode/packed_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const int fd = ::memfd_create("packed", MFD_CLOEXEC);
  VECMILL_CHECK(fd >= 0);
  VECMILL_CHECK(::write(fd, data, size) == static_cast<ssize_t>(size));
  const auto file = vecmill::encode::PackedFile::open("/proc/self/fd/" + std::to_string(fd));
  if (file) {
    for (const auto& [name, place] : file->meta().tensors) (void)file->tensor(name, place.floats);
    (void)file->verify_all();
  }
  ::close(fd);
  return 0;
}
