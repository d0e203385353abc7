#include "benchmarks/bench_training.hpp"

#include <cstring>

#include "datasets/clusters.hpp"
#include "framework/core/errors.hpp"
#include "framework/graph/graph_spec.hpp"

namespace strata::bench {
namespace {

constexpr Index evaluated = 256;

Dataset generate(Index examples) {
  return make_clusters({.features = 784, .classes = 10, .clusters = 4, .train = examples, .test = 1});
}

}  // namespace

std::string NetShape::name() const { return cat("784-", width, "x", depth, "-10/batch:", batch); }

const std::vector<NetShape>& net_shapes() {
  static const std::vector<NetShape> all{{512, 3, 128}, {256, 5, 64}, {128, 10, 32}};
  return all;
}

TrainingData::TrainingData(const NetShape& net, Index batches)
    : net_(net), data_(generate(net.examples(batches) + evaluated)) {
  for (Index i = 0; i < data_.train.size(); ++i) {
    (i < net.examples(batches) ? split_.train : split_.validation).push_back(i);
  }
}

std::unique_ptr<Trainer> TrainingData::trainer(const RuleEntry& rule, std::uint64_t seed) const {
  const ResolvedRule resolved = resolve(rule, {});
  TrainSettings settings;
  settings.seed = seed;
  settings.batch = net_.batch;
  settings.optimizers = resolved.optimizers;
  settings.probe_examples = 1;  // what is measured at an epoch's end is no part of a step
  MlpSpec mlp;
  mlp.input = data_.sample_shape;
  mlp.hidden.assign(static_cast<std::size_t>(net_.depth), net_.width);
  mlp.outputs = data_.classes;
  return std::make_unique<Trainer>(Graph(mlp_graph(mlp)), make_loss("cross_entropy"), rule.make(resolved.options),
                                   data_, split_, settings);
}

void warm_up(Trainer& trainer) {
  trainer.next_epoch();
  trainer.next_epoch();
}

double step_seconds(const Trainer& trainer) {
  return trainer.training().back().train_seconds / static_cast<double>(trainer.steps_per_epoch());
}

bool learnt(const Trainer& trainer) {
  return trainer.training().back().validation_loss < trainer.training().front().validation_loss;
}

bool same_parameters(const Trainer& a, const Trainer& b) {
  if (a.registry().size() != b.registry().size()) return false;
  for (ParamId id = 0; id < a.registry().size(); ++id) {
    const Matrix& u = a.registry().value(id);
    const Matrix& v = b.registry().value(id);
    if (u.rows() != v.rows() || u.cols() != v.cols()) return false;
    if (std::memcmp(u.data(), v.data(), static_cast<std::size_t>(u.size()) * sizeof(Scalar)) != 0) return false;
  }
  return true;
}

}  // namespace strata::bench
