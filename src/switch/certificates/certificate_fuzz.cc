// Any bytes as a PEM certificate, also those that are nearly one: facts, or an Error.
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <stdlib.h>

#include <cstdint>
#include <filesystem>
#include <string>

#include "base/error.h"
#include "base/text_file.h"
#include "certificates/authority.h"
#include "certificates/certificate.h"

namespace {

void describe(std::string_view pem) {
  try {
    const mixnet::CertificateFacts facts = mixnet::describe_certificate(pem, "fuzz.pem");
    mixnet::certificate_warning(facts, mixnet::Instant{});
  } catch (const mixnet::Error&) {
  }
}

void describe_der(const std::string& der) {
  BIO* const out = BIO_new(BIO_s_mem());
  PEM_write_bio(out, "CERTIFICATE", "", reinterpret_cast<const unsigned char*>(der.data()),
                static_cast<long>(der.size()));
  char* text = nullptr;
  const long length = BIO_get_mem_data(out, &text);
  if (length > 0) describe({text, static_cast<std::size_t>(length)});
  BIO_free(out);
}

/// A whole certificate, with addresses and names in it.
std::string whole_certificate() {
  std::string folder = "/dev/shm/certificate-fuzz-XXXXXX";
  if (::mkdtemp(folder.data()) == nullptr) std::abort();
  mixnet::make_authority(folder, "fuzz");
  const std::string pem = mixnet::read_text_file(
      mixnet::issue_server(folder, {"a.example", "10.0.0.7", "fd00::7"}).certificate);
  std::filesystem::remove_all(folder);
  BIO* const in = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
  char* name = nullptr;
  char* header = nullptr;
  unsigned char* data = nullptr;
  long size = 0;
  if (PEM_read_bio(in, &name, &header, &data, &size) != 1) std::abort();
  std::string der(reinterpret_cast<char*>(data), static_cast<std::size_t>(size));
  OPENSSL_free(name);
  OPENSSL_free(header);
  OPENSSL_free(data);
  BIO_free(in);
  return der;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::string whole = whole_certificate();
  describe({reinterpret_cast<const char*>(data), size});
  // Base64 and a certificate's form are seldom hit upon: the bytes as what is in it, and as
  // changes.
  describe_der(std::string(reinterpret_cast<const char*>(data), size));
  std::string patched = whole;
  for (std::size_t at = 0; at + 3 <= size; at += 3) {
    const std::size_t where = static_cast<std::size_t>(data[at]) << 8 | data[at + 1];
    patched[where % patched.size()] = static_cast<char>(data[at + 2]);
  }
  describe_der(patched);
  return 0;
}
