#include "page_server.h"

#include <fmt/format.h>

#include <chrono>
#include <iterator>
#include <optional>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "host_header.h"
#include "monitor/page_assets.h"
#include "service/address_prefix.h"

namespace mixnet {
namespace {

constexpr const char* kText = "text/plain; charset=utf-8";
constexpr std::chrono::seconds kBeat{5};
constexpr std::chrono::milliseconds kLook{1'000};
// Scripts are not told of comments, so there is an event as well.
constexpr const char* kBeatText = ": here\nevent: beat\ndata: {}\n\n";

// Scripts of the page, in the order in which they run.
constexpr const EmbeddedText* kScripts[] = {&kBasicsScript, &kDiagramScript, &kDemandScript,
                                            &kPanelsScript, &kLiveScript};

std::string filled(std::string text, std::string_view name, std::string_view value) {
  const std::size_t at = text.find(name);
  return text.replace(at, name.size(), value);
}

std::string make_page() {
  std::string scripts;
  for (const EmbeddedText* script : kScripts) {
    scripts += fmt::format("<script>{}</script>\n", script->text);
  }
  std::string page(kRegionPage.text);
  page = filled(std::move(page), "{{STYLE}}", kRegionStyle.text);
  return filled(std::move(page), "{{SCRIPTS}}", scripts);
}

std::string make_policy() {
  std::string scripts;
  for (const EmbeddedText* script : kScripts) scripts += fmt::format(" '{}'", script->csp_hash);
  return fmt::format(
      "default-src 'none'; script-src{}; style-src '{}'; img-src data:; connect-src 'self'; "
      "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
      scripts, kRegionStyle.csp_hash);
}

void set_headers(httplib::Response& response, const std::string& policy) {
  response.set_header("Content-Security-Policy", policy);
  response.set_header("X-Content-Type-Options", "nosniff");
  response.set_header("Referrer-Policy", "no-referrer");
  response.set_header("Cross-Origin-Resource-Policy", "same-origin");
  response.set_header("Cache-Control", "no-store");
}

void set_error(httplib::Response& response, int status, std::string_view why) {
  response.status = status;
  response.set_content(std::string(why) + "\n", kText);
}

void set_health(httplib::Response& response, const std::string& why_not) {
  if (why_not.empty()) {
    response.set_content("ok\n", kText);
  } else {
    set_error(response, 503, why_not);
  }
}

// In JSON's quotes; reasons are our own, of ASCII.
std::string health_event(const PageHealth& health) {
  return fmt::format(
      "event: health\ndata: {{\"healthy\":{},\"ready\":{},\"why\":\"{}\"}}\n\n",
      health.why_not_healthy.empty(), health.why_not_ready.empty(),
      health.why_not_healthy.empty() ? health.why_not_ready : health.why_not_healthy);
}

// Whether a page of another site makes a browser ask. Others do not say.
bool is_from_elsewhere(const httplib::Request& request) {
  const std::string site = request.get_header_value("Sec-Fetch-Site");
  return !site.empty() && site != "same-origin" && site != "none";
}

std::function<bool(const std::string&)> admission(const DaemonSettings& settings, bool is_plain) {
  std::vector<AddressPrefix> prefixes;
  for (const std::string& peer : settings.peers) {
    prefixes.push_back(parse_prefix(peer, settings.input + ": controller.peers"));
  }
  if (prefixes.empty() && is_plain) prefixes = loopback_prefixes();
  return [prefixes](const std::string& text) {
    const std::optional<IpAddress> address = parse_ip(text.substr(0, text.find('%')));
    return prefixes.empty() || (address && is_among(*address, prefixes));
  };
}

}  // namespace

PageServer::PageServer(const DaemonSettings& settings, Sources sources, Env& env)
    : sources_(std::move(sources)), env_(env), page_(make_page()), policy_(make_policy()) {
  const std::string input = settings.input + ": controller.page";
  HttpServer::Options options{.address = parse_listen_address(settings.page, input),
                              .input = input};
  is_plain_ = settings.insecure || !settings.tls.given();
  if (!is_plain_) {
    options.tls = make_tls_context(settings.tls);
  } else if (!options.address.is_loopback()) {
    throw Error(input, fmt::format("{} is not the loopback, and there is no TLS", settings.page),
                "controller.tls, or an address of the loopback");
  }
  options.may_connect = admission(settings, is_plain_);
  options.refused = sources_.refused;
  options.answer = [this](const auto& request, auto& response) { answer(request, response); };
  server_ = std::make_unique<HttpServer>(std::move(options), env_);
}

PageServer::~PageServer() = default;

void PageServer::answer(const httplib::Request& request, httplib::Response& response) {
  set_headers(response, policy_);
  // With TLS a browser has seen that the name is ours.
  if (is_plain_ &&
      (request.get_header_value_count("Host") > 1 ||
       (request.version != "HTTP/1.0" || request.has_header("Host"))) &&
      !host_header_is_loopback(request.get_header_value("Host"))) {
    return set_error(response, 421, "this is the loopback: ask for 127.0.0.1 or localhost");
  }
  const std::string& path = request.path;
  if (path == "/") {
    response.set_content(page_, "text/html; charset=utf-8");
  } else if (path == "/metrics") {
    response.set_content(sources_.metrics(), "text/plain; version=0.0.4; charset=utf-8");
  } else if (path == "/healthz") {
    set_health(response, sources_.health().why_not_healthy);
  } else if (path == "/readyz") {
    set_health(response, sources_.health().why_not_ready);
  } else if (path == "/state.json") {
    if (is_from_elsewhere(request)) return set_error(response, 403, "only this page may ask");
    const LiveFeed::Document document = sources_.feed->latest();
    if (document.number == 0) return set_error(response, 503, "the region was not looked at yet");
    response.set_content(*document.text, "application/json");
  } else if (path == "/live") {
    go_live(request, response);
  } else {
    set_error(response, 404, "/, /state.json, /live, /metrics, /healthz, /readyz");
  }
}

void PageServer::go_live(const httplib::Request& request, httplib::Response& response) {
  if (is_from_elsewhere(request)) return set_error(response, 403, "only this page may ask");
  if (request.method == "HEAD") return response.set_content("", "text/event-stream");
  if (!server_->go_live()) {
    response.set_header("Retry-After", "10");
    return set_error(response, 503,
                     fmt::format("{} pages are live already", HttpServer::kMostLive));
  }
  struct Stream {
    std::uint64_t number = 0;
    bool has_begun = false;
    MonotonicTime written;
    PageHealth health;
  };
  auto stream = std::make_shared<Stream>();
  response.set_chunked_content_provider(
      "text/event-stream", [this, stream](std::size_t, httplib::DataSink& sink) {
        std::string text;
        const auto most = stream->has_begun ? kLook : std::chrono::milliseconds(0);
        const LiveFeed::Document document = sources_.feed->wait_newer(stream->number, most);
        if (sources_.feed->has_ended() || !sink.is_writable()) return false;
        const PageHealth health = sources_.health();
        if (!stream->has_begun) text += "retry: 1000\n\n";
        if (!stream->has_begun || health != stream->health) text += health_event(health);
        if (document.number > stream->number) {
          text +=
              fmt::format("id: {}\nevent: state\ndata: {}\n\n", document.number, *document.text);
        }
        const MonotonicTime now = env_.monotonic_now();
        if (text.empty() && now - stream->written >= kBeat - kLook) text = kBeatText;
        if (text.empty()) return true;
        *stream = {.number = document.number, .has_begun = true, .written = now, .health = health};
        return sink.write(text.data(), text.size());
      });
}

}  // namespace mixnet
