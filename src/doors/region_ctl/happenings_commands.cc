// `mixnet ctl alarms` and `audit`: what has happened.
#include <memory>

#include "base/error.h"
#include "commands.h"
#include "controller_flags.h"
#include "region_view.h"
#include "shell/output.h"

namespace mixnet::ctl {
namespace {

constexpr int kMost = 1'000;  // that the daemon gives

struct HappeningsFlags {
  ControllerFlags daemon;
  int most = 100;
};

void show(const HappeningsFlags& flags, bool audit) {
  const bool quiet = cli::answers_on_stdout(flags.daemon.json);
  if (flags.most < 1 || flags.most > kMost) throw Error("-n", "is out of range", "1 to 1000");
  const std::unique_ptr<RegionClient> daemon = flags.daemon.open();
  const v1::Happenings list = audit ? daemon->audit(flags.most, flags.daemon.time())
                                    : daemon->alarms(flags.most, flags.daemon.time());
  std::string text;
  Json document = Json::array();
  for (const v1::Happening& happening : list.happenings()) {
    text += happening_text(happening);
    document.push_back(to_json(happening));
  }
  if (text.empty()) text = "none\n";
  if (!flags.daemon.json.empty()) cli::write_output(flags.daemon.json, document.dump(2) + "\n");
  if (!quiet) cli::write_output("-", text);
}

void add(CLI::App& app, const char* name, const char* about, const char* example, bool audit) {
  CLI::App* command = app.add_subcommand(name, about);
  const auto flags = std::make_shared<HappeningsFlags>();
  command->add_option("-n,--most", flags->most, "The latest so many (100)");
  flags->daemon.add(*command);
  command->footer(example);
  on_call(*command, [flags, audit] { show(*flags, audit); });
}

}  // namespace

void add_alarms_command(CLI::App& app) {
  add(app, "alarms", "The latest alarms, oldest first; docs/alarms.md says what to do",
      "Example: mixnet ctl alarms -n 20", false);
}

void add_audit_command(CLI::App& app) {
  add(app, "audit", "Who asked for what, and what the switch was commanded, oldest first",
      "Example: mixnet ctl audit -n 20 --json -", true);
}

}  // namespace mixnet::ctl
