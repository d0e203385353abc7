// Values and gradients of a net's nodes for one batch.
#pragma once

#include <algorithm>
#include <vector>

#include "framework/graph/graph.hpp"

namespace strata {

class Net;

/// A view that can be assigned, which Eigen's maps cannot.
struct ShownView {
  ShownView(const View& v) : data(v.data()), rows(v.rows()), cols(v.cols()), stride(v.outerStride()) {}  // NOLINT
  operator View() const { return {data, rows, cols, Eigen::OuterStride<>(stride)}; }                     // NOLINT
  const Scalar* data;
  Index rows, cols, stride;
};

/// One set of values: a features × batch matrix a node. A rule may hold any number of sets (a clean and a corrupted
/// pass, positives and negatives). Buffers grow to the largest batch seen and are then reused.
class Activations {
 public:
  explicit Activations(const Graph& graph)
      : values_(static_cast<std::size_t>(graph.size())), shown_(values_.size(), nothing()), for_readers_(shown_),
        aux_(values_.size()), graph_(&graph) {}

  Index batch() const { return batch_; }

  /// The value of a node. Valid after a forward pass has computed it, or `set`.
  View operator[](NodeId id) const { return shown_[static_cast<std::size_t>(id)]; }

  /// What the nodes behind a node take for its value: the value itself, unless `show_readers` says otherwise.
  View for_readers(NodeId id) const { return for_readers_[static_cast<std::size_t>(id)]; }

  /// From now until the node is computed anew, the nodes behind it take `value` instead (a state that is not what the
  /// layer below predicts, a normalised value): forward as well as in the backward half, where the node itself still
  /// has its own. The matrix must outlive its use.
  void show_readers(NodeId id, View value) { for_readers_[static_cast<std::size_t>(id)] = value; }

  /// Makes the node's own buffer current, sized for `batch` columns, and returns it to be written: a forward pass that
  /// starts behind this node reads what is written here.
  MutView own(NodeId id, Index batch) {
    Matrix& m = values_[static_cast<std::size_t>(id)];
    if (m.cols() < batch) m.resize((*graph_)[id].units, batch);
    batch_ = batch;
    const MutView v = left_cols(m, batch);
    shown_[static_cast<std::size_t>(id)] = for_readers_[static_cast<std::size_t>(id)] = view(v);
    return v;
  }

  /// Shows somebody else's matrix as the value of a node, without a copy; it must outlive its use.
  void set(NodeId id, View value) {
    batch_ = value.cols();
    shown_[static_cast<std::size_t>(id)] = for_readers_[static_cast<std::size_t>(id)] = value;
  }

  /// Remembers that a pass in training has left statistics of `node` of this net, which it is to be moved by.
  void note_statistics(const Net& net, NodeId node) {
    statistics_of_ = &net;
    statistics_.push_back(node);
  }

  /// moves(net, node) for every node that was noted since the last call.
  template <class Moves> void take_statistics(const Moves& moves) {
    for (const NodeId node : statistics_) moves(*statistics_of_, node);
    statistics_.clear();
  }

  Aux& aux(NodeId id) { return aux_[static_cast<std::size_t>(id)]; }
  const Aux& aux(NodeId id) const { return aux_[static_cast<std::size_t>(id)]; }

 private:
  std::vector<Matrix> values_;
  std::vector<ShownView> shown_, for_readers_;
  std::vector<Aux> aux_;
  const Net* statistics_of_ = nullptr;
  std::vector<NodeId> statistics_;
  const Graph* graph_;
  Index batch_ = 0;
};

/// One set of gradients with respect to node values, features × batch (or m·batch columns). A node is "present" once
/// something was written for it since the last clear(), or shown.
class Deltas {
 public:
  explicit Deltas(const Graph& graph)
      : values_(static_cast<std::size_t>(graph.size())), cols_(values_.size(), 0), shown_(values_.size(), nothing()),
        passed_on_(values_.size(), 0), graph_(&graph) {}

  void clear() {
    std::fill(cols_.begin(), cols_.end(), Index{0});
    std::fill(shown_.begin(), shown_.end(), nothing());
    std::fill(passed_on_.begin(), passed_on_.end(), char{0});
  }
  bool present(NodeId id) const { return cols_[static_cast<std::size_t>(id)] > 0; }

  /// The node's gradient, to be written; zeros if it was not present.
  MutView at(NodeId id, Index cols) {
    const bool present = cols_[static_cast<std::size_t>(id)] == cols;
    const View shown = shown_[static_cast<std::size_t>(id)];
    MutView v = overwritten(id, cols);
    if (!present) v.setZero();
    else if (given(shown)) v = shown;
    return v;
  }

  /// The node's gradient, to be overwritten whole: holds anything.
  MutView overwritten(NodeId id, Index cols) {
    Matrix& m = values_[static_cast<std::size_t>(id)];
    if (m.cols() < cols) m.resize((*graph_)[id].units, cols);
    cols_[static_cast<std::size_t>(id)] = cols;
    shown_[static_cast<std::size_t>(id)] = nothing();
    return left_cols(m, cols);
  }

  /// Shows somebody else's matrix as the node's gradient, until it is to be written. It must outlive its use.
  void show(NodeId id, View delta) {
    cols_[static_cast<std::size_t>(id)] = delta.cols();
    shown_[static_cast<std::size_t>(id)] = delta;
  }

  /// Marks a node whose gradient its inputs have got already, until the next clear().
  void pass_on(NodeId id) { passed_on_[static_cast<std::size_t>(id)] = 1; }
  bool passed_on(NodeId id) const { return passed_on_[static_cast<std::size_t>(id)] != 0; }

  /// Requires present(id).
  View operator[](NodeId id) const {
    const View shown = shown_[static_cast<std::size_t>(id)];
    if (given(shown)) return shown;
    return left_cols(values_[static_cast<std::size_t>(id)], cols_[static_cast<std::size_t>(id)]);
  }

 private:
  std::vector<Matrix> values_;
  std::vector<Index> cols_;
  std::vector<ShownView> shown_;
  std::vector<char> passed_on_;
  const Graph* graph_;
};

}  // namespace strata
