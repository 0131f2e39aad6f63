#include "base/fake_env.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace mixnet {
namespace {

namespace fs = std::filesystem;

std::error_code error_of(std::errc error) { return std::make_error_code(error); }
std::size_t index(Env::Stream stream) { return stream == Env::Stream::kOut ? 0 : 1; }
std::string parent(const std::string& path) {
  const std::string above = fs::path(path).parent_path().string();
  return above.empty() ? "." : above;
}

}  // namespace

class FakeEnv::HeldLock final : public Env::Lock {
 public:
  HeldLock(FakeEnv& env, std::string folder) : env_(env), folder_(std::move(folder)) {}
  ~HeldLock() override { env_.unlock(folder_); }

 private:
  FakeEnv& env_;
  std::string folder_;
};

// Clocks.

void FakeEnv::advance(std::chrono::nanoseconds time) {
  if (time.count() < 0) throw std::invalid_argument("the monotonic clock never goes back");
  const std::lock_guard guard(mutex_);
  monotonic_ += time;
  wall_ += time;
}

void FakeEnv::step_wall_clock(std::chrono::nanoseconds time) {
  const std::lock_guard guard(mutex_);
  wall_ += time;
}

MonotonicTime FakeEnv::monotonic_now() {
  const std::lock_guard guard(mutex_);
  return monotonic_;
}

WallTime FakeEnv::wall_now() {
  const std::lock_guard guard(mutex_);
  return wall_;
}

void FakeEnv::sleep_until(MonotonicTime time) {
  const std::lock_guard guard(mutex_);
  if (time <= monotonic_) return;
  wall_ += time - monotonic_;
  monotonic_ = time;
}

// What a test sees and does.

void FakeEnv::put(const fs::path& path, std::string_view content) {
  const std::lock_guard guard(mutex_);
  const std::string name = plain(path);
  for (std::string above = parent(name); !nodes_.contains(above); above = parent(above)) {
    nodes_[above].is_folder = true;
  }
  nodes_[name] = {.content = std::string(content), .synced = content.size(), .modified = wall_};
}

std::optional<std::string> FakeEnv::content(const fs::path& path) const {
  const std::lock_guard guard(mutex_);
  const auto found = nodes_.find(plain(path));
  if (found == nodes_.end() || found->second.is_folder) return std::nullopt;
  return found->second.content;
}

std::vector<std::string> FakeEnv::files() const {
  const std::lock_guard guard(mutex_);
  std::vector<std::string> names;
  for (const auto& [name, node] : nodes_) {
    if (!node.is_folder) names.push_back(name);
  }
  return names;
}

void FakeEnv::fail(Operation operation, std::errc error, int nth, std::size_t written) {
  const std::lock_guard guard(mutex_);
  faults_.emplace(operation, Fault{error, nth, written});
}

void FakeEnv::limit_space(std::size_t bytes) {
  const std::lock_guard guard(mutex_);
  space_ = bytes;
}

void FakeEnv::deny(const fs::path& path) {
  const std::lock_guard guard(mutex_);
  denied_.insert(plain(path));
}

void FakeEnv::allow(const fs::path& path) {
  const std::lock_guard guard(mutex_);
  denied_.erase(plain(path));
}

void FakeEnv::crash_at(int nth) {
  const std::lock_guard guard(mutex_);
  crash_in_ = nth;
}

void FakeEnv::restart(Aftermath aftermath) {
  const std::lock_guard guard(mutex_);
  is_down_ = false;
  crash_in_ = 0;
  locked_.clear();
  faults_.clear();
  leave_drawing();
  if (aftermath == Aftermath::kKill) return;
  for (auto& [name, node] : nodes_) {
    const std::size_t size = node.content.size();
    node.content.resize(node.synced);
    if (aftermath == Aftermath::kZeros) node.content.resize(size);
    node.synced = node.content.size();
  }
}

void FakeEnv::put_terminal(Stream stream, int width) {
  const std::lock_guard guard(mutex_);
  is_terminal_[index(stream)] = true;
  if (stream == Stream::kError) width_ = width;
}

std::string FakeEnv::take_printed(Stream stream) {
  const std::lock_guard guard(mutex_);
  return std::exchange(printed_[index(stream)], {});
}

void FakeEnv::fail_print(std::errc error) {
  const std::lock_guard guard(mutex_);
  print_error_ = error_of(error);
}

// Whether an operation may.

std::string FakeEnv::plain(const fs::path& path) {
  std::string name = path.lexically_normal().string();
  while (name.size() > 1 && name.back() == '/') name.pop_back();
  return name.empty() ? "." : name;
}

