#include "dataplane/circuit_filter.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <circuit.skel.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <system_error>

#include "base/error.h"
#include "dataplane/links.h"

namespace mixnet {
namespace {

// Where ours are among the filters of an interface: before all others.
constexpr std::uint32_t kHandle = 1;
constexpr std::uint32_t kPriority = 1;

bpf_tc_hook hook_of(int index, bpf_tc_attach_point point) {
  bpf_tc_hook hook{};
  hook.sz = sizeof hook;
  hook.ifindex = index;
  hook.attach_point = point;
  return hook;
}

bpf_tc_hook both_of(int index) {
  return hook_of(index, static_cast<bpf_tc_attach_point>(BPF_TC_INGRESS | BPF_TC_EGRESS));
}

bpf_tc_opts place() {
  bpf_tc_opts options{};
  options.sz = sizeof options;
  options.handle = kHandle;
  options.priority = kPriority;
  return options;
}

/// Whose the program in our place is. kOther: or one that may not be looked into.
enum class Holder { kNone, kOurs, kOther };

/// The id of the program in our place; nothing: there is none, or a filter of another kind.
std::optional<std::uint32_t> program_at(int index, bpf_tc_attach_point point) {
  const bpf_tc_hook hook = hook_of(index, point);
  bpf_tc_opts options = place();
  return bpf_tc_query(&hook, &options) == 0 ? std::optional(options.prog_id) : std::nullopt;
}

/// Into `maps`: those that it uses.
Holder holder_of(std::optional<std::uint32_t> program, std::string_view name,
                 std::vector<std::uint32_t>* maps) {
  if (!program) return Holder::kNone;
  const Descriptor fd(bpf_prog_get_fd_by_id(*program));
  std::uint32_t ids[8] = {};
  bpf_prog_info info{};
  info.map_ids = reinterpret_cast<std::uintptr_t>(ids);
  info.nr_map_ids = std::size(ids);
  std::uint32_t size = sizeof info;
  if (!fd || bpf_obj_get_info_by_fd(fd.get(), &info, &size) != 0) return Holder::kOther;
  if (name != info.name) return Holder::kOther;
  if (maps) maps->assign(ids, ids + std::min<std::size_t>(info.nr_map_ids, std::size(ids)));
  return Holder::kOurs;
}

/// Makes `map`, of a skeleton not loaded yet, the one of this id, where they are alike.
bool reuse(bpf_map* map, std::uint32_t id) {
  const Descriptor fd(bpf_map_get_fd_by_id(id));
  bpf_map_info info{};
  std::uint32_t size = sizeof info;
  if (!fd || bpf_obj_get_info_by_fd(fd.get(), &info, &size) != 0) return false;
  return std::string_view(info.name) == bpf_map__name(map) && info.type == bpf_map__type(map) &&
         info.key_size == bpf_map__key_size(map) && info.value_size == bpf_map__value_size(map) &&
         info.max_entries == bpf_map__max_entries(map) && bpf_map__reuse_fd(map, fd.get()) == 0;
}

}  // namespace

struct CircuitFilter::Loaded {
  circuit* skeleton = nullptr;
  bool is_loaded = false;
  int circuits = -1;
  int counters = -1;
  std::vector<int> own_hooks;  ///< interfaces whose clsact is of our making

  Loaded() {
    libbpf_set_print(nullptr);  // what goes wrong is said by our own errors
    skeleton = circuit__open();
    if (!skeleton) throw Error("data plane", "its program for the kernel cannot be opened");
  }
  Loaded(const Loaded&) = delete;
  Loaded& operator=(const Loaded&) = delete;
  ~Loaded() { circuit__destroy(skeleton); }

