// Any bytes as a PEM certificate: facts, or an Error.
#include <openssl/bio.h>
#include <openssl/pem.h>

#include <cstdint>
#include <string>

#include "base/error.h"
#include "certificates/certificate.h"

namespace {

void describe(std::string_view pem) {
  try {
    const mixnet::CertificateFacts facts = mixnet::describe_certificate(pem, "fuzz.pem");
    mixnet::certificate_warning(facts, mixnet::Instant{});
  } catch (const mixnet::Error&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  describe({reinterpret_cast<const char*>(data), size});
  // Base64 is seldom hit upon: the same bytes as what is in it.
  BIO* const out = BIO_new(BIO_s_mem());
  PEM_write_bio(out, "CERTIFICATE", "", data, static_cast<long>(size));
  char* text = nullptr;
  const long length = BIO_get_mem_data(out, &text);
  if (length > 0) describe({text, static_cast<std::size_t>(length)});
  BIO_free(out);
  return 0;
}
