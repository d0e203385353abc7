// What the trainer measures at an epoch's end, a value a layer, on the fixed probe examples.
#include <cmath>

#include "framework/analysis/angle.hpp"
#include "framework/analysis/gauss_newton.hpp"
#include "framework/learning/batch_buffer.hpp"
#include "framework/learning/trainer.hpp"

namespace strata {
namespace {

// The Gauss–Newton step takes a backward sweep an output: nets with more outputs go without.
constexpr Index gauss_newton_outputs = 32;

// Steps of training never get here, so that a probe's masks and noise are its own.
constexpr std::uint64_t probe_steps = std::uint64_t{1} << 62;

// Has every example Jacobians of its own? Not where a layer normalises over the batch.
bool examples_apart(const Graph& graph) {
  for (NodeId id = 1; id < graph.size(); ++id) {
    if (graph[id].layer->has_statistics()) return false;
  }
  return true;
}

class Probes final : public ProbeSink {
 public:
  Probes(const Graph& graph, RuleMetrics& into) : graph_(graph), into_(into) {}

  void report(const std::string& name, NodeId layer, double value) override {
    const auto& layers = graph_.layers();
    const auto at = static_cast<std::size_t>(std::find(layers.begin(), layers.end(), layer) - layers.begin());
    auto found = std::find_if(into_.values.begin(), into_.values.end(), [&](const auto& v) { return v.first == name; });
    if (found == into_.values.end()) {
      into_.values.emplace_back(name, std::vector<double>(layers.size(), quiet_nan));
      found = into_.values.end() - 1;
    }
    if (at < layers.size()) found->second[at] = value;
  }

 private:
  const Graph& graph_;
  RuleMetrics& into_;
};

}  // namespace

void Trainer::measure_layers() {
  const Graph& graph = net_->graph();
  BatchBuffer buffer(data_, static_cast<Index>(probe_.size()));
  const Batch batch = buffer.gather(data_.train, probe_);
  const Ctx ctx{Mode::train, false, settings_.seed, probe_steps + static_cast<std::uint64_t>(epoch_)};
  std::vector<ParamId> ids;
  for (const NodeId layer : graph.layers()) {
    for (const ParamId id : net_->params(layer)) ids.push_back(id);
  }

  sink_.clear();
  rule_->compute(forward_phase(), ctx, model_, batch, ws_, sink_);
  sink_.resolve(registry_, ids);

  // Backprop's gradient with the same masks, in sets of its own: nothing of the rule's is disturbed.
  Activations& acts = ws_.acts();
  Deltas& deltas = ws_.deltas();
  reference_sink_.clear();
  output_error(ctx, model_, batch, acts, deltas);
  net_->backward(registry_, acts, deltas, &reference_sink_);
  reference_sink_.resolve(registry_, ids);

  // And what a Gauss–Newton step on the activations would give. Its deltas are gone after this measurement.
  const bool gauss_newton = graph[graph.output()].units <= gauss_newton_outputs && examples_apart(graph);
  Deltas newton_deltas(graph);
  GradSink newton_sink;
  if (gauss_newton) {
    const View e = deltas[graph.output()];
    gauss_newton_deltas(*net_, registry_, acts, e, gauss_newton_damping, newton_deltas);
    net_->backward(registry_, acts, newton_deltas, &newton_sink, {.stop_at_credit_points = true});
    newton_sink.resolve(registry_, ids);
  }

  LayerMetrics row;
  row.epoch = epoch_;
  const auto examples = static_cast<double>(batch.size());
  std::vector<Matrix> weights;
  for (std::size_t l = 0; l < graph.layers().size(); ++l) {
    const NodeId layer = graph.layers()[l];
    const NodeId neuron = graph.neuron(layer);
    Angle angle, to_newton;
    for (const ParamId id : net_->params(layer)) {
      const View reference = std::as_const(reference_sink_).gradient(id);
      const Matrix none = Matrix::Zero(sink_.has(id) ? 0 : reference.rows(), reference.cols());
      const View own = sink_.has(id) ? std::as_const(sink_).gradient(id) : view(none);
      angle.add(own, reference);
      if (gauss_newton && newton_sink.has(id)) to_newton.add(own, std::as_const(newton_sink).gradient(id));
    }
    row.grad_norm.push_back(angle.norm_u());
    row.backprop_norm.push_back(angle.norm_v());
    row.angle_to_backprop.push_back(angle.degrees());
    row.angle_to_gauss_newton.push_back(to_newton.degrees());
    // The loss is a batch mean: times B gives the gradient of each example's own loss.
    const View d = deltas[neuron];
    row.grad_mean_abs.push_back(d.cast<double>().cwiseAbs().mean() * examples);
    row.activation_norm.push_back(std::sqrt(acts[neuron].cast<double>().squaredNorm() / examples));
    const Matrix& w = registry_.value(net_->params(layer)[0]);
    row.weight_norm.push_back(std::sqrt(w.cast<double>().squaredNorm()));
    const bool first = previous_weights_.empty();
    row.update_norm.push_back(first ? quiet_nan : std::sqrt((w - previous_weights_[l]).cast<double>().squaredNorm()));
    weights.push_back(w);
  }
  previous_weights_ = std::move(weights);
  layer_metrics_.push_back(std::move(row));

  RuleMetrics probes;
  probes.epoch = epoch_;
  Probes sink(graph, probes);
  rule_->probe(model_, batch, ws_, sink);
  rule_metrics_.push_back(std::move(probes));
}

}  // namespace strata
