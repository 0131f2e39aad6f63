#include "page_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <deque>
#include <filesystem>
#include <mutex>
#include <string>
#include <vector>

#include "base/error.h"
#include "certificates/authority.h"
#include "test_http.h"
#include "test_page_region.h"

namespace mixnet {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
using namespace std::chrono_literals;

class PageServerTest : public testing::Test {
 protected:
  PageServerTest() {
    settings_.page = "127.0.0.1:0";
    settings_.insecure = true;
  }

  PageServer::Sources sources() {
    return {.feed = &feed_,
            .health =
                [this] {
                  const std::lock_guard lock(mutex_);
                  return health_;
                },
            .metrics = [] { return "mixnet_ready 1\n"; },
            .refused = [this](const std::string&, const std::string&) { ++refused_; }};
  }
  void set_health(PageHealth health) {
    const std::lock_guard lock(mutex_);
    health_ = std::move(health);
  }
  void start() { server_ = std::make_unique<PageServer>(settings_, sources()); }
  std::string ask(const std::string& path, const std::string& method = "GET",
                  const std::string& more = "Host: localhost\r\n") {
    return test_ask(server_->port(), path, method, more);
  }
  // One that is live: the first of its stream has come.
  TestConnection live() {
    TestConnection page(server_->port());
    page.say("GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n");
    EXPECT_THAT(page.hear("event: state\n"), HasSubstr("text/event-stream"));
    return page;
  }

  DaemonSettings settings_ = test_settings(2);
  LiveFeed feed_;
  std::mutex mutex_;
  PageHealth health_;
  std::atomic<int> refused_{0};
  std::unique_ptr<PageServer> server_;
};

TEST_F(PageServerTest, ServesOnePageThatNeedsNothingElse) {
  start();
  const std::string answer = ask("/");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(answer,
              HasSubstr("Content-Security-Policy: default-src 'none'; script-src 'sha256-"));
  EXPECT_THAT(answer, HasSubstr("X-Content-Type-Options: nosniff"));
  EXPECT_THAT(answer, AllOf(HasSubstr("class Diagram"), HasSubstr("new EventSource('/live')")));
  for (const char* elsewhere : {"http://", "https://", "src=", "@import", "url(", "{{"}) {
    const std::size_t at = answer.find(elsewhere);
    EXPECT_TRUE(at == std::string::npos || answer.substr(at).starts_with("http://www.w3.org/"))
        << answer.substr(at, 80);
  }
  const std::string head = ask("/", "HEAD");
  EXPECT_THAT(head, AllOf(StartsWith("HTTP/1.1 200 "), HasSubstr("Content-Length: ")));
  EXPECT_EQ(head.find("\r\n\r\n") + 4, head.size());
}

TEST_F(PageServerTest, RefusesWhatIsNotItsOwn) {
  start();
  EXPECT_THAT(ask("/secret"), StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(ask("/../etc/passwd"), StartsWith("HTTP/1.1 404 "));
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "TRACE"}) {
    EXPECT_THAT(ask("/", method),
                AllOf(StartsWith("HTTP/1.1 405 "), HasSubstr("Allow: GET, HEAD")));
  }
  const std::string body = "Host: localhost\r\nContent-Length: 5\r\n";
  EXPECT_THAT(ask("/", "POST", body), StartsWith("HTTP/1.1 405 "));
  for (const char* host :
       {"Host: evil.example\r\n", "Host: 10.0.0.1\r\n", "Host: a\r\nHost: localhost\r\n", ""}) {
    EXPECT_THAT(ask("/", "GET", host), StartsWith("HTTP/1.1 421 ")) << host;
    EXPECT_THAT(ask("/metrics", "GET", host), StartsWith("HTTP/1.1 421 ")) << host;
  }
  feed_.publish("{}");
  const std::string elsewhere = "Host: localhost\r\nSec-Fetch-Site: cross-site\r\n";
  EXPECT_THAT(ask("/state.json", "GET", elsewhere), StartsWith("HTTP/1.1 403 "));
  EXPECT_THAT(ask("/live", "GET", elsewhere), StartsWith("HTTP/1.1 403 "));
}

