#include "framework/analysis/influence.hpp"

#include <algorithm>
#include <cmath>

#include "framework/core/errors.hpp"
#include "framework/parallel/parallel.hpp"

namespace strata {
namespace {

// Columns of one sweep, and the examples among them: a sweep's gradients stay in the cache.
constexpr Index sweep_columns = 256;
constexpr Index sweep_examples = 64;

Ctx evaluation() {
  Ctx ctx;
  ctx.mode = Mode::evaluate;
  ctx.update_stats = false;
  return ctx;
}

View columns(View m, Index first, Index count) {
  return {m.data() + first * m.outerStride(), m.rows(), count, Eigen::OuterStride<>(m.outerStride())};
}

// What stands at a layer's node, a row a neuron: the sum over its positions, times `scale`.
View of_neurons(const NeuronLayer& layer, View at_node, Scalar scale, Matrix& room) {
  if (layer.positions == 1) return at_node;
  room.resize(layer.units, at_node.cols());
  for (Index c = 0; c < at_node.cols(); ++c) {
    const Eigen::Map<const Matrix> maps(at_node.data() + c * at_node.outerStride(), layer.positions, layer.units);
    room.col(c) = scale * maps.colwise().sum().transpose();
  }
  return view(room);
}

struct MomentSums {
  Scalar *abs, *square, *plain;  // the last two may be null
};

// Adds the columns first … first + count of j, element by element, in this order. A strip of rows at a time, so that its
// sums stay in registers while the columns pass by.
void add_moments(View j, Index first, Index count, MomentSums sums) {
  constexpr Index strip = 32;
  const bool all = sums.square != nullptr;
  Index r = 0;
  for (; r + strip <= j.rows(); r += strip) {
    Eigen::Array<Scalar, strip, 1> abs = Eigen::Map<const Eigen::Array<Scalar, strip, 1>>(sums.abs + r), square, plain;
    if (all) {
      square = Eigen::Map<const Eigen::Array<Scalar, strip, 1>>(sums.square + r);
      plain = Eigen::Map<const Eigen::Array<Scalar, strip, 1>>(sums.plain + r);
    }
    for (Index c = first; c < first + count; ++c) {
      const Eigen::Map<const Eigen::Array<Scalar, strip, 1>> x(j.data() + c * j.outerStride() + r);
      abs += x.abs();
      if (!all) continue;
      square += x.square();
      plain += x;
    }
    Eigen::Map<Eigen::Array<Scalar, strip, 1>>(sums.abs + r) = abs;
    if (!all) continue;
    Eigen::Map<Eigen::Array<Scalar, strip, 1>>(sums.square + r) = square;
    Eigen::Map<Eigen::Array<Scalar, strip, 1>>(sums.plain + r) = plain;
  }
  for (; r < j.rows(); ++r) {
    for (Index c = first; c < first + count; ++c) {
      const Scalar x = j(r, c);
      sums.abs[r] += std::abs(x);
      if (!all) continue;
      sums.square[r] += x * x;
      sums.plain[r] += x;
    }
  }
}

// The same for what comes without skips, and for the rest. No `without`: everything comes through skips.
void add_split(View j, View without, Index first, Index count, Scalar* mediated, Scalar* through_skip) {
  Eigen::Map<Eigen::Array<Scalar, Eigen::Dynamic, 1>> by_layers(mediated, j.rows()), by_skips(through_skip, j.rows());
  for (Index c = first; c < first + count; ++c) {
    if (without.size() == 0) {
      by_skips += j.col(c).array().abs();
      continue;
    }
    by_layers += without.col(c).array().abs();
    by_skips += (j.col(c) - without.col(c)).array().abs();
  }
}

}  // namespace

struct InfluenceAnalysis::Scratch {
  explicit Scratch(const Graph& graph) : all(graph), mediated(graph) {}
  Deltas all, mediated;
  std::vector<Index> unit_of_column;
  Matrix of_neurons, of_neurons_mediated;
};

InfluenceAnalysis::InfluenceAnalysis(const Net& net, const Registry& registry, const Neurons& neurons, View x,
                                     const InfluenceOptions& options)
    : net_(net), registry_(registry), neurons_(neurons), x_(x), options_(options), acts_(net.graph()) {
  if (x.cols() == 0) throw UsageError("analysis of influences: no examples; expected at least one");
  measure_moments();
}

InfluenceAnalysis::~InfluenceAnalysis() = default;

std::unique_ptr<InfluenceAnalysis::Scratch> InfluenceAnalysis::take() const {
  const std::lock_guard lock(guard_);
  if (pool_.empty()) return std::make_unique<Scratch>(net_.graph());
  auto scratch = std::move(pool_.back());
  pool_.pop_back();
  return scratch;
}

void InfluenceAnalysis::give_back(std::unique_ptr<Scratch> scratch) const {
  const std::lock_guard lock(guard_);
  pool_.push_back(std::move(scratch));
}

void InfluenceAnalysis::forward(Index first, Index count) const {
  net_.forward(evaluation(), registry_, columns(x_, first, count), acts_);
}

void InfluenceAnalysis::measure_moments() {
  const auto count = static_cast<std::size_t>(neurons_.count());
  // Sums of the distances from the first example's value: no digits are lost where all values are alike.
  Eigen::ArrayXd origin(neurons_.count()), sum(neurons_.count()), squares(neurons_.count());
  sum.setZero();
  squares.setZero();
  moments_.dead.assign(count, 1);
  Matrix room;
  for (Index first = 0; first < x_.cols(); first += sweep_examples) {
    forward(first, std::min(sweep_examples, x_.cols() - first));
    for (const NeuronLayer& layer : neurons_.layers()) {
      const View a = of_neurons(layer, acts_[layer.node], 1 / static_cast<Scalar>(layer.positions), room);
      const auto at = [&](Eigen::ArrayXd& of) { return of.segment(layer.first, layer.units); };
      if (first == 0) at(origin) = a.col(0).cast<double>().array();
      for (Index c = 0; c < a.cols(); ++c) {
        const Eigen::ArrayXd away = a.col(c).cast<double>().array() - at(origin);
        at(sum) += away;
        at(squares) += away.square();
        for (Index i = 0; i < layer.units; ++i) {
          // Not equal, rather than unequal: NaN is no dead neuron.
          if (!(away[i] == 0)) moments_.dead[static_cast<std::size_t>(layer.first + i)] = 0;
        }
      }
    }
  }
  const auto n = static_cast<double>(x_.cols());
  const Eigen::ArrayXd mean = sum / n;
  const Eigen::ArrayXd sd = (squares / n - mean.square()).max(0).sqrt();
  for (Index i = 0; i < neurons_.count(); ++i) {
    moments_.mean.push_back(origin[i] + mean[i]);
    moments_.sd.push_back(sd[i]);
  }
}

// Starts a one for each of `units` at each example of the block under way, in equal parts at its positions, and sweeps back.
// Column k·B + b.
void InfluenceAnalysis::pull_back(std::size_t layer, std::span<const Index> units, Ways ways, std::span<const Edge> cut,
                                  Scratch& scratch, Deltas& deltas) const {
  const NodeId target = neurons_[layer].node;
  const Index positions = neurons_[layer].positions;
  const Index batch = acts_.batch();
  deltas.clear();
  const MutView ones = deltas.at(target, static_cast<Index>(units.size()) * batch);
  MutView seeds(ones);
  scratch.unit_of_column.clear();
  for (std::size_t k = 0; k < units.size(); ++k) {
    for (Index b = 0; b < batch; ++b) {
      seeds.col(static_cast<Index>(k) * batch + b)
          .segment(units[k] * positions, positions)
          .setConstant(1 / static_cast<Scalar>(positions));
      scratch.unit_of_column.push_back(units[k]);
    }
  }
  const Sweep sweep{.to_input = options_.with_input,
                    .cut = cut,
                    .one_hot = positions == 1 ? target : NodeId{-1},
                    .unit = scratch.unit_of_column};
  if (ways == Ways::all) {
    net_.backward(registry_, acts_, deltas, nullptr, sweep);
    return;
  }
  // No further than the neurons before: these get what arrives, and nobody pulls it on.
  const auto region = net_.graph().region(target);
  for (auto node = region.rbegin(); node != region.rend(); ++node) {
    if (deltas.present(*node)) net_.pull_back_node(registry_, *node, acts_, deltas, sweep);
  }
}

void InfluenceAnalysis::analyse(std::size_t layer, std::span<const Index> units, Ways ways,
                                FunctionRef<void(const Influences&)> done) const {
  const Index batch = std::min(sweep_examples, x_.cols());
  const Index together = std::max<Index>(1, sweep_columns / batch);
  const bool split = ways == Ways::all && options_.split_skips;
  const auto row_bytes = static_cast<std::size_t>(neurons_.count()) * sizeof(Scalar) * (split ? 5 : 3);
  const auto group = std::max<std::size_t>(1, options_.bytes / row_bytes);
  const auto share = static_cast<Scalar>(1.0 / static_cast<double>(x_.cols()));
  for (std::size_t start = 0; start < units.size(); start += group) {
    Influences in{layer, units.subspan(start, std::min(group, units.size() - start)), {}, {}, {}, {}, {}};
    const auto targets = static_cast<Index>(in.units.size());
    const Matrix none = Matrix::Zero(neurons_.count(), targets);
    in.mean_abs = none;
    if (ways == Ways::all) in.mean_square = in.mean = none;
    if (split) in.mediated = in.through_skip = none;
    for (Index first = 0; first < x_.cols(); first += batch) {
      forward(first, std::min(batch, x_.cols() - first));
      const Index examples = acts_.batch();
      parallel_for((targets + together - 1) / together, [&](Index chunk) {
        auto scratch = take();
        const Index t = chunk * together;
        const auto some =
            in.units.subspan(static_cast<std::size_t>(t), static_cast<std::size_t>(std::min(together, targets - t)));
        pull_back(layer, some, ways, {}, *scratch, scratch->all);
        if (split) pull_back(layer, some, ways, neurons_.skip_edges(), *scratch, scratch->mediated);
        for (std::size_t s = 0; s < layer; ++s) {
          const NeuronLayer& source = neurons_[s];
          if (!neurons_.upstream(layer, s) || !scratch->all.present(source.node)) continue;
          const View j = of_neurons(source, scratch->all[source.node], 1, scratch->of_neurons);
          // nothing() where every way goes through a skip
          const View without = split && scratch->mediated.present(source.node)
                                   ? of_neurons(source, scratch->mediated[source.node], 1, scratch->of_neurons_mediated)
                                   : nothing();
          for (Index k = 0; k < static_cast<Index>(some.size()); ++k) {
            const auto sum = [&](Matrix& m) { return m.size() > 0 ? m.col(t + k).data() + source.first : nullptr; };
            add_moments(j, k * examples, examples, {sum(in.mean_abs), sum(in.mean_square), sum(in.mean)});
            if (split) add_split(j, without, k * examples, examples, sum(in.mediated), sum(in.through_skip));
          }
        }
        give_back(std::move(scratch));
      });
    }
    for (Matrix* sum : {&in.mean_abs, &in.mean_square, &in.mean, &in.mediated, &in.through_skip}) *sum *= share;
    done(in);
  }
}

void InfluenceAnalysis::influences(std::size_t layer, std::span<const Index> units,
                                   FunctionRef<void(const Influences&)> done) const {
  analyse(layer, units, Ways::all, done);
}

void InfluenceAnalysis::direct_influences(std::size_t layer, std::span<const Index> units,
                                          FunctionRef<void(const Influences&)> done) const {
  analyse(layer, units, Ways::direct, done);
}

Matrix InfluenceAnalysis::derivatives(std::size_t layer, std::span<const Index> units,
                                      std::span<const Edge> cut) const {
  Matrix all = Matrix::Zero(neurons_.count(), static_cast<Index>(units.size()) * x_.cols());
  for (Index first = 0; first < x_.cols(); first += sweep_examples) {
    forward(first, std::min(sweep_examples, x_.cols() - first));
    const Index examples = acts_.batch();
    parallel_for(static_cast<Index>(units.size()), [&](Index k) {
      auto scratch = take();
      pull_back(layer, units.subspan(static_cast<std::size_t>(k), 1), Ways::all, cut, *scratch, scratch->all);
      for (std::size_t s = 0; s < layer; ++s) {
        const NeuronLayer& source = neurons_[s];
        if (!neurons_.upstream(layer, s) || !scratch->all.present(source.node)) continue;
        all.block(source.first, k * x_.cols() + first, source.units, examples) =
            of_neurons(source, scratch->all[source.node], 1, scratch->of_neurons);
      }
      give_back(std::move(scratch));
    });
  }
  return all;
}

double InfluenceAnalysis::full_bytes() const {
  const auto n = static_cast<double>(neurons_.count());
  return n * n * sizeof(Scalar);
}

}  // namespace strata
