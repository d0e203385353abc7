// What every upstream neuron does to a neuron: partial derivatives of activations, through any acyclic graph.
//
//   J_ji(x) = ∂a_j/∂a_i at example x, over all ways from i to j, other neurons free to follow
//             of a neuron that has positions (Neurons::of_channels): of its mean over them, by a shift of all of the source's
//   I_ij    = mean over examples |J_ji(x)|: the influence of i on j
// Whole blocks of neurons and examples go back through the net as columns of one matrix product. Memory is bounded
// whatever the number of examples, and of neurons: results come in groups.
#pragma once

#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "framework/analysis/neurons.hpp"
#include "framework/core/function_ref.hpp"

namespace strata {

/// Over the examples, for each neuron as Neurons lines them up.
struct ActivationMoments {
  std::vector<double> mean, sd;  ///< sd divides by the number of examples
  std::vector<char> dead;        ///< 1: the same number for every example, so that its sd is 0
};

struct InfluenceOptions {
  bool with_input = true;        ///< the input's features are sources too
  bool split_skips = false;      ///< also what goes through skip edges, and what does not
  std::size_t bytes = 64 << 20;  ///< results that are held at a time, about
};

/// Influences on some neurons of one layer. A row is a source, as Neurons lines them up (0 where it is not upstream); a
/// column is a target.
struct Influences {
  std::size_t layer;
  std::span<const Index> units;
  Matrix mean_abs;      ///< I_ij
  Matrix mean_square;   ///< mean of J²
  Matrix mean;          ///< mean of J, with its sign
  Matrix mediated;      ///< mean |J| with all skip edges cut; empty unless asked for
  Matrix through_skip;  ///< mean |J − J with all skip edges cut|: ways that use a skip edge; empty unless asked for
};

class InfluenceAnalysis {
 public:
  /// x is features × examples and must outlive the analysis, like the rest. Examples pass in evaluation mode.
  /// Throws UsageError without examples, ShapeError on a wrong number of features.
  InfluenceAnalysis(const Net& net, const Registry& registry, const Neurons& neurons, View x,
                    const InfluenceOptions& options = {});
  ~InfluenceAnalysis();
  InfluenceAnalysis(const InfluenceAnalysis&) = delete;
  InfluenceAnalysis& operator=(const InfluenceAnalysis&) = delete;

  const Neurons& neurons() const { return neurons_; }
  const InfluenceOptions& options() const { return options_; }
  Index examples() const { return x_.cols(); }
  const ActivationMoments& moments() const { return moments_; }

  /// done(influences) for `units` of a layer, ascending or not, in groups one after the other.
  void influences(std::size_t layer, std::span<const Index> units, FunctionRef<void(const Influences&)> done) const;

  /// J itself: a row a source, column k·examples + b for units[k] and example b. `cut`: these edges carry nothing.
  /// Its size is the caller's business.
  Matrix derivatives(std::size_t layer, std::span<const Index> units, std::span<const Edge> cut = {}) const;

  /// As influences, but of direct connections alone: no other neuron in between. Only mean_abs is filled.
  void direct_influences(std::size_t layer, std::span<const Index> units,
                         FunctionRef<void(const Influences&)> done) const;

  /// Bytes of the full matrix of influences between all neurons, for whoever wants to keep it.
  double full_bytes() const;

 private:
  struct Scratch;
  enum class Ways { all, direct };
  std::unique_ptr<Scratch> take() const;
  void give_back(std::unique_ptr<Scratch> scratch) const;
  void measure_moments();
  void forward(Index first, Index count) const;
  void pull_back(std::size_t layer, std::span<const Index> units, Ways ways, std::span<const Edge> cut,
                 Scratch& scratch, Deltas& deltas) const;
  void analyse(std::size_t layer, std::span<const Index> units, Ways ways,
               FunctionRef<void(const Influences&)> done) const;

  const Net& net_;
  const Registry& registry_;
  const Neurons& neurons_;
  View x_;
  InfluenceOptions options_;
  ActivationMoments moments_;
  mutable Activations acts_;  // of the block of examples under way
  mutable std::mutex guard_;
  mutable std::vector<std::unique_ptr<Scratch>> pool_;  // what threads work in, while none of them has it
};

}  // namespace strata
