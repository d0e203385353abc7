// A training step of every rule on 784-256×5-10 tanh, batch 128, one thread, beside one of backprop: in time, in
// multiply-adds, and in what the rule costs beyond its multiply-adds ("overhead": ratio of times / ratio of products).
// Run: bench_rules, or one rule: bench_rules --benchmark_filter=dtp
#include "benchmarks/bench.hpp"
#include "benchmarks/bench_training.hpp"
#include "framework/core/errors.hpp"
#include "rules/builtin.hpp"

namespace strata::bench {
namespace {

constexpr NetShape net{256, 5, 128};
constexpr Index batches = 40;
constexpr int epochs = 15;

const TrainingData& data() {
  static const TrainingData once(net, batches);
  return once;
}

void step(benchmark::State& state, const std::string& name) {
  const Catalog catalog = builtin_catalog();
  const auto reference = data().trainer(catalog.at("backprop"));
  const auto rule = data().trainer(catalog.at(name));
  warm_up(*reference);
  warm_up(*rule);
  // Epochs of the two in turn, so that both see the same machine, however busy it is.
  std::vector<double> reference_seconds, seconds, ratios;
  for ([[maybe_unused]] auto _ : state) {
    reference->next_epoch();
    rule->next_epoch();
    reference_seconds.push_back(step_seconds(*reference));
    seconds.push_back(step_seconds(*rule));
    ratios.push_back(seconds.back() / reference_seconds.back());
    state.SetIterationTime(seconds.back());
  }
  if (!learnt(*reference) || !learnt(*rule)) return fail(state, "the loss has not gone down");
  if (rule->steps_per_epoch() != static_cast<std::uint64_t>(batches)) {
    return fail(state, "an epoch has steps of several kinds, whose multiply-adds the trainer does not count");
  }
  const double products = rule->multiply_adds_per_step() / reference->multiply_adds_per_step();
  state.counters["ms/step"] = 1e3 * median(seconds);
  state.counters["backprop_ms"] = 1e3 * median(reference_seconds);
  state.counters["multiply_adds"] = rule->multiply_adds_per_step();
  state.counters["time_ratio"] = median(ratios);
  state.counters["multiply_adds_ratio"] = products;
  state.counters["overhead"] = median(ratios) / products;
}

}  // namespace

void register_benchmarks() {
  const Catalog catalog = builtin_catalog();
  for (const RuleEntry& rule : catalog.entries()) {
    benchmark::RegisterBenchmark(cat("step/", rule.name).c_str(), step, rule.name)
        ->Iterations(epochs)
        ->UseManualTime()
        ->Unit(benchmark::kMillisecond);
  }
}

}  // namespace strata::bench
