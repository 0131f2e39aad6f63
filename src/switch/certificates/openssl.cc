#include "certificates/openssl.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include <algorithm>
#include <climits>

#include "base/error.h"

namespace mixnet {

void refuse_by_openssl(std::string_view input, std::string_view what, std::string_view remedy) {
  const char* const reason = ERR_reason_error_string(ERR_peek_last_error());
  ERR_clear_error();
  const std::string problem =
      reason == nullptr ? std::string(what) : fmt::format("{} ({})", what, reason);
  throw Error(input, problem, remedy);
}

PemBytes bytes_of(std::string_view pem) {
  const auto size = static_cast<int>(std::min<std::size_t>(pem.size(), INT_MAX));
  PemBytes bytes(BIO_new_mem_buf(pem.empty() ? "" : pem.data(), size));
  if (bytes == nullptr) refuse_by_openssl("certificate", "cannot be read", "");
  return bytes;
}

std::string text_of(BIO* bytes) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bytes, &data);
  return size <= 0 ? std::string() : std::string(data, static_cast<std::size_t>(size));
}

Certificate parse_certificate(std::string_view pem, std::string_view input) {
  const PemBytes bytes = bytes_of(pem);
  Certificate certificate(PEM_read_bio_X509(bytes.get(), nullptr, nullptr, nullptr));
  if (certificate == nullptr) {
    refuse_by_openssl(input, "is no certificate",
                      "give a PEM file, which has a line BEGIN CERTIFICATE");
  }
  return certificate;
}

PrivateKey parse_private_key(std::string_view pem, std::string_view input) {
  const PemBytes bytes = bytes_of(pem);
  const auto no_pass_phrase = [](char*, int, int, void*) { return -1; };
  PrivateKey key(PEM_read_bio_PrivateKey(bytes.get(), nullptr, no_pass_phrase, nullptr));
  if (key == nullptr) {
    refuse_by_openssl(input, "is no private key that can be read",
                      "give a PEM file with a key and without a pass phrase");
  }
  return key;
}

}  // namespace mixnet