FakeEnv::Node* FakeEnv::find(const std::string& path) {
  const auto found = nodes_.find(path);
  return found == nodes_.end() ? nullptr : &found->second;
}

bool FakeEnv::is_denied(std::string path) const {
  for (;;) {
    if (denied_.contains(path)) return true;
    const std::string above = parent(path);
    if (above == path || path == ".") return false;
    path = above;
  }
}

std::error_code FakeEnv::check_parent(const std::string& path) {
  const Node* const folder = find(parent(path));
  if (folder == nullptr) return error_of(std::errc::no_such_file_or_directory);
  return folder->is_folder ? std::error_code() : error_of(std::errc::not_a_directory);
}

FakeEnv::Verdict FakeEnv::judge(Operation operation, const std::string& path) {
  if (is_down_) return {error_of(std::errc::io_error)};
  if (operation >= Operation::kWrite && crash_in_ > 0 && --crash_in_ == 0) {
    is_down_ = true;
    return {.error = {}, .is_crash = true};
  }
  const auto [begin, end] = faults_.equal_range(operation);
  for (auto fault = begin; fault != end; ++fault) {
    if (--fault->second.nth > 0) continue;
    const Verdict verdict{error_of(fault->second.error), fault->second.written};
    faults_.erase(fault);
    return verdict;
  }
  if (is_denied(path)) return {error_of(std::errc::permission_denied)};
  return {};
}

std::error_code FakeEnv::enter(Operation operation, const std::string& path) {
  const Verdict verdict = judge(operation, path);
  if (verdict.is_crash) throw Crash();
  return verdict.error;
}

std::size_t FakeEnv::space_left() const {
  std::size_t used = 0;
  for (const auto& [name, node] : nodes_) used += node.content.size();
  const std::size_t space = space_.value_or(std::size_t{1} << 40);
  return space - std::min(used, space);
}

// Files.

Env::FileKind FakeEnv::kind(const fs::path& path) {
  const std::lock_guard guard(mutex_);
  const std::string name = plain(path);
  if (name != "." && name != "/" && is_denied(parent(name))) return FileKind::kHidden;
  const Node* const node = find(name);
  if (node == nullptr) return FileKind::kNone;
  return node->is_folder ? FileKind::kFolder : FileKind::kFile;
}

std::error_code FakeEnv::modified(const fs::path& path, WallTime& time) {
  const std::lock_guard guard(mutex_);
  const std::string name = plain(path);
  if (is_denied(parent(name))) return error_of(std::errc::permission_denied);
  const Node* const node = find(name);
  if (node == nullptr) return error_of(std::errc::no_such_file_or_directory);
  time = node->modified;
  return {};
}

std::error_code FakeEnv::read(const fs::path& path, std::size_t limit, std::string& content) {
  const std::lock_guard guard(mutex_);
  const std::string name = plain(path);
  if (const std::error_code error = enter(Operation::kRead, name)) return error;
  const Node* const node = find(name);
  if (node == nullptr) return error_of(std::errc::no_such_file_or_directory);
  if (node->is_folder) return error_of(std::errc::is_a_directory);
  content = node->content.substr(0, limit);
  return {};
}

std::error_code FakeEnv::put_bytes(Operation operation, const fs::path& path,
                                   std::string_view bytes) {
  const std::lock_guard guard(mutex_);
  const std::string name = plain(path);
  Verdict verdict = judge(operation, name);
  if (verdict.error && !verdict.written) return verdict.error;
  if (const std::error_code error = check_parent(name)) return error;
  Node& node = nodes_[name];
  if (node.is_folder) return error_of(std::errc::is_a_directory);
  if (operation == Operation::kWrite) node = {};
  if (verdict.is_crash) verdict.written = bytes.size() / 2;
  const std::size_t room = space_left();
  if (!verdict.error && room < bytes.size()) {
    verdict.error = error_of(std::errc::no_space_on_device);
  }
  node.modified = wall_;
  node.content += bytes.substr(0, std::min(room, verdict.written.value_or(bytes.size())));
  if (verdict.is_crash) throw Crash();
  return verdict.error;
}

std::error_code FakeEnv::write(const fs::path& path, std::string_view content) {
  return put_bytes(Operation::kWrite, path, content);
}

std::error_code FakeEnv::append(const fs::path& path, std::string_view content) {
  return put_bytes(Operation::kAppend, path, content);
}