TEST_F(PageServerTest, SurvivesNonsense) {
  start();
  for (const std::string& nonsense :
       {std::string("\r\n\r\n"), std::string("GET\r\n\r\n"), std::string(100, '\0'),
        std::string("GET / HTTP/9.9\r\n\r\n"),
        "GET /" + std::string(9'000, 'a') + " HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: localhost\r\nX: " + std::string(100'000, 'x') + "\r\n\r\n",
        std::string("GET / HTTP/1.1\r\nHost: localhost\r\nRange: bytes=5-2,x\r\n\r\n"),
        "GET /%00%ff%zz HTTP/1.1\r\nHost: localhost\r\n\r\n" + std::string(50'000, 'z')}) {
    TestConnection connection(server_->port());
    connection.say(nonsense);
    const std::string answer = connection.hear("");
    EXPECT_TRUE(connection.has_closed()) << nonsense.substr(0, 40);
    EXPECT_THAT(answer, Not(StartsWith("HTTP/1.1 200 "))) << nonsense.substr(0, 40);
  }
  EXPECT_THAT(ask("/metrics", "GET", "Host: localhost\r\nRange: bytes=0-3\r\n"),
              HasSubstr("mixnet_ready 1"));
}

TEST_F(PageServerTest, SaysWhyItIsNotReady) {
  start();
  EXPECT_THAT(ask("/readyz"), AllOf(StartsWith("HTTP/1.1 200 "), HasSubstr("\r\n\r\nok\n")));
  set_health({.why_not_healthy = "the loop hangs", .why_not_ready = "the switch is silent"});
  EXPECT_THAT(ask("/readyz"),
              AllOf(StartsWith("HTTP/1.1 503 "), HasSubstr("the switch is silent\n")));
  EXPECT_THAT(ask("/healthz"), AllOf(StartsWith("HTTP/1.1 503 "), HasSubstr("the loop hangs\n")));
  EXPECT_THAT(ask("/metrics"), HasSubstr("mixnet_ready 1\n"));  // all the same
}

TEST_F(PageServerTest, TheDocumentIsTheLatest) {
  start();
  EXPECT_THAT(ask("/state.json"), StartsWith("HTTP/1.1 503 "));
  feed_.publish(R"({"a":1})");
  feed_.publish(R"({"a":2})");
  EXPECT_THAT(ask("/state.json"), HasSubstr("\r\n\r\n{\"a\":2}"));
}

TEST_F(PageServerTest, ALivePageHearsWhatChangesAndThatItIsThere) {
  start();
  feed_.publish(R"({"a":1})");
  TestConnection page(server_->port());
  page.say("GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_THAT(page.hear("{\"a\":1}\n\n"),
              HasSubstr("event: health\ndata: {\"healthy\":true,\"ready\":true,\"why\":\"\"}"));
  feed_.publish(R"({"a":2})");
  EXPECT_THAT(page.hear("{\"a\":2}\n\n", 2s), HasSubstr("id: 2\nevent: state\n"));
  set_health({.why_not_healthy = "", .why_not_ready = "the switch is silent"});
  EXPECT_THAT(page.hear("silent", 3s),
              HasSubstr("\"ready\":false,\"why\":\"the switch is silent\""));
  EXPECT_THAT(page.hear("event: beat\n", 6s), HasSubstr(": here\n"));
  feed_.end();
  page.hear("");
  EXPECT_TRUE(page.has_closed());
}

TEST_F(PageServerTest, LivePagesAreBoundedAndStarveNobody) {
  start();
  feed_.publish("{}");
  std::deque<TestConnection> pages;
  for (int i = 0; i < HttpServer::kMostLive; ++i) pages.push_back(live());
  EXPECT_EQ(server_->live(), HttpServer::kMostLive);
  EXPECT_THAT(ask("/live"), AllOf(StartsWith("HTTP/1.1 503 "), HasSubstr("Retry-After")));
  // Beside them, hundreds that send one byte and wait.
  std::deque<TestConnection> slow;
  for (int i = 0; i < 300; ++i) {
    slow.emplace_back(server_->port()).say("G");
    if (i % 20 != 0) continue;
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_THAT(ask("/metrics"), StartsWith("HTTP/1.1 200 "));
    EXPECT_LT(std::chrono::steady_clock::now() - begin, 2s);
  }
  EXPECT_EQ(server_->live(), HttpServer::kMostLive);  // none of these was sent away
  EXPECT_GT(server_->refused(), 200);
  pages.pop_front();
  for (int i = 0; i < 500 && server_->live() == HttpServer::kMostLive; ++i) ::usleep(10'000);
  live();
}

TEST_F(PageServerTest, WhoSendsByteByByteIsCutOff) {
  start();
  TestConnection slow(server_->port());
  const std::string request = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";
  const auto begin = std::chrono::steady_clock::now();
  std::size_t sent = 0;
  while (sent < request.size() && !slow.has_closed()) {
    slow.say(request.substr(sent++, 1));
    slow.hear("", 400ms);
  }
  EXPECT_TRUE(slow.has_closed());
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 8s);
}

TEST_F(PageServerTest, AReaderThatDoesNotReadIsDropped) {
  start();
  feed_.publish(std::string(4'000'000, 'x'));
  TestConnection stuck(server_->port());
  stuck.say("GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n");
  for (int i = 0; i < 300 && server_->live() == 0; ++i) ::usleep(10'000);
  ASSERT_EQ(server_->live(), 1);
  for (int i = 0; i < 2'000 && server_->live() > 0; ++i) {
    if (i % 50 == 0) feed_.publish(std::string(4'000'000, 'y'));
    ::usleep(10'000);
  }
  EXPECT_EQ(server_->live(), 0);
}

TEST_F(PageServerTest, AnAddressThatCannotBeHadIsOneClearError) {
  start();
  settings_.page = "127.0.0.1:" + std::to_string(server_->port());
  try {
    const PageServer second(settings_, sources());
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("region.yaml: controller.page: " + settings_.page +
                                        " cannot be listened at (Address already in use)"));
  }
  settings_.page = "203.0.113.1:80";  // of nobody
  EXPECT_THROW(PageServer(settings_, sources()), Error);
  settings_.page = "0.0.0.0:0";
  EXPECT_THROW(PageServer(settings_, sources()), Error);  // no TLS
  settings_.page = "127.0.0.1:0";
  settings_.peers = {"10.0.0.0/33"};
  EXPECT_THROW(PageServer(settings_, sources()), Error);
}

TEST_F(PageServerTest, PeersOutsideTheirPrefixesAreRefused) {
  settings_.peers = {"10.0.0.0/8"};
  start();
  EXPECT_EQ(ask("/"), "");
  EXPECT_EQ(refused_, 1);
}

class TlsPageTest : public PageServerTest {
 protected:
  TlsPageTest() {
    std::string name = (std::filesystem::temp_directory_path() / "mixnet-page-XXXXXX").string();
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
    const CertificateFiles ca = make_authority(folder_ / "ca", "pod-7");
    const CertificateFiles mine = issue_server(folder_ / "ca", {"localhost", "127.0.0.1"});
    settings_.insecure = false;
    settings_.tls = {mine.certificate.string(), mine.key.string(), ca.certificate.string()};
  }
  ~TlsPageTest() override {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  // The status of GET /metrics; 0: none.
  int status(const std::string& certificate = "", const std::string& key = "") {
    httplib::SSLClient client("127.0.0.1", server_->port(), certificate, key);
    client.set_ca_cert_path(settings_.tls.ca.c_str());
    client.enable_server_certificate_verification(true);
    const httplib::Result result = client.Get("/metrics");
    return result ? result->status : 0;
  }
  std::filesystem::path folder_;
};

TEST_F(TlsPageTest, TakesCertificatesOfItsAuthorityThatHaveARole) {
  start();
  const CertificateFiles viewer = issue_client(folder_ / "ca", "grafana", "viewer");
  EXPECT_EQ(status(viewer.certificate, viewer.key), 200);
  EXPECT_EQ(refused_, 0);
  EXPECT_EQ(status(), 0);                                       // none
  EXPECT_EQ(status(settings_.tls.cert, settings_.tls.key), 0);  // a server's has no role
  make_authority(folder_ / "other", "elsewhere");
  const CertificateFiles stranger = issue_client(folder_ / "other", "grafana", "viewer");
  EXPECT_EQ(status(stranger.certificate, stranger.key), 0);
  EXPECT_EQ(test_ask(server_->port(), "/metrics"), "");  // plain
  EXPECT_GE(refused_, 3);
}

TEST_F(TlsPageTest, FilesThatAreNotWhatTheyShouldBeAreNamed) {
  const std::string key = settings_.tls.key;
  settings_.tls.key = settings_.tls.cert;
  EXPECT_THROW(start(), Error);
  settings_.tls.key = key;
  settings_.tls.ca = "/nowhere.pem";
  try {
    start();
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), StartsWith("/nowhere.pem: "));
  }
}

}  // namespace
}  // namespace mixnet
