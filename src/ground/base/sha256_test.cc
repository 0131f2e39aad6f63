#include "base/sha256.h"

#include <gtest/gtest.h>

#include <string>

namespace mixnet {
namespace {

// The examples of FIPS 180-4's publisher (NIST, "SHA-256" examples and long messages).
TEST(Sha256, PublishedDigests) {
  EXPECT_EQ(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(sha256(std::string(1'000'000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

// Lengths around a block, where the padding needs another one.
TEST(Sha256, EveryLengthHasItsOwn) {
  std::string last;
  for (std::size_t size = 50; size < 140; ++size) {
    const std::string digest = sha256(std::string(size, 'x'));
    EXPECT_EQ(digest.size(), 64U);
    EXPECT_NE(digest, last);
    last = digest;
  }
}

}  // namespace
}  // namespace mixnet