std::error_code FakeEnv::resize(const fs::path& path, std::size_t size) {
  const std::lock_guard guard(mutex_);
  const std::string name = plain(path);
  if (const std::error_code error = enter(Operation::kResize, name)) return error;
  Node* const node = find(name);
  if (node == nullptr) return error_of(std::errc::no_such_file_or_directory);
  node->modified = wall_;
  node->content.resize(std::min(size, node->content.size()));
  node->synced = std::min(node->synced, node->content.size());
  return {};
}

std::error_code FakeEnv::sync(const fs::path& path) {
  const std::lock_guard guard(mutex_);
  const std::string name = plain(path);
  if (const std::error_code error = enter(Operation::kSync, name)) return error;
  Node* const node = find(name);
  if (node == nullptr) return error_of(std::errc::no_such_file_or_directory);
  node->synced = node->content.size();
  return {};
}

std::error_code FakeEnv::rename(const fs::path& from, const fs::path& to) {
  const std::lock_guard guard(mutex_);
  const std::string name = plain(to);
  if (const std::error_code error = enter(Operation::kRename, name)) return error;
  const Node* const node = find(plain(from));
  if (node == nullptr) return error_of(std::errc::no_such_file_or_directory);
  if (const std::error_code error = check_parent(name)) return error;
  const Node* const old = find(name);
  if (old != nullptr && old->is_folder) return error_of(std::errc::is_a_directory);
  if (node->is_folder) return error_of(std::errc::function_not_supported);
  Node moved = *node;
  nodes_.erase(plain(from));
  nodes_[name] = std::move(moved);
  return {};
}

std::error_code FakeEnv::remove(const fs::path& path) {
  const std::lock_guard guard(mutex_);
  const std::string name = plain(path);
  if (const std::error_code error = enter(Operation::kRemove, name)) return error;
  for (const auto& [other, node] : nodes_) {
    if (other != name && parent(other) == name) return error_of(std::errc::directory_not_empty);
  }
  nodes_.erase(name);
  return {};
}

std::error_code FakeEnv::make_folders(const fs::path& path) {
  const std::lock_guard guard(mutex_);
  const std::string name = plain(path);
  if (const std::error_code error = enter(Operation::kMakeFolders, name)) return error;
  std::vector<std::string> missing;
  std::string at = name;
  for (; find(at) == nullptr; at = parent(at)) missing.push_back(at);
  if (!find(at)->is_folder) return error_of(std::errc::not_a_directory);
  for (const std::string& folder : missing) nodes_[folder].is_folder = true;
  return {};
}

std::error_code FakeEnv::list(const fs::path& folder, std::vector<std::string>& names) {
  const std::lock_guard guard(mutex_);
  const std::string name = plain(folder);
  names.clear();
  if (const std::error_code error = enter(Operation::kList, name)) return error;
  const Node* const node = find(name);
  if (node == nullptr) return error_of(std::errc::no_such_file_or_directory);
  if (!node->is_folder) return error_of(std::errc::not_a_directory);
  for (const auto& [path, other] : nodes_) {
    const std::string last = fs::path(path).filename().string();
    if (path != name && !last.empty() && last != "." && parent(path) == name) names.push_back(last);
  }
  std::ranges::sort(names);
  return {};
}

std::error_code FakeEnv::check_writable(const fs::path& folder) {
  const std::lock_guard guard(mutex_);
  const std::string name = plain(folder);
  if (is_denied(name)) return error_of(std::errc::permission_denied);
  const Node* const node = find(name);
  return node == nullptr ? error_of(std::errc::no_such_file_or_directory) : std::error_code();
}

std::unique_ptr<Env::Lock> FakeEnv::lock(const fs::path& folder, std::error_code& error) {
  const std::lock_guard guard(mutex_);
  const std::string name = plain(folder);
  error = enter(Operation::kLock, name);
  if (!error && find(name) == nullptr) error = error_of(std::errc::no_such_file_or_directory);
  if (!error && !locked_.insert(name).second) error = error_of(std::errc::operation_would_block);
  return error ? nullptr : std::make_unique<HeldLock>(*this, name);
}

void FakeEnv::unlock(const std::string& folder) {
  const std::lock_guard guard(mutex_);
  locked_.erase(folder);
}

// Terminals.

bool FakeEnv::is_terminal(Stream stream) {
  const std::lock_guard guard(mutex_);
  return is_terminal_[index(stream)];
}

int FakeEnv::terminal_width() {
  const std::lock_guard guard(mutex_);
  return width_;
}

std::error_code FakeEnv::print(Stream stream, std::string_view text) {
  const std::lock_guard guard(mutex_);
  if (!print_error_) printed_[index(stream)] += text;
  return print_error_;
}

}  // namespace mixnet
