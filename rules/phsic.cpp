// The plausible kernelised bottleneck, pHSIC (Pogodin & Latham, 2006.07123, eqs. 4, 7 and 13).
//
//   layer loss   pHSIC(z_l, z_l) − γ pHSIC(y, z_l)          each hidden layer on its own, nothing goes on below
//   pHSIC(a, b)  mean over pairs (i, j) of (K^a_ij − mean K^a) K^b_ij, K_ij the cosine of columns i and j
//   grouping     z_l are the layer's activities, or with `groups` the powers v^p of the smoothed variance in each group of
//                consecutive units, v = (δ + Σ (h − h̄)²)/n, less their mean over groups
//   labels       one-hot, less their mean
// The output layer learns on the true error.
#include "framework/parallel/gemm.hpp"
#include "rules/builtin.hpp"
#include "rules/columns.hpp"

namespace strata::rules {
namespace {

class PlausibleHsic final : public LearningRule {
 public:
  explicit PlausibleHsic(const Options& o)
      : gamma_(static_cast<Scalar>(o.real("gamma"))), groups_(o.integer("groups")),
        power_(static_cast<Scalar>(o.real("grouping-power"))), smoothing_(static_cast<Scalar>(o.real("smoothing"))) {}

  std::string unsupported(const Graph& graph, const Loss& loss) const override {
    for (const NodeId point : graph.credit_points()) {
      if (groups_ > 0 && (graph[point].units % groups_ != 0 || graph[point].units < 2 * groups_)) {
        return cat("--phsic.groups ", groups_, ": '", graph[point].name, "' has ", graph[point].units,
                   " units, which do not make as many groups of two or more");
      }
    }
    return LearningRule::unsupported(graph, loss);
  }

  void compute(const Phase&, const Ctx& ctx, const Model& m, const Batch& batch, Workspace& ws,
               GradSink& g) const override {
    output_error(ctx, m, batch, ws.acts(), ws.deltas());
    const Index B = batch.size();
    const MutView u_y = ws.scratch("unit labels", batch.classes(), B), K_y = ws.scratch("K labels", B, B);
    similarities(batch.one_hot, true, u_y, K_y);
    for (const NodeId point : m.graph().credit_points()) {
      const View h = ws.acts()[point];
      const MutView dh = ws.deltas().at(point, B);
      if (groups_ == 0) {
        lower(h, false, view(K_y), ws, dh);
        continue;
      }
      MutView z = ws.scratch("z", groups_, B), dz = ws.scratch("dz", groups_, B);
      group(h, z);
      lower(view(z), true, view(K_y), ws, dz);
      pull_back_group(h, view(dz), dh);
    }
    m.net.backward(m.registry, ws.acts(), ws.deltas(), &g, {.stop_at_credit_points = true});
  }

 private:
  // K less its mean, K_ij = u_iᵀ u_j.
  static void similarities(View z, bool centred, MutView u, MutView K) {
    normalise_columns(z, centred, 1, u);
    gemm(Op::transposed, view(u), Op::none, view(u), K);
    K.array() -= K.mean();
  }

  // dz = ∂(pHSIC(z, z) − γ pHSIC(y, z))/∂z, with K_y less its mean.
  void lower(View z, bool centred, View K_y, Workspace& ws, MutView dz) const {
    const Index B = z.cols();
    const MutView u = ws.scratch(centred ? "unit z" : "unit h", z.rows(), B);
    MutView K = ws.scratch("K", B, B);
    similarities(z, centred, u, K);
    K = 2 * K - gamma_ * K_y;  // B² ∂/∂K
    gemm(Op::none, view(u), Op::none, view(K), dz, 2 / static_cast<Scalar>(B * B));
    pull_back_normalised(z, centred, 1, dz);
  }

  void group(View h, MutView z) const {
    const Index n = h.rows() / groups_;
    for (Index b = 0; b < h.cols(); ++b) {
      for (Index k = 0; k < groups_; ++k) z(k, b) = std::pow(variance(h.col(b).segment(k * n, n)), power_);
    }
  }

  // ∂v^p/∂h = p v^{p−1} · 2 (h − h̄)/n
  void pull_back_group(View h, View dz, MutView dh) const {
    const Index n = h.rows() / groups_;
    for (Index b = 0; b < h.cols(); ++b) {
      for (Index k = 0; k < groups_; ++k) {
        const auto part = h.col(b).segment(k * n, n);
        const Scalar slope = power_ * std::pow(variance(part), power_ - 1) * 2 / static_cast<Scalar>(n);
        dh.col(b).segment(k * n, n) = (part.array() - part.mean()) * (slope * dz(k, b));
      }
    }
  }

  template <class Part> Scalar variance(const Part& part) const {
    return (smoothing_ + (part.array() - part.mean()).square().sum()) / static_cast<Scalar>(part.size());
  }

  Scalar gamma_;
  Index groups_;
  Scalar power_, smoothing_;
};

}  // namespace

RuleEntry phsic() {
  RuleEntry entry;
  entry.name = "phsic";
  entry.family = "local losses";
  entry.summary = "every layer learns to be alike where labels are, and unlike elsewhere, by a kernel's independence";
  entry.citation = "Pogodin & Latham 2020 (2006.07123)";
  entry.checked = "one step in torch";
  entry.numbers = "82.7 %";
  entry.options = {
      real_option("gamma", 2, 0, 1e6, "weight γ of the dependence on labels"),
      integer_option("groups", 0, 0, 1 << 20, "groups of units whose variances are compared; 0: the units"),
      real_option("grouping-power", 0.5, 1e-3, 10, "power p of a group's variance"),
      real_option("smoothing", 1, 1e-9, 1e6, "δ, added to a group's sum of squares")};
  entry.optimizers = {{"forward", adam(5e-4)}};
  entry.search = {log_uniform("gamma", 0.2, 20)};
  entry.make = [](const Options& o) { return std::make_unique<PlausibleHsic>(o); };
  return entry;
}

}  // namespace strata::rules
