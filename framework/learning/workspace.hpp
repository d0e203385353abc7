// The scratch memory of one run: value sets, gradient sets, and named matrices, allocated once and reused.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "framework/graph/activations.hpp"
#include "framework/graph/net.hpp"

namespace strata {

class Workspace {
 public:
  explicit Workspace(const Graph& graph) : graph_(&graph) {}

  /// Value set `k` of the main net; set 0 is the one that the default predict uses.
  Activations& acts(std::size_t k = 0) { return grown(acts_, *graph_, k); }
  /// Gradient set `k` of the main net. Two sweeps whose gradients end up in one phase need two sets.
  Deltas& deltas(std::size_t k = 0) { return grown(deltas_, *graph_, k); }
  /// Value and gradient sets of a rule's private net.
  Activations& acts_of(const Graph& graph, std::size_t k = 0) { return grown(private_acts_[&graph], graph, k); }
  Deltas& deltas_of(const Graph& graph, std::size_t k = 0) { return grown(private_deltas_[&graph], graph, k); }

  /// Moves the running statistics of every node that a pass in training has gone through since the last call.
  void move_statistics(Registry& registry) {
    const auto move_all = [&](std::vector<std::unique_ptr<Activations>>& sets) {
      for (const auto& acts : sets) {
        acts->take_statistics([&](const Net& net, NodeId node) { net.move_statistics(registry, node, *acts); });
      }
    };
    move_all(acts_);
    for (auto& [graph, sets] : private_acts_) move_all(sets);
  }

  /// A named rows × cols matrix with whatever it held before. Asked for larger than ever, it moves; asked for with other
  /// rows, it is the same memory.
  MutView scratch(std::string_view name, Index rows, Index cols) {
    auto found = scratch_.find(name);
    if (found == scratch_.end()) found = scratch_.emplace(name, Vector()).first;
    Vector& memory = found->second;
    if (memory.size() < rows * cols) memory.resize(rows * cols);
    return {memory.data(), rows, cols, Eigen::OuterStride<>(rows)};
  }

  /// As many named doubles, for what Scalar is too coarse for.
  std::span<double> doubles(std::string_view name, Index count) {
    auto found = doubles_.find(name);
    if (found == doubles_.end()) found = doubles_.emplace(name, std::vector<double>()).first;
    const auto size = static_cast<std::size_t>(count);
    if (found->second.size() < size) found->second.resize(size);
    return {found->second.data(), size};
  }

 private:
  template <class T> static T& grown(std::vector<std::unique_ptr<T>>& sets, const Graph& graph, std::size_t k) {
    while (sets.size() <= k) sets.push_back(std::make_unique<T>(graph));
    return *sets[k];
  }

  const Graph* graph_;
  std::vector<std::unique_ptr<Activations>> acts_;
  std::vector<std::unique_ptr<Deltas>> deltas_;
  std::map<const Graph*, std::vector<std::unique_ptr<Activations>>> private_acts_;
  std::map<const Graph*, std::vector<std::unique_ptr<Deltas>>> private_deltas_;
  std::map<std::string, Vector, std::less<>> scratch_;
  std::map<std::string, std::vector<double>, std::less<>> doubles_;
};

}  // namespace strata
