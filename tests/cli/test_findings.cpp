// What a comparison's analysis comes to: means over neurons, intervals over seeds, and the verdicts on claims.
#include <boost/test/unit_test.hpp>
#include <cmath>

#include "experiments/cli/claims.hpp"
#include "experiments/cli/memory.hpp"
#include "framework/core/errors.hpp"

using namespace strata;
using namespace strata::cli;

namespace {

using Integers = std::vector<std::int32_t>;
using Doubles = std::vector<double>;
using Names = std::vector<std::string>;

/// Rates of decay and both r², before and after training.
DataGroup gradient(const Doubles& rate, const Doubles& r2, const Doubles& power) {
  DataGroup group{"gradient", {{"snapshot", Integers{0, 3}, ""}}, {}, {}};
  group.arrays = {{"decay_rate", {"snapshot"}, rate, "", ""},
                  {"decay_r2", {"snapshot"}, r2, "", ""},
                  {"power_r2", {"snapshot"}, power, "", ""}};
  return group;
}

/// Three layers of neurons h1, h2, out with 4, 4 and 2 targets at two snapshots. A share is the same in every scaling and
/// with the input, plus .01 where scaled; h1 has no hidden sources, h2 only one layer of them, so that out alone counts.
struct Shares {
  Doubles value, init, permuted, first,
      first_mediated;  ///< by snapshot: of out, and h1's share at the last hidden layer
};
DataGroup hierarchy(const Shares& s) {
  DataGroup group{"hierarchy", {}, {}, {}};
  group.axes = {{"snapshot", Integers{0, 3}, ""},
                {"scaling", Names{"raw", "scaled", "unit"}, ""},
                {"with_input", Integers{0, 1}, ""},
                {"layer", Names{"h1", "h2", "h3", "out"}, ""},
                {"distance", Integers{1, 2, 3, 4}, ""}};
  group.arrays.push_back({"depth", {"layer"}, Integers{1, 2, 3, 4}, "", ""});
  group.arrays.push_back({"targets", {"snapshot", "layer"}, Integers{4, 4, 4, 2, 4, 4, 4, 2}, "", ""});
  const auto by_layer = [&](const std::string& name, const Doubles& h3, const Doubles& out) {
    Doubles values;
    for (std::size_t snapshot = 0; snapshot < 2; ++snapshot) {
      for (int scaling = 0; scaling < 3; ++scaling) {
        for (int with_input = 0; with_input < 2; ++with_input) {
          const double more = scaling == 1 ? .01 : 0;
          values.insert(values.end(), {quiet_nan, 1.0, h3[snapshot] + more, out[snapshot] + more});
        }
      }
    }
    group.arrays.push_back({name, {"snapshot", "scaling", "with_input", "layer"}, values, "", ""});
  };
  by_layer("prior_fraction", s.value, s.value);
  by_layer("prior_fraction_null_init", s.init, s.init);
  by_layer("prior_fraction_null_permuted", s.permuted, s.permuted);
  by_layer("prior_fraction_null_layer_size", {.5, .5}, {.3, .3});
  for (const auto& [name, of] :
       {std::pair{"topk_fraction", s.first}, std::pair{"topk_fraction_mediated", s.first_mediated}}) {
    Doubles values;
    for (std::size_t snapshot = 0; snapshot < 2; ++snapshot) {
      for (int scaling = 0; scaling < 3; ++scaling) {
        for (int with_input = 0; with_input < 2; ++with_input) {
          for (int layer = 0; layer < 4; ++layer) {
            // At h3, the last hidden layer: h2 at distance 1, h1 at distance 2.
            const bool last_hidden = layer == 2;
            values.insert(values.end(),
                          {last_hidden ? 1 - of[snapshot] : quiet_nan,
                           last_hidden ? of[snapshot] + (scaling == 1 ? .01 : 0) : quiet_nan, quiet_nan, quiet_nan});
          }
        }
      }
    }
    group.arrays.push_back({name, {"snapshot", "scaling", "with_input", "layer", "distance"}, values, "", ""});
  }
  return group;
}

RunRecord run(const std::string& rule, const std::string& network, int seed, DataGroup group) {
  RunRecord r;
  r.rule = rule;
  r.network = network;
  r.seed = seed;
  r.status = "complete";
  r.analysis.push_back(std::move(group));
  return r;
}

std::vector<AnalysedRuns> gathered(const std::vector<RunRecord>& runs) {
  std::vector<const RunRecord*> all;
  for (const RunRecord& r : runs) all.push_back(&r);
  return analysed_runs(all);
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

void check_says(const std::string& text, const std::string& part) {
  BOOST_TEST(has(text, part), "'" << part << "' is not in\n" << text);
}

}  // namespace

BOOST_AUTO_TEST_CASE(runs_are_gathered_by_rule_and_network_in_the_order_of_seeds) {
  const Shares s{{.4, .6}, {.4, .4}, {.3, .3}, {.2, .2}, {.2, .2}};
  std::vector<RunRecord> runs;
  for (const int seed : {2, 0, 1}) runs.push_back(run("fa", "mlp", seed, hierarchy(s)));
  runs.push_back(run("fa", "other", 0, hierarchy(s)));
  runs.push_back(run("fa", "mlp", 1, hierarchy(s)));  // a second configuration
  runs.push_back(run("dfa", "mlp", 0, hierarchy(s)));
  runs.back().status = "diverged";
  runs.push_back(run("frozen", "mlp", 0, hierarchy(s)));
  runs.back().analysis.clear();
  const auto all = gathered(runs);
  BOOST_REQUIRE(all.size() == 2U);
  BOOST_TEST(all[0].network == "mlp");
  BOOST_REQUIRE(all[0].runs.size() == 3U);
  for (int seed = 0; seed < 3; ++seed) BOOST_TEST(all[0].runs[static_cast<std::size_t>(seed)]->seed == seed);
  BOOST_TEST(all[1].network == "other");
}

BOOST_AUTO_TEST_CASE(a_share_is_a_mean_over_neurons_with_sources_in_several_layers) {
  Shares s{{.4, .6}, {.4, .4}, {.3, .3}, {.2, .25}, {.2, .2}};
  DataGroup group = hierarchy(s);
  // out, of 2 targets, has .9 instead of .6 at the last snapshot, raw without input: (4 · .6 + 2 · .9) / 6.
  auto& values = std::get<Doubles>(group.arrays[2].values);
  BOOST_REQUIRE(group.arrays[2].name == "prior_fraction");
  values[1 * 24 + 3] = .9;
  const RunRecord r = run("fa", "mlp", 0, group);
  BOOST_TEST(std::abs(prior_share(Scaling::raw, Moment::last)(r) - .7) < 1e-12);
  BOOST_TEST(std::abs(prior_share(Scaling::scaled, Moment::first)(r) - .41) < 1e-12);
  BOOST_TEST(std::abs(prior_share(Scaling::raw, Moment::last, "_null_layer_size")(r) - (4 * .5 + 2 * .3) / 6) < 1e-12);
  BOOST_TEST(std::isnan(prior_share(Scaling::raw, Moment::last, "_null_nothing")(r)));
  BOOST_TEST(std::abs(first_layer_share("topk_fraction", Scaling::raw, Moment::last)(r) - .25) < 1e-12);
  BOOST_TEST(
      std::isnan(prior_share(Scaling::raw, Moment::last)(run("fa", "mlp", 0, gradient({1, 1}, {1, 1}, {1, 1})))));
}

BOOST_AUTO_TEST_CASE(the_table_shows_share_and_change_with_intervals) {
  std::vector<RunRecord> runs;
  for (int seed = 0; seed < 3; ++seed) {
    const double shift = .01 * (seed - 1);
    runs.push_back(run("fa", "mlp", seed, hierarchy({{.4, .6 + shift}, {.4, .4}, {.3, .3}, {.2, .2}, {.2, .2}})));
  }
  const std::string text = text_of(hierarchy_table(gathered(runs)));
  // Mean .61, sd .01: ± 4.303 · .01/√3 = .025.
  check_says(text, "0.610  [0.585, 0.635]  +0.200  [0.175, 0.225]  0.600");
  BOOST_TEST(text_of(hierarchy_table({})) == "");
}

BOOST_AUTO_TEST_CASE(c1_asks_for_an_exponential_that_fits_and_a_rate_above_zero) {
  const auto text = [](const Doubles& rates, double r2, double power) {
    std::vector<RunRecord> runs;
    for (std::size_t i = 0; i < rates.size(); ++i) {
      runs.push_back(
          run("backprop", "deep", static_cast<int>(i), gradient({rates[i], 0.0 * rates[i]}, {r2, r2}, {power, power})));
    }
    return claim_text("c1", {gathered(runs)});
  };
  check_says(text({.5, .51, .49}, .99, .8), "in 1 of 1 cases at the first snapshot, in 0 of 1 at the last");
  check_says(text({.5, .51, .49}, .85, .8), "no: r² ≤ 0.9");
  check_says(text({.5, .51, .49}, .95, .97), "no: a power law fits better");
  check_says(text({.5, -.4, .1}, .99, .8), "undecided: the interval holds 0");
  check_says(text({-.5, -.51, -.49}, .99, .8), "no: the opposite");
  check_says(text({.5}, .99, .8), "undecided: one seed");
  check_says(claim_text("c1", {}), "undecided: no run");
}

BOOST_AUTO_TEST_CASE(c2_asks_for_intervals_apart) {
  const auto text = [](double skip, double spread) {
    std::vector<RunRecord> runs;
    for (int seed = 0; seed < 3; ++seed) {
      const double d = spread * (seed - 1);
      runs.push_back(run("backprop", "deep", seed, gradient({.5 + d, .5 + d}, {1, 1}, {0, 0})));
      runs.push_back(run("backprop", "deep_skip", seed, gradient({skip + d, skip + d}, {1, 1}, {0, 0})));
    }
    return claim_text("c2", {gathered(runs)});
  };
  check_says(text(.1, .01), "in 1 of 1 pairs at the first snapshot, in 1 of 1 at the last");
  check_says(text(.1, .2), "undecided: the intervals meet");
  check_says(text(.9, .01), "no: the opposite");
  check_says(claim_text("c2", {gathered({run("backprop", "deep", 0, gradient({1, 1}, {1, 1}, {1, 1}))})}),
             "no pair of networks");
}

BOOST_AUTO_TEST_CASE(c3a_asks_for_more_than_size_and_than_both_nulls) {
  const auto text = [](double after, double init, double permuted) {
    std::vector<RunRecord> runs;
    for (int seed = 0; seed < 3; ++seed) {
      const double d = .01 * (seed - 1);
      runs.push_back(run("fa", "mlp", seed,
                         hierarchy({{init, after + d}, {init, init}, {permuted, permuted}, {.2, .2}, {.2, .2}})));
    }
    runs.push_back(run("fa", "mlp_skip", 0, hierarchy({{0, 0}, {0, 0}, {0, 0}, {0, 0}, {0, 0}})));
    return claim_text("c3a", {.analysed = gathered(runs), .unsupported = {"dtp on mlp_skip: no skips"}});
  };
  const std::string yes = text(.8, .5, .5);
  check_says(yes, "layer size (the article's own reading): 1 of 1 cases");
  check_says(yes, "permuted weights: 1 of 1 cases");
  check_says(yes, "Left out: dtp on mlp_skip: no skips");
  BOOST_TEST(!has(yes, "mlp_skip  "));  // nets with skips are for c3b
  check_says(text(.8, .5, .9), "permuted weights: 0 of 1 cases");
  check_says(text(.8, .9, .5), "permuted weights: 0 of 1 cases");
  check_says(text(.2, .1, .1), "layer size (the article's own reading): 0 of 1 cases");
}

BOOST_AUTO_TEST_CASE(c3b_pairs_by_seed_and_tells_the_mediated_part) {
  std::vector<RunRecord> runs;
  for (int seed = 0; seed < 3; ++seed) {
    const double d = .1 * seed;  // seeds differ, the differences hardly: paired by seed they are sure
    runs.push_back(run("fa", "mlp", seed, hierarchy({{.5, .5}, {.5, .5}, {.5, .5}, {.2, .2 + d}, {.2, .2 + d}})));
    runs.push_back(run("fa", "mlp_skip", seed,
                       hierarchy({{.5, .5}, {.5, .5}, {.5, .5}, {.2, .5 + d + .01 * seed}, {.2, .2 + d}})));
  }
  const std::string text = claim_text("c3b", {gathered(runs)});
  check_says(text, "by all ways: raw 1 of 1 pairs, scaled 1 of 1 pairs");
  check_says(text, "without the skip: raw 0 of 1 pairs, scaled 0 of 1 pairs");
  check_says(text, "+0.310");
}

BOOST_AUTO_TEST_CASE(c3_is_asked_of_channels_too_where_there_are_some) {
  std::vector<RunRecord> runs;
  for (int seed = 0; seed < 3; ++seed) {
    const double d = .01 * seed;
    const auto add = [&](const char* network, double first, double of_channels) {
      runs.push_back(
          run("fa", network, seed, hierarchy({{.5, .8 + d}, {.5, .5}, {.5, .5}, {.2, first + d}, {.2, .2}})));
      DataGroup pooled = hierarchy({{.5, .4 + d}, {.5, .5}, {.5, .5}, {.2, of_channels + d}, {.2, .2}});
      pooled.name = "hierarchy_channels";
      runs.back().analysis.push_back(pooled);
    };
    add("conv", .2, .6);
    add("conv_skip", .5, .3);
    runs.push_back(run("fa", "mlp", seed, hierarchy({{.5, .8 + d}, {.5, .5}, {.5, .5}, {.2, .2}, {.2, .2}})));
  }
  const std::string share = claim_text("c3a", {gathered(runs)}), first = claim_text("c3b", {gathered(runs)});
  const auto halves = [](const std::string& text) {
    const std::size_t second = text.find("By channel");
    BOOST_REQUIRE(second != std::string::npos);
    BOOST_TEST(has(text.substr(0, second), "By neuron"));
    return std::pair{text.substr(0, second), text.substr(second)};
  };
  check_says(halves(share).first, "permuted weights: 2 of 2 cases");
  check_says(halves(share).second, "permuted weights: 0 of 1 cases");
  check_says(halves(first).first, "by all ways: raw 1 of 1 pairs");
  check_says(halves(first).second, "by all ways: raw 0 of 1 pairs");
}

BOOST_AUTO_TEST_CASE(unknown_claims_are_refused) {
  BOOST_CHECK_EXCEPTION(check_claim("c9"), UsageError,
                        [](const UsageError& e) { return has(e.what(), "c1, c2, c3a, c3b"); });
}

BOOST_AUTO_TEST_CASE(what_would_not_fit_is_said_with_sizes_and_a_way_out) {
  const double gib = 1024.0 * 1024 * 1024;
  check_fits("--influences", gib, gib, "");
  BOOST_CHECK_EXCEPTION(check_fits("--influences", 3 * gib, gib, "ask layer by layer"), UsageError,
                        [](const UsageError& e) {
                          return std::string(e.what()) ==
                                 "--influences: takes 3.0 GiB of memory, 1.0 GiB are available; ask layer by layer";
                        });
  BOOST_TEST(available_memory() > 0);
}
