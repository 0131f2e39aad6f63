// `mixnet ctl certs`: a small private authority for the daemon of a region and its clients.
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "certificates/authority.h"
#include "certificates/certificate.h"
#include "commands.h"
#include "shell/output.h"

namespace mixnet::ctl {
namespace {

struct CertsFlags {
  std::string folder = ".", name, role, file, json;
  std::vector<std::string> hosts;
  int days = kCertificateDays;
  int tenant = 0;
};

Instant now() {
  return {std::chrono::nanoseconds(system_env().wall_now().time_since_epoch()).count()};
}

std::string date(Instant moment) {
  const std::time_t seconds = moment.ns / Duration::seconds(1).ns;
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(seconds));
}

void tell(const CertificateFiles& files) {
  cli::write_output("-", fmt::format("{}\n{}\n", files.certificate.string(), files.key.string()));
}

std::string full_role(const CertsFlags& flags) {
  if (flags.role == "trainer") {
    if (flags.tenant < 1) {
      throw Error("--tenant", "is missing", "give the number of the job that it may speak for");
    }
    return fmt::format("trainer/{}", flags.tenant);
  }
  if (flags.tenant != 0) {
    throw Error("--tenant", fmt::format("goes with --role trainer, not with '{}'", flags.role),
                "leave it out");
  }
  return flags.role;
}

std::string use_of(const CertificateFacts& facts) {
  if (facts.is_authority) return "authority";
  if (facts.is_server) return "server";
  return facts.is_client ? "client" : "none";
}

void show(const CertsFlags& flags) {
  const bool quiet = cli::answers_on_stdout(flags.json);
  const CertificateFacts facts = read_certificate(flags.file);
  const std::string warning = certificate_warning(facts, now());
  if (!flags.json.empty()) {
    const nlohmann::ordered_json document = {
        {"subject", facts.subject},     {"issuer", facts.issuer},   {"use", use_of(facts)},
        {"role", facts.role},           {"hosts", facts.hosts},     {"serial", facts.serial},
        {"begins", date(facts.begins)}, {"ends", date(facts.ends)}, {"warning", warning}};
    cli::write_output(
        flags.json, document.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
  }
  if (!quiet) {
    std::string text =
        fmt::format("{} of {}, issued by {}\n", use_of(facts), facts.subject, facts.issuer);
    if (!facts.role.empty()) text += fmt::format("role {}\n", facts.role);
    if (!facts.hosts.empty()) text += fmt::format("hosts {}\n", fmt::join(facts.hosts, " "));
    text += fmt::format("from {} to {}\n", date(facts.begins), date(facts.ends));
    if (!warning.empty()) text += warning + "\n";
    cli::write_output("-", text);
  }
  if (!warning.empty()) throw CLI::RuntimeError(kNotSo);
}

/// For which a certificate was issued: it begins an hour early.
int days_of(const std::string& file) {
  const CertificateFacts facts = read_certificate(file);
  return std::max(1, static_cast<int>((facts.ends - facts.begins).ns / Duration::days(1).ns));
}

struct Added {
  CLI::App* command;
  std::shared_ptr<CertsFlags> flags;
};

/// A command that works with the folder of an authority.
Added add_command(CLI::App& certs, const char* name, const char* what, const char* example,
                  int days = kCertificateDays, const char* folder_flag = "--dir") {
  CLI::App* const command = certs.add_subcommand(name, what);
  const auto flags = std::make_shared<CertsFlags>();
  flags->days = days;
  command->add_option(folder_flag, flags->folder, "The authority's, off the daemon's machine")
      ->required()
      ->envname("MIXNET_CERTS");
  command->add_option("--days", flags->days,
                      days == 0 ? std::string("How long it is good (as long as it was)")
                                : fmt::format("How long it is good ({})", days));
  command->footer(fmt::format("Example: mixnet ctl certs {}", example));
  return {command, flags};
}

void add_init(CLI::App& certs) {
  const auto [command, flags] =
      add_command(certs, "init", "Make an authority: ca.pem and ca.key",
                  "init --out ca --name pod-7", kAuthorityDays, "--out,--dir");
  command->add_option("--name", flags->name, "Of the authority, such as the region's")->required();
  command->callback(
      [flags = flags] { tell(make_authority(flags->folder, flags->name, flags->days)); });
}

void add_server(CLI::App& certs) {
  const auto [command, flags] = add_command(certs, "server", "Issue a certificate for a mixnetd",
                                            "server --dir ca --host head-1 10.0.0.7 --name daemon");
  command->add_option("--host", flags->hosts, "Names and addresses that clients give")->required();
  command->add_option("--name", flags->name, "Of the two files (the first host)");
  command->callback([flags = flags] {
    tell(issue_server(flags->folder, flags->hosts, flags->name, flags->days));
  });
}

void add_client(CLI::App& certs) {
  const auto [command, flags] =
      add_command(certs, "client", "Issue a certificate for a client",
                  "client --dir ca --role trainer --tenant 17 --name job-17");
  command->add_option("--role", flags->role, "viewer, trainer or operator")->required();
  command->add_option("--tenant", flags->tenant, "Of a trainer: the job that it speaks for");
  command->add_option("--name", flags->name, "Of the client and the two files")->required();
  command->callback([flags = flags] {
    tell(issue_client(flags->folder, flags->name, full_role(*flags), flags->days));
  });
}

void add_renew(CLI::App& certs) {
  const auto [command, flags] = add_command(
      certs, "renew", "Give certificates a new end; keys stay", "renew --dir ca ca/daemon.pem", 0);
  command->add_option("FILE", flags->hosts, "The certificates")->required();
  command->callback([flags = flags, command = command] {
    for (const std::string& file : flags->hosts) {
      renew(flags->folder, file, command->count("--days") > 0 ? flags->days : days_of(file));
      cli::write_output("-", fmt::format("{} ends {}\n", file, date(read_certificate(file).ends)));
    }
  });
}

}  // namespace

void add_certs_command(CLI::App& app) {
  CLI::App* certs = app.add_subcommand("certs", "A private authority: certificates and roles");
  certs->require_subcommand(1);
  certs->footer("Example: mixnet ctl certs init --out ca --name pod-7");
  add_init(*certs);
  add_server(*certs);
  add_client(*certs);
  add_renew(*certs);

  CLI::App* command = certs->add_subcommand("show", "What a certificate says");
  const auto flags = std::make_shared<CertsFlags>();
  command->add_option("FILE", flags->file, "PEM")->required();
  command->add_option("--json", flags->json, "Also as JSON to this file (-: standard output)");
  command->footer(
      "Status 1: it has ended, or will soon.\n"
      "Example: mixnet ctl certs show ca/head-1.pem");
  command->callback([flags] { show(*flags); });
}

}  // namespace mixnet::ctl
