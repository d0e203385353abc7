// Attacks the test set of Fashion-MNIST with projected gradient descent and says how long it took: what compare.sh runs in turn
// with torch_attack.py. Prints one line of JSON; with --dump DIR it writes the net and the examples.
//
// The steps start from the clean examples, so that both sides do the same.
#include <boost/program_options.hpp>
#include <chrono>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

#include "benchmarks/dump.hpp"
#include "benchmarks/peak.hpp"
#include "datasets/datasets.hpp"
#include "framework/attacks/robustness.hpp"
#include "framework/learning/trainer.hpp"
#include "framework/parallel/gemm.hpp"
#include "framework/parallel/parallel.hpp"
#include "rules/builtin.hpp"

namespace {

using namespace strata;
using namespace strata::bench;
namespace po = boost::program_options;

struct Job {
  std::string dump;
  Index width, depth, batch;
  int steps, threads, rounds;
  double epsilon, step;
};

Job parse(int argc, char** argv) {
  Job job;
  po::options_description options("attack_steps");
  const auto add = [&](const char* name, auto& to, auto value) {
    using T = std::decay_t<decltype(to)>;
    options.add_options()(name, po::value<T>(&to)->default_value(T(value)));
  };
  add("dump", job.dump, "");
  add("width", job.width, 256);
  add("depth", job.depth, 5);
  add("batch", job.batch, 500);
  add("steps", job.steps, 40);
  add("threads", job.threads, 1);
  add("rounds", job.rounds, 1);
  add("epsilon", job.epsilon, 0.05);
  add("step", job.step, 0.005);
  po::variables_map given;
  po::store(po::parse_command_line(argc, argv, options), given);
  po::notify(given);
  return job;
}

void run(const Job& job) {
  const Dataset data = builtin_datasets().at("fashion-mnist").load("");
  MlpSpec spec;
  spec.input = data.sample_shape;
  spec.hidden.assign(static_cast<std::size_t>(job.depth), job.width);
  spec.outputs = data.classes;
  const Catalog catalog = builtin_catalog();
  const RuleEntry& backprop = catalog.at("backprop");
  TrainSettings settings;
  settings.epochs = 1;
  settings.probe_examples = 1;
  settings.optimizers = backprop.optimizers;
  Split split;
  for (Index i = 0; i < 20'000; ++i) (i < 19'000 ? split.train : split.validation).push_back(i);
  Trainer trainer(Graph(mlp_graph(spec)), make_loss("cross_entropy"), backprop.make({}), data, split, settings);
  const auto loss = make_loss("cross_entropy");

  std::vector<double> seconds;
  double left = 0;
  with_threads(job.threads, [&] {
    trainer.next_epoch();
    trainer.next_epoch();
    TrueOracle oracle({trainer.net(), *loss, trainer.registry()}, trainer.rule());
    const NamedAttack pgd{
        "pgd", Path::gradient, [&](const Batch& batch, const Region& region) {
          return climb(oracle, batch, region,
                       {.steps = job.steps, .step = job.step / job.epsilon, .random_start = false, .keep = Keep::last},
                       0);
        }};
    for (int round = 0; round < job.rounds; ++round) {
      const auto start = std::chrono::steady_clock::now();
      left = measure_robustness(oracle, data.test, data.classes, {pgd},
                                {.epsilons = {job.epsilon}, .batch = job.batch, .low = data.low, .high = data.high})
                 .worst[0];
      seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    }
  });
  if (!job.dump.empty()) {
    const std::filesystem::path folder = job.dump;
    std::filesystem::create_directories(folder);
    write_values(folder / "x.f4", data.test.x);
    write_values(folder / "labels.i4", data.test.labels.data(), data.test.labels.size());
    std::ofstream(folder / "job.json") << nlohmann::json{{"parameters", write_parameters(folder, trainer.registry())},
                                                         {"features", data.features()},
                                                         {"examples", data.test.size()},
                                                         {"graph", to_json(trainer.graph().spec())}};
  }
  // A pass forward and one back to the input, each step and example.
  const double gflop = 4e-9 * trainer.graph().multiply_adds() * static_cast<double>(data.test.size()) * job.steps;
  std::cout << nlohmann::json{{"seconds", seconds},     {"left", left},
                              {"gflop", gflop},         {"peak_gflops", peak_gflops(job.threads)},
                              {"threads", job.threads}, {"batch", job.batch},
                              {"blas", gemm_backend()}}
                   .dump()
            << '\n';
}

}  // namespace

int main(int argc, char** argv) {
  try {
    run(parse(argc, argv));
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "attack_steps: " << error.what() << '\n';
    return 2;
  }
}
