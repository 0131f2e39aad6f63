#include "figures/figure_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/error.h"
#include "base/fake_env.h"
#include "base/text_file.h"

namespace mixnet {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::UnorderedElementsAre;

Figure figure(const std::string& name, double y) {
  Figure figure;
  figure.name = name;
  figure.panels = {{.title = {}, .series = {{.name = "ours", .points = {{1, y, {}}}}}}};
  figure.verdicts = {{.claim = "c", .published = "p", .ours = "o", .note = {}}};
  return figure;
}

std::vector<std::string> names(const std::vector<Figure>& figures) {
  std::vector<std::string> all;
  for (const Figure& one : figures) all.push_back(one.name);
  return all;
}

class FigureFolder : public testing::Test {
 protected:
  FigureFolder() { fs::remove_all(folder_); }
  ~FigureFolder() override { fs::remove_all(folder_); }

  std::vector<std::string> files() const {
    std::vector<std::string> all;
    for (const auto& entry : fs::directory_iterator(folder_)) {
      all.push_back(entry.path().filename().string());
    }
    return all;
  }

  fs::path folder_ = fs::path(testing::TempDir()) / "mixnet_figures" / "deep";
};

TEST_F(FigureFolder, HoldsWhatWasWritten) {
  EXPECT_TRUE(read_figure_folder(folder_).empty());
  const std::vector<Figure> figures = {figure("cost", 1), figure("delay", 2)};
  write_figure_folder(folder_, figures);
  EXPECT_EQ(read_figure_folder(folder_), figures);
  EXPECT_THAT(files(), UnorderedElementsAre("figures.json", "verdicts.csv", "checks.csv",
                                            "cost.csv", "cost.svg", "delay.csv", "delay.svg"));
}

TEST_F(FigureFolder, RerunOfOneKeepsTheOthers) {
  const std::vector<std::string> order = {"cost", "scale", "delay"};
  const std::vector<Figure> before = {figure("cost", 1), figure("delay", 2), figure("mine", 3)};
  const std::vector<Figure> after = merged(before, {figure("delay", 5), figure("scale", 4)}, order);
  EXPECT_THAT(names(after), ElementsAre("cost", "scale", "delay", "mine"));
  EXPECT_EQ(after[2], figure("delay", 5));
  EXPECT_EQ(merged(after, {figure("cost", 1)}, order), after);
}

TEST_F(FigureFolder, WrongFoldersAreRefused) {
  fs::create_directories(folder_);
  write_text_file(folder_ / "figures.json", "{}");
  EXPECT_THROW(read_figure_folder(folder_), Error);
  EXPECT_THROW(read_figure_folder(folder_ / "figures.json"), Error);
  EXPECT_THROW(write_figure_folder(folder_ / "figures.json" / "in", {figure("cost", 1)}), Error);
}

// figures.json is written last: what it names is there.
TEST_F(FigureFolder, AFaultLeavesTheFiguresThatWereThere) {
  const std::vector<Figure> before = {figure("cost", 1)};
  for (int nth = 1; nth <= 7; ++nth) {  // two files of each figure, and three
    FakeEnv env;
    write_figure_folder("out", before, env);
    env.fail(FakeEnv::Operation::kRename, std::errc::io_error, nth);
    EXPECT_THROW(write_figure_folder("out", {figure("cost", 1), figure("delay", 2)}, env), Error);
    EXPECT_EQ(read_figure_folder("out", env), before);
  }
  FakeEnv env;
  env.deny("out");
  EXPECT_THROW(write_figure_folder("out", before, env), Error);
}

}  // namespace
}  // namespace mixnet
