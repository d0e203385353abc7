// Everything the analysis layer says about one run at one moment, as groups of a run file:
//
//   gradient     how the true gradient changes with depth              gradient_depth.hpp
//   hierarchy    the measures, each beside its nulls                   hierarchy.hpp
//   hierarchy_channels   the same with a channel of a feature map as one neuron, in nets of images
//   attribution  the strongest sources of sampled neurons              influence.hpp, ablation.hpp
//   similarity   CKA between layers, effective dimension, linear probes   similarity.hpp, linear_probe.hpp
// Each has the axis `snapshot`, of one epoch here; `joined` makes a run's file of several.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "framework/analysis/hierarchy.hpp"
#include "framework/io/data_group.hpp"
#include "framework/learning/dataset.hpp"
#include "framework/losses/loss.hpp"

namespace strata {

struct AnalysisSettings {
  Index neurons = 32;   ///< targets sampled in each layer, by seed; 0 = all
  Index examples = 64;  ///< of the validation split: the same for every run of a comparison
  int k = 5;
  int permuted = 0;              ///< draws of the null `permuted`
  bool ablate = false;           ///< hold each strongest source at its mean, and a source at random beside it
  bool attribute_input = false;  ///< the input's features count in /attribution
  /// Instead of sampled neurons, by neuron layer; empty = sampled.
  std::vector<std::vector<Index>> targets = {};
};

/// The axis `snapshot` of a group at one epoch.
DataAxis snapshot_axis(int epoch);

class SnapshotAnalysis {
 public:
  /// The net's parameters must have been the first that its registry got, as a Trainer's are. Everything must outlive
  /// the analysis. `seed` is the run's: it draws the targets, and the weights of the null `init`.
  SnapshotAnalysis(const Net& net, const Loss& loss, const Dataset& data, const Split& split, std::uint64_t seed,
                   const AnalysisSettings& settings);

  /// The groups at `epoch`, with the parameters in `registry`. Epoch 0 must be the state before training.
  std::vector<DataGroup> at(int epoch, const Registry& registry);

  const Neurons& neurons() const { return single_.neurons; }
  const std::vector<std::vector<Index>>& targets() const { return single_.targets; }

 private:
  // What the measures are taken of: single neurons, or channels.
  struct Level {
    const char *group, *title;  // of the hierarchy's group in the file; "": none
    Neurons neurons;
    std::vector<std::vector<Index>> targets;
    std::optional<HierarchyValues> init;
  };
  InfluenceOptions influence_options() const;
  Hierarchy hierarchy_of(const Level& level, const InfluenceAnalysis& analysis) const;
  const HierarchyValues& init_null(Level& level) const;
  DataGroup gradient_group(int epoch, const Registry& registry) const;
  DataGroup hierarchy_group(int epoch, const Registry& registry, Level& level, const Hierarchy& found) const;
  DataGroup attribution_group(int epoch, const Registry& registry, const InfluenceAnalysis& analysis,
                              const Hierarchy& found) const;
  DataGroup similarity_group(int epoch, const Registry& registry) const;

  const Net& net_;
  const Loss& loss_;
  const Dataset& data_;
  const Split& split_;
  std::uint64_t seed_;
  AnalysisSettings settings_;
  Level single_;
  std::optional<Level> channels_;
  std::vector<Index> examples_;
  Matrix x_;  // the examples
};

}  // namespace strata
