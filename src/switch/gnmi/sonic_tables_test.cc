#include "gnmi/sonic_tables.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "gnmi/gnmi_path.h"

namespace mixnet {
namespace {

SonicPath at(const char* text) { return sonic_path({}, parse_gnmi_path(text, "test")); }

TEST(SonicPath, LeadsToADatabaseATableAKeyOrAField) {
  EXPECT_EQ(at("sonic-db:/CONFIG_DB/localhost/OCS_PORT/1A/label"),
            (SonicPath{"CONFIG_DB", "OCS_PORT", "1A", "label"}));
  EXPECT_EQ(at("/STATE_DB/OCS_PORT[name=1A]"), (SonicPath{"STATE_DB", "OCS_PORT", "1A", ""}));
  EXPECT_EQ(at("/STATE_DB/asic1/OCS_PORT"), (SonicPath{"STATE_DB", "OCS_PORT", "", ""}));
  EXPECT_EQ(to_text(at("/CONFIG_DB/OCS_PORT").to_gnmi()), "sonic-db:/CONFIG_DB/localhost/OCS_PORT");
  gnmi::Path prefix;
  prefix.set_target("STATE_DB");
  EXPECT_EQ(sonic_path(prefix, parse_gnmi_path("/OCS_PORT/2B", "test")),
            (SonicPath{"STATE_DB", "OCS_PORT", "2B", ""}));
}

TEST(SonicPath, RefusesOtherOriginsAndWhatIsTooDeep) {
  EXPECT_THROW(at("openconfig:/interfaces"), Error);
  EXPECT_THROW(at("/CONFIG_DB/localhost/T/K/F/X"), Error);
  EXPECT_THROW(at("/CONFIG_DB/T/K/F/X"), Error);
  EXPECT_THROW(at("/CONFIG_DB/T[a=1][b=2]"), Error);
  gnmi::Path old;
  old.add_element("CONFIG_DB");
  EXPECT_THROW(sonic_path({}, old), Error);
}

TEST(SonicRows, AreReadAtEachLevel) {
  SonicTable table;
  decode_rows(at("/C_DB/T"), R"({"1A":{"n":1,"s":"x"},"2A":{}})", table);
  decode_rows(at("/C_DB/T/3A"), R"({"s":"y"})", table);
  decode_rows(at("/C_DB/T/3A/t"), R"("z")", table);
  EXPECT_EQ(to_json(table), R"({"1A":{"n":"1","s":"x"},"2A":{},"3A":{"s":"y","t":"z"}})");
  for (const char* bad : {"", "{", "[]", "1", R"({"1A":1})", R"({"1A":{"f":[]}})"}) {
    EXPECT_THROW(decode_rows(at("/C_DB/T"), bad, table), Error) << bad;
  }
}

TEST(SonicPorts, AreInputsAAndOutputsB) {
  const SonicPorts ports(16);
  EXPECT_EQ(ports.numbering().device_ports(), 32);
  EXPECT_EQ(ports.port("3A"), 3);
  EXPECT_EQ(ports.port("3B"), 19);
  EXPECT_EQ(ports.port("17A"), 0);
  EXPECT_EQ(ports.key({1, 18}), "1A-2B");
  EXPECT_EQ(ports.patch("1A-2B"), (Patch{1, 18}));
  for (const char* bad : {"", "-", "1A", "1A-2A", "1B-2A", "1A-17B", "01A-2B", "1A-2B-", "1A_2B"}) {
    EXPECT_EQ(ports.patch(bad), std::nullopt) << bad;
  }
  EXPECT_EQ(ports.patch(std::string(10'000'000, '-')), std::nullopt) << "in no time";
}

TEST(SonicPorts, OfCardsAreNumberedCardByCard) {
  const SonicTable table = {{"1-1A", {}}, {"1-1B", {}}, {"1-2A", {}}, {"1-2B", {}},
                            {"2-1A", {}}, {"2-1B", {}}, {"eth0", {}}};
  const SonicPorts ports = SonicPorts::from_table(table);
  EXPECT_EQ(ports.numbering().positions, 3);
  EXPECT_EQ(ports.port("2-1A"), 3);
  EXPECT_EQ(ports.key({3, 4}), "2-1A-1-1B");
  EXPECT_EQ(ports.patch("2-1A-1-1B"), (Patch{3, 4}));
}

TEST(SonicPorts, RefuseGapsAndMissingSides) {
  EXPECT_THROW(SonicPorts::from_table({}), Error);
  EXPECT_THROW(SonicPorts::from_table({{"1A", {}}}), Error);
  EXPECT_THROW(SonicPorts::from_table({{"2A", {}}, {"2B", {}}}), Error);
}

}  // namespace
}  // namespace mixnet