  struct Side {
    bpf_tc_attach_point point;
    std::string_view name;
    bpf_program* program;
  };
  /// The guard first: from then on, nothing leaves unasked.
  std::vector<Side> sides() const {
    return {{BPF_TC_EGRESS, "mixnet_guard", skeleton->progs.mixnet_guard},
            {BPF_TC_INGRESS, "mixnet_circuit", skeleton->progs.mixnet_circuit}};
  }
  static std::uint32_t id(const Side& side) {
    bpf_prog_info info{};
    std::uint32_t size = sizeof info;
    return bpf_obj_get_info_by_fd(bpf_program__fd(side.program), &info, &size) == 0 ? info.id : 0;
  }
  /// Our own programs are known without the right to look into others'.
  Holder holder(int index, const Side& side) const {
    const std::optional<std::uint32_t> program = program_at(index, side.point);
    return program && program == id(side) ? Holder::kOurs : holder_of(program, side.name, nullptr);
  }
};

CircuitFilter::CircuitFilter() : loaded_(std::make_unique<Loaded>()) {}
CircuitFilter::CircuitFilter(CircuitFilter&&) noexcept = default;
CircuitFilter& CircuitFilter::operator=(CircuitFilter&&) noexcept = default;
CircuitFilter::~CircuitFilter() = default;

bool CircuitFilter::adopt(int index) {
  std::vector<std::uint32_t> ids;
  const std::optional<std::uint32_t> program = program_at(index, BPF_TC_INGRESS);
  if (loaded_->is_loaded || holder_of(program, "mixnet_circuit", &ids) != Holder::kOurs)
    return false;
  bool found[2] = {};
  for (const std::uint32_t id : ids) {
    found[0] = found[0] || reuse(loaded_->skeleton->maps.circuits, id);
    found[1] = found[1] || reuse(loaded_->skeleton->maps.counters, id);
  }
  if (found[0] && found[1]) return true;
  loaded_ = std::make_unique<Loaded>();  // half adopted: neither
  return false;
}

void CircuitFilter::load() {
  if (loaded_->is_loaded) return;
  if (const int error = circuit__load(loaded_->skeleton); error != 0) {
    throw Error("data plane",
                fmt::format("the kernel does not take its program: {}", std::strerror(-error)),
                "Linux 5.10 or newer with CONFIG_BPF_SYSCALL and CONFIG_NET_CLS_BPF");
  }
  loaded_->is_loaded = true;
  loaded_->circuits = bpf_map__fd(loaded_->skeleton->maps.circuits);
  loaded_->counters = bpf_map__fd(loaded_->skeleton->maps.counters);
}

CircuitFilter::Attached CircuitFilter::attach(int index, std::string& error) {
  bpf_tc_hook hook = both_of(index);
  const int made = bpf_tc_hook_create(&hook);
  if (made != 0 && made != -EEXIST) {
    error = fmt::format("it takes no clsact: {}", std::strerror(-made));
    return Attached::kFailed;
  }
  if (made == 0) loaded_->own_hooks.push_back(index);
  const std::vector<CounterEntry> zero(libbpf_num_possible_cpus());
  bpf_map_update_elem(loaded_->counters, &index, zero.data(), BPF_NOEXIST);
  bool replaced = false;
  int failed = 0;
  for (const Loaded::Side& side : loaded_->sides()) {
    const Holder holder = loaded_->holder(index, side);
    replaced = replaced || holder == Holder::kOurs;
    const bpf_tc_hook one = hook_of(index, side.point);
    bpf_tc_opts options = place();
    options.prog_fd = bpf_program__fd(side.program);
    options.flags = holder == Holder::kOurs ? BPF_TC_F_REPLACE : 0;
    failed = holder == Holder::kOther ? -EEXIST : bpf_tc_attach(&one, &options);
    if (failed != 0) break;
  }
  if (failed == 0) return replaced ? Attached::kReplaced : Attached::kNew;
  if (!replaced) detach(index);
  error = fmt::format("it takes no filter: {}", std::strerror(-failed));
  return failed == -EEXIST ? Attached::kTaken : Attached::kFailed;
}

void CircuitFilter::detach(int index) {
  clear(index);
  for (const Loaded::Side& side : loaded_->sides()) {
    if (loaded_->holder(index, side) != Holder::kOurs) continue;
    const bpf_tc_hook hook = hook_of(index, side.point);
    const bpf_tc_opts options = place();
    bpf_tc_detach(&hook, &options);
  }
  if (std::erase(loaded_->own_hooks, index) > 0) {
    bpf_tc_hook both = both_of(index);
    bpf_tc_hook_destroy(&both);
  }
  bpf_map_delete_elem(loaded_->counters, &index);
}

bool CircuitFilter::stands_on(int index) const {
  for (const Loaded::Side& side : loaded_->sides()) {
    if (program_at(index, side.point) != Loaded::id(side)) return false;
  }
  return true;
}

void CircuitFilter::set(int in, int out, std::uint64_t lit_at_ns, std::uint64_t straight_to) {
  const CircuitEntry entry{static_cast<__u32>(out), 0, lit_at_ns, straight_to};
  if (bpf_map_update_elem(loaded_->circuits, &in, &entry, BPF_ANY) != 0) {
    throw std::system_error(errno, std::generic_category(), "the kernel's map of circuits");
  }
}

void CircuitFilter::clear(int in) { bpf_map_delete_elem(loaded_->circuits, &in); }

std::optional<CircuitEntry> CircuitFilter::entry(int in) const {
  CircuitEntry found{};
  if (bpf_map_lookup_elem(loaded_->circuits, &in, &found) != 0) return std::nullopt;
  return found;
}

std::vector<int> CircuitFilter::entries() const {
  std::vector<int> found;
  int key = 0;
  const int* before = nullptr;
  while (bpf_map_get_next_key(loaded_->circuits, before, &key) == 0) {
    found.push_back(key);
    before = &found.back();
  }
  return found;
}

CounterEntry CircuitFilter::counters(int in) const {
  std::vector<CounterEntry> each(libbpf_num_possible_cpus());
  CounterEntry sum{};
  if (bpf_map_lookup_elem(loaded_->counters, &in, each.data()) != 0) return sum;
  for (const CounterEntry& one : each) {
    sum.frames += one.frames;
    sum.bytes += one.bytes;
    sum.passed += one.passed;
    sum.dark += one.dark;
  }
  return sum;
}

}  // namespace mixnet
