// OpenSSL's objects as values that free themselves, and what reads and writes them.
#pragma once

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>
#include <string_view>

namespace mixnet {

template <auto kFree>
struct FreedBy {
  template <typename Object>
  void operator()(Object* object) const {
    kFree(object);
  }
};
inline void free_openssl(void* memory) { OPENSSL_free(memory); }

using Certificate = std::unique_ptr<X509, FreedBy<X509_free>>;
using PrivateKey = std::unique_ptr<EVP_PKEY, FreedBy<EVP_PKEY_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, FreedBy<X509_EXTENSION_free>>;
using AlternativeNames = std::unique_ptr<GENERAL_NAMES, FreedBy<GENERAL_NAMES_free>>;
using PemBytes = std::unique_ptr<BIO, FreedBy<BIO_free>>;
using OpensslText = std::unique_ptr<char, FreedBy<free_openssl>>;

/// Throws the Error of OpenSSL's last fault: "INPUT: WHAT (unsupported curve); REMEDY".
[[noreturn]] void refuse_by_openssl(std::string_view input, std::string_view what,
                                    std::string_view remedy);

/// `pem` must outlive it.
PemBytes bytes_of(std::string_view pem);
/// What was written into it.
std::string text_of(BIO* bytes);

/// The first certificate of the text. Throws Error.
Certificate parse_certificate(std::string_view pem, std::string_view input);
/// Without a pass phrase, for which nobody is asked. Throws Error.
PrivateKey parse_private_key(std::string_view pem, std::string_view input);

}  // namespace mixnet
