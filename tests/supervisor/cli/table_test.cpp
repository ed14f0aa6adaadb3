#include "supervisor/cli/table.h"

#include <gtest/gtest.h>

namespace lambdapool::supervisor {
namespace {

TEST(Table, ColumnsAreAsWideAsTheirWidestCell) {
  Table table({{"NAME"}, {"N", Table::Align::kRight}, {"TEXT"}});
  table.add({"a", "5", "one"});
  table.add({"longer", "1234", ""});

  EXPECT_EQ(table.text(),
            "NAME       N  TEXT\n"
            "a          5  one\n"
            "longer  1234\n");
}

TEST(Table, WhatWouldMoveTheCursorIsShown) {
  Table table({{"A"}, {"B"}});
  table.add({"\x1b[2J\t", "\xd0\xb6\xd0\xb6"});
  table.add({"x", "y"});

  EXPECT_EQ(table.text(),
            "A          B\n"
            "\\x1b[2J\\t  \xd0\xb6\xd0\xb6\n"
            "x          y\n");
}

TEST(Table, ARowWithTooFewCellsIsFilledUp) {
  Table table({{"A"}, {"B"}});
  table.add({"x"});

  EXPECT_EQ(table.text(), "A  B\nx\n");
}

TEST(AgeText, AnAgeHasAUnitThatFits) {
  EXPECT_EQ(age_text(0), "0s");
  EXPECT_EQ(age_text(0.04), "0.0s");
  EXPECT_EQ(age_text(1.23), "1.2s");
  EXPECT_EQ(age_text(9.94), "9.9s");
  EXPECT_EQ(age_text(9.96), "10s");
  EXPECT_EQ(age_text(59.4), "59s");
  EXPECT_EQ(age_text(59.6), "1m");
  EXPECT_EQ(age_text(119.9), "1m");
  EXPECT_EQ(age_text(3599), "59m");
  EXPECT_EQ(age_text(3600), "1h");
  EXPECT_EQ(age_text(86399), "23h");
  EXPECT_EQ(age_text(86400), "1d");
  EXPECT_EQ(age_text(-1), "-");
}

TEST(SizeText, ASizeHasAUnitThatFits) {
  EXPECT_EQ(size_text(0), "0 B");
  EXPECT_EQ(size_text(1023), "1023 B");
  EXPECT_EQ(size_text(1024), "1.0 KiB");
  EXPECT_EQ(size_text(48 << 20), "48 MiB");
  EXPECT_EQ(size_text((std::uint64_t{1} << 30) - 1), "1.0 GiB");
}

TEST(Fit, ACharacterIsOneColumnAndIsNotCut) {
  EXPECT_EQ(width_of("\xd0\xb6x"), 2);
  EXPECT_EQ(fit("\xd0\xb6x", 1), "\xd0\xb6");
  EXPECT_EQ(fit("abc", 0), "");
  EXPECT_EQ(fit("abc", 9), "abc");
}

}  // namespace
}  // namespace lambdapool::supervisor
