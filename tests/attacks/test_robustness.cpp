// Tables of accuracy under attack, by hand, and the checks on them: of nets that hide their gradient, too.
#include <boost/test/unit_test.hpp>

#include "framework/attacks/robustness.hpp"
#include "framework/core/errors.hpp"
#include "tests/attacks/linear.hpp"

using namespace strata;
using namespace strata::testing;

namespace {

using Verdict = Finding::Verdict;

Examples examples_of(const Linear& net) { return {net.x, net.labels}; }

const RobustnessSettings settings{.epsilons = {0, 0.02, 0.05, 0.2}, .batch = 17, .low = -1, .high = 1};

NamedAttack pgd(Oracle& oracle, Path path = Path::gradient, Keep keep = Keep::best) {
  return {"pgd", path, [&oracle, keep](const Batch& batch, const Region& region) {
            return climb(oracle, batch, region, {.steps = 20, .keep = keep}, 1);
          }};
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

const Finding& named(const std::vector<Finding>& findings, const std::string& part) {
  for (const Finding& f : findings) {
    if (contains(f.name, part)) return f;
  }
  BOOST_FAIL("no finding '" << part << "'");
  return findings.front();
}

Robustness table(std::vector<Path> paths, std::vector<double> accuracy) {
  Robustness t;
  t.paths = std::move(paths);
  t.names.assign(t.paths.size(), "some");
  t.epsilons = {0, 0.1};
  t.examples = 10000;
  t.clean = 0.9;
  t.accuracy = std::move(accuracy);
  t.worst = {0.9, 0.1};
  return t;
}

}  // namespace

BOOST_AUTO_TEST_CASE(shares_by_hand) {
  Linear net(random(2, 12, "w"), random(12, 40, "x", 0.5));
  Examples examples = examples_of(net);
  for (std::size_t b = 0; b < 8; ++b) examples.labels[b] = 1 - examples.labels[b];  // wrong when clean
  // One moves nothing; one moves what has an odd number to the other side and hides that it did.
  const NamedAttack still{"still", Path::noise, [](const Batch& batch, const Region&) {
                            return Adversarial{batch.x, std::vector<char>(batch.labels.size(), 1)};
                          }};
  const NamedAttack odd{"odd", Path::query, [](const Batch& batch, const Region& region) {
                          Adversarial a{batch.x, std::vector<char>(batch.labels.size(), 0)};
                          for (Index b = 0; b < a.x.cols(); ++b) {
                            if (batch.ids[static_cast<std::size_t>(b)] % 2 == 1 && region.epsilon > 0.1)
                              a.x.col(b) *= -1;
                          }
                          return a;
                        }};
  std::vector<Index> firsts;
  const Robustness found = measure_robustness(net.oracle, examples, 2, {still, odd}, settings,
                                              [&](std::size_t a, std::size_t e, Index first, const Adversarial& seen) {
                                                if (a == 0 && e == 0) firsts.push_back(first);
                                                BOOST_TEST(seen.x.rows() == 12);
                                              });
  BOOST_TEST(firsts == (std::vector<Index>{0, 17, 34}), boost::test_tools::per_element());
  BOOST_TEST(found.clean == 0.8);
  BOOST_TEST(found.examples == 40);
  for (std::size_t e = 0; e < 4; ++e) {
    BOOST_TEST(found.at(0, e) == 0.8);
    BOOST_TEST(found.at(1, e) == (e == 3 ? 0.4 : 0.8));  // wrong when clean stays wrong, whatever comes of it
    BOOST_TEST(found.worst[e] == found.at(1, e));
    BOOST_TEST(found.least(Path::query, e) == found.at(1, e));
  }
  BOOST_TEST(std::isnan(found.least(Path::gradient, 0)));
}

BOOST_AUTO_TEST_CASE(an_open_net_passes) {
  Linear net(random(3, 12, "w"), random(12, 60, "x", 0.5)), other(random(3, 12, "another"), random(12, 60, "x", 0.5));
  const Examples examples = examples_of(net);
  const Robustness found = measure_robustness(
      net.oracle, examples, 3, {pgd(net.oracle), pgd(other.oracle, Path::transfer, Keep::last)}, settings);
  for (const Finding& f : check_robustness(found)) BOOST_TEST((f.verdict != Verdict::failed), f.name << ": " << f.says);
  for (const Finding& f : check_gradient(net.oracle, examples, 3, settings, 0.05, 1)) {
    BOOST_TEST((f.verdict == Verdict::passed), f.name << ": " << f.says);
  }
  BOOST_TEST(found.worst[3] < found.worst[1]);
}

// Scores so far apart that their softmax is 1 and 0 in float: the gradient of the cross-entropy is nothing at all.
BOOST_AUTO_TEST_CASE(a_net_whose_loss_saturates_is_found_out) {
  const Matrix w = random(3, 12, "w"), x = random(12, 60, "x", 0.5);
  Linear open(w, x), masked(Scalar(1e6) * w, x);
  const Examples examples = examples_of(masked);
  const Robustness found = measure_robustness(
      masked.oracle, examples, 3, {pgd(masked.oracle), pgd(open.oracle, Path::transfer, Keep::last)}, settings);
  const auto findings = check_robustness(found);
  const Finding& caught = named(findings, "transfer and queries");
  BOOST_TEST((caught.verdict == Verdict::failed));
  BOOST_TEST(contains(caught.says, "masked"), caught.says);
  BOOST_TEST((named(check_gradient(masked.oracle, examples, 3, settings, 0.05, 1), "half the range").verdict ==
              Verdict::failed));
  // The margin does not saturate.
  const NamedAttack by_margin{"apgd_margin", Path::gradient, [&](const Batch& batch, const Region& region) {
                                return auto_climb(masked.oracle, batch, region,
                                                  {.steps = 20, .loss = AttackLoss::margin}, 1);
                              }};
  const Robustness seen = measure_robustness(masked.oracle, examples, 3,
                                             {by_margin, pgd(open.oracle, Path::transfer, Keep::last)}, settings);
  BOOST_TEST((named(check_robustness(seen), "transfer and queries").verdict == Verdict::passed));
}

BOOST_AUTO_TEST_CASE(words_go_by_the_figures) {
  const auto verdict = [](const Robustness& t, const char* part) { return named(check_robustness(t), part).verdict; };
  const Robustness feedback = table({Path::gradient, Path::feedback}, {0.9, 0.1, 0.9, 0.8});
  BOOST_TEST(contains(named(check_robustness(feedback), "feedback path").says, "measures the path, not the net"));
  BOOST_TEST(contains(named(check_robustness(feedback), "feedback path").says, "80.0 %"));
  BOOST_TEST(
      (verdict(table({Path::gradient, Path::feedback}, {0.9, 0.8, 0.9, 0.1}), "feedback path") == Verdict::failed));
  BOOST_TEST((verdict(table({Path::feedback}, {0.9, 0.1}), "feedback path") == Verdict::not_asked));
  BOOST_TEST(
      (verdict(table({Path::gradient, Path::query}, {0.9, 0.1, 0.9, 0.095}), "transfer and") == Verdict::passed));
  BOOST_TEST((verdict(table({Path::gradient, Path::query}, {0.9, 0.2, 0.9, 0.1}), "transfer and") == Verdict::failed));
  BOOST_TEST((verdict(table({Path::gradient}, {0.5, 0.6}), "larger epsilon") == Verdict::failed));
  Robustness lost = table({Path::gradient}, {0.9, 0.1});
  lost.worst[0] = 0.89;
  BOOST_TEST((verdict(lost, "epsilon 0") == Verdict::failed));
  lost.epsilons[0] = 0.01;
  BOOST_TEST((verdict(lost, "epsilon 0") == Verdict::not_asked));
}

BOOST_AUTO_TEST_CASE(refusals) {
  Linear net(random(2, 5, "w"), random(5, 4, "x"));
  const Examples examples = examples_of(net);
  const auto measure = [&](const Examples& on, const std::vector<NamedAttack>& attacks, RobustnessSettings s) {
    measure_robustness(net.oracle, on, 2, attacks, s);
  };
  BOOST_CHECK_EXCEPTION(measure({Matrix(5, 0), {}}, {pgd(net.oracle)}, settings), UsageError, says({"no examples"}));
  BOOST_CHECK_EXCEPTION(measure(examples, {}, settings), UsageError, says({"no attacks"}));
  BOOST_CHECK_EXCEPTION(measure(examples, {pgd(net.oracle)}, {}), UsageError, says({"no epsilons"}));
  RobustnessSettings empty = settings;
  empty.batch = 0;
  BOOST_CHECK_EXCEPTION(measure(examples, {pgd(net.oracle)}, empty), UsageError, says({"batch = 0"}));
}
