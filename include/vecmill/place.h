#pragma once

#include <string>
#include <string_view>

namespace vecmill {

/// Whether an input or output is a table: "postgres://" or "postgresql://".
[[nodiscard]] bool is_postgres_url(std::string_view place);

/// Whether it is a collection of Qdrant: "qdrant://", or "qdrants://" for TLS.
[[nodiscard]] bool is_qdrant_url(std::string_view place);

/// Whether it is one of these, so that nothing stands beside it on the disk.
[[nodiscard]] bool is_on_server(std::string_view place);

/// An input or output as it may be printed: without the password or key that a URL may hold.
[[nodiscard]] std::string shown_place(std::string_view place);

}  // namespace vecmill
