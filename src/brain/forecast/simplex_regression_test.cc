#include "forecast/simplex_regression.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/error.h"
#include "base/random.h"

namespace mixnet {
namespace {

using Loads = std::vector<double>;

struct Record {
  Loads x, y;
};

Loads random_loads(std::size_t size, double spread, Random& random) {
  Loads loads(size);
  double sum = 0;
  for (double& load : loads) sum += load = std::exp(spread * random.normal());
  for (double& load : loads) load /= sum;
  return loads;
}

/// Records of a random chain, with noise: y = mix(P x, noise).
std::vector<Record> chain_records(std::size_t size, int count, Random& random) {
  std::vector<Loads> columns;
  for (std::size_t f = 0; f < size; ++f) columns.push_back(random_loads(size, 2, random));
  std::vector<Record> records;
  for (int i = 0; i < count; ++i) {
    Record record{random_loads(size, 1, random), random_loads(size, 0.5, random)};
    for (std::size_t e = 0; e < size; ++e) {
      double through = 0;
      for (std::size_t f = 0; f < size; ++f) through += columns[f][e] * record.x[f];
      record.y[e] = 0.8 * through + 0.2 * record.y[e];
    }
    records.push_back(record);
  }
  return records;
}

// The independent solver. F straight from its definition, and conditional gradient with exact line
// search between pairs of corners of one column at a time (pairwise Frank-Wolfe): no projection, no
// momentum, no Gram matrix in common with the code under test. It stops at a duality gap of 1e-4 of
// F, so its F is the optimum for every purpose here.
struct SlowSolver {
  std::size_t size;
  std::vector<Record> records;  // the oldest first
  std::vector<double> weights;
  double ridge;
  Matrix<double> before;  // P(to, from)
  Matrix<double> p;

  double objective(const Matrix<double>& at) const {
    double sum = 0;
    for (std::size_t i = 0; i < records.size(); ++i) {
      for (std::size_t e = 0; e < size; ++e) {
        double through = 0;
        for (std::size_t f = 0; f < size; ++f) through += at(e, f) * records[i].x[f];
        sum += weights[i] * (records[i].y[e] - through) * (records[i].y[e] - through);
      }
    }
    for (std::size_t e = 0; e < size; ++e) {
      for (std::size_t f = 0; f < size; ++f) {
        sum += ridge * (at(e, f) - before(e, f)) * (at(e, f) - before(e, f));
      }
    }
    return sum;
  }

  Loads slope_of_column(std::size_t f) const {
    Loads slope(size);
    for (std::size_t e = 0; e < size; ++e) slope[e] = 2 * ridge * (p(e, f) - before(e, f));
    for (std::size_t i = 0; i < records.size(); ++i) {
      for (std::size_t e = 0; e < size; ++e) {
        double through = 0;
        for (std::size_t g = 0; g < size; ++g) through += p(e, g) * records[i].x[g];
        slope[e] += 2 * weights[i] * records[i].x[f] * (through - records[i].y[e]);
      }
    }
    return slope;
  }

