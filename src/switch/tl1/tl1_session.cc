#include "tl1/tl1_session.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "tl1/tl1_command.h"

namespace mixnet {
namespace {

constexpr std::size_t kBuffer = 64 << 10;
constexpr int kLastTag = 999'999;
constexpr int kMostSilent = 2;
constexpr MonotonicTime kAtOnce{};  // long past: what is there, without waiting

/// A user's name or password, in quotes where TL1 would take it for more than a word.
std::string word(const std::string& text) {
  const bool is_plain = std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.';
  });
  return is_plain ? text : tl1_quoted(text);
}

}  // namespace

std::string denial(const Tl1Response& response) {
  if (response.error.empty() || response.comment.empty()) {
    const std::string said = response.error + response.comment;
    return said.empty() ? std::string(to_string(response.completion)) : said;
  }
  return response.error + ": " + response.comment;
}

Tl1Session::Tl1Session(const SwitchAddress& address, const Tl1Dialect& dialect, Env& env)
    : address_(address),
      dialect_(dialect),
      env_(env),
      device_(address.shown()),
      client_(device_, env),
      buffer_(kBuffer) {}

Tl1Session::~Tl1Session() {
  if (!client_.is_open() || dialect_.logout.empty()) return;
  try {
    client_.send(fill_tl1(dialect_.logout, {{"user", word(address_.user)}, {"ctag", "0"}}),
                 kAtOnce);
  } catch (const SwitchError&) {  // the device will notice by itself
  }
}

void Tl1Session::open(MonotonicTime dead_line) {
  if (client_.is_open()) {
    try {
      while (receive(nullptr, kAtOnce) && env_.monotonic_now() < dead_line) {
      }
      return;
    } catch (const SwitchError& error) {
      client_.close();
      if (error.fault() != SwitchFault::kDisconnected) throw;
    }
  }
  connect(dead_line);
}

void Tl1Session::connect(MonotonicTime dead_line) {
  if (!back_off_.is_over(env_.monotonic_now())) {
    throw SwitchError(SwitchFault::kUnreachable, device_,
                      "it could not be reached a moment ago, and is not tried again yet");
  }
  try {
    client_.connect(address_.host, address_.port, dead_line);
    reader_.emplace(device_);
    silent_ = 0;
    last_heard_ = env_.monotonic_now();
    log_in(dead_line);
  } catch (const SwitchError&) {
    give_up();
    throw;
  }
  back_off_.succeeded();
}

void Tl1Session::give_up() {
  if (client_.is_open()) client_.close();
  back_off_.failed(env_.monotonic_now());
}

void Tl1Session::log_in(MonotonicTime dead_line) {
  const std::string user = word(address_.user);
  const Tl1Request login{dialect_.login, {{"user", user}, {"password", word(address_.password)}}};
  const Tl1Response answer = ask({&login, 1}, dead_line).front();
  if (answer.completion == Tl1Completion::kDenied) {
    throw SwitchError(SwitchFault::kLogin, device_,
                      fmt::format("user '{}' is refused ({})", address_.user, denial(answer)),
                      "name user and password in the address, tl1://USER:PASSWORD@HOST");
  }
  std::vector<Tl1Request> more;
  for (const std::string& pattern : dialect_.after_login)
    more.push_back({pattern, {{"user", user}}});
  if (!more.empty()) ask(more, dead_line);
}

bool Tl1Session::is_logged_out(const Tl1Response& response) const {
  return response.completion == Tl1Completion::kDenied &&
         std::ranges::find(dialect_.not_logged_in, response.error) != dialect_.not_logged_in.end();
}

std::vector<Tl1Response> Tl1Session::exchange(std::span<const Tl1Request> requests,
                                              MonotonicTime dead_line) {
  std::vector<Tl1Response> answers = ask(requests, dead_line);
  std::vector<std::size_t> again;
  std::vector<Tl1Request> requests_again;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    if (!is_logged_out(answers[i])) continue;
    again.push_back(i);
    requests_again.push_back(requests[i]);
  }
  if (again.empty()) return answers;
  try {
    log_in(dead_line);
  } catch (const SwitchError&) {
    give_up();
    throw;
  }
  std::vector<Tl1Response> later = ask(requests_again, dead_line);
  for (std::size_t i = 0; i < again.size(); ++i) answers[again[i]] = std::move(later[i]);
  return answers;
}

std::vector<Tl1Response> Tl1Session::ask(std::span<const Tl1Request> requests,
                                         MonotonicTime dead_line) {
  Pending pending;
  pending.answers.resize(requests.size());
  const MonotonicTime heard = last_heard_;
  try {
    ask_all(requests, pending, dead_line);
  } catch (const SwitchError& error) {
    if (error.fault() != SwitchFault::kTimedOut) {
      give_up();
      throw;
    }
    silent_ = last_heard_ == heard ? silent_ + 1 : 0;
    if (silent_ >= kMostSilent) client_.close();
    throw;
  }
  silent_ = 0;
  return std::move(pending.answers);
}

void Tl1Session::ask_all(std::span<const Tl1Request> requests, Pending& pending,
                         MonotonicTime dead_line) {
  std::size_t sent = 0;
  while (true) {
    std::string text;
    while (sent < requests.size() && pending.by_tag.size() < kMostInFlight) {
      const std::string tag = fmt::format("{}", next_tag_);
      next_tag_ = next_tag_ == kLastTag ? 1 : next_tag_ + 1;
      auto values = requests[sent].values;
      values["ctag"] = tag;
      text += fill_tl1(requests[sent].pattern, values);
      pending.by_tag[tag] = sent++;
    }
    if (!text.empty()) client_.send(text, dead_line);
    if (pending.by_tag.empty()) return;
    const bool came = receive(&pending, dead_line);
    if (pending.by_tag.empty() && sent == requests.size()) return;
    if (came && env_.monotonic_now() < dead_line) continue;  // whatever it is that keeps coming
    throw SwitchError(SwitchFault::kTimedOut, device_,
                      fmt::format("{} of {} commands were not answered in time",
                                  requests.size() - sent + pending.by_tag.size(), requests.size()));
  }
}

void Tl1Session::wait(MonotonicTime dead_line) {
  try {
    receive(nullptr, dead_line);
  } catch (const SwitchError&) {
    give_up();
    throw;
  }
}

bool Tl1Session::receive(Pending* pending, MonotonicTime dead_line) {
  const std::size_t size = client_.receive(buffer_.data(), buffer_.size(), dead_line);
  if (size == 0) return false;
  last_heard_ = env_.monotonic_now();
  reader_->feed({buffer_.data(), size});
  while (auto message = reader_->next()) take(std::move(*message), pending);
  return true;
}

void Tl1Session::take(Tl1Message message, Pending* pending) {
  if (auto* event = std::get_if<Tl1Autonomous>(&message)) {
    if (events_.size() == kMostEvents) events_.pop_front();
    events_.push_back(std::move(*event));
    return;
  }
  auto* response = std::get_if<Tl1Response>(&message);
  if (!response || !pending) return;  // an acknowledgement: the answer is still to come
  const auto asked = pending->by_tag.find(response->ctag);
  if (asked == pending->by_tag.end()) return;  // of a command that was given up
  Tl1Response& answer = pending->answers[asked->second];
  response->rows.insert(response->rows.begin(), std::make_move_iterator(answer.rows.begin()),
                        std::make_move_iterator(answer.rows.end()));
  answer = std::move(*response);
  if (answer.completion != Tl1Completion::kRetrieving) pending->by_tag.erase(asked);
}

}  // namespace mixnet
