// Fields of a config.json by what they mean, however a family spells them.
//
// A value is looked for under all spellings, those first that the family's row uses; what is absent
// is what the row says that the reference takes. null is a value: it says that there is none (no
// low-rank queries, as many key heads as heads). Spellings with dots lie in objects within.
//
// The document and the row's defaults must outlive it. Cost: a few look-ups a field.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json_reader.h"
#include "moe/model_families.h"

namespace mixnet {

enum class Field {
  kLayers,
  kHidden,
  kVocab,
  kHeads,
  kKvHeads,
  kHeadDim,
  kValueDim,
  kQueryRank,
  kKeyValueRank,
  kNopeDim,
  kRopeDim,
  kIndexHeads,
  kIndexDim,
  kExperts,
  kTopK,
  kIdleExperts,
  kSharedExperts,
  kSharedWidth,
  kLinearHeads,
  kLinearDim,
  kLinearValueHeads,
  kLinearValueDim,
  kConvolution,
  kState,
  kGroups,
  kMambaHeads,
  kMambaDim,
  kExpand,
  kTimeRank,
  kDecoderLayers,
  kPositionBuckets,
  kCount
};

class ConfigFields {
 public:
  ConfigFields(const JsonReader& config, const Family& family);

  /// None when it is null, or absent and the reference has no default for it.
  std::optional<int> size(Field field) const;
  int size_or(Field field, int otherwise) const { return size(field).value_or(otherwise); }
  int required(Field field) const;  ///< throws Error, naming the key, when there is none
  /// Also when it is absent: a null must be written.
  std::optional<int> required_or_null(Field field) const;
  /// Where the value is, or the file as a whole: for errors about it.
  std::string place(Field field) const;
  std::string key(Field field) const;  ///< how it is spelled, or would be

  // The same by key.
  std::optional<JsonReader> find(std::string_view key) const;
  std::optional<int> size(std::string_view key, std::int64_t least, std::int64_t most) const;
  int required(std::string_view key, std::int64_t most) const;  ///< or a list of equal ones
  bool flag(Flag flag) const;
  /// Whether the family's row names the key: others' keys in its files mean nothing.
  bool is_known(std::string_view key) const { return defaults_.contains(std::string(key)); }

  const JsonReader& config() const { return config_; }
  const Family& family() const { return family_; }

 private:
  const nlohmann::json* raw(std::string_view key) const;
  bool is_given(std::string_view key) const { return raw(key) != nullptr; }

  JsonReader config_;
  const Family& family_;
  nlohmann::json defaults_;
};

/// The limit of widths and of numbers of layers.
inline constexpr std::int64_t kMaxIntermediate = 1 << 22;
inline constexpr std::int64_t kMaxLayers = 1 << 13;
inline constexpr std::int64_t kMaxExperts = 1 << 16;
inline constexpr std::int64_t kMaxHeadDim = 1 << 13;

}  // namespace mixnet
