// X.509 certificates as far as a region needs them: what one says, and who it was issued by.
//
// A client's certificate says its role in a subject alternative name, a URI: `mixnet:viewer`,
// `mixnet:trainer/17` (for tenant 17 alone), `mixnet:operator`. A server's says its host names and
// addresses there. Plain values and functions; thread-safe. Reading one costs about 20 us.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/env.h"
#include "base/instant.h"

namespace mixnet {

struct CertificateFacts {
  std::string subject;  ///< its common name
  std::string issuer;
  bool is_authority = false;
  bool is_server = false, is_client = false;  ///< what it may be shown as
  std::string role;                           ///< "trainer/17"; empty: it has none
  std::vector<std::string> hosts;             ///< names and addresses
  std::string serial;                         ///< hexadecimal
  Instant begins, ends;
};

/// The first certificate of a PEM text. `input` names the file. Throws Error.
CertificateFacts describe_certificate(std::string_view pem, std::string_view input);
/// The same of a file. Throws Error.
CertificateFacts read_certificate(const std::filesystem::path& file, Env& env = system_env());

/// Throws Error where `key` is not the private key of `certificate`, both files of PEM.
void check_key(const std::filesystem::path& certificate, const std::filesystem::path& key,
               Env& env = system_env());

/// What is soon or already wrong with its time: "" or "ends in 12 days: renew it". From 30 days
/// before, or a third of its time where that is less.
std::string certificate_warning(const CertificateFacts& facts, Instant now);

}  // namespace mixnet
