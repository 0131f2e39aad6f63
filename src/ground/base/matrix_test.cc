#include "base/matrix.h"

#include <gmock/gmock.h>

namespace mixnet {
namespace {

using ::testing::ElementsAre;

TEST(Matrix, IsRowMajor) {
  Matrix<int> matrix(2, 3);
  EXPECT_THAT(matrix.cells(), ElementsAre(0, 0, 0, 0, 0, 0));
  matrix(0, 2) = 5;
  matrix(1, 0) = 7;
  EXPECT_THAT(matrix.cells(), ElementsAre(0, 0, 5, 7, 0, 0));
  EXPECT_THAT(matrix.row(1), ElementsAre(7, 0, 0));
  matrix.row(1)[2] = 9;
  EXPECT_EQ(matrix(1, 2), 9);
}

TEST(Matrix, IsAValue) {
  const Matrix<double> a(2, 2, 1.5);
  Matrix<double> b = a;
  EXPECT_EQ(a, b);
  b(1, 1) = 0;
  EXPECT_NE(a, b);
  EXPECT_EQ(a(1, 1), 1.5);
  EXPECT_NE(Matrix<int>(2, 3), Matrix<int>(3, 2)) << "same cells, another shape";
  EXPECT_TRUE(Matrix<int>().cells().empty());
}

}  // namespace
}  // namespace mixnet
