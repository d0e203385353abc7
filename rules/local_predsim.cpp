// Local losses: prediction and similarity matching (Nøkland & Eidnes, 1901.06656, section 3, "predsim").
//
//   L_l = (1 − β) L_pred + β L_sim          each hidden layer learns on its own, nothing goes on below
//   L_pred   the loss of a linear head's outputs
//   L_sim    mean over pairs of examples of (S_ij(A_l h_l) − S_ij(y))², A_l a linear head as wide as the layer,
//            S_ij the cosine of two columns, each less its mean
// β = 0 and 1 are the paper's pred and sim. Prediction heads start at 0, as in the authors' code.
#include "framework/parallel/gemm.hpp"
#include "rules/builtin.hpp"
#include "rules/columns.hpp"

namespace strata::rules {
namespace {

class LocalPredSim final : public LearningRule {
 public:
  explicit LocalPredSim(const Options& o) : beta_(static_cast<Scalar>(o.real("beta"))) {}

  Traits traits() const override { return {.groups = {"forward", "heads"}}; }

  void prepare(const Net& net, const Loss&, Registry& registry) override {
    const Graph& graph = net.graph();
    const auto head = [&](const char* what, NodeId point, Index outputs, const char* init, bool bias) {
      const GraphSpec spec{{graph[point].units},
                           {{"head", "dense", {"input"}, {{"units", outputs}, {"init", init}, {"bias", bias}}}},
                           "head"};
      return std::make_unique<Net>(Graph(spec), registry, cat(what, "/", graph[point].name, "/"), "heads");
    };
    for (const NodeId point : graph.credit_points()) {
      if (beta_ < 1) predict_.push_back(head("predict", point, graph[graph.output()].units, "zeros", true));
      if (beta_ > 0) similar_.push_back(head("similar", point, graph[point].units, "xavier_normal", false));
    }
  }

  void compute(const Phase&, const Ctx& ctx, const Model& m, const Batch& batch, Workspace& ws,
               GradSink& g) const override {
    output_error(ctx, m, batch, ws.acts(), ws.deltas());
    const Index B = batch.size();
    const MutView unit_targets = ws.scratch("unit targets", batch.classes(), B), of_targets = ws.scratch("S(y)", B, B);
    normalise_columns(batch.one_hot, true, 1, unit_targets);
    gemm(Op::transposed, view(unit_targets), Op::none, view(unit_targets), of_targets);

    const auto& points = m.graph().credit_points();
    for (std::size_t l = 0; l < points.size(); ++l) {
      const View h = ws.acts()[points[l]];
      if (beta_ < 1) {
        const View out = run(ctx, m, *predict_[l], h, ws);
        MutView d = ws.deltas_of(predict_[l]->graph()).at(predict_[l]->graph().output(), B);
        m.loss.gradient(out, batch, d);
        d *= 1 - beta_;
        hand_on(m, *predict_[l], points[l], ws, g);
      }
      if (beta_ > 0) {
        const View out = run(ctx, m, *similar_[l], h, ws);
        // ∂L_sim/∂S = 2/B² (S(A h) − S(y)), and ∂S/∂û = twice û.
        const MutView u = ws.scratch("unit", out.rows(), B), S = ws.scratch("S(h)", B, B);
        normalise_columns(out, true, 1, u);
        gemm(Op::transposed, view(u), Op::none, view(u), S);
        MutView(S) -= of_targets;
        const MutView d = ws.deltas_of(similar_[l]->graph()).at(similar_[l]->graph().output(), B);
        gemm(Op::none, view(u), Op::none, view(S), d, 4 * beta_ / static_cast<Scalar>(B * B));
        pull_back_normalised(out, true, 1, d);
        hand_on(m, *similar_[l], points[l], ws, g);
      }
    }
    m.net.backward(m.registry, ws.acts(), ws.deltas(), &g, {.stop_at_credit_points = true});
  }

 private:
  static View run(const Ctx& ctx, const Model& m, const Net& head, View h, Workspace& ws) {
    Activations& acts = ws.acts_of(head.graph());
    head.forward(ctx, m.registry, h, acts);
    ws.deltas_of(head.graph()).clear();
    return acts[head.graph().output()];
  }

  // Back through a head, whose share is added to the point's signal.
  static void hand_on(const Model& m, const Net& head, NodeId point, Workspace& ws, GradSink& g) {
    Deltas& deltas = ws.deltas_of(head.graph());
    head.backward(m.registry, ws.acts_of(head.graph()), deltas, &g, {.to_input = true});
    const View share = deltas[Graph::input()];
    ws.deltas().at(point, share.cols()) += share;
  }

  Scalar beta_;
  std::vector<std::unique_ptr<Net>> predict_, similar_;  // heads of the credit points
};

}  // namespace

RuleEntry local_predsim() {
  RuleEntry entry;
  entry.name = "local_predsim";
  entry.family = "local losses";
  entry.summary = "every layer learns on its own head's prediction and on similarities between examples";
  entry.citation = "Nøkland & Eidnes 2019 (1901.06656)";
  entry.checked = "one step in torch";
  entry.numbers = "83.9 %";
  entry.options = {real_option("beta", 0.99, 0, 1, "weight β of the similarity loss; the prediction loss has 1 − β")};
  entry.optimizers = {{"forward", adam(5e-4)}, {"heads", adam(5e-4)}};  // the paper's
  entry.search = {uniform("beta", 0.5, 1)};
  entry.make = [](const Options& o) { return std::make_unique<LocalPredSim>(o); };
  return entry;
}

}  // namespace strata::rules
