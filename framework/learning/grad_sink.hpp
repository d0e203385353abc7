// Collects what a rule says about parameters in one phase, and turns it into gradients when the rule has finished.
//
// Sign: a pseudo-gradient is minus the wanted change, like a gradient. Contributions to one parameter add up in the
// order given. Nothing is computed before `resolve`, so all signals of a phase are pulled back before any update.
#pragma once

#include <vector>

#include "framework/graph/net.hpp"

namespace strata {

class GradSink final : public NodeGradients {
 public:
  /// The node's parameters get scale·(∂y/∂w)ᵀ dy. `acts` and `dy` must not change before the phase ends.
  /// Throws ShapeError unless dy is the node's units × the batch of `acts`, UsageError on a node that is not there.
  void add(const Net& net, NodeId node, const Activations& acts, View dy, Scalar scale = 1) override;

  /// The parameter gets scale·g; g is copied. In resolve(): throws ShapeError if the shapes differ, UsageError on a
  /// parameter that is not there.
  void add(ParamId parameter, View g, Scalar scale = 1);

  /// The same for a g that the caller writes, before the phase ends, to the matrix of rows × cols that this returns.
  MutView place(ParamId parameter, Index rows, Index cols) override;

  /// `parameter` gets the same gradient as `like`, transposed if the shapes say so (Kolen–Pollack).
  void alias(ParamId parameter, ParamId like);

  /// Computes the gradients of `parameters`; those that got no contribution stay absent. Buffers are kept and reused.
  void resolve(const Registry& registry, const std::vector<ParamId>& parameters);

  /// As BlockBody, for a parameter.
  using Consumer = FunctionRef<void(ParamId id, Index row, Index col, MutView block)>;

  /// Hands each number of the gradients of `parameters` to `consumer` once, in blocks, on any thread; the bits are
  /// resolve's. A gradient of one contribution is never stored: `has` is true of those alone that were.
  /// `consumer` may change parameters.
  void consume(const Registry& registry, const std::vector<ParamId>& parameters, Consumer consumer);

  /// After resolve: has the parameter a gradient, and which.
  bool has(ParamId id) const;
  View gradient(ParamId id) const { return view(gradients_[static_cast<std::size_t>(id)]); }
  MutView gradient(ParamId id) { return mut_view(gradients_[static_cast<std::size_t>(id)]); }

  /// Forgets all contributions.
  void clear();

 private:
  struct FromNode {
    const Net* net;
    NodeId node;
    const Activations* acts;
    const Scalar* dy;
    Index rows, cols, stride;
    Scalar scale;

    View delta() const { return {dy, rows, cols, Eigen::OuterStride<>(stride)}; }
  };
  struct Direct {
    ParamId parameter;
    Matrix g;
  };
  struct Alias {
    ParamId parameter, like;
  };
  void ask(const Registry& registry, const std::vector<ParamId>& parameters);
  void add_up(const Registry& registry);
  MutView open(const Registry& registry, ParamId id);

  std::vector<FromNode> nodes_;
  std::vector<Direct> direct_;  // the first direct_count_; the rest is kept for its memory
  std::size_t direct_count_ = 0;
  std::vector<Alias> aliases_;
  std::vector<Matrix> gradients_;
  std::vector<char> present_;
  std::vector<char> asked_;
  std::vector<int> contributions_;
};

}  // namespace strata
