// The tables of a region's store, their versions, and what is checked before a store is used.
// docs/store.md describes them.
#pragma once

#include <cstdint>
#include <string_view>

#include "store/sqlite.h"

namespace mixnet {

/// Makes the tables of a new store, brings those of an older version up to date, in one
/// transaction, and refuses what is not the store of `region`: another region's, a newer version's,
/// another program's, a damaged one. Throws Error; then nothing was changed.
void prepare_schema(SqliteDatabase& database, std::string_view region);

/// Of a row's bytes, `key` among them: SQLite has none of its own, and a bit may flip on any disk.
/// A change within one word of 8 bytes is always seen, any other but for one in 2^64. 0.3 ns a
/// byte.
std::int64_t row_sum(std::uint64_t key, std::string_view bytes);

}  // namespace mixnet
