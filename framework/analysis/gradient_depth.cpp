#include "framework/analysis/gradient_depth.hpp"

#include <cmath>

namespace strata {

GradientByDepth gradient_by_depth(const Net& net, const Registry& registry, const Loss& loss, const Neurons& neurons,
                                  const Batch& batch) {
  Ctx ctx;
  ctx.mode = Mode::evaluate;
  ctx.update_stats = false;
  Activations acts(net.graph());
  Deltas deltas(net.graph());
  net.forward(ctx, registry, batch.x, acts);
  const NodeId out = net.graph().output();
  loss.gradient(acts[out], batch, deltas.at(out, batch.size()));
  net.backward(registry, acts, deltas, nullptr);

  GradientByDepth found{};
  std::vector<double> distances, means;
  const auto examples = static_cast<double>(batch.size());
  for (std::size_t l = 1; l < neurons.size(); ++l) {
    // The loss is a batch mean: times B gives the gradient of each example's own loss.
    const Eigen::MatrixXd d = deltas[neurons[l].node].cast<double>() * examples;
    const Eigen::VectorXd of_neuron = d.cwiseAbs().rowwise().mean();
    for (const double mean : of_neuron) found.neuron.push_back(static_cast<float>(mean));
    found.mean_abs.push_back(of_neuron.mean());
    found.norm.push_back(std::sqrt(d.squaredNorm() / examples));
    found.distance.push_back(neurons.depth() - neurons[l].depth);
    if (neurons[l].node == out) continue;
    distances.push_back(found.distance.back());
    means.push_back(found.mean_abs.back());
  }
  found.exponential = exponential_decay(distances, means);
  found.power = power_decay(distances, means);
  return found;
}

}  // namespace strata
