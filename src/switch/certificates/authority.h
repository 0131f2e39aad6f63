// A small private certificate authority in a folder, for the daemon of a region and its clients.
//
//   make_authority("/etc/mixnet/ca", "pod-7", 3650)       ca.pem, ca.key
//   issue_server(folder, {"pod-7.example", "10.0.0.7"})   pod-7.example.pem, .key
//   issue_client(folder, "job-17", "trainer/17")          job-17.pem, .key
//   renew(folder, "job-17.pem", 365)                      a new end; the key stays
//
// Keys are EC P-256 without a pass phrase, in files that only their owner may read; a file that is
// there is never overwritten (renew() replaces the certificate, in one step). Certificates begin an
// hour ago, for clocks that differ, and end with their authority at the latest: asking for more is
// refused. There is no list of revoked ones: give few days, and for a stolen key make a new
// authority.
//
// ca.key is all that an intruder needs: keep the folder off the machine of the daemon.
//
// Throws Error for what is wrong with folder, names, hosts, roles and days; then no file was made.
// The process's mask for new files is changed while a key is written: one thread at a time, and no
// other that makes files.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/env.h"

namespace mixnet {

inline constexpr int kAuthorityDays = 3'650, kCertificateDays = 365;

struct CertificateFiles {
  std::filesystem::path certificate, key;  ///< PEM
};

CertificateFiles make_authority(const std::filesystem::path& folder, std::string_view name,
                                int days = kAuthorityDays, Env& env = system_env());

/// `hosts`: DNS names, and addresses of IPv4 and IPv6; at least one. `name`: of the files; "": the
/// first host.
CertificateFiles issue_server(const std::filesystem::path& folder,
                              const std::vector<std::string>& hosts, std::string_view name = {},
                              int days = kCertificateDays, Env& env = system_env());

/// `role`: "viewer", "trainer/TENANT", "operator".
CertificateFiles issue_client(const std::filesystem::path& folder, std::string_view name,
                              std::string_view role, int days = kCertificateDays,
                              Env& env = system_env());

/// Issues `certificate` again, with all that it says but its time, and puts it in its place. It
/// must have been issued by the authority in `folder`. Its time may have passed.
void renew(const std::filesystem::path& folder, const std::filesystem::path& certificate,
           int days = kCertificateDays, Env& env = system_env());

}  // namespace mixnet
