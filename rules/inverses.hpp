// Learned inverses of a chain of layers, shared by the target-propagation family.
//
//   chain   h_1 … h_L: the credit points, then the output;  f_l the nodes between h_{l−1} and h_l
//   g_l(h) = s(Q_l h + d_l) undoes f_l: from h_l to h_{l−1}, l = 2 … L
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "rules/builtin.hpp"

namespace strata::rules {

/// The options sigma, inverse-activation, inverse-init, pretrain-epochs and extra-inverse-epochs, with these defaults.
struct InverseDefaults {
  double sigma;
  std::string activation = "tanh";
  int pretrain_epochs = 0, extra_epochs = 0;
};
std::vector<OptionSpec> inverse_options(const InverseDefaults& defaults);

/// One joint phase that steps forward and inverse from one state; before and after it, epochs for inverses alone.
Schedule joint_schedule(int pretrain_epochs, int extra_epochs);

class Inverses {
 public:
  explicit Inverses(const Options& o);

  /// Registers g_2 … g_top: "inverse/<name of h_l>/…" in the group inverse; top is L, or L − 1 without the output's.
  void prepare(const Net& net, Registry& registry, bool with_output);

  Schedule schedule() const { return joint_schedule(pretrain_epochs_, extra_epochs_); }

  /// h_1 … h_L as nodes of the main net; element l − 1 is h_l.
  const std::vector<NodeId>& chain() const { return chain_; }
  std::size_t size() const { return chain_.size(); }
  std::size_t top() const { return nets_.size() + 1; }                           ///< the last l with an inverse
  NodeId node(std::size_t l) const { return chain_[l - 1]; }                     ///< of h_l
  const std::vector<NodeId>& f(std::size_t l) const { return regions_[l - 2]; }  ///< nodes of f_l, l ≥ 2
  const Net& g(std::size_t l) const { return *nets_[l - 2]; }                    ///< l ≥ 2
  Scalar sigma() const { return sigma_; }

  /// g_l(h) in value set `set` of its net.
  View run(std::size_t l, const Ctx& ctx, const Model& m, View h, Workspace& ws, std::size_t set) const;

  /// ‖g_l(f_l(h̃)) − h̃‖² / max(σ, 0.02)², h̃ = h_{l−1} + σ ε, mean over batch and units, with h_{l−1} from ws.acts() and the
  /// noise's stream `stream`. Its gradient goes to `gradients` unless null. Uses ws.acts(1) and value set 2 of g_l.
  double reconstruct(std::size_t l, const char* stream, const Ctx& ctx, const Model& m, Workspace& ws,
                     GradSink* gradients) const;

 private:
  Scalar sigma_;
  std::string activation_, init_;
  int pretrain_epochs_, extra_epochs_;
  std::vector<NodeId> chain_;
  std::vector<std::unique_ptr<Net>> nets_;
  std::vector<std::vector<NodeId>> regions_;
};

/// Target propagation through learned inverses, all in one joint phase: targets with the old Q, the gradient of Q at the
/// old W, then both step.
///
///   output target   ĥ_L = h_L − η̂ ∂L/∂h_L; with last_by_gradient also ĥ_{L−1} = h_{L−1} − η̂ ∂L/∂h_{L−1}, as in
///                   Lee et al. (1412.7525, section 2.2), and g_L is not needed
///   hidden targets  ĥ_{l−1} from ĥ_l: what a rule of this kind is about
///   layer loss      ‖h_l − ĥ_l‖², mean over the batch, gradient through layer l alone
/// L is the batch mean already, so a pseudo-gradient is about 2 η̂/B times backprop's and Adam's ε matters.
class InverseTargetRule : public LearningRule {
 public:
  /// Reads target-step and inverse_options. `noise` is the stream that inverses are trained with.
  InverseTargetRule(const Options& o, const char* noise, bool last_by_gradient = false);

  Traits traits() const override { return {.groups = {"forward", "inverse"}, .needs_chain = true}; }
  void prepare(const Net& net, const Loss& loss, Registry& registry) override;
  Schedule schedule() const override { return inverses_.schedule(); }
  void compute(const Phase& phase, const Ctx& ctx, const Model& m, const Batch& batch, Workspace& ws,
               GradSink& g) const override;
  void probe(const Model& m, const Batch& batch, Workspace& ws, ProbeSink& sink) const override;

 protected:
  /// Puts ĥ_{l−1} into `below` (units × B); `target` is ĥ_l, ws.acts() holds h, prepare_inverses has been called.
  virtual void target_below(std::size_t l, View target, const Ctx& ctx, const Model& m, Workspace& ws,
                            MutView below) const = 0;

  /// The loss that inverse l learns on; its gradient goes to `g` unless null. ws.acts() and prepare_inverses as above. By
  /// default Inverses::reconstruct.
  virtual double reconstruct(std::size_t l, const Ctx& ctx, const Model& m, Workspace& ws, GradSink* g) const;
  /// What the calls of a batch share. ws.acts() holds h.
  virtual void prepare_inverses(const Ctx&, const Model&, Workspace&) const {}

  Inverses inverses_;

 private:
  void last_from_gradient(const Model& m, View e, Workspace& ws) const;

  Scalar target_step_;
  bool last_by_gradient_;
  const char* noise_;
};

/// The options target-step and last-target (inverse or gradient).
OptionSpec target_step_option(double fallback);
OptionSpec last_target_option(const std::string& fallback);

}  // namespace strata::rules