  double solve() {
    std::vector<double> curvature(size, 2 * ridge);
    for (std::size_t f = 0; f < size; ++f) {
      for (std::size_t i = 0; i < records.size(); ++i) {
        curvature[f] += 2 * weights[i] * records[i].x[f] * records[i].x[f];
      }
    }
    for (int sweep = 0; sweep < 20'000; ++sweep) {
      double gap = 0;
      for (std::size_t f = 0; f < size; ++f) {
        for (std::size_t move = 0; move <= size; ++move) {
          const Loads slope = slope_of_column(f);
          const std::size_t best = std::ranges::min_element(slope) - slope.begin();
          std::size_t worst = best;
          double column_gap = -slope[best];
          for (std::size_t e = 0; e < size; ++e) {
            column_gap += slope[e] * p(e, f);
            if (p(e, f) > 0 && slope[e] > slope[worst]) worst = e;
          }
          if (move == 0) gap += column_gap;
          if (column_gap < 1e-9) break;
          // Two entries change by the same amount, so the curvature counts twice.
          const double wanted = (slope[worst] - slope[best]) / (2 * curvature[f]);
          const double moved = std::min(wanted, p(worst, f));
          p(worst, f) -= moved;
          p(best, f) += moved;
        }
      }
      if (gap < 1e-4 * objective(p)) break;
    }
    return objective(p);
  }
};

Matrix<double> solution_of(const SimplexRegression& regression) {
  Matrix<double> p(regression.size(), regression.size());
  for (std::size_t e = 0; e < p.rows(); ++e) {
    for (std::size_t f = 0; f < p.columns(); ++f) p(e, f) = regression.weight(e, f);
  }
  return p;
}

TEST(ProjectOntoSimplex, AgreesWithHandWork) {
  Loads v = {0.5, 0.3, 0.2};
  project_onto_simplex(v);
  EXPECT_NEAR(v[0], 0.5, 1e-15);  // already there
  v = {2, 0, 0};
  project_onto_simplex(v);
  EXPECT_EQ(v, (Loads{1, 0, 0}));
  v = {1, 1};
  project_onto_simplex(v);
  EXPECT_EQ(v, (Loads{0.5, 0.5}));
  v = {0.9, 0.5, -1};
  project_onto_simplex(v);
  EXPECT_NEAR(v[0], 0.7, 1e-15);
  EXPECT_NEAR(v[1], 0.3, 1e-15);
  EXPECT_EQ(v[2], 0);
  v = {-7};
  project_onto_simplex(v);
  EXPECT_EQ(v, (Loads{1}));
}

TEST(ProjectOntoSimplex, IsNearestFromAnyStart) {
  Random random(1);
  for (int trial = 0; trial < 1000; ++trial) {
    Loads v(1 + random.below(40));
    for (double& value : v) value = std::exp(4 * random.uniform() - 2) * random.normal();
    Loads p = v;
    project_onto_simplex(p);
    double sum = 0;
    double taken = 2;  // what every positive entry lost
    for (std::size_t i = 0; i < v.size(); ++i) {
      sum += p[i];
      if (p[i] > 0) taken = v[i] - p[i];
    }
    EXPECT_NEAR(sum, 1, 1e-12);
    for (std::size_t i = 0; i < v.size(); ++i) {
      EXPECT_NEAR(p[i], std::max(v[i] - taken, 0.0), 1e-12);  // the KKT conditions
    }
    for (const double start : {-100.0, -1.0, 0.0, 0.3, 100.0}) {
      Loads again = v;
      double threshold = start;
      project_onto_simplex(again, threshold);
      for (std::size_t i = 0; i < v.size(); ++i) EXPECT_NEAR(again[i], p[i], 1e-13) << start;
    }
  }
}

// Loads that are all alike, or on the edge of being taken out: rounding must not keep it turning.
TEST(ProjectOntoSimplex, EndsOnTies) {
  Random random(2);
  for (int trial = 0; trial < 20'000; ++trial) {
    Loads v(2 + random.below(9));
    const double step = std::pow(10, -18 + 18 * random.uniform());
    for (double& value : v) value = 0.1 + step * static_cast<double>(random.below(3));
    for (int again = 0; again < 3; ++again) {
      project_onto_simplex(v);
      double sum = 0;
      for (const double value : v) sum += value;
      EXPECT_NEAR(sum, 1, 1e-12);
    }
  }
}

// 100 cases: sizes 2 to 24, windows shorter and longer than the records and than half the size,
// ridges from none on (with records enough), warm starts over several records. After every record
// F is within 1 % of the independent solver's, and no column leaves its simplex.
TEST(SimplexRegression, IsWithinOnePercentOfAnIndependentSolver) {
  double worst = 0;
  for (std::uint64_t trial = 0; trial < 100; ++trial) {
    Random random(derive_seed(7, trial));
    const auto size = static_cast<std::size_t>(2 + random.below(trial % 10 == 0 ? 23 : 9));
    SimplexRegressionOptions options;
    options.window = static_cast<int>(1 + random.below(30));
    options.decay = 0.8 + 0.2 * random.uniform();
    options.ridge = std::pow(10, -4 + 4 * random.uniform());
    const int count = static_cast<int>(2 + random.below(40));
    if (trial % 4 == 0) {
      options.ridge = 0;
      options.window = static_cast<int>(3 * size);
    }
    const std::vector<Record> records = chain_records(size, count, random);

    SimplexRegression regression(size, options);
    SimplexWorkspace work;
    SlowSolver slow{size, {}, {}, options.ridge, Matrix<double>(size, size), {}};
    SimplexRegression::Outcome outcome;
    for (const Record& record : records) {
      slow.before = solution_of(regression);
      regression.add(record.x, record.y);
      outcome = regression.solve(work);
    }
    const std::size_t held = std::min<std::size_t>(records.size(), options.window);
    ASSERT_EQ(regression.records(), held);
    slow.records.assign(records.end() - static_cast<std::ptrdiff_t>(held), records.end());
    for (std::size_t i = 0; i < held; ++i) {
      slow.weights.push_back(std::pow(options.decay, static_cast<double>(held - 1 - i)));
    }
    slow.p = slow.before;
    const Matrix<double> found = solution_of(regression);
    const double ours = slow.objective(found);
    const double best = slow.solve();
    const double negligible = 1e-9;
    EXPECT_LE(ours, best * 1.01 + negligible) << "trial " << trial << ", size " << size;
    EXPECT_GE(ours, best * 0.999 - negligible) << "trial " << trial;
    // What it says of itself holds: F, from above, and the distance to the optimum.
    EXPECT_GE(outcome.objective, ours * (1 - 1e-6) - negligible);
    EXPECT_LE(ours - best, outcome.gap + negligible);
    worst = std::max(worst, best > negligible ? ours / best - 1 : 0);

    for (std::size_t f = 0; f < size; ++f) {
      double sum = 0;
      for (std::size_t e = 0; e < size; ++e) {
        EXPECT_GE(found(e, f), 0);
        sum += found(e, f);
      }
      EXPECT_NEAR(sum, 1, 1e-12);
    }
  }
  RecordProperty("worst_excess_percent", std::to_string(100 * worst));
}

// KKT at a tight tolerance: in every column, all entries in use have the lowest slope of the
// column.
TEST(SimplexRegression, MeetsTheOptimalityConditions) {
  Random random(3);
  const std::size_t size = 6;
  SimplexRegressionOptions options{
      .window = 20, .decay = 0.9, .ridge = 0.01, .tolerance = 1e-9, .max_steps = 100'000};
  SimplexRegression regression(size, options);
  SimplexWorkspace work;
  SlowSolver slow{size, {}, {}, options.ridge, Matrix<double>(size, size), {}};
  slow.records = chain_records(size, 20, random);
  for (std::size_t i = 0; i < 20; ++i) {
    slow.weights.push_back(std::pow(0.9, static_cast<double>(19 - i)));
    slow.before = solution_of(regression);
    regression.add(slow.records[i].x, slow.records[i].y);
    regression.solve(work);
  }
  slow.p = solution_of(regression);
  for (std::size_t f = 0; f < size; ++f) {
    const Loads slope = slow.slope_of_column(f);
    const double lowest = std::ranges::min(slope);
    for (std::size_t e = 0; e < size; ++e) {
      if (slow.p(e, f) > 1e-3) {
        EXPECT_NEAR(slope[e], lowest, 1e-4);
      }
    }
  }
}

// Records from a chain without noise that reach every column: the chain is found again.
TEST(SimplexRegression, FindsTheChainBehindTheRecords) {
  Random random(5);
  const std::size_t size = 4;
  std::vector<Loads> columns;
  for (std::size_t f = 0; f < size; ++f) columns.push_back(random_loads(size, 1, random));
  SimplexRegression regression(
      size, {.window = 50, .decay = 1, .ridge = 0, .tolerance = 1e-6, .max_steps = 100'000});
  SimplexWorkspace work;
  for (int i = 0; i < 50; ++i) {
    const Loads x = random_loads(size, 2, random);
    Loads y(size, 0.0);
    for (std::size_t f = 0; f < size; ++f) {
      for (std::size_t e = 0; e < size; ++e) y[e] += columns[f][e] * x[f];
    }
    regression.add(x, y);
  }
  regression.solve(work);
  for (std::size_t f = 0; f < size; ++f) {
    for (std::size_t e = 0; e < size; ++e) {
      EXPECT_NEAR(regression.weight(e, f), columns[f][e], 1e-4);
    }
  }
  Loads y(size);
  regression.predict(Loads{1, 0, 0, 0}, y);
  for (std::size_t e = 0; e < size; ++e) EXPECT_NEAR(y[e], columns[0][e], 1e-4);
}

// With and without Gram matrices it is the same problem: windows of 8 (16 experts: from records)
// and of 9 (from A and B), 8 records each.
TEST(SimplexRegression, BothWaysToTheGradientAgree) {
  Random random(9);
  const std::vector<Record> records = chain_records(16, 8, random);
  SimplexRegressionOptions options{.window = 8, .tolerance = 1e-9, .max_steps = 10'000};
  SimplexRegression from_records(16, options);
  options.window = 9;
  SimplexRegression from_gram(16, options);
  SimplexWorkspace work;
  for (const Record& record : records) {
    from_records.add(record.x, record.y);
    from_gram.add(record.x, record.y);
    from_records.solve(work);
    from_gram.solve(work);
  }
  for (std::size_t e = 0; e < 16; ++e) {
    for (std::size_t f = 0; f < 16; ++f) {
      EXPECT_NEAR(from_records.weight(e, f), from_gram.weight(e, f), 1e-3);
    }
  }
}

TEST(SimplexRegression, WithoutRecordsPredictsUniform) {
  SimplexRegression regression(4, {});
  SimplexWorkspace work;
  EXPECT_EQ(regression.solve(work).steps, 0);
  Loads y(4);
  regression.predict(Loads{0.7, 0.1, 0.1, 0.1}, y);
  for (const double load : y) EXPECT_NEAR(load, 0.25, 1e-15);
}

TEST(SimplexRegression, OptionsAreChecked) {
  EXPECT_THROW(SimplexRegression(0, {}), Error);
  EXPECT_THROW(SimplexRegression(2, {.window = 0}), Error);
  EXPECT_THROW(SimplexRegression(2, {.decay = 0}), Error);
  EXPECT_THROW(SimplexRegression(2, {.decay = 1.1}), Error);
  EXPECT_THROW(SimplexRegression(2, {.ridge = -1}), Error);
  EXPECT_THROW(SimplexRegression(2, {.ridge = NAN}), Error);
  EXPECT_THROW(SimplexRegression(2, {.tolerance = 0}), Error);
}

}  // namespace
}  // namespace mixnet
