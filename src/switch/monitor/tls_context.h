// Our side of TLS with client certificates, as an OpenSSL context: version 1.2 and later, our
// certificate and key, and the CA whose certificates clients must show. docs/deployment.md says how
// the files are made.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "daemon/daemon_settings.h"

using SSL_CTX = struct ssl_ctx_st;
using SSL = struct ssl_st;

namespace mixnet {

struct FreeTls {
  void operator()(SSL_CTX* context) const;
  void operator()(SSL* session) const;
};
using TlsContext = std::unique_ptr<SSL_CTX, FreeTls>;
using TlsSession = std::unique_ptr<SSL, FreeTls>;

/// Throws Error that names the file.
TlsContext make_tls_context(const TlsFiles& files);

/// Who is at the other end, by the certificate that was shown: its name for people, and whether it
/// has a role that may look (service/access.h: any).
struct TlsPeer {
  std::string who;
  bool may_look = false;
};
TlsPeer tls_peer(SSL& session, std::string_view address);

}  // namespace mixnet
