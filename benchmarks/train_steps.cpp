// Trains some steps and says how long they took: what compare.sh runs in turn with torch_steps.py.
//
// Prints one line of JSON. With --dump DIR it writes what the other side needs to do exactly the same: the data, the
// first weights, and the order of the examples.
#include <boost/program_options.hpp>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

#include "benchmarks/dump.hpp"
#include "benchmarks/peak.hpp"
#include "datasets/datasets.hpp"
#include "framework/graph/architectures.hpp"
#include "framework/learning/trainer.hpp"
#include "framework/parallel/gemm.hpp"
#include "framework/parallel/parallel.hpp"
#include "rules/builtin.hpp"

namespace {

using namespace strata;
using namespace strata::bench;
namespace po = boost::program_options;

constexpr Index evaluated = 256;  // examples that the loss is taken on, not trained on

struct Job {
  std::string rule, optimizer, activation, network, dump;
  Index width, depth, batch, steps;
  int epochs, threads, runs;
  double lr;
};

Job parse(int argc, char** argv) {
  Job job;
  po::options_description options("train_steps");
  const auto add = [&](const char* name, auto& to, auto value) {
    using T = std::decay_t<decltype(to)>;
    options.add_options()(name, po::value<T>(&to)->default_value(T(value)));
  };
  add("rule", job.rule, "backprop");
  add("optimizer", job.optimizer, "momentum");
  add("activation", job.activation, "tanh");
  add("network", job.network, "mlp");
  add("dump", job.dump, "");
  add("width", job.width, 512);
  add("depth", job.depth, 3);
  add("batch", job.batch, 128);
  add("steps", job.steps, 100);
  add("epochs", job.epochs, 3);
  add("threads", job.threads, 1);
  add("runs", job.runs, 1);
  add("lr", job.lr, 0.01);
  po::variables_map given;
  po::store(po::parse_command_line(argc, argv, options), given);
  po::notify(given);
  return job;
}

// A perceptron, or one of the architectures on images padded to 32 × 32.
GraphSpec network(const Job& job, const Dataset& data) {
  if (job.network == "mlp") {
    MlpSpec net;
    net.input = data.sample_shape;
    net.hidden.assign(static_cast<std::size_t>(job.depth), job.width);
    net.outputs = data.classes;
    net.activation = job.activation;
    return mlp_graph(net);
  }
  GraphSpec spec = chain_graph(architectures().at(job.network).make({1, 32, 32}, data.classes));
  for (NodeSpec& node : spec.nodes) {
    for (std::string& in : node.inputs) {
      if (in == "input") in = "padded";
    }
  }
  spec.input = data.sample_shape;
  spec.nodes.insert(spec.nodes.begin(), {"padded", "zero_pad", {"input"}, {{"padding", 2}}});
  return spec;
}

std::unique_ptr<Trainer> trainer(const Job& job, const Dataset& data, const Split& split) {
  const Catalog catalog = builtin_catalog();
  const RuleEntry& entry = catalog.at(job.rule);
  TrainSettings settings;
  settings.batch = job.batch;
  settings.epochs = job.epochs;
  settings.probe_examples = 1;
  for (auto [group, spec] : entry.optimizers) {
    spec = default_optimizer(job.optimizer);
    spec.lr = job.lr;
    settings.optimizers.emplace_back(group, spec);
  }
  return std::make_unique<Trainer>(Graph(network(job, data)), make_loss("cross_entropy"),
                                   entry.make(resolve(entry, {}).options), data, split, settings);
}

void dump(const Job& job, const Dataset& data, const Split& split, const Trainer& trained) {
  const std::filesystem::path folder = job.dump;
  std::filesystem::create_directories(folder);
  const auto examples = static_cast<Index>(split.train.size() + split.validation.size());
  write_values(folder / "x.f4", data.train.x.data(), static_cast<std::size_t>(data.features() * examples));
  write_values(folder / "labels.i4", data.train.labels.data(), static_cast<std::size_t>(examples));
  for (int pass = 0; pass < job.epochs; ++pass) {
    const auto order = epoch_order(split.train, 0, pass);
    write_values(folder / ("order" + std::to_string(pass) + ".i8"), order.data(), order.size());
  }
  std::ofstream(folder / "job.json") << nlohmann::json{{"parameters", write_parameters(folder, trained.registry())},
                                                       {"features", data.features()},
                                                       {"examples", examples},
                                                       {"evaluated", evaluated},
                                                       {"batch", job.batch},
                                                       {"epochs", job.epochs},
                                                       {"optimizer", job.optimizer},
                                                       {"lr", job.lr},
                                                       {"graph", to_json(trained.graph().spec())}};
}

void run(const Job& job) {
  Dataset data = builtin_datasets().at("fashion-mnist").load("");
  Split split;
  for (Index i = 0; i < job.steps * job.batch; ++i) split.train.push_back(i);
  for (Index i = 0; i < evaluated; ++i) split.validation.push_back(job.steps * job.batch + i);

  nlohmann::json out;
  out["peak_gflops"] = peak_gflops(job.threads);
  std::vector<std::unique_ptr<Trainer>> trainers;
  for (int r = 0; r < job.runs; ++r) trainers.push_back(trainer(job, data, split));
  if (!job.dump.empty()) dump(job, data, split, *trainers[0]);
  std::vector<std::function<void()>> work;
  for (auto& t : trainers) {
    work.emplace_back([&] {
      for (int e = 0; e <= job.epochs; ++e) t->next_epoch();
    });
  }
  run_many(work, job.threads);
  // Side by side, an epoch takes as long as its slowest run.
  std::vector<double> seconds(static_cast<std::size_t>(job.epochs), 0);
  for (const auto& t : trainers) {
    for (std::size_t e = 0; e < seconds.size(); ++e) {
      seconds[e] = std::max(seconds[e], t->training()[e + 1].train_seconds / static_cast<double>(job.steps));
    }
  }
  out["seconds_per_step"] = seconds;
  out["loss"] = trainers[0]->training().back().validation_loss;
  out["multiply_adds_per_step"] = trainers[0]->multiply_adds_per_step();
  out["runs"] = job.runs;
  out["threads"] = job.threads;
  out["blas"] = gemm_backend();
  std::cout << out.dump() << '\n';
}

}  // namespace

int main(int argc, char** argv) {
  try {
    run(parse(argc, argv));
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "train_steps: " << error.what() << '\n';
    return 2;
  }
}
